//! The configuration: a TOML file, overridden by `TYMPAN_SECTION__KEY` variables, every key at its default in
//! `config/tympan.toml`.

mod base_url;
mod limit;
mod load;
mod secret;
mod sections;
mod suggest;
mod trunk;
mod trunk_media;

pub use base_url::BaseUrl;
pub use limit::Limit;
pub use load::{ConfigError, load};
pub use secret::{ExposedSecrets, SecretError, exposed_secrets, read_secret};
pub use sections::{
    Account, Audit, Auth, Capture, Config, Connect, ContactRecords, Credential, Flow, FlowLog, Http,
    Instance, Kms, Kvs, Lambda, LambdaFunction, Log, MediaStreaming, NamedPolicy, Role, Rtp, Sip, Speech,
    Store,
};
pub use trunk::{SipDigits, SipIdentity, SipTransport, SipTrunk, SipUser, sip_trunks};
pub(crate) use trunk_media::TrunkMediaRules;
pub use trunk_media::{SipMediaTrust, SipSilence};
