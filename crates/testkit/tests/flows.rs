//! Flows as people and tools write them, called; and flows by chance.
//!
//! The shapes stand in `fixtures/flows/shapes`, what a call to each goes like in `cases.json` there. With `TYMPAN_WRITE=1` the test writes
//! that file anew, and the tables of docs/connect-compat.md. What goes on between queues, agents, third parties and bots stands in
//! `parties.json`: its lines were written by hand from the reference before anything ran, and no test writes them.
#![allow(clippy::unwrap_used, reason = "what it reads are its own fixtures")]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tympan_flow::{Action, BotOutcome, Flow, FlowType, Standing, actions};
use tympan_testkit::flows::{
    Bot, Caller, Chain, Instance, Outcome, Parties, Run, Script, ThirdParty, random,
};

/// Flows by chance in the ordinary tests; `cargo xtask simulate --flows N` runs more.
const RANDOM_FLOWS: u64 = 150;

fn shapes() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/flows/shapes")
}

fn writes() -> bool {
    std::env::var_os("TYMPAN_WRITE").is_some()
}

fn read(file: &str) -> String {
    let path = shapes().join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn cases() -> Vec<Value> {
    serde_json::from_str(&read("cases.json")).unwrap()
}

fn cases_of_parties() -> Vec<Value> {
    serde_json::from_str(&read("parties.json")).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The instance of a case, with the flows that it names.
fn instance(case: &Value) -> Instance {
    let mut instance = Instance::default();
    for (name, flow) in case["flows"].as_object().into_iter().flatten() {
        let kind = FlowType::parse(flow[0].as_str().unwrap()).unwrap();
        instance.add(name, kind, Flow::parse(&read(flow[1].as_str().unwrap())).unwrap());
    }
    instance
}

fn bot(ends: &Value) -> Bot {
    let texts = |name: &str| {
        let members = ends[name].as_object().into_iter().flatten();
        members.map(|(name, value)| (name.clone(), text(value))).collect()
    };
    let optional = |name: &str| ends[name].as_str().map(str::to_owned);
    match ends.as_str() {
        Some("times out") => Bot::TimesOut,
        Some(_) => Bot::IsAway,
        None => Bot::Ends(Box::new(BotOutcome {
            intent: optional("intent"),
            slots: texts("slots"),
            session_attributes: texts("session_attributes"),
            confidence: optional("confidence"),
            ..BotOutcome::default()
        })),
    }
}

/// Runs the flows of a case one after the other.
fn chain(case: &Value) -> (Instance, Chain) {
    let mut instance = instance(case);
    let file = text(&case["file"]);
    let flow = Flow::parse(&read(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let kind = flow.flow_type().and_then(FlowType::parse).unwrap();
    let routed = instance.add(&file, kind, flow);
    let list = |name: &str| case[name].as_array().into_iter().flatten();
    let script = Script {
        keys: list("keys").map(text).collect(),
        is_full: case["full"] == true,
        agent_after_ms: case["agent_after_s"].as_i64().map(|seconds| seconds * 1_000),
        third_parties: list("third_parties")
            .map(|does| match does.as_str() {
                Some("fails") => ThirdParty::Fails,
                Some("is silent") => ThirdParty::IsSilent,
                Some("is forbidden") => ThirdParty::IsForbidden,
                _ => ThirdParty::Talks,
            })
            .collect(),
        bots: list("bots").map(bot).collect(),
        is_absent: case["absent"] == true,
        is_held: case["held"] == true,
        ..Script::default()
    };
    let chain = Chain::run(instance.clone(), routed, script);
    (instance, chain.unwrap_or_else(|broken| panic!("{file}: {broken}")))
}

/// Calls the flow of a case.
fn call(case: &Value) -> (Instance, Outcome) {
    let mut instance = instance(case);
    if case["closed"] == true {
        instance.close();
    }
    let file = text(&case["file"]);
    let flow = Flow::parse(&read(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let routed = instance.add(&file, FlowType::ContactFlow, flow);
    let functions = case["functions"].as_object().into_iter().flatten();
    let caller = Caller {
        keys: case["keys"].as_array().into_iter().flatten().map(text).collect(),
        functions: functions.map(|(name, answer)| (name.clone(), answer.clone())).collect(),
        parties: Parties {
            is_full: case["full"] == true,
            agent_after_ms: case["agent_after_s"].as_u64().map(|seconds| seconds * 1_000),
            intents: case["intents"].as_array().into_iter().flatten().map(text).collect(),
        },
        ..Caller::default()
    };
    let outcome = Run::call(instance.clone(), routed, caller);
    (instance, outcome.unwrap_or_else(|broken| panic!("{file}: {broken}")))
}

/// What a call went like: what was heard and done, how long it took, and what the contact kept.
fn told(outcome: &Outcome) -> Vec<String> {
    let mut lines = outcome.lines.clone();
    let details = serde_json::to_value(&outcome.contact.details).unwrap();
    if details != json!({}) {
        lines.push(format!("kept {details}"));
    }
    let attributes: BTreeMap<_, _> = outcome.contact.attributes.iter().collect();
    if !attributes.is_empty() {
        lines.push(format!("attributes {}", json!(attributes)));
    }
    lines.push(format!("{} s", outcome.duration_ms / 1000));
    lines
}

#[test]
fn flows_as_people_and_tools_write_them_go_as_they_should() {
    let mut cases = cases();
    let mut wrong = Vec::new();
    for case in &mut cases {
        let (_, outcome) = call(case);
        let told = json!(told(&outcome));
        if case["expected"] != told {
            wrong.push(format!("{} {}: {told:#}", case["file"], case["title"]));
            case["expected"] = told;
        }
    }
    if writes() {
        let text = format!("{}\n", serde_json::to_string_pretty(&cases).unwrap());
        return std::fs::write(shapes().join("cases.json"), text).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn queues_agents_third_parties_and_bots_go_as_the_reference_says() {
    let mut wrong = Vec::new();
    for case in cases_of_parties() {
        let (_, chain) = chain(&case);
        let mut told = chain.lines;
        told.push(format!("{} s", chain.duration_ms / 1_000));
        if case["expected"] != json!(told) {
            wrong.push(format!("{} {}: {:#}", case["file"], case["title"], json!(told)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_are_thirty_shapes_of_both_languages_and_each_can_be_published() {
    let (mut current, mut older) = (0, 0);
    for entry in std::fs::read_dir(shapes()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if ["cases.json", "parties.json", "README.md"].contains(&name.as_str()) {
            continue;
        }
        let flow = Flow::parse(&read(&name)).unwrap();
        match flow.format() {
            tympan_flow::Format::Language20191030 => current += 1,
            tympan_flow::Format::DesignerModules => older += 1,
        }
        let kind = flow.flow_type().and_then(FlowType::parse).unwrap_or(FlowType::Module);
        assert_eq!(flow.problems_as(kind), [], "{name}");
    }
    assert!(current >= 30 && older >= 15 && current + older >= 50, "{current} and {older}");
}

/// Why an action may take an error branch whatever happens: what it needs is of another channel or service.
const NOT_OFFERED: &[&str] = &[
    "there are no views here",
    "there are no outbound campaigns here",
    "Voice ID has ended",
    "there are no segments here",
    "there are no customer profiles here",
    "there are no cases here",
    "there are no tasks here",
    "there are no assistants for agents here",
    "contacts of other channels are not here",
    "there is no chat here",
    "there is no e-mail here",
    "there is no messaging here",
    "there are no message templates here",
    "there are no data tables here",
    "contacts have no content to load here",
    "there are no AI agents here",
    "only tasks can be paused",
    "there is no processing of messages here",
    "ChatBehavior is for chats, and this is a call",
];

/// The actions of the flows that flow-corpus counts; what it calls `GetParticipantInput` are three forms.
const OF_THE_CORPUS: &[&str] = &[
    "MessageParticipant",
    "UpdateContactAttributes",
    "InvokeLambdaFunction",
    "DisconnectParticipant",
    "Compare",
    "UpdateFlowLoggingBehavior",
    "TransferToFlow",
    "UpdateContactTargetQueue",
    "TransferContactToQueue",
    "GetParticipantInput",
    "UpdateContactMediaStreamingBehavior",
    "EndFlowExecution",
    "UpdateContactEventHooks",
    "Loop",
    "UpdateContactRecordingBehavior",
    "UpdateContactTextToSpeechVoice",
    "ConnectParticipantWithLexBot",
    "EndFlowModuleExecution",
    "InvokeFlowModule",
    "UpdateFlowAttributes",
    "MessageParticipantIteratively",
    "CheckMetricData",
    "GetMetricData",
    "UpdateContactRoutingBehavior",
    "UpdateContactData",
    "CheckHoursOfOperation",
    "TransferParticipantToThirdParty",
    "UpdatePreviousContactParticipantState",
    "UpdateContactCallbackNumber",
    "CreateCallbackContact",
    "TagContact",
    "UpdateContactRoutingCriteria",
    "DistributeByPercentage",
    "Wait",
];

#[test]
fn no_action_takes_its_error_branch_for_want_of_being_built() {
    for row in actions() {
        match row.standing() {
            Standing::Performed => assert_eq!(row.reason(), "", "{row:?}"),
            Standing::NotOffered => assert!(NOT_OFFERED.contains(&row.reason()), "{row:?}: {}", row.reason()),
        }
    }
    for name in OF_THE_CORPUS {
        let rows: Vec<_> = actions().iter().filter(|row| row.name() == *name).collect();
        assert!(!rows.is_empty(), "{name}");
        assert!(rows.iter().all(|row| row.standing() == Standing::Performed), "{name}");
    }
    // And none of them says so when it runs: no reason of the log is that something is not built.
    let logs = cases_of_parties().iter().flat_map(|case| chain(case).1.log).collect::<Vec<_>>();
    for entry in cases().iter().flat_map(|case| call(case).1.log).chain(logs) {
        let reason = entry["Reason"].as_str().unwrap_or_default();
        assert!(!reason.contains("not performed"), "{entry}");
    }
}

/// A flow of one block of an action, each of whose branches says which it is.
fn of_one(row: &Action) -> Value {
    let mut blocks = Vec::new();
    let mut say = |name: &str| {
        blocks.push(json!({ "Identifier": name, "Type": "MessageParticipant", "Parameters": { "Text": name },
            "Transitions": { "NextAction": "end", "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "end" }] } }));
        json!(name)
    };
    let errors: Vec<Value> = row
        .errors()
        .map(|(kind, _)| json!({ "ErrorType": kind.word(), "NextAction": say(kind.word()) }))
        .collect();
    let next = say("next");
    let transitions =
        if row.is_terminal() { json!({}) } else { json!({ "NextAction": next, "Errors": errors }) };
    blocks.insert(
        0,
        json!({ "Identifier": "block", "Type": row.name(), "Parameters": random::required(row), "Transitions": transitions }),
    );
    blocks.push(json!({ "Identifier": "end", "Type": "DisconnectParticipant" }));
    json!({ "Version": "2019-10-30", "StartAction": "block", "Actions": blocks })
}

#[test]
fn each_action_runs() {
    for row in actions() {
        let mut instance = Instance::default();
        let flow = Flow::parse(&of_one(row).to_string()).unwrap();
        let flow = instance.add("one", FlowType::ContactFlow, flow);
        // A loop of prompts ends with its call alone.
        let caller = Caller { patience_ms: Some(600_000), ..Caller::default() };
        let outcome = Run::call(instance, flow, caller).unwrap_or_else(|broken| panic!("{row:?}: {broken}"));
        let block = outcome.log.iter().find(|entry| entry["Identifier"] == "block");
        assert!(block.is_some() || row.is_terminal(), "{row:?} ran");
        if let (Some(kind), false) = (row.error_taken(), row.is_terminal() || row.errors().next().is_none()) {
            assert!(
                outcome.lines.contains(&format!("says {}", kind.word())),
                "{row:?}: {:#?}",
                outcome.lines
            );
            assert_eq!(block.unwrap()["Reason"], row.reason(), "{row:?}");
        }
    }
}

#[test]
fn each_type_of_the_older_export_runs() {
    for row in actions() {
        for (module, target) in row.older_types() {
            let mut block = json!({ "id": "block", "type": module, "parameters": [], "branches": [
                { "condition": "Success", "transition": "end" }, { "condition": "Error", "transition": "end" } ] });
            if let Some(target) = target {
                block["target"] = json!(target);
            }
            let end = json!({ "id": "end", "type": "Disconnect", "parameters": [], "branches": [] });
            let export = json!({ "modules": [block, end], "start": "block" });
            let flow = Flow::parse(&export.to_string()).unwrap();
            let read_as = flow.blocks()[0].action().map(Action::name);
            assert_eq!(read_as, Some(row.name()), "{module} {target:?}");
            let mut instance = Instance::default();
            let flow = instance.add("one", FlowType::ContactFlow, flow);
            let caller = Caller { patience_ms: Some(600_000), ..Caller::default() };
            Run::call(instance, flow, caller).unwrap_or_else(|broken| panic!("{module}: {broken}"));
        }
    }
}

#[test]
fn random_flows_and_damaged_ones_neither_panic_nor_strand_nor_turn_in_silence() {
    let fresh = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(1, |since| since.as_secs() % 1_000_000_007);
    let seed =
        std::env::var("TYMPAN_SIMULATION_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(fresh);
    println!("TYMPAN_SIMULATION_SEED={seed}");
    let ran = (seed..seed + RANDOM_FLOWS)
        .filter(|seed| random::check(*seed).unwrap_or_else(|broken| panic!("seed {seed}: {broken}")))
        .count();
    assert!(ran > 0, "some damaged flow runs");
}

/// The file of a shape, by a name and its form or target.
type RunBy = BTreeMap<(String, String), String>;

/// Which shapes run an action, and which a type of the older export: the first of each.
fn run_by() -> (RunBy, RunBy) {
    let (mut by_action, mut by_older) = (BTreeMap::new(), BTreeMap::new());
    let calls = cases().into_iter().map(|case| {
        let (instance, outcome) = call(&case);
        (text(&case["file"]), instance, outcome.log)
    });
    let chains = cases_of_parties().into_iter().map(|case| {
        let (instance, chain) = chain(&case);
        (text(&case["file"]), instance, chain.log)
    });
    for (file, instance, log) in calls.chain(chains) {
        let source: Value = serde_json::from_str(read(&file).trim_start_matches('\u{feff}')).unwrap();
        for entry in &log {
            let (Some(flow), Some(id)) = (entry["ContactFlowId"].as_str(), entry["Identifier"].as_str())
            else {
                continue;
            };
            let Some(routed) = instance.flow_at(flow) else { continue };
            let Some(block) = routed.flow.blocks().iter().find(|block| block.identifier() == id) else {
                continue;
            };
            if let Some(row) = block.action() {
                let key = (row.name().to_owned(), row.form().to_owned());
                by_action.entry(key).or_insert_with(|| file.clone());
            }
            let module = source["modules"].as_array().into_iter().flatten().find(|module| module["id"] == id);
            if let Some(module) = module {
                let text = |name: &str| module[name].as_str().unwrap_or_default().to_owned();
                let [named, target] = ["type", "target"].map(text);
                by_older.entry((named, target)).or_insert_with(|| file.clone());
            }
        }
    }
    (by_action, by_older)
}

/// The tables of docs/connect-compat.md.
fn tables() -> String {
    let (by_action, by_older) = run_by();
    let mut text = String::from(
        "| Action | Standing | Stands in flows of type | Errors | Run by |\n|---|---|---|---|---|\n",
    );
    for row in actions() {
        let name = match row.form() {
            "" => row.name().to_owned(),
            form => format!("{} ({form})", row.name()),
        };
        let standing = match row.standing() {
            Standing::Performed => "performed".to_owned(),
            Standing::NotOffered => format!("{}: {}", row.error_taken().unwrap().word(), row.reason()),
        };
        let errors: Vec<_> = row.errors().map(|(kind, _)| kind.word()).collect();
        let key = (row.name().to_owned(), row.form().to_owned());
        let test = by_action.get(&key).map_or("each_action_runs", String::as_str);
        text.push_str(&format!(
            "| {name} | {standing} | {} | {} | {test} |\n",
            row.flow_types(),
            errors.join(", ")
        ));
    }
    text.push_str(
        "\n### Types of the older export\n\n| Type | Target | Read as | Run by |\n|---|---|---|---|\n",
    );
    let mut older: Vec<_> = actions()
        .iter()
        .flat_map(|row| {
            row.older_types().map(|(module, target)| (module, target.unwrap_or_default(), row.name()))
        })
        .collect();
    older.sort_unstable();
    for (module, target, name) in older {
        let key = (module.to_owned(), target.to_owned());
        let of_any = (module.to_owned(), String::new());
        let found = by_older.get(&key).or_else(|| by_older.get(&of_any)).or_else(|| {
            by_older.iter().find(|((kind, _), _)| target.is_empty() && kind == module).map(|(_, file)| file)
        });
        let test = found.map_or("each_type_of_the_older_export_runs", String::as_str);
        text.push_str(&format!("| {module} | {target} | {name} | {test} |\n"));
    }
    text
}

#[test]
fn the_compatibility_page_lists_every_action_and_every_older_type() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/connect-compat.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) =
        ("<!-- actions: written by crates/testkit/tests/flows.rs -->\n", "<!-- /actions -->\n");
    let (before, rest) = page.split_once(begin).expect("the page has a place for the actions");
    let (written, after) = rest.split_once(end).expect("and its end");
    let tables = tables();
    if writes() {
        return std::fs::write(&path, format!("{before}{begin}{tables}{end}{after}")).unwrap();
    }
    assert_eq!(written, tables, "TYMPAN_WRITE=1 writes it anew");
}
