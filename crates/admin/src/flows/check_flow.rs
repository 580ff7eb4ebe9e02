use super::target::InstanceTarget;
use crate::documentation::{Documentation, Documented, Field, Kind, always, maybe, nullable};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{BodyRule, Operation, Output};
use tympan_connect::flow_check::{FlowProblem, FlowReferenceTo, FlowType, Format, Found};

/// Says what publishing would say of a flow.
pub(crate) struct CheckFlow;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    #[serde(rename = "Type")]
    flow_type: Option<String>,
    /// Missed once the policies have been asked.
    content: Option<String>,
}

const PROBLEM: &[Field] = &[
    always(
        "Severity",
        Kind::OneOf(&["ERROR", "WARNING"]),
        "ERROR: the flow is not published; WARNING: it is, and a block takes its error branch",
    ),
    always("Path", Kind::Text, "where, as in Actions[9].Parameters.PromptId; empty for the whole document"),
    nullable("Line", Kind::Integer, "of the value, or of the nearest one around it; counted from 1"),
    nullable("Column", Kind::Integer, "in characters, counted from 1"),
    nullable("Action", Kind::Text, "the identifier of the block"),
    always("Message", Kind::Text, "the end of a sentence that begins with the path"),
];

const RESOLVED: &[Field] = &[
    always("Path", Kind::Text, "where the reference stands"),
    nullable("Line", Kind::Integer, "of the reference"),
    nullable("Column", Kind::Integer, "of the reference"),
    always("Action", Kind::Text, "the identifier of the block"),
    always("Named", Kind::Text, "the id or ARN in the flow; empty where it has the name alone"),
    nullable("NamedAs", Kind::Text, "the name that the flow has beside it"),
    always(
        "Kind",
        Kind::OneOf(&["agent", "flow", "hours", "module", "prompt", "queue"]),
        "what the parameter refers to",
    ),
    always(
        "How",
        Kind::OneOf(&["ID", "NAME", "DEFAULT", "MISSING"]),
        "by what it was found; DEFAULT: the flow of an event is missing, and the instance's default flow runs",
    ),
    nullable("To", Kind::Text, "the ARN of the resource in this instance"),
    nullable("Name", Kind::Text, "its name"),
];

impl Documented for CheckFlow {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Says what publishing would say of a flow, and what its references lead to in an instance; it changes nothing.",
        query: &[],
        body: &[
            always("InstanceId", Kind::Text, "the instance, by id or ARN"),
            maybe(
                "Type",
                Kind::Text,
                "CONTACT_FLOW, CUSTOMER_QUEUE and so on, or MODULE; the type in the flow's metadata unless given",
            ),
            always("Content", Kind::Text, "the flow as text, in the flow language or as an older export"),
        ],
        answer: &[
            always("Problems", Kind::List(&Kind::Object(PROBLEM)), "errors first"),
            always("Resolved", Kind::List(&Kind::Object(RESOLVED)), "references that do not change by call"),
            nullable("Name", Kind::Text, "the name in the flow's metadata"),
            nullable("Language", Kind::OneOf(&["FLOW", "EXPORT"]), "null where the text is no flow"),
        ],
        errors: &[ErrorCode::NotFound],
    };
}

impl Operation for CheckFlow {
    type Service = AdminService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "CheckFlow";
    const BODY: BodyRule = BodyRule::CONTENT;

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, AdminError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: InstanceTarget) -> Result<Output, AdminError> {
        let flow_type = input.flow_type.as_deref().map(|word| {
            FlowType::parse(word).ok_or_else(|| {
                AdminError::validation(format!(
                    "Type must be one of {}.",
                    FlowType::ALL.map(FlowType::api_word).join(", ")
                ))
            })
        });
        let content =
            input.content.ok_or_else(|| AdminError::validation("Content is missing: the flow as text."))?;
        let instance = target.known()?;
        let checked = cx.service.parts().connect.check_flow(instance.id, flow_type.transpose()?, &content);
        Ok(Output::json(&json!({
            "Problems": checked.problems.iter().map(problem).collect::<Vec<_>>(),
            "Resolved": checked.references.iter().map(resolved).collect::<Vec<_>>(),
            "Name": checked.name,
            "Language": checked.format.map(|format| match format {
                Format::Language20191030 => "FLOW",
                Format::DesignerModules => "EXPORT",
            }),
        })))
    }
}

fn problem(problem: &FlowProblem) -> Value {
    json!({
        "Severity": if problem.is_error { "ERROR" } else { "WARNING" },
        "Path": problem.path,
        "Line": problem.position.map(|position| position.line),
        "Column": problem.position.map(|position| position.column),
        "Action": problem.block,
        "Message": problem.message,
    })
}

fn resolved(reference: &FlowReferenceTo) -> Value {
    let to = reference.leads_to.as_ref();
    json!({
        "Path": reference.named.path,
        "Line": reference.position.map(|position| position.line),
        "Column": reference.position.map(|position| position.column),
        "Action": reference.named.block,
        "Named": reference.named.id,
        "NamedAs": reference.named.name,
        "Kind": reference.named.kind.noun(),
        "How": match to.map(|to| to.how) {
            Some(Found::ById) => "ID",
            Some(Found::ByName) => "NAME",
            Some(Found::ByDefault) => "DEFAULT",
            None => "MISSING",
        },
        "To": to.map(|to| to.arn.as_str()),
        "Name": to.map(|to| to.name.as_str()),
    })
}
