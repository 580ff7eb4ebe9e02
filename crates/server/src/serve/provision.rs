//! Brings about what the configuration declares: instances, storage, flows, numbers.

use super::dev::{SAMPLE_FLOW, SAMPLE_FLOW_FILE};
use crate::clock::SystemClock;
use crate::config::Instance;
use anyhow::Context;
use std::path::Path;
use tympan_connect::flows::FlowType;
use tympan_connect::provision::{
    Existing, Provision, ProvisionedFlow, ProvisionedMediaStreams, ProvisionedNumber,
};
use tympan_connect::{ConnectService, ErrorCode};

/// Makes the instances of the configuration exist, and gives those of earlier versions what instances begin with.
pub(super) fn ensure(connect: &ConnectService, instances: &[Instance]) -> anyhow::Result<()> {
    for instance in instances {
        let wanted = declared(instance)?;
        match connect.ensure(SystemClock.wall_now(), &wanted) {
            Ok(_) => {}
            // The database's trouble keeps nothing else from being served.
            Err(error) if error.error.code() == ErrorCode::InternalService => {
                tracing::error!(%error, alias = instance.alias, "an instance of the configuration is not set up");
            }
            Err(error) => {
                let what = format!("connect.instances: {:?} cannot be set up", instance.alias);
                return Err(error).context(what);
            }
        }
    }
    if let Err(error) = connect.give_defaults(SystemClock.wall_now()) {
        tracing::error!(%error, "instances of an earlier version lack what instances begin with; the next start tries again");
    }
    Ok(())
}

fn declared(instance: &Instance) -> anyhow::Result<Provision> {
    let mut flows = Vec::new();
    let mut phone_numbers = Vec::new();
    let mut existing = Existing::Replace;
    for flow in &instance.flows {
        let content = if flow.file == Path::new(SAMPLE_FLOW_FILE) {
            // A developer who changed the sample by the API finds the change again.
            existing = Existing::Keep;
            SAMPLE_FLOW.to_owned()
        } else {
            std::fs::read_to_string(&flow.file)
                .with_context(|| format!("cannot read the flow {}", flow.file.display()))?
        };
        flows.push(ProvisionedFlow { name: flow.name.clone(), flow_type: FlowType::ContactFlow, content });
        let number =
            |number: &String| ProvisionedNumber { number: number.clone(), flow: Some(flow.name.clone()) };
        phone_numbers.extend(flow.numbers.iter().map(number));
    }
    let media_streams = instance.media_streaming.as_ref().map(|streaming| ProvisionedMediaStreams {
        prefix: streaming.prefix.clone(),
        retention_hours: streaming.retention_hours,
        key_id: streaming.kms_key.to_string(),
    });
    Ok(Provision {
        alias: instance.alias.clone(),
        media_streams,
        lambda_functions: instance.lambda_functions.clone(),
        flows,
        phone_numbers,
        existing,
    })
}
