//! `tympan contacts trace`: what moved a call's flow on, out of the flow log of a data directory; and the same run again.

use crate::global::Global;
use crate::table::harmless;
use crate::terminal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tympan_client::{ClientError, Exit};
use tympan_flow::{Flow, TraceEntry, replay};
use tympan_types::ContactId;

/// What follows `tympan contacts trace`.
#[derive(Debug, clap::Args)]
pub(crate) struct TraceArgs {
    /// The call's id
    contact: ContactId,
    /// The data directory of the server, whose flow log has the trace [default: the configuration's data_dir]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Run the flow again from the trace, and say where it goes another way
    #[arg(long)]
    replay: bool,
    /// Content of a flow or module that ran, for --replay; give it once for each
    #[arg(long = "flow", value_name = "FILE")]
    flows: Vec<PathBuf>,
}

/// Files that the flow log may have been put aside in.
const ASIDE_MAX: usize = 1_000;

pub(crate) fn run(arguments: &TraceArgs, global: &Global) -> Result<Exit, ClientError> {
    let directory = match &arguments.data_dir {
        Some(directory) => directory.clone(),
        None => {
            tympan_server::config::load(None, std::env::vars())
                .map_err(|error| ClientError::Usage(error.to_string()))?
                .config
                .data_dir
        }
    };
    let trace = read(&directory.join("flow-logs.jsonl"), arguments.contact)?;
    if trace.is_empty() {
        terminal::note(
            global,
            "the flow log has no trace of this call: a server keeps one with connect.flow_traces = true",
        );
        return Ok(Exit::NotFound);
    }
    if arguments.replay {
        return again(&trace, &arguments.flows, global);
    }
    if global.json {
        terminal::print_json(&trace.iter().map(TraceEntry::to_json).collect::<Vec<_>>())?;
    } else {
        terminal::print(trace.iter().map(described).collect::<String>().trim_end())?;
    }
    Ok(Exit::Ok)
}

/// The entries of a contact, oldest first: those in files that were put aside come before.
fn read(file: &Path, contact: ContactId) -> Result<Vec<TraceEntry>, ClientError> {
    let aside = |number: usize| PathBuf::from(format!("{}.{number}", file.display()));
    let older: Vec<PathBuf> = (1..=ASIDE_MAX).map(aside).take_while(|path| path.is_file()).collect();
    let (id, mut trace) = (contact.to_string(), Vec::new());
    for path in older.into_iter().rev().chain([file.to_owned()]) {
        let failed = |error| ClientError::File { path: path.clone(), error };
        for line in BufReader::new(std::fs::File::open(&path).map_err(failed)?).lines() {
            let line = line.map_err(failed)?;
            if !line.contains(&id) {
                continue;
            }
            let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
            if line.get("ContactId").and_then(Value::as_str) == Some(&id) {
                trace.extend(line.get("Trace").and_then(TraceEntry::from_json));
            }
        }
    }
    Ok(trace)
}

fn again(trace: &[TraceEntry], files: &[PathBuf], global: &Global) -> Result<Exit, ClientError> {
    let mut flows = BTreeMap::new();
    for path in files {
        let content =
            std::fs::read_to_string(path).map_err(|error| ClientError::File { path: path.clone(), error })?;
        let flow = Flow::parse(&content)
            .map_err(|error| ClientError::Usage(format!("{}: {error}", path.display())))?;
        flows.insert(flow.sha256().to_owned(), Arc::new(flow));
    }
    match replay(trace, |_, sha256| flows.get(sha256).cloned()) {
        Ok(()) => {
            terminal::note(global, &format!("{} inputs, the same again byte for byte", trace.len()));
            Ok(Exit::Ok)
        }
        Err(error) => {
            terminal::line(&format!("error: {error}"));
            Ok(Exit::Failed)
        }
    }
}

/// An input, and below it what came of it.
fn described(entry: &TraceEntry) -> String {
    let json = entry.to_json();
    let mut text = format!("{}  {}\n", entry.at.rfc3339_ms(), harmless(&json["input"].to_string()));
    for (path, value) in json["reads"].as_object().into_iter().flatten() {
        let _ = writeln!(text, "    read {} = {}", harmless(path), harmless(&value.to_string()));
    }
    for output in json["outputs"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "    {}", harmless(&output.to_string()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tympan_flow::{ContactView, FlowIdentity, Input, Interpreter, Output, Reference};
    use tympan_types::WallTime;

    struct Nothing;

    impl ContactView for Nothing {
        fn value(&self, _: &Reference) -> Option<String> {
            None
        }
    }

    const FLOW: &str = r#"{"Version":"2019-10-30","StartAction":"a","Actions":[
        {"Identifier":"a","Type":"MessageParticipant","Parameters":{"Text":"$.Attributes.x"},"Transitions":{"NextAction":"b"}},
        {"Identifier":"b","Type":"DisconnectParticipant","Parameters":{},"Transitions":{}}]}"#;

    fn lines(contact: ContactId) -> String {
        let flow = Arc::new(Flow::parse(FLOW).unwrap());
        let identity = FlowIdentity { arn: "arn:f".into(), name: "f".into() };
        let mut interpreter = Interpreter::new(flow, identity).with_trace();
        let mut lines = String::new();
        for (ms, input) in [(0, Input::Start), (1_500, Input::Done)] {
            interpreter.handle(WallTime::from_unix_ms(ms), input, &Nothing);
            while let Some(output) = interpreter.poll() {
                if let Output::Trace(entry) = output {
                    let line = json!({ "ContactId": contact.to_string(), "Trace": entry.to_json() });
                    lines.push_str(&format!("{line}\n"));
                }
            }
        }
        lines
    }

    #[test]
    fn a_trace_is_found_in_the_files_of_the_flow_log_and_runs_again() {
        let folder = tempfile::tempdir().unwrap();
        let (contact, other) = (ContactId::from_random([1; 16]), ContactId::from_random([2; 16]));
        let file = folder.path().join("flow-logs.jsonl");
        let all = lines(contact);
        let (first, second) = all.split_once('\n').unwrap();
        std::fs::write(folder.path().join("flow-logs.jsonl.1"), format!("{first}\n{{\"ContactId\"\n"))
            .unwrap();
        std::fs::write(&file, format!("{}{second}", lines(other))).unwrap();
        let trace = read(&file, contact).unwrap();
        assert_eq!(trace.len(), 2);
        assert!(described(&trace[0]).contains("read $.Attributes.x = null"), "{}", described(&trace[0]));
        let flow = Arc::new(Flow::parse(FLOW).unwrap());
        assert_eq!(replay(&trace, |_, _| Some(flow.clone())), Ok(()));
        let error = replay(&trace, |_, _| None).unwrap_err().to_string();
        assert!(error.contains(flow.sha256()), "{error}");
    }

    #[test]
    fn a_run_that_goes_another_way_is_told() {
        let contact = ContactId::from_random([1; 16]);
        let text = lines(contact).replace(r#""$.Attributes.x":null"#, r#""$.Attributes.x":"hello""#);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("flow-logs.jsonl");
        std::fs::write(&file, text).unwrap();
        let flow = Arc::new(Flow::parse(FLOW).unwrap());
        let error = replay(&read(&file, contact).unwrap(), |_, _| Some(flow.clone())).unwrap_err();
        assert_eq!(error.to_string(), "entry 0 of the trace came out differently");
    }
}
