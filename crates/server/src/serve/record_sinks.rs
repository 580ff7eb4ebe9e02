//! The sinks of contact records that the configuration names, beside the file.

use super::wire::Site;
use crate::config::{self, Config, LambdaFunction};
use crate::lambda::Lambda;
use crate::persist::{DataStream, PUSHED_TO, Push, RecordWays, StreamOf};
use std::sync::Arc;
use tympan_auth::Credentials;
use tympan_types::InstanceId;

/// The ways to them. A name once given stays: what waits in the outbox goes by it.
pub(super) fn ways(config: &Config, site: &Site) -> anyhow::Result<RecordWays> {
    let records = &config.contact_records;
    let mut ways = RecordWays::default();
    if let Some(endpoint) = &records.stream_endpoint {
        let file = records.secret_access_key_file.as_deref();
        let secret =
            config::read_secret("contact_records.secret_access_key", &records.secret_access_key, file)?;
        let id = records.access_key_id.as_str();
        let credentials = (!id.is_empty()).then(|| Credentials::new(id, secret));
        let arn = records.stream_arn.clone();
        let stream_of: StreamOf = Arc::new(move |_: InstanceId| (!arn.is_empty()).then(|| arn.clone()));
        let (endpoint, region) = (endpoint.uri().clone(), config.account.region.clone());
        ways = ways.with("record-stream", DataStream::new(endpoint, credentials, region, stream_of));
    }
    let is_command = !records.push_command.is_empty();
    if is_command || records.push_url.is_some() {
        let (arn, command, url) =
            (PUSHED_TO.to_owned(), records.push_command.clone(), records.push_url.clone());
        let mapped = config::Lambda {
            functions: vec![LambdaFunction { arn, command, url }],
            ..config::Lambda::default()
        };
        let lambda = Lambda::new(&mapped, &config.account.region, site.limits.descriptors.clone())?;
        let push = Push::new(lambda, is_command, config.account.region.clone(), config.account.id.clone());
        ways = ways.with("record-push", push);
    }
    Ok(ways)
}
