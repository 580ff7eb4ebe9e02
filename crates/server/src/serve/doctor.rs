//! The doctor of a server that runs.

use crate::config::Config;
use crate::doctor;
use serde_json::{Value, json};
use tympan_aws::BoxFuture;

/// Looks at the machine with the configuration that the server runs by.
pub(super) struct RunningDoctor {
    config: Config,
    /// Where the server listens.
    url: String,
}

impl RunningDoctor {
    pub(super) fn new(config: &Config, url: &str) -> Self {
        Self { config: config.clone(), url: url.to_owned() }
    }
}

impl tympan_admin::Doctor for RunningDoctor {
    fn examine(&self) -> BoxFuture<'_, Value> {
        Box::pin(async {
            let findings = doctor::examine(&self.config, &self.url).await;
            serde_json::to_value(findings).unwrap_or_else(|error| {
                tracing::error!(%error, "findings of the doctor cannot be written as JSON");
                json!([])
            })
        })
    }
}
