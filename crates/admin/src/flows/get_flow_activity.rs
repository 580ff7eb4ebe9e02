use super::activity::Activity;
use super::target::FlowTarget;
use crate::documentation::{Documentation, Documented, Field, Kind, always, maybe, nullable};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use crate::times;
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output};

/// Counts what the blocks of a flow did.
pub(crate) struct GetFlowActivity;

/// How far back, unless `since` says otherwise.
const DAY_MS: i64 = 86_400_000;

#[derive(Deserialize)]
pub(crate) struct Input {
    #[serde(rename = "ContactFlowId")]
    contact_flow_id: String,
    #[serde(rename = "instanceId")]
    instance_id: String,
    since: Option<String>,
}

const DURATIONS: &[Field] = &[
    always("P50", Kind::Integer, "half of the executions took at most so long"),
    always("P99", Kind::Integer, "99 of 100 did"),
    always("Max", Kind::Integer, "the longest one"),
    always("Measured", Kind::Integer, "executions whose beginning is known: not the first of a run"),
];

const ERROR: &[Field] = &[
    always("Time", Kind::Time, "when the block ended"),
    always("ContactId", Kind::Text, "the contact"),
    always("Error", Kind::Text, "why, as the flow log says it"),
];

const BLOCK: &[Field] = &[
    always("Identifier", Kind::Text, "the block"),
    always("Type", Kind::Text, "its type, as the flow log names it"),
    always("Executions", Kind::Integer, "how often it ended"),
    always(
        "Errors",
        Kind::Integer,
        "how often with an error; a timeout and a result without a branch are none",
    ),
    nullable(
        "DurationMilliseconds",
        Kind::Object(DURATIONS),
        "from the end of the block before, in the same run, to its own; null where none is known",
    ),
    always("LastErrors", Kind::List(&Kind::Object(ERROR)), "newest first, at most 5"),
];

const TRANSITION: &[Field] = &[
    always("From", Kind::Text, "the block"),
    always("To", Kind::Text, "the one that ended next in the same run"),
    always("Count", Kind::Integer, "how often"),
];

const REMARK: &[Field] = &[
    always("Time", Kind::Time, "when"),
    always("ContactId", Kind::Text, "the contact"),
    always("Type", Kind::Text, "the type of block that it is about"),
    nullable("Results", Kind::Text, "as the flow log has it"),
    nullable("Reason", Kind::Text, "what happened"),
];

impl Documented for GetFlowActivity {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Counts what the flow log says of a flow or a module: runs, executions, errors and durations of its blocks, ways between them.",
        query: &[
            always("instanceId", Kind::Text, "the instance, by id or ARN"),
            maybe("since", Kind::Time, "lines from then on; of the last 24 hours unless given"),
        ],
        body: &[],
        answer: &[
            always("Since", Kind::Time, "from when on lines are counted"),
            always("Runs", Kind::Integer, "how often the flow began"),
            always(
                "Complete",
                Kind::Boolean,
                "whether all that the server keeps of the flow log since then was looked at: the newest 128 MiB are",
            ),
            always("Blocks", Kind::List(&Kind::Object(BLOCK)), "in the order in which they ended first"),
            always("Transitions", Kind::List(&Kind::Object(TRANSITION)), "ways between blocks"),
            always(
                "Remarks",
                Kind::List(&Kind::Object(REMARK)),
                "what the log says and no block, newest first, at most 20",
            ),
        ],
        errors: &[ErrorCode::NotFound],
    };
}

impl Operation for GetFlowActivity {
    type Service = AdminService;
    type Input = Input;
    type Target = FlowTarget;
    const NAME: &'static str = "GetFlowActivity";
    const QUERY: &'static [&'static str] = &["instanceId", "since"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<FlowTarget, AdminError> {
        Ok(FlowTarget::of(cx, &input.instance_id, &input.contact_flow_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: FlowTarget) -> Result<Output, AdminError> {
        let since = times::member(input.since.as_deref(), "since")?.unwrap_or(cx.now.plus_ms(-DAY_MS));
        let flow = target.known()?;
        let mut activity = Activity::new(&flow, since);
        let contacts = &cx.service.parts().contacts;
        let is_complete = contacts.flow_log_lines(&flow, since, &mut |line| activity.take(line))?;
        let mut answer = activity.into_json();
        answer.insert("Since".to_owned(), json!(since.rfc3339_ms()));
        answer.insert("Complete".to_owned(), json!(is_complete));
        Ok(Output::json(&Value::Object(answer)))
    }
}
