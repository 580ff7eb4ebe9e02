//! The sinks of contact records that the configuration names, beside the file.

use super::wire::Site;
use crate::config::{self, Config, LambdaFunction};
use crate::lambda::Lambda;
use crate::persist::{DataStream, PUSHED_TO, Push, RecordWays, StreamOf};
use std::sync::Arc;
use tympan_auth::Credentials;
use tympan_connect::ConnectService;
use tympan_connect::storage::{Sink, SinkResource};
use tympan_types::InstanceId;

/// The stream that an instance's storage names for contact records, else the one of the configuration.
fn stream_of(connect: ConnectService, default: String) -> StreamOf {
    Arc::new(move |instance: InstanceId| {
        let instance = connect.instance(instance);
        match instance.as_ref().and_then(|instance| instance.sink(SinkResource::ContactTraceRecords)) {
            Some(Sink::KinesisStream(arn)) => Some(arn.clone()),
            _ => (!default.is_empty()).then(|| default.clone()),
        }
    })
}

/// The ways to them. A name once given stays: what waits in the outbox goes by it.
pub(super) fn ways(config: &Config, site: &Site, connect: &ConnectService) -> anyhow::Result<RecordWays> {
    let records = &config.contact_records;
    let mut ways = RecordWays::default();
    if let Some(endpoint) = &records.stream_endpoint {
        let file = records.secret_access_key_file.as_deref();
        let secret =
            config::read_secret("contact_records.secret_access_key", &records.secret_access_key, file)?;
        let id = records.access_key_id.as_str();
        let credentials = (!id.is_empty()).then(|| Credentials::new(id, secret));
        let stream_of = stream_of(connect.clone(), records.stream_arn.clone());
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
