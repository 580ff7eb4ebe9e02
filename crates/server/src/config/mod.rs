//! The configuration: a TOML file, overridden by `TYMPAN_SECTION__KEY` variables, every key at its default in
//! `config/tympan.toml`.

mod base_url;
mod centre;
mod check;
mod choices;
mod console;
mod error;
mod lex;
mod limit;
mod load;
mod origin;
mod phone;
mod secret;
mod sections;
mod suggest;
mod trunk;
mod trunk_media;
mod values;
mod written;

pub use base_url::BaseUrl;
pub use centre::Centre;
pub use choices::{DigestAlgorithm, KeyKeeper, LimitProfile, LogFormat, SpeechRate, TrackNaming};
pub use console::Console;
pub use error::ConfigError;
pub use lex::{Lex, LexBot, LexV1Bot};
pub use limit::Limit;
pub use load::{Entry, Loaded, load};
pub use origin::{Origin, Origins};
pub use phone::SipPhone;
pub(crate) use phone::{sip_agents, sip_outbound, sip_phones};
pub use secret::{ExposedSecrets, SecretError, exposed_secrets, read_secret};
pub use sections::{
    Account, Audit, Auth, Capture, Config, Connect, ContactRecords, Credential, Flow, FlowLog, Http,
    Instance, Kms, Kvs, Lambda, LambdaFunction, Log, MediaStreaming, NamedPolicy, Role, Rtp, Sip, Speech,
    Store,
};
pub use trunk::{SipDigits, SipIdentity, SipTransport, SipTrunk, SipUser, sip_trunks};
pub(crate) use trunk_media::TrunkMediaRules;
pub use trunk_media::{SipMediaTrust, SipSilence};
pub use values::{ListenAddress, LogFilter, Secret, ServiceUrl};
