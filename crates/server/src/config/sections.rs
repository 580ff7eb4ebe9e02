//! One struct per section, one field per key; the defaults here are the ones that `config/tympan.toml` shows.

use super::base_url::BaseUrl;
use super::centre::Centre;
use super::choices::{DigestAlgorithm, KeyKeeper, LimitProfile, LogFormat, SpeechRate, TrackNaming};
use super::console::Console;
use super::lex::Lex;
use super::limit::Limit;
use super::phone::SipPhone;
use super::trunk::SipTrunk;
use super::values::{ListenAddress, LogFilter, Secret, ServiceUrl};
use super::written::{path_or_empty, text, text_or_empty, texts, valid};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use tympan_auth::Network;
use tympan_client::Endpoint;
use tympan_connect::hours::TimeZone;
use tympan_connect::phone_numbers::NumberRange;
use tympan_kms::KeyId;
use tympan_types::{AccountId, Region};

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

/// `[account]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// Twelve digits.
    pub id: AccountId,
    /// Region name.
    pub region: Region,
}

impl Default for Account {
    fn default() -> Self {
        Self { id: valid("111122223333"), region: valid("us-west-2") }
    }
}

/// `[[credentials]]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Credential {
    /// The access key id.
    pub access_key_id: String,
    /// The secret, in the clear; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret; refused when others can read it.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
    /// The session token that must come with the key; empty for a long-lived key.
    pub session_token: Secret,
    /// The user's name in ARNs; empty: the access key id.
    pub user: String,
    /// Names of the policies that the key has; without one it may do nothing.
    pub policies: Vec<String>,
}

/// `[[policies]]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NamedPolicy {
    /// What credentials and roles call it.
    pub name: String,
    /// Its JSON.
    pub document: String,
    /// A file that holds its JSON.
    #[serde(with = "path_or_empty")]
    pub document_file: Option<PathBuf>,
}

/// `[[roles]]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Role {
    /// The last part of its ARN.
    pub name: String,
    /// Names of its policies.
    pub policies: Vec<String>,
    /// Ids of the access keys that may assume it.
    pub assumed_by: Vec<String>,
    /// How long its sessions may last.
    pub session_max_s: u32,
}

impl Default for Role {
    fn default() -> Self {
        Self { name: String::new(), policies: Vec::new(), assumed_by: Vec::new(), session_max_s: 3_600 }
    }
}

/// `[http]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port of the APIs, health and metrics; port 0 lets the kernel choose.
    pub listen: ListenAddress,
    /// What GetDataEndpoint answers; empty: the scheme and the host of the request itself.
    #[serde(with = "text_or_empty")]
    pub public_url: Option<BaseUrl>,
    /// Addresses and networks of proxies, whose `X-Forwarded-Proto` says by which scheme a client came.
    #[serde(with = "texts")]
    pub trusted_proxies: Vec<Network>,
    /// A PEM file with the certificate and those that vouch for it; empty: no TLS.
    #[serde(with = "path_or_empty")]
    pub tls_certificate_file: Option<PathBuf>,
    /// A PEM file with the certificate's private key; refused when others can read it.
    #[serde(with = "path_or_empty")]
    pub tls_key_file: Option<PathBuf>,
    /// Largest JSON request body.
    pub body_limit_bytes: usize,
    /// Memory for bodies whose signature is not checked yet, beside 16 KiB for each.
    pub unauthenticated_bytes_max: usize,
    /// Connections at once; an idle one makes room for a new one.
    pub connections_max: usize,
    /// Of them, from one address.
    pub connections_per_source_max: usize,
    /// How long the head of a request may take.
    pub header_timeout_ms: u64,
    /// How long a connection may wait for its next request.
    pub idle_timeout_ms: u64,
    /// How long a client may take nothing of an answer before its connection is closed.
    pub write_timeout_ms: u64,
    /// How long SIGTERM waits for calls and uploads to end.
    pub drain_timeout_ms: u64,
    /// Pages of these origins may read the answers of Kinesis Video Streams, and may call a server under `--dev`.
    pub allowed_origins: Vec<String>,
    /// Names by which clients reach a server under `--dev`, beside its address and loopback.
    pub allowed_hosts: Vec<String>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: valid("127.0.0.1:8600"),
            public_url: None,
            trusted_proxies: Vec::new(),
            tls_certificate_file: None,
            tls_key_file: None,
            body_limit_bytes: 4 * 1024 * 1024,
            unauthenticated_bytes_max: 32 * 1024 * 1024,
            connections_max: 4_096,
            connections_per_source_max: 2_048,
            header_timeout_ms: 30_000,
            idle_timeout_ms: 60_000,
            write_timeout_ms: 60_000,
            drain_timeout_ms: 30_000,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
        }
    }
}

/// `[auth]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// How far a request's clock may be off.
    pub clock_skew_s: u64,
}

impl Default for Auth {
    fn default() -> Self {
        Self { clock_skew_s: 300 }
    }
}

/// `[audit]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Whether it is written.
    pub enabled: bool,
    /// Where; empty: `audit.jsonl` in the data folder.
    #[serde(with = "path_or_empty")]
    pub file: Option<PathBuf>,
    /// A file of this size is put aside.
    pub file_limit_bytes: u64,
    /// How many files that were put aside are kept.
    pub files_kept: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Self { enabled: true, file: None, file_limit_bytes: FILE_LIMIT_BYTES, files_kept: 10 }
    }
}

/// `[flow_log]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowLog {
    /// A file of this size is put aside.
    pub file_limit_bytes: u64,
    /// How many files that were put aside are kept.
    pub files_kept: u32,
    /// A file that was put aside is removed so many days after; 0: never.
    pub kept_days: u32,
    /// Lines show what callers typed and said, attributes and answers of functions.
    pub values: bool,
}

impl Default for FlowLog {
    fn default() -> Self {
        Self { file_limit_bytes: FILE_LIMIT_BYTES, files_kept: 10, kept_days: 90, values: false }
    }
}

/// `[contact_records]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactRecords {
    /// A file of this size is put aside.
    pub file_limit_bytes: u64,
    /// How many files that were put aside are kept.
    pub files_kept: u32,
    /// A file that was put aside is removed so many days after; 0: never.
    pub kept_days: u32,
    /// A Kinesis-compatible endpoint that records are put to; empty: none.
    #[serde(with = "text_or_empty")]
    pub stream_endpoint: Option<ServiceUrl>,
    /// The ARN of the data stream for instances whose storage names none; empty: their records go to no stream.
    pub stream_arn: String,
    /// The access key that signs for the endpoint.
    pub access_key_id: String,
    /// Its secret; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
    /// A URL that each record is posted to, in the event of a Lambda function behind a data stream.
    #[serde(with = "text_or_empty")]
    pub push_url: Option<ServiceUrl>,
    /// A command and its arguments that get the same event on stdin, instead of a URL.
    pub push_command: Vec<String>,
}

/// `[contact_events]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactEvents {
    /// Whether they go to `contact-events.jsonl` of the data folder.
    pub file: bool,
    /// A file of this size is put aside.
    pub file_limit_bytes: u64,
    /// How many files that were put aside are kept.
    pub files_kept: u32,
    /// A file that was put aside is removed so many days after; 0: never.
    pub kept_days: u32,
    /// Only events of these types; empty: all.
    pub types: Vec<String>,
    /// No events of these types.
    pub anything_but: Vec<String>,
    /// A URL that each event is posted to; empty: none.
    #[serde(with = "text_or_empty")]
    pub url: Option<ServiceUrl>,
    /// What signs for it; prefer `url_secret_file`.
    pub url_secret: Secret,
    /// A file that holds that.
    #[serde(with = "path_or_empty")]
    pub url_secret_file: Option<PathBuf>,
    /// A Kinesis-compatible endpoint that events are put to; empty: none.
    #[serde(with = "text_or_empty")]
    pub stream_endpoint: Option<ServiceUrl>,
    /// The ARN of the data stream of contact events; empty: none. Agent events go to the stream that the AGENT_EVENTS storage of their
    /// instance names.
    pub stream_arn: String,
    /// The access key that signs for the endpoint.
    pub access_key_id: String,
    /// Its secret; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
}

impl Default for ContactEvents {
    fn default() -> Self {
        Self {
            file: false,
            file_limit_bytes: FILE_LIMIT_BYTES,
            files_kept: 100,
            kept_days: 90,
            types: Vec::new(),
            anything_but: Vec::new(),
            url: None,
            url_secret: Secret::default(),
            url_secret_file: None,
            stream_endpoint: None,
            stream_arn: String::new(),
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
            secret_access_key_file: None,
        }
    }
}

impl Default for ContactRecords {
    fn default() -> Self {
        Self {
            file_limit_bytes: FILE_LIMIT_BYTES,
            files_kept: 100,
            kept_days: 731,
            stream_endpoint: None,
            stream_arn: String::new(),
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
            secret_access_key_file: None,
            push_url: None,
            push_command: Vec::new(),
        }
    }
}

/// At which size files of lines are put aside, unless the configuration says otherwise.
const FILE_LIMIT_BYTES: u64 = 64 * 1024 * 1024;

/// `[sip]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sip {
    /// Address and port for UDP and TCP; port 0 lets the kernel choose.
    pub listen: SocketAddr,
    /// The address to put into Contact and SDP; empty: the listening address.
    #[serde(with = "text_or_empty")]
    pub public_address: Option<IpAddr>,
    /// Calls at once; further ones are answered 503.
    pub calls_max: usize,
    /// TCP connections at once; one that carries no call makes room for a new one.
    pub tcp_connections_max: usize,
    /// Of them, from one address.
    pub tcp_connections_per_source_max: usize,
    /// How long nothing may come by a TCP connection that carries no call.
    pub tcp_idle_timeout_ms: u64,
    /// How long a message that came in part may wait for its rest.
    pub tcp_message_timeout_ms: u64,
    /// How long a peer may take nothing of what is written to its TCP connection.
    pub tcp_write_timeout_ms: u64,
    /// What may wait to be written to one TCP connection.
    pub tcp_write_queue_bytes: usize,
    /// Calls of one source that are not acknowledged yet; further ones are answered 503.
    pub half_open_per_source: usize,
    /// Requests outside of calls from one source, per second.
    pub requests_per_source_per_s: u32,
    /// Sources that are remembered for the two limits.
    pub sources_max: usize,
    /// Transactions at once, ours and the peers'.
    pub transactions_max: usize,
    /// The least time that a telephone registers for, in seconds.
    pub registration_min_s: u32,
    /// The longest time that a telephone is registered without a refresh, in seconds.
    pub registration_max_s: u32,
    /// Devices that register under one name.
    pub devices_per_phone_max: usize,
    /// Wrong passwords of one source within a minute.
    pub wrong_passwords_per_source_per_min: u32,
    /// The realm of telephones.
    pub phone_realm: String,
    /// What is offered to a telephone of which the password is known.
    pub phone_algorithms: Vec<DigestAlgorithm>,
    /// URIs elsewhere that may be dialled.
    pub dial_allow: Vec<String>,
    /// Telephones.
    pub phones: Vec<SipPhone>,
    /// What holds for peers by where they come from.
    pub trunks: Vec<SipTrunk>,
}

impl Default for Sip {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5060)),
            public_address: None,
            calls_max: 2_000,
            tcp_connections_max: 1_024,
            tcp_connections_per_source_max: 512,
            tcp_idle_timeout_ms: 300_000,
            tcp_message_timeout_ms: 30_000,
            tcp_write_timeout_ms: 10_000,
            tcp_write_queue_bytes: 1_048_576,
            half_open_per_source: 200,
            requests_per_source_per_s: 200,
            sources_max: 10_000,
            transactions_max: 100_000,
            registration_min_s: 60,
            registration_max_s: 3_600,
            devices_per_phone_max: 8,
            wrong_passwords_per_source_per_min: 20,
            phone_realm: "tympan".into(),
            phone_algorithms: vec![DigestAlgorithm::Md5],
            dial_allow: Vec::new(),
            phones: Vec::new(),
            trunks: Vec::new(),
        }
    }
}

/// `[rtp]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rtp {
    /// First port of the range; 0 lets the kernel choose each port.
    pub port_first: u16,
    /// Last port of the range.
    pub port_last: u16,
    /// Media threads; 0: cores less one, at least one.
    pub threads: usize,
    /// How often a media thread drains its sockets; 5 ms at least while it holds more than 1,000 legs.
    pub tick_ms: u64,
    /// How far the captured timeline may fall behind the clock before silence is written.
    pub silence_grace_ms: u64,
}

impl Default for Rtp {
    fn default() -> Self {
        Self { port_first: 20_000, port_last: 29_999, threads: 0, tick_ms: 2, silence_grace_ms: 500 }
    }
}

/// `[capture]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capture {
    /// How the customer's track is named: `current` or `seed2019`.
    pub track_profile: TrackNaming,
    /// How long the Start block waits for the store before it takes its Error branch.
    pub start_timeout_ms: u64,
    /// How long the Stop block and the end of a call wait for the last acknowledgement.
    pub stop_timeout_ms: u64,
    /// Audio that may wait for a slow store, per call; what goes beyond is counted and becomes a gap.
    pub backlog_limit_bytes: usize,
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            track_profile: TrackNaming::Current,
            start_timeout_ms: 5_000,
            stop_timeout_ms: 5_000,
            backlog_limit_bytes: 1024 * 1024,
        }
    }
}

/// `[kvs]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kvs {
    /// Profile of the limits below that say `profile`: `open` or `aws`.
    pub limits: LimitProfile,
    /// Streams per account.
    pub streams_per_account: u32,
    /// Tags of a stream.
    pub tags_per_stream: usize,
    /// Largest fragment.
    pub fragment_limit_bytes: usize,
    /// Longest fragment.
    pub fragment_limit_ms: u64,
    /// Calls a second of one account, for each of DescribeStream and GetDataEndpoint.
    pub lookups_per_account_per_s: Limit,
    /// Calls a second of one account, for each other operation on streams.
    pub changes_per_account_per_s: Limit,
    /// Calls a second to one stream, for each operation on streams.
    pub control_calls_per_stream_per_s: Limit,
    /// PutMedia requests a second to one stream.
    pub put_media_calls_per_stream_per_s: Limit,
    /// PutMedia connections to one stream at a time.
    pub put_media_connections_per_stream: Limit,
    /// How long a PutMedia connection beyond the limit waits for an earlier one to end, in milliseconds.
    pub put_media_overlap_ms: Limit,
    /// Longest life of a PutMedia connection, in seconds.
    pub put_media_lifetime_s: Limit,
    /// Bytes a second of one PutMedia connection.
    pub put_media_bytes_per_s: Limit,
    /// Fragments a second of one PutMedia connection.
    pub put_media_fragments_per_s: Limit,
    /// GetMedia requests a second to one stream.
    pub get_media_calls_per_stream_per_s: Limit,
    /// GetMedia connections to one stream at a time.
    pub get_media_connections_per_stream: Limit,
    /// Bytes a second of one GetMedia connection.
    pub get_media_bytes_per_s: Limit,
    /// Fragments a second of one GetMedia connection.
    pub get_media_fragments_per_s: Limit,
    /// GetMediaForFragmentList connections to one stream at a time.
    pub fragment_list_connections_per_stream: Limit,
    /// Bytes a second of one GetMediaForFragmentList connection.
    pub fragment_list_bytes_per_s: Limit,
    /// Points a second of one stream, of which ListFragments spends its MaxResults.
    pub list_points_per_stream_per_s: Limit,
    /// Points a second of one stream, of which archived media spends one a fragment.
    pub read_points_per_stream_per_s: Limit,
    /// Session URLs a second of one stream, for each of HLS and DASH.
    pub session_urls_per_stream_per_s: Limit,
    /// How long a stream is said to be CREATING, UPDATING or DELETING.
    pub status_delay_ms: u64,
    /// How long GetMedia waits at the tail of a quiet stream before it ends.
    pub get_media_idle_ms: u64,
    /// How long a GetMedia connection may live.
    pub get_media_lifetime_s: u64,
    /// How long a reader of GetMedia may take nothing.
    pub get_media_stall_ms: u64,
    /// How long a PutMedia connection may stay silent.
    pub put_media_idle_ms: u64,
    /// How long a fragment that was cut off waits for the upload that goes on with it.
    pub put_media_resume_ms: u64,
}

impl Default for Kvs {
    fn default() -> Self {
        Self {
            limits: LimitProfile::Open,
            streams_per_account: 100,
            tags_per_stream: 50,
            fragment_limit_bytes: 50 * 1024 * 1024,
            fragment_limit_ms: 20_000,
            lookups_per_account_per_s: Limit::Profile,
            changes_per_account_per_s: Limit::Profile,
            control_calls_per_stream_per_s: Limit::Profile,
            put_media_calls_per_stream_per_s: Limit::Profile,
            put_media_connections_per_stream: Limit::Profile,
            put_media_overlap_ms: Limit::Profile,
            put_media_lifetime_s: Limit::Profile,
            put_media_bytes_per_s: Limit::Profile,
            put_media_fragments_per_s: Limit::Profile,
            get_media_calls_per_stream_per_s: Limit::Profile,
            get_media_connections_per_stream: Limit::Profile,
            get_media_bytes_per_s: Limit::Profile,
            get_media_fragments_per_s: Limit::Profile,
            fragment_list_connections_per_stream: Limit::Profile,
            fragment_list_bytes_per_s: Limit::Profile,
            list_points_per_stream_per_s: Limit::Profile,
            read_points_per_stream_per_s: Limit::Profile,
            session_urls_per_stream_per_s: Limit::Profile,
            status_delay_ms: 0,
            get_media_idle_ms: 3_000,
            get_media_lifetime_s: 2_700,
            get_media_stall_ms: 30_000,
            put_media_idle_ms: 30_000,
            put_media_resume_ms: 10_000,
        }
    }
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// How often expired media is removed from disk (it is never served meanwhile).
    pub sweep_interval_s: u64,
    /// How often the scrub reads everything that is stored; 0: never.
    pub scrub_interval_s: u64,
    /// At most so many bytes a second.
    pub scrub_bytes_per_s: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self { sweep_interval_s: 60, scrub_interval_s: 604_800, scrub_bytes_per_s: 8_000_000 }
    }
}

/// `[kms]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kms {
    /// Who keeps the master keys: `local`, a keyring on this machine, or `external`, a KMS elsewhere.
    pub provider: KeyKeeper,
    /// Folder of the local master keys; empty: `keyring` in the data folder. Keep it on another disk in production.
    #[serde(with = "path_or_empty")]
    pub keyring_dir: Option<PathBuf>,
    /// Ids of master keys that are lost for good: the server starts without them, and their streams cannot be read.
    pub lost_keys: Vec<String>,
    /// URL of the external KMS; empty: AWS's own in its region.
    #[serde(with = "text_or_empty")]
    pub endpoint: Option<Endpoint>,
    /// Region of the external KMS; empty: that of the account.
    #[serde(with = "text_or_empty")]
    pub region: Option<Region>,
    /// The access key that signs requests to the external KMS.
    pub access_key_id: String,
    /// Its secret; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
    /// The session token of temporary credentials.
    pub session_token: Secret,
    /// The external key of streams that name none; empty: `alias/aws/kinesisvideo`.
    #[serde(with = "text_or_empty")]
    pub default_key: Option<KeyId>,
    /// How long one request to the external KMS may take.
    pub attempt_timeout_ms: u64,
    /// How often a request is tried that fails in a way that may pass.
    pub attempts: u32,
}

impl Default for Kms {
    fn default() -> Self {
        Self {
            provider: KeyKeeper::Local,
            keyring_dir: None,
            lost_keys: Vec::new(),
            endpoint: None,
            region: None,
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
            secret_access_key_file: None,
            session_token: Secret::default(),
            default_key: None,
            attempt_timeout_ms: 1_000,
            attempts: 3,
        }
    }
}

/// `[lambda]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lambda {
    /// A Lambda-compatible endpoint; empty: only mapped functions can be invoked.
    #[serde(with = "text_or_empty")]
    pub endpoint: Option<ServiceUrl>,
    /// The access key that signs invocations.
    pub access_key_id: String,
    /// Its secret; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
    /// Whether every function needs AssociateLambdaFunction; otherwise mapped ones, and under `--dev` all, do without.
    pub require_association: bool,
    /// Functions that are a local command or URL.
    pub functions: Vec<LambdaFunction>,
}

/// `[[lambda.functions]]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LambdaFunction {
    /// The function's ARN as flows name it.
    pub arn: String,
    /// A command and its arguments: the event comes on its stdin, the result is read from its stdout.
    pub command: Vec<String>,
    /// A URL that the event is posted to, instead of a command.
    #[serde(with = "text_or_empty")]
    pub url: Option<ServiceUrl>,
}

/// `[speech]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Speech {
    /// A command that reads text on stdin and writes WAV to stdout; empty: prompts are silence of their reading time.
    pub command: Vec<String>,
    /// A Polly-compatible endpoint, instead of the command.
    #[serde(with = "text_or_empty")]
    pub endpoint: Option<ServiceUrl>,
    /// The access key that signs requests to both endpoints.
    pub access_key_id: String,
    /// Its secret; prefer `secret_access_key_file`.
    pub secret_access_key: Secret,
    /// A file that holds the secret.
    #[serde(with = "path_or_empty")]
    pub secret_access_key_file: Option<PathBuf>,
    /// At which rate the endpoint is asked to speak.
    pub sample_rate_hz: SpeechRate,
    /// How long one prompt may take.
    pub timeout_ms: u64,
    /// Prompts that are spoken or fetched at once.
    pub workers: usize,
    /// Prompts that may wait for that; what is beyond is silence of its reading time.
    pub waiting_max: usize,
    /// Memory for what was spoken and fetched.
    pub cache_bytes: usize,
    /// Folder of WAV prompts that flows name by id.
    #[serde(with = "path_or_empty")]
    pub prompt_dir: Option<PathBuf>,
    /// An S3-compatible endpoint for prompts that flows name by an S3 URI.
    #[serde(with = "text_or_empty")]
    pub s3_endpoint: Option<ServiceUrl>,
    /// Hosts of which prompts may be fetched by their URI.
    pub uri_hosts: Vec<String>,
}

impl Default for Speech {
    fn default() -> Self {
        Self {
            command: ["espeak-ng", "--stdin", "--stdout"].map(String::from).to_vec(),
            endpoint: None,
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
            secret_access_key_file: None,
            sample_rate_hz: SpeechRate::Hz8000,
            timeout_ms: 10_000,
            workers: 8,
            waiting_max: 256,
            cache_bytes: 16 * 1024 * 1024,
            prompt_dir: None,
            s3_endpoint: None,
            uri_hosts: Vec::new(),
        }
    }
}

/// `[connect]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Connect {
    /// How long a stream rests after a call, in seconds, unless the account may have no more.
    pub stream_rest_s: u64,
    /// Keys that a caller types before a block asks for them are kept for the next block that does.
    pub keys_ahead: bool,
    /// The run of each flow is traced into the flow log, so that it can be repeated: `tympan contacts trace`.
    pub flow_traces: bool,
    /// How many days a contact is kept after its beginning; 0: until it is deleted.
    pub contacts_kept_days: u32,
    /// The numbers that SearchAvailablePhoneNumbers offers, as ranges.
    #[serde(with = "texts")]
    pub number_ranges: Vec<NumberRange>,
    /// The time zone of the hours of operation that an instance begins with.
    #[serde(with = "text")]
    pub time_zone: TimeZone,
    /// Instances that exist from the start; changes made by the API stay.
    pub instances: Vec<Instance>,
}

impl Default for Connect {
    fn default() -> Self {
        Self {
            stream_rest_s: 120,
            keys_ahead: true,
            flow_traces: false,
            contacts_kept_days: 731,
            number_ranges: vec![NumberRange::default()],
            time_zone: TimeZone::utc(),
            instances: Vec::new(),
        }
    }
}

/// `[[connect.instances]]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Instance {
    /// The instance alias.
    pub alias: String,
    /// How many days its contacts are kept; absent: as `connect.contacts_kept_days` says.
    pub contacts_kept_days: Option<u32>,
    /// Live media streaming; absent: not enabled.
    pub media_streaming: Option<MediaStreaming>,
    /// Functions that flows may invoke.
    pub lambda_functions: Vec<String>,
    /// Contact flows.
    pub flows: Vec<Flow>,
}

/// `[connect.instances.media_streaming]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaStreaming {
    /// Prefix of the streams' names.
    pub prefix: String,
    /// The KMS key: id, ARN or alias.
    #[serde(with = "text")]
    pub kms_key: KeyId,
    /// Hours that audio is kept; 0: no data retention.
    pub retention_hours: u32,
}

/// `[[connect.instances.flows]]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flow {
    /// The flow's name.
    pub name: String,
    /// The file that holds its JSON.
    pub file: PathBuf,
    /// Numbers that ring it, in E.164.
    pub numbers: Vec<String>,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// A filter such as `info` or `tympan_server=debug,warn`.
    pub filter: LogFilter,
    /// `text` or `json`.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: LogFilter::default(), format: LogFormat::Text }
    }
}
