//! Operations that AWS has and this server does not.

use crate::catalogue::has_label;
use crate::error::{ConnectError, ErrorCode};
use crate::resources::{Granted, Resources};
use crate::service::ConnectService;
use crate::target::Context;
use serde::Deserialize;
use tympan_aws::{Operation, Output};

/// The members by which requests of any operation name resources.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    phone_number_id: Option<String>,
    #[serde(rename = "instanceId", default)]
    instances: Vec<String>,
    target_arn: Option<String>,
    instance_id: Option<String>,
    contact_flow_id: Option<String>,
    contact_id: Option<String>,
    initial_contact_id: Option<String>,
}

/// Refuses an operation by its name, after the policies have been asked: a caller who may not do it gets that answer.
pub(crate) struct NotOffered;

impl Operation for NotOffered {
    type Service = ConnectService;
    type Input = Input;
    type Target = Granted;
    const NAME: &'static str = "";
    const QUERY: &'static [&'static str] = &["instanceId"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<Granted, ConnectError> {
        let of = |label, text| beside_instance(cx.operation, label, text);
        let flows: Vec<&str> = of("ContactFlowId", input.contact_flow_id.as_deref()).into_iter().collect();
        let contacts: Vec<&str> = [
            of("ContactId", input.contact_id.as_deref()),
            of("InitialContactId", input.initial_contact_id.as_deref()),
        ]
        .into_iter()
        .flatten()
        .collect();
        let number = input.phone_number_id.as_deref();
        let number = number.filter(|_| has_label(cx.operation, "PhoneNumberId"));
        let mut resources = Resources::new(cx.caller).phone_number(number);
        if !has_label(cx.operation, "InstanceId") {
            resources = input.instances.iter().fold(resources, |known, text| known.instance(Some(text)));
            resources = resources.of_instance(input.target_arn.as_deref(), &flows, &contacts);
        }
        Ok(resources.of_instance(input.instance_id.as_deref(), &flows, &contacts).granted())
    }

    async fn call(cx: &Context<'_>, _: Input, _: Granted) -> Result<Output, ConnectError> {
        Err(refusal(cx.operation))
    }
}

/// A member, where it stands beside the instance: both in the path, or both in the body.
fn beside_instance<'t>(operation: &str, label: &str, text: Option<&'t str>) -> Option<&'t str> {
    text.filter(|_| has_label(operation, label) == has_label(operation, "InstanceId"))
}

pub(crate) fn refusal(operation: &str) -> ConnectError {
    let message = format!(
        "{operation} is not offered by this server; docs/connect-compat.md lists the operations that are"
    );
    ConnectError::new(ErrorCode::NotImplemented, message)
}
