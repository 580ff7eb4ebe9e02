//! What the lines of a flow log say of one flow: how often its blocks ran, how they ended, how long they took.
//!
//! A line is written when a block ends. What a block sets one by one (attributes) is one line each, at one time.

use crate::times;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use tympan_types::{ContactId, WallTime};

/// Errors of a block that are shown.
const LAST_ERRORS: usize = 5;
/// Remarks that are shown.
const LAST_REMARKS: usize = 20;

/// `Results` of blocks that did not do what they should have. A block that got no input in time, or whose result meets no condition,
/// has not failed.
const ERRORS: &[&str] = &[
    "Error",
    "AtCapacity",
    "CallFailure",
    "ChannelMismatch",
    "ContactNotLinked",
    "InFlightRedactionConfigurationFailed",
    "InvalidCallbackNumber",
    "InvalidNumber",
    "MultipleFoundError",
    "NonDialableNumber",
    "NoneFoundError",
    "ParticipantNotFound",
    "TemplateRenderingError",
];

/// What is read of a line.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    contact_id: String,
    contact_flow_id: String,
    contact_flow_module_type: String,
    timestamp: String,
    identifier: Option<String>,
    results: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    parameters: Value,
}

/// What is known of the blocks of one flow.
pub(super) struct Activity<'a> {
    /// The flow's ARN.
    flow: &'a str,
    since: WallTime,
    runs: u64,
    blocks: Vec<Block>,
    by_identifier: HashMap<String, usize>,
    transitions: BTreeMap<(usize, usize), u64>,
    /// Runs that have not ended, by contact.
    open: HashMap<ContactId, Run>,
    remarks: VecDeque<Value>,
}

struct Block {
    identifier: String,
    kind: String,
    executions: u64,
    errors: u64,
    durations_ms: Vec<u32>,
    last_errors: VecDeque<Value>,
}

/// The newest line of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Run {
    block: usize,
    ended: WallTime,
    /// The flow is over with that block.
    is_over: bool,
}

impl<'a> Activity<'a> {
    pub(super) fn new(flow: &'a str, since: WallTime) -> Self {
        Self {
            flow,
            since,
            runs: 0,
            blocks: Vec::new(),
            by_identifier: HashMap::new(),
            transitions: BTreeMap::new(),
            open: HashMap::new(),
            remarks: VecDeque::new(),
        }
    }

    /// Takes a line of any flow; lines come in the order in which they were written.
    pub(super) fn take(&mut self, line: &str) {
        let Ok(line) = serde_json::from_str::<Line>(line) else { return };
        if line.contact_flow_id != self.flow {
            return;
        }
        let (Some(at), Ok(contact)) = (times::read(&line.timestamp), ContactId::parse(&line.contact_id))
        else {
            return;
        };
        if at < self.since {
            return;
        }
        match line.identifier.as_deref() {
            Some(identifier) if !identifier.is_empty() => self.block(contact, at, identifier, &line),
            // What no block says, and the end of a flow that cannot go on.
            identifier => {
                if identifier.is_some() {
                    self.open.remove(&contact);
                }
                push(
                    &mut self.remarks,
                    LAST_REMARKS,
                    json!({
                        "Time": line.timestamp,
                        "ContactId": contact,
                        "Type": line.contact_flow_module_type,
                        "Results": line.results,
                        "Reason": line.reason,
                    }),
                );
            }
        }
    }

    fn block(&mut self, contact: ContactId, at: WallTime, identifier: &str, line: &Line) {
        let index = self.index(identifier, &line.contact_flow_module_type);
        let results = line.results.as_deref();
        let before = self.open.get(&contact).copied();
        let now = Run { block: index, ended: at, is_over: is_over(line) };
        // A further line of the same execution.
        if before == Some(now) {
            return;
        }
        self.open.insert(contact, now);
        match before.filter(|before| !before.is_over) {
            Some(Run { block, ended, .. }) => {
                *self.transitions.entry((block, index)).or_default() += 1;
                if let Some(block) = self.blocks.get_mut(index) {
                    block.durations_ms.push(u32::try_from(at.ms_since(ended).max(0)).unwrap_or(u32::MAX));
                }
            }
            None => self.runs += 1,
        }
        let Some(block) = self.blocks.get_mut(index) else { return };
        block.executions += 1;
        if line.reason.is_some() || results.is_some_and(|results| ERRORS.contains(&results)) {
            block.errors += 1;
            let error = line.reason.as_deref().or(results);
            let error = json!({ "Time": line.timestamp, "ContactId": contact, "Error": error });
            push(&mut block.last_errors, LAST_ERRORS, error);
        }
    }

    fn index(&mut self, identifier: &str, kind: &str) -> usize {
        if let Some(index) = self.by_identifier.get(identifier) {
            return *index;
        }
        let index = self.blocks.len();
        self.by_identifier.insert(identifier.to_owned(), index);
        self.blocks.push(Block {
            identifier: identifier.to_owned(),
            kind: kind.to_owned(),
            executions: 0,
            errors: 0,
            durations_ms: Vec::new(),
            last_errors: VecDeque::new(),
        });
        index
    }

    /// The members of GetFlowActivity's answer that come from lines.
    pub(super) fn into_json(self) -> Map<String, Value> {
        let identifier = |index: usize| self.blocks.get(index).map(|block| block.identifier.as_str());
        let transitions = self.transitions.iter().map(
            |((from, to), count)| json!({ "From": identifier(*from), "To": identifier(*to), "Count": count }),
        );
        let transitions: Vec<Value> = transitions.collect();
        let mut answer = Map::new();
        answer.insert("Runs".to_owned(), json!(self.runs));
        answer.insert("Transitions".to_owned(), json!(transitions));
        answer.insert("Remarks".to_owned(), json!(self.remarks));
        let blocks: Vec<Value> = self.blocks.into_iter().map(Block::into_json).collect();
        answer.insert("Blocks".to_owned(), json!(blocks));
        answer
    }
}

impl Block {
    fn into_json(mut self) -> Value {
        self.durations_ms.sort_unstable();
        let durations = self.durations_ms.last().map(|max| {
            let part = |percent| percentile(&self.durations_ms, percent);
            json!({ "P50": part(50), "P99": part(99), "Max": max, "Measured": self.durations_ms.len() })
        });
        json!({
            "Identifier": self.identifier,
            "Type": self.kind,
            "Executions": self.executions,
            "Errors": self.errors,
            "DurationMilliseconds": durations,
            "LastErrors": self.last_errors,
        })
    }
}

/// Adds the newest one to the front, and forgets the oldest ones.
fn push(last: &mut VecDeque<Value>, most: usize, newest: Value) {
    last.push_front(newest);
    last.truncate(most);
}

/// Whether a flow or a module ends with a block: it says so by having no results. A flow that went on in another one, or waits in a
/// queue, is over too, while a call to a third party may come back.
fn is_over(line: &Line) -> bool {
    match line.results.as_deref() {
        None | Some("Interrupted") => true,
        Some("Success") => {
            line.contact_flow_module_type == "Transfer" && line.parameters.get("PhoneNumber").is_none()
        }
        Some(_) => false,
    }
}

/// The nearest rank of sorted values.
fn percentile(sorted: &[u32], percent: usize) -> Option<u32> {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: &str = "arn:flow";

    fn line(contact: u8, seconds: u8, block: &str, results: Option<&str>) -> String {
        let contact = ContactId::from_random([contact; 16]);
        let mut line = json!({
            "ContactId": contact, "ContactFlowId": FLOW, "ContactFlowModuleType": "PlayPrompt", "Identifier": block,
            "Timestamp": format!("2026-01-01T00:00:{seconds:02}.000Z"), "Parameters": {},
        });
        if let Some(results) = results {
            line["Results"] = results.into();
        }
        line.to_string()
    }

    fn of(lines: &[String]) -> Value {
        let mut activity = Activity::new(FLOW, WallTime::from_unix_ms(0));
        lines.iter().for_each(|line| activity.take(line));
        Value::Object(activity.into_json())
    }

    #[test]
    fn runs_blocks_ways_and_durations_are_counted_by_contact() {
        let answer = of(&[
            line(1, 1, "a", Some("Success")),
            line(2, 2, "a", Some("Success")),
            line(1, 3, "b", Some("Error")),
            line(2, 3, "b", Some("Timeout")),
            line(2, 9, "end", None),
            // The same contact, in the flow once more.
            line(2, 20, "a", Some("Success")),
            "{half".to_owned(),
            line(3, 1, "x", None).replace(FLOW, "arn:other"),
        ]);
        assert_eq!(answer["Runs"], 3);
        let block = |n: usize| {
            let block = &answer["Blocks"][n];
            (block["Identifier"].clone(), block["Executions"].clone(), block["Errors"].clone())
        };
        assert_eq!(block(0), (json!("a"), json!(3), json!(0)));
        assert_eq!(block(1), (json!("b"), json!(2), json!(1)));
        assert_eq!(answer["Blocks"].as_array().unwrap().len(), 3);
        assert_eq!(answer["Blocks"][0]["DurationMilliseconds"], Value::Null);
        assert_eq!(
            answer["Blocks"][1]["DurationMilliseconds"],
            json!({ "P50": 1000, "P99": 2000, "Max": 2000, "Measured": 2 })
        );
        assert_eq!(answer["Blocks"][1]["LastErrors"][0]["Error"], "Error");
        assert_eq!(
            answer["Transitions"],
            json!([{ "From": "a", "To": "b", "Count": 2 }, { "From": "b", "To": "end", "Count": 1 }])
        );
    }

    #[test]
    fn several_attributes_are_one_execution_and_a_remark_is_none() {
        let remark = json!({
            "ContactId": ContactId::from_random([1; 16]), "ContactFlowId": FLOW, "ContactFlowModuleType": "GetUserInput",
            "Results": "Error", "Reason": "why", "Timestamp": "2026-01-01T00:00:02.000Z", "Parameters": {},
        });
        let set = line(1, 1, "set", Some("Success"));
        let other = set.replace("\"Parameters\":{}", "\"Parameters\":{\"Key\":\"b\"}");
        let answer = of(&[set, other, remark.to_string(), line(1, 2, "b", Some("Success"))]);
        assert_eq!((&answer["Runs"], &answer["Blocks"][0]["Executions"]), (&json!(1), &json!(1)));
        assert_eq!(answer["Remarks"][0]["Reason"], "why");
        assert_eq!(answer["Transitions"][0]["Count"], 1);
    }

    #[test]
    fn what_went_on_in_another_flow_is_over_and_what_is_too_old_is_not_counted() {
        let transfer = line(1, 1, "go", Some("Success")).replace("PlayPrompt", "Transfer");
        let answer = of(&[transfer.clone(), line(1, 5, "a", Some("Success"))]);
        assert_eq!((&answer["Runs"], &answer["Transitions"]), (&json!(2), &json!([])));
        let outside =
            transfer.replace("\"Parameters\":{}", "\"Parameters\":{\"PhoneNumber\":\"[redacted]\"}");
        let answer = of(&[outside, line(1, 5, "a", Some("Success"))]);
        assert_eq!((&answer["Runs"], &answer["Transitions"][0]["Count"]), (&json!(1), &json!(1)));
        let mut later = Activity::new(FLOW, times::read("2026-01-01T00:00:04Z").unwrap());
        later.take(&transfer);
        later.take(&line(1, 5, "a", Some("Success")));
        assert_eq!(later.into_json()["Runs"], 1);
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let sorted: Vec<u32> = (1..=200).collect();
        assert_eq!((percentile(&sorted, 50), percentile(&sorted, 99)), (Some(100), Some(198)));
        assert_eq!((percentile(&[7], 99), percentile(&[], 50)), (Some(7), None));
    }
}
