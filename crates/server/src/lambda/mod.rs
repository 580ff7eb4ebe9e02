//! How a Lambda function is reached: a local command, a URL, or a Lambda-compatible endpoint.
//!
//! Source: AWS Lambda API reference, "Invoke"; Connect Administrator Guide, "Invoke Lambda functions" (limits and retries).

mod command;
mod endpoint;

use crate::config;
use crate::descriptors::DescriptorBudget;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::debug;

/// Connect gives up after this, however many attempts are left.
const TOTAL_LIMIT: Duration = Duration::from_secs(8);
/// One attempt and its retries.
const ATTEMPTS: u32 = 3;

/// Why an invocation gave no result. The flow takes its Error branch and logs this text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvokeError {
    /// Nothing says how to reach the function.
    #[error("no endpoint for {arn}: set lambda.endpoint, or map the function in [[lambda.functions]]")]
    Unmapped {
        /// The function.
        arn: String,
    },
    /// No answer in time.
    #[error("the function did not answer within {limit_ms} ms")]
    TimedOut {
        /// The limit of one attempt.
        limit_ms: u128,
    },
    /// The function, or what stands for it, failed.
    #[error("{0}")]
    Failed(String),
    /// The same, but another attempt may succeed.
    #[error("{0}")]
    Retryable(String),
}

/// Invokes functions. Cheap to share behind an `Arc`.
pub(crate) struct Lambda {
    functions: HashMap<String, Target>,
    endpoint: Option<endpoint::Endpoint>,
    http: endpoint::Http,
    descriptors: DescriptorBudget,
}

enum Target {
    Command(Vec<String>),
    Url(http::Uri),
}

impl Lambda {
    /// Reads the mapping and the endpoint out of the configuration; commands take their descriptors from the budget.
    pub(crate) fn new(
        config: &config::Lambda,
        region: &str,
        descriptors: DescriptorBudget,
    ) -> anyhow::Result<Self> {
        let mut functions = HashMap::new();
        for function in &config.functions {
            let target = match (function.command.is_empty(), function.url.is_empty()) {
                (false, true) => Target::Command(function.command.clone()),
                (true, false) => Target::Url(function.url.parse()?),
                _ => anyhow::bail!("lambda.functions: {} needs either a command or a url", function.arn),
            };
            functions.insert(function.arn.clone(), target);
        }
        let endpoint = endpoint::Endpoint::from_config(config, region)?;
        Ok(Self { functions, endpoint, http: endpoint::http(), descriptors })
    }

    /// Invokes `arn` with `event` and returns the bytes of its result.
    ///
    /// `limit` bounds one attempt. Throttling, 5xx and function errors are retried, three attempts and 8 s in all.
    pub(crate) async fn invoke(
        &self,
        arn: &str,
        event: Vec<u8>,
        limit: Duration,
    ) -> Result<Vec<u8>, InvokeError> {
        let end = Instant::now() + TOTAL_LIMIT;
        let mut attempt = 1;
        loop {
            let attempt_end = end.min(Instant::now() + limit);
            let Ok(outcome) = timeout_at(attempt_end, self.attempt(arn, event.clone())).await else {
                return Err(InvokeError::TimedOut { limit_ms: limit.as_millis() });
            };
            match outcome {
                Err(InvokeError::Retryable(reason)) if attempt < ATTEMPTS && Instant::now() < end => {
                    debug!(arn, attempt, reason, "a function failed; trying again");
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt(&self, arn: &str, event: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        match self.functions.get(arn) {
            Some(Target::Command(command)) => {
                let _permit = self.descriptors.admit_process().await;
                command::run(command, arn, event).await
            }
            Some(Target::Url(url)) => endpoint::post(&self.http, url.clone(), event).await,
            None => match &self.endpoint {
                Some(endpoint) => endpoint.invoke(&self.http, arn, event).await,
                None => Err(InvokeError::Unmapped { arn: arn.to_owned() }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-west-2:111122223333:function:f";

    fn mapped(command: &[&str]) -> Lambda {
        let function = config::LambdaFunction {
            arn: ARN.into(),
            command: command.iter().map(ToString::to_string).collect(),
            url: String::new(),
        };
        let config = config::Lambda { functions: vec![function], ..Default::default() };
        Lambda::new(&config, "us-west-2", DescriptorBudget::new(1_000, 0)).unwrap()
    }

    async fn invoke(command: &[&str]) -> Result<String, InvokeError> {
        let result = mapped(command).invoke(ARN, b"{\"a\":1}".to_vec(), Duration::from_secs(8)).await;
        result.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[tokio::test]
    async fn a_command_gets_the_event_and_its_output_is_the_result() {
        assert_eq!(invoke(&["cat"]).await.unwrap(), "{\"a\":1}");
    }

    #[tokio::test]
    async fn a_command_that_fails_is_tried_three_times_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("attempts");
        let script = format!("echo x >> {}; echo broken >&2; exit 3", log.display());
        let error = invoke(&["sh", "-c", &script]).await.unwrap_err();
        assert!(
            error.to_string().contains("exit status: 3") && error.to_string().contains("broken"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(log).unwrap().lines().count(), 3);
    }

    #[tokio::test]
    async fn a_command_that_is_not_there_says_so() {
        assert!(
            invoke(&["no-such-program-here"]).await.unwrap_err().to_string().contains("no-such-program-here")
        );
    }

    #[tokio::test]
    async fn a_slow_command_times_out() {
        let lambda = mapped(&["tail", "-f", "/dev/null"]);
        let error = lambda.invoke(ARN, Vec::new(), Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error, InvokeError::TimedOut { limit_ms: 50 }), "{error}");
    }

    #[tokio::test]
    async fn an_unmapped_function_names_both_ways_out() {
        let error =
            mapped(&["cat"]).invoke("arn:other", Vec::new(), Duration::from_secs(1)).await.unwrap_err();
        assert!(
            error.to_string().contains("lambda.endpoint")
                && error.to_string().contains("[[lambda.functions]]")
        );
    }
}
