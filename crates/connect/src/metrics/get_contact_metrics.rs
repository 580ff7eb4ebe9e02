//! GetContactMetrics: POST /metrics/contact.

use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context, required};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: Option<String>,
    contact_id: Option<String>,
    metrics: Option<Vec<Metric>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: String,
}

/// Where a contact stands in its queue, and how long it will wait. What cannot be computed has no number.
///
/// Errors: InvalidParameter, InvalidRequest (it waits in no queue), ResourceNotFound.
pub(crate) struct GetContactMetrics;

impl Operation for GetContactMetrics {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "GetContactMetrics";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        let (instance, contact) = (input.instance_id.as_deref(), input.contact_id.as_deref());
        ContactTarget::of(cx, instance.unwrap_or_default(), contact.unwrap_or_default(), None)
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        required(cx, input.instance_id, "InstanceId")?;
        required(cx, input.contact_id, "ContactId")?;
        let metrics = required(cx, input.metrics, "Metrics")?;
        let (instance, contact) = target.known()?;
        if metrics.is_empty() {
            return Err(ConnectError::parameter("Metrics has at least one entry"));
        }
        let seen = cx.service.look(|routing, now| {
            Some((routing.position(contact.id)?, routing.contact_wait_ms(now, contact.id)))
        });
        let Some((position, wait_ms)) = seen.flatten() else {
            return Err(ConnectError::request(format!("contact {} waits in no queue", contact.id)));
        };
        let value = |metric: &Metric| {
            let number = match metric.name.as_str() {
                "POSITION_IN_QUEUE" => Some(f64::from(position)),
                "ESTIMATED_WAIT_TIME" => wait_ms.map(|ms| (ms / 1000) as f64),
                other => {
                    return Err(ConnectError::parameter(format!(
                        "there is no metric {other:?} of a contact"
                    )));
                }
            };
            let value = number.map_or_else(|| json!({}), |number| json!({ "Number": number }));
            Ok(json!({ "Name": metric.name, "Value": value }))
        };
        let results = metrics.iter().map(value).collect::<Result<Vec<Value>, _>>()?;
        let arn = instance.contact_arn(contact.id);
        Ok(Output::json(&json!({ "MetricResults": results, "Id": contact.id, "Arn": arn })))
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Routed, live_contact};
    use crate::error::ErrorCode;
    use serde_json::json;

    #[test]
    fn a_waiting_contact_has_a_place_and_any_other_none() {
        let setting = Routed::new();
        setting.waiting();
        let second = setting.waiting();
        let body = |contact: &str, metric: &str| {
            json!({ "InstanceId": setting.instance, "ContactId": contact,
            "Metrics": [{ "Name": metric }, { "Name": "ESTIMATED_WAIT_TIME" }] })
        };
        let answer = setting
            .bench
            .call("POST", "/metrics/contact", body(&second.to_string(), "POSITION_IN_QUEUE"))
            .unwrap();
        assert_eq!(
            answer["MetricResults"],
            json!([{ "Name": "POSITION_IN_QUEUE", "Value": { "Number": 2.0 } }, { "Name": "ESTIMATED_WAIT_TIME", "Value": {} }])
        );
        assert_eq!(answer["Id"], second.to_string());
        let refusal = |contact: &str, metric: &str| {
            setting.bench.refusal("POST", "/metrics/contact", body(contact, metric))
        };
        let unqueued = live_contact(&setting.bench, &setting.instance).id.to_string();
        assert_eq!(refusal(&unqueued, "POSITION_IN_QUEUE"), ErrorCode::InvalidRequest);
        assert_eq!(refusal(ABSENT, "POSITION_IN_QUEUE"), ErrorCode::ResourceNotFound);
        assert_eq!(refusal(&second.to_string(), "AGE"), ErrorCode::InvalidParameter);
    }
}
