//! The whole configuration. A section is a struct in a file of its own, a key is a field of it; the defaults there are the ones that
//! `config/tympan.toml` shows.

use super::access::{Auth, Credential, NamedPolicy, Role};
use super::account::Account;
use super::audit::Audit;
use super::capture::Capture;
use super::centre::Centre;
use super::connect::Connect;
use super::console::Console;
use super::contact_events::ContactEvents;
use super::contact_records::ContactRecords;
use super::flow_log::FlowLog;
use super::http::Http;
use super::kms::Kms;
use super::kvs::Kvs;
use super::lambda::Lambda;
use super::lex::Lex;
use super::log::Log;
use super::rtp::Rtp;
use super::sip::Sip;
use super::speech::Speech;
use super::store::Store;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where streams, keys, settings and contact records live.
    pub data_dir: PathBuf,
    /// The account and region that this server answers for.
    pub account: Account,
    /// Access keys that may sign requests.
    pub credentials: Vec<Credential>,
    /// What access keys and roles may do, beside the built-in policies.
    pub policies: Vec<NamedPolicy>,
    /// Roles that access keys may assume.
    pub roles: Vec<Role>,
    /// The HTTP listener.
    pub http: Http,
    /// The web console.
    pub console: Console,
    /// How signatures are checked.
    pub auth: Auth,
    /// Who did what.
    pub audit: Audit,
    /// What flows did.
    pub flow_log: FlowLog,
    /// The records of contacts that ended.
    pub contact_records: ContactRecords,
    /// What happens to contacts and agents, as it happens.
    pub contact_events: ContactEvents,
    /// The SIP listener.
    pub sip: Sip,
    /// The media plane.
    pub rtp: Rtp,
    /// How captured audio is cut and sent to its stream.
    pub capture: Capture,
    /// The Kinesis Video Streams service.
    pub kvs: Kvs,
    /// The embedded media store.
    pub store: Store,
    /// The keys that encrypt it.
    pub kms: Kms,
    /// How Lambda functions are reached.
    pub lambda: Lambda,
    /// How text prompts are spoken.
    pub speech: Speech,
    /// `[centre]`
    pub centre: Centre,
    /// How bots are reached.
    pub lex: Lex,
    /// Instances, flows and numbers that exist from the start.
    pub connect: Connect,
    /// Logging.
    pub log: Log,
}

impl Config {
    /// The folder of the master keys.
    pub fn keyring_dir(&self) -> PathBuf {
        self.kms.keyring_dir.clone().unwrap_or_else(|| self.data_dir.join("keyring"))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/tympan"),
            account: Account::default(),
            credentials: Vec::new(),
            policies: Vec::new(),
            roles: Vec::new(),
            http: Http::default(),
            console: Console::default(),
            auth: Auth::default(),
            audit: Audit::default(),
            flow_log: FlowLog::default(),
            contact_records: ContactRecords::default(),
            contact_events: ContactEvents::default(),
            sip: Sip::default(),
            rtp: Rtp::default(),
            capture: Capture::default(),
            kvs: Kvs::default(),
            store: Store::default(),
            kms: Kms::default(),
            lambda: Lambda::default(),
            speech: Speech::default(),
            centre: Centre::default(),
            lex: Lex::default(),
            connect: Connect::default(),
            log: Log::default(),
        }
    }
}
