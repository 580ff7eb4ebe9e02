//! The sinks of contact records and events that the configuration names, beside the file of records.

use super::wire::Site;
use crate::config::{self, Config, LambdaFunction};
use crate::lambda::Lambda;
use crate::lines::{LineFileOptions, LineWriters, Rotation};
use crate::persist::{DataStream, LineFile, PUSHED_TO, Push, RecordWays, StreamOf, Webhook};
use std::sync::Arc;
use tympan_auth::Credentials;
use tympan_connect::ConnectService;
use tympan_connect::events::{EventFilter, EventType};
use tympan_connect::storage::{Sink, SinkResource};
use tympan_types::InstanceId;

/// The stream that an instance's storage names for records or events, else the one of the configuration.
fn stream_named_for(connect: ConnectService, resource: SinkResource, default: String) -> StreamOf {
    Arc::new(move |instance: InstanceId| {
        let instance = connect.instance(instance);
        match instance.as_ref().and_then(|instance| instance.sink(resource)) {
            Some(Sink::KinesisStream(arn)) => Some(arn.clone()),
            _ => (!default.is_empty()).then(|| default.clone()),
        }
    })
}

/// The ways to them. A name once given stays: what waits in the outbox goes by it.
pub(super) fn ways(
    config: &Config,
    site: &Site,
    connect: &ConnectService,
    writers: &LineWriters,
) -> anyhow::Result<RecordWays> {
    let records = &config.contact_records;
    let mut ways = RecordWays::default();
    if let Some(endpoint) = &records.stream_endpoint {
        let file = records.secret_access_key_file.as_deref();
        let secret =
            config::read_secret("contact_records.secret_access_key", &records.secret_access_key, file)?;
        let id = records.access_key_id.as_str();
        let credentials = (!id.is_empty()).then(|| Credentials::new(id, secret));
        let default = records.stream_arn.clone();
        let stream_of = stream_named_for(connect.clone(), SinkResource::ContactTraceRecords, default);
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
    events(config, connect, writers, ways)
}

/// The same with those of events.
fn events(
    config: &Config,
    connect: &ConnectService,
    writers: &LineWriters,
    mut ways: RecordWays,
) -> anyhow::Result<RecordWays> {
    let events = &config.contact_events;
    let types = |words: &[String]| words.iter().filter_map(|word| EventType::parse(word)).collect();
    let filter = EventFilter { types: types(&events.types), anything_but: types(&events.anything_but) };
    if events.file {
        let rotation = Rotation {
            limit_bytes: events.file_limit_bytes,
            kept: events.files_kept,
            kept_for: Rotation::days(events.kept_days),
        };
        let lines = writers.open(LineFileOptions {
            name: "contact events",
            path: config.data_dir.join("contact-events.jsonl"),
            mode: 0o600,
            rotation,
            missing: |_| None,
        })?;
        ways = ways.with_events("event-file", LineFile::new(lines), filter.clone());
    }
    if let Some(url) = &events.url {
        let secret = config::read_secret(
            "contact_events.url_secret",
            &events.url_secret,
            events.url_secret_file.as_deref(),
        )?;
        ways = ways.with_events("event-url", Webhook::new(url.uri().clone(), &secret), filter.clone());
    }
    if let Some(endpoint) = &events.stream_endpoint {
        let file = events.secret_access_key_file.as_deref();
        let secret =
            config::read_secret("contact_events.secret_access_key", &events.secret_access_key, file)?;
        let id = events.access_key_id.as_str();
        let credentials = || (!id.is_empty()).then(|| Credentials::new(id, secret.clone()));
        let stream = |stream_of: StreamOf| {
            let (endpoint, region) = (endpoint.uri().clone(), config.account.region.clone());
            DataStream::new(endpoint, credentials(), region, stream_of)
        };
        if !events.stream_arn.is_empty() {
            let arn = events.stream_arn.clone();
            ways = ways.with_events("event-stream", stream(Arc::new(move |_| Some(arn.clone()))), filter);
        }
        let of_agents = stream_named_for(connect.clone(), SinkResource::AgentEvents, String::new());
        ways = ways.with_agent_events("event-agents", stream(of_agents));
    }
    Ok(ways)
}
