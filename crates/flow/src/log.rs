//! The flow log: one entry for each block that ran.
//!
//! Source: Admin guide, "What data is gathered in contact flow logs", and real entries. `Reason` is ours: the
//! service logs that a block took its error branch, never why.

use std::fmt;

use serde_json::{Map, Value};
use tympan_types::{Redacted, WallTime};

/// What a block did.
#[derive(Clone, PartialEq)]
pub struct LogEntry {
    /// The branch taken: "Success", "Error", "Timeout", "NoMatch", a condition's operand; `None` at the
    /// flow's end.
    pub results: Option<String>,
    /// The flow's ARN.
    pub contact_flow_id: String,
    /// The flow's name.
    pub contact_flow_name: String,
    /// The block's type as the older export names it, which the service's log does to this day.
    pub contact_flow_module_type: String,
    /// The block's identifier.
    pub identifier: String,
    /// When the block ended.
    pub timestamp: WallTime,
    /// What the block was given, references replaced. Holds caller data: `Debug` does not print it.
    pub parameters: Value,
    /// What a Lambda function returned. Holds caller data: `Debug` does not print it.
    pub external_results: Option<Value>,
    /// The modules that run, innermost first, and the flow that invoked them; empty outside of modules.
    pub module_execution_stack: Vec<String>,
    /// Why the block did not do what it should have.
    pub reason: Option<String>,
    /// This entry is to be kept also where the flow log is off: it says why something failed.
    pub always: bool,
}

impl LogEntry {
    /// The entry as the flow log has it; `ContactId` is for the owner of the contact to add.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut entry = Map::new();
        let mut put = |name: &str, value: Value| entry.insert(name.to_owned(), value);
        if let Some(results) = &self.results {
            put("Results", results.as_str().into());
        }
        put("ContactFlowId", self.contact_flow_id.as_str().into());
        put("ContactFlowName", self.contact_flow_name.as_str().into());
        put("ContactFlowModuleType", self.contact_flow_module_type.as_str().into());
        put("Identifier", self.identifier.as_str().into());
        put("Timestamp", self.timestamp.rfc3339_ms().into());
        if let Some(external) = &self.external_results {
            put("ExternalResults", external.clone());
        }
        put("Parameters", self.parameters.clone());
        if !self.module_execution_stack.is_empty() {
            put("ModuleExecutionStack", self.module_execution_stack.clone().into());
        }
        if let Some(reason) = &self.reason {
            put("Reason", reason.as_str().into());
        }
        entry
    }
}

impl fmt::Debug for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogEntry")
            .field("results", &self.results)
            .field("contact_flow_name", &self.contact_flow_name)
            .field("contact_flow_module_type", &self.contact_flow_module_type)
            .field("identifier", &self.identifier)
            .field("timestamp", &self.timestamp)
            .field("parameters", &Redacted::new(()))
            .field("external_results", &self.external_results.as_ref().map(Redacted::new))
            .field("reason", &self.reason)
            .field("always", &self.always)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn failed_start() -> LogEntry {
        LogEntry {
            results: Some("Error".into()),
            contact_flow_id: "arn:aws:connect:us-west-2:111122223333:instance/i/contact-flow/f".into(),
            contact_flow_name: "seed".into(),
            contact_flow_module_type: "StartMediaStreaming".into(),
            identifier: "start".into(),
            timestamp: WallTime::from_unix_ms(1_565_781_909_738),
            parameters: json!({ "MediaStreamTypes": "Audio", "Track": ["ToCustomer", "FromCustomer"] }),
            external_results: None,
            module_execution_stack: Vec::new(),
            reason: Some("live media streaming is not enabled for this instance".into()),
            always: true,
        }
    }

    #[test]
    fn a_failed_start_reads_as_the_service_writes_it_and_says_why() {
        assert_eq!(
            Value::from(failed_start().to_json()).to_string(),
            r#"{"Results":"Error","ContactFlowId":"arn:aws:connect:us-west-2:111122223333:instance/i/contact-flow/f","ContactFlowName":"seed","ContactFlowModuleType":"StartMediaStreaming","Identifier":"start","Timestamp":"2019-08-14T11:25:09.738Z","Parameters":{"MediaStreamTypes":"Audio","Track":["ToCustomer","FromCustomer"]},"Reason":"live media streaming is not enabled for this instance"}"#
        );
    }

    #[test]
    fn debug_prints_no_caller_data() {
        let mut entry = failed_start();
        entry.parameters = json!({ "Key": "name", "Value": "Ada" });
        entry.external_results = Some(json!({ "name": "Ada" }));
        assert!(!format!("{entry:?}").contains("Ada"));
    }
}
