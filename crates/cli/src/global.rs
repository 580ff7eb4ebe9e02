//! What all verbs understand, and the clients that it leads to.

use tympan_client::kms::Kms;
use tympan_client::kvs::Kvs;
use tympan_client::{
    Access, Acknowledgements, Backups, ClientError, Connect, Contacts, Endpoint, Expiry, HttpClient,
    Identity, Machine, Prompts, Readers,
};

/// What all verbs understand.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Where the server is [default: AWS_ENDPOINT_URL, else http://127.0.0.1:8600]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Write JSON instead of tables
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress and no summaries; errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Log what happens inside; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Global {
    pub(crate) fn http(&self) -> Result<(HttpClient, Endpoint), ClientError> {
        let variable = |name: &str| std::env::var(name).ok();
        let endpoint = Endpoint::resolve(self.endpoint.as_deref(), variable)?;
        let identity = Identity::from_environment(variable)?;
        let http = match variable("AWS_CA_BUNDLE").filter(|file| !file.is_empty()) {
            Some(file) if endpoint.is_secure() => HttpClient::trusting(identity, file.as_ref())?,
            _ => HttpClient::new(identity),
        };
        Ok((http, endpoint))
    }

    pub(crate) fn kvs(&self) -> Result<Kvs, ClientError> {
        self.http().map(|(http, endpoint)| Kvs::new(http, endpoint))
    }

    pub(crate) fn kms(&self) -> Result<Kms, ClientError> {
        self.http().map(|(http, endpoint)| Kms::new(http, endpoint))
    }

    /// The expiry of media on the server that is meant.
    pub(crate) fn expiry(&self) -> Result<Expiry, ClientError> {
        self.http().map(|(http, endpoint)| Expiry::new(http, endpoint))
    }

    /// The policies and the audit file of the server that is meant.
    pub(crate) fn access(&self) -> Result<Access, ClientError> {
        self.http().map(|(http, endpoint)| Access::new(http, endpoint))
    }

    /// The backups of the server that is meant.
    pub(crate) fn backups(&self) -> Result<Backups, ClientError> {
        self.http().map(|(http, endpoint)| Backups::new(http, endpoint))
    }

    pub(crate) fn connect(&self) -> Result<Connect, ClientError> {
        self.http().map(|(http, endpoint)| Connect::new(http, endpoint))
    }

    /// The machine of the server that is meant.
    pub(crate) fn machine(&self) -> Result<Machine, ClientError> {
        self.http().map(|(http, endpoint)| Machine::new(http, endpoint))
    }

    /// The sound of prompts.
    pub(crate) fn prompts(&self) -> Result<Prompts, ClientError> {
        self.http().map(|(http, endpoint)| Prompts::new(http, endpoint))
    }

    /// The readers of the server's streams.
    pub(crate) fn readers(&self) -> Result<Readers, ClientError> {
        self.http().map(|(http, endpoint)| Readers::new(http, endpoint))
    }

    /// What the server told the producers of streams.
    pub(crate) fn acknowledgements(&self) -> Result<Acknowledgements, ClientError> {
        self.http().map(|(http, endpoint)| Acknowledgements::new(http, endpoint))
    }

    pub(crate) fn contacts(&self) -> Result<Contacts, ClientError> {
        self.http().map(|(http, endpoint)| Contacts::new(http, endpoint))
    }
}
