//! `InvokeLambdaFunction` ("Invoke AWS Lambda function").
//!
//! Units: `InvocationTimeLimitSeconds` 1 to 8, 3 where it is absent; with the `InvocationType` ASYNCHRONOUS up to 60. The
//! response replaces `$.External`; after a failure `$.External` is what it was. An ASYNCHRONOUS block does not wait: it
//! takes Success when the invocation is on its way, and `$.External` is what it was. Retries are the caller's.

use serde_json::json;

use super::{Entered, Outcome, Run, failure};
use crate::effect::{Effect, ResponseKind};
use crate::input::Input;
use crate::lambda_response;
use crate::memory::{Namespace, Scene};
use crate::parameters::{Misconfigured, Parameters, TemplateMap};
use crate::template::Template;

/// Invokes a function and keeps what it returns.
#[derive(Debug)]
pub(crate) struct InvokeLambdaFunction {
    function_arn: Template,
    attributes: TemplateMap,
    time_limit_ms: u32,
    response: ResponseKind,
    is_asynchronous: bool,
}

impl InvokeLambdaFunction {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let function_arn = parameters.required_template("LambdaFunctionARN")?;
        let response = match parameters.text("ResponseValidation.ResponseType").as_deref() {
            None | Some("STRING_MAP") => ResponseKind::StringMap,
            Some("JSON") => ResponseKind::Json,
            Some(_) => {
                parameters.note("ResponseValidation.ResponseType", "must be \"STRING_MAP\" or \"JSON\"");
                ResponseKind::StringMap
            }
        };
        let is_asynchronous = match parameters.text("InvocationType").as_deref() {
            None | Some("SYNCHRONOUS") => false,
            Some("ASYNCHRONOUS") => true,
            Some(_) => {
                parameters.note("InvocationType", "must be \"SYNCHRONOUS\" or \"ASYNCHRONOUS\"");
                false
            }
        };
        let limit_max_s = if is_asynchronous { 60 } else { 8 };
        Ok(Self {
            function_arn,
            attributes: parameters.template_map("LambdaInvocationAttributes"),
            time_limit_ms: parameters.number("InvocationTimeLimitSeconds", 3, 1..=limit_max_s) * 1000,
            response,
            is_asynchronous,
        })
    }
}

impl Run for InvokeLambdaFunction {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let function_arn = scene.resolve(&self.function_arn);
        let mut log = json!({
            "FunctionArn": function_arn,
            "ResponseValidation": match self.response {
                ResponseKind::StringMap => "ResponseType=STRING_MAP",
                ResponseKind::Json => "ResponseType=JSON",
            },
            "TimeLimit": self.time_limit_ms.to_string(),
        });
        if self.is_asynchronous {
            log["InvocationType"] = "ASYNCHRONOUS".into();
        }
        if function_arn.is_empty() {
            return Entered::failed(log, "LambdaFunctionARN resolves to nothing");
        }
        let parameters = match self.attributes.resolve(|template| scene.resolve(template)) {
            Ok(parameters) => parameters,
            Err(reason) => return Entered::failed(log, reason),
        };
        if !parameters.is_empty() {
            log["Parameters"] = json!(parameters);
        }
        let effect = Effect::InvokeLambda {
            function_arn,
            parameters,
            time_limit_ms: self.time_limit_ms,
            response: self.response,
            is_asynchronous: self.is_asynchronous,
        };
        Entered::perform(log, effect)
    }

    fn resume(&self, scene: &mut Scene<'_>, input: Input) -> Outcome {
        let response = match input {
            Input::Done if self.is_asynchronous => return Outcome::Success,
            Input::LambdaReturned(response) => response,
            other => return failure(other),
        };
        match lambda_response::accept(self.response, response) {
            Ok(external) => {
                scene.external_results = Some(external.clone());
                scene.memory.put(Namespace::External, external);
                Outcome::Success
            }
            Err(reason) => Outcome::failed(reason),
        }
    }
}
