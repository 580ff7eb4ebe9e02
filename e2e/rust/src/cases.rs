//! The cases by their names, and what comes of each.

use crate::aws::Aws;
use crate::refusal::Failure;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// No case takes longer.
const LIMIT: Duration = Duration::from_secs(60);

/// How a case ends.
pub(crate) type Outcome = Result<(), Failure>;

type Run = Box<dyn Fn(Aws) -> Pin<Box<dyn Future<Output = Outcome> + Send>>>;

/// Every case that is written.
#[derive(Default)]
pub(crate) struct Cases(HashMap<(String, String), Run>);

impl Cases {
    /// Adds a case: one call that ends well or is refused, or one that checks answers by panicking.
    pub(crate) fn add<Ran>(&mut self, operation: &str, case: &str, run: impl Fn(Aws) -> Ran + 'static)
    where
        Ran: Future<Output = Outcome> + Send + 'static,
    {
        let run: Run = Box::new(move |aws| Box::pin(run(aws)));
        let before = self.0.insert((operation.to_owned(), case.to_owned()), run);
        assert!(before.is_none(), "{operation}: {case} is there twice");
    }

    /// Runs a case, and gives the line that tells of it.
    pub(crate) async fn run(&self, aws: &Aws, wanted: &Value) -> Value {
        let text = |member: &str| wanted[member].as_str().unwrap_or_default().to_owned();
        let begun = Instant::now();
        let mut line = match self.0.get(&(text("operation"), text("case"))) {
            // A check that fails panics; the task's end tells of it.
            Some(run) => match tokio::spawn(timeout(LIMIT, run(aws.clone()))).await {
                Ok(Err(_)) => json!({ "failure": format!("it did not end within {LIMIT:?}") }),
                Ok(Ok(Ok(()))) => json!({ "outcome": "success" }),
                Ok(Ok(Err(Failure::Refused(refusal)))) => json!({
                    "outcome": refusal.code, "status": refusal.status, "typed": refusal.typed,
                }),
                Ok(Ok(Err(Failure::Other(why)))) => json!({ "failure": why }),
                Err(panic) => json!({ "failure": panic_message(panic) }),
            },
            None => json!({ "failure": "there is no such case" }),
        };
        line["operation"] = wanted["operation"].clone();
        line["case"] = wanted["case"].clone();
        line["ms"] = json!(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
        line
    }
}

fn panic_message(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => {
                panic.downcast::<&str>().map_or_else(|_| "it panicked".into(), |text| (*text).into())
            }
        },
        Err(error) => error.to_string(),
    }
}
