//! How a Lambda function is reached: a local command, a URL, or a Lambda-compatible endpoint.
//!
//! Source: AWS Lambda API reference, "Invoke"; Connect Administrator Guide, "Invoke Lambda functions" (what is tried again).
//! How often and for how long is the contact's to decide: here each attempt stands for itself.

mod command;
mod endpoint;

use crate::config;
use crate::descriptors::DescriptorBudget;
use crate::outgoing::HttpClient;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::timeout;
use tympan_contact::invoke::AttemptError;
use tympan_types::Region;

/// Invokes functions. Cheap to share behind an `Arc`.
pub(crate) struct Lambda {
    functions: HashMap<String, Target>,
    endpoint: Option<endpoint::Endpoint>,
    http: HttpClient,
    descriptors: DescriptorBudget,
}

/// What an attempt is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A block waits for its result.
    Awaited,
    /// It is enough that the event was handed over: an endpoint answers at once. A command and a URL are waited for all the same.
    HandedOver,
}

enum Target {
    Command(Vec<String>),
    Url(http::Uri),
}

impl Lambda {
    /// Reads the mapping and the endpoint out of the configuration; commands take their descriptors from the budget.
    pub(crate) fn new(
        config: &config::Lambda,
        region: &Region,
        descriptors: DescriptorBudget,
    ) -> anyhow::Result<Self> {
        let mut functions = HashMap::new();
        for function in &config.functions {
            let target = match (function.command.is_empty(), &function.url) {
                (false, None) => Target::Command(function.command.clone()),
                (true, Some(url)) => Target::Url(url.uri().clone()),
                _ => anyhow::bail!("lambda.functions: {} needs either a command or a url", function.arn),
            };
            functions.insert(function.arn.clone(), target);
        }
        let endpoint = endpoint::Endpoint::from_config(config, region)?;
        Ok(Self { functions, endpoint, http: HttpClient::new(), descriptors })
    }

    /// Makes one attempt to invoke `arn` with `event`, and returns the bytes of its result.
    pub(crate) async fn attempt(
        &self,
        arn: &str,
        event: Vec<u8>,
        limit: Duration,
        kind: Kind,
    ) -> Result<Vec<u8>, AttemptError> {
        let limit_ms = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
        timeout(limit, self.invoke(arn, event, kind))
            .await
            .unwrap_or(Err(AttemptError::TimedOut { limit_ms }))
    }

    async fn invoke(&self, arn: &str, event: Vec<u8>, kind: Kind) -> Result<Vec<u8>, AttemptError> {
        match self.functions.get(arn) {
            Some(Target::Command(command)) => {
                let _permit = self.descriptors.admit_process().await;
                command::run(command, arn, event).await
            }
            Some(Target::Url(url)) => endpoint::post(&self.http, url.clone(), event).await,
            None => match &self.endpoint {
                Some(endpoint) => endpoint.invoke(&self.http, arn, event, kind).await,
                None => Err(unmapped(arn)),
            },
        }
    }
}

/// Nothing says how to reach the function.
fn unmapped(arn: &str) -> AttemptError {
    let reason =
        format!("no endpoint for {arn}: set lambda.endpoint, or map the function in [[lambda.functions]]");
    AttemptError::Refused { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-west-2:111122223333:function:f";

    fn mapped(command: &[&str]) -> Lambda {
        let function = config::LambdaFunction {
            arn: ARN.into(),
            command: command.iter().map(ToString::to_string).collect(),
            url: None,
        };
        let config = config::Lambda { functions: vec![function], ..Default::default() };
        Lambda::new(&config, &Region::parse("us-west-2").unwrap(), DescriptorBudget::new(1_000, 0)).unwrap()
    }

    async fn attempt(command: &[&str]) -> Result<String, AttemptError> {
        let result =
            mapped(command).attempt(ARN, b"{\"a\":1}".to_vec(), Duration::from_secs(8), Kind::Awaited).await;
        result.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[tokio::test]
    async fn a_command_gets_the_event_and_its_output_is_the_result() {
        assert_eq!(attempt(&["cat"]).await.unwrap(), "{\"a\":1}");
    }

    #[tokio::test]
    async fn a_command_that_fails_says_how_and_may_be_tried_again() {
        let error = attempt(&["sh", "-c", "echo broken >&2; exit 3"]).await.unwrap_err();
        let AttemptError::Transient { reason } = &error else { panic!("{error}") };
        assert!(reason.contains("exit status: 3") && reason.contains("broken"), "{reason}");
    }

    #[tokio::test]
    async fn a_command_that_is_not_there_says_so() {
        let error = attempt(&["no-such-program-here"]).await.unwrap_err();
        let AttemptError::Refused { reason } = &error else { panic!("{error}") };
        assert!(reason.contains("no-such-program-here"), "{reason}");
    }

    #[tokio::test]
    async fn a_slow_command_times_out() {
        let lambda = mapped(&["tail", "-f", "/dev/null"]);
        let error =
            lambda.attempt(ARN, Vec::new(), Duration::from_millis(50), Kind::Awaited).await.unwrap_err();
        assert_eq!(error, AttemptError::TimedOut { limit_ms: 50 });
    }

    #[tokio::test]
    async fn an_unmapped_function_names_both_ways_out() {
        let error = mapped(&["cat"])
            .attempt("arn:other", Vec::new(), Duration::from_secs(1), Kind::Awaited)
            .await
            .unwrap_err();
        let AttemptError::Refused { reason } = &error else { panic!("{error}") };
        assert!(reason.contains("lambda.endpoint") && reason.contains("[[lambda.functions]]"));
    }
}
