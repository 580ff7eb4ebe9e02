//! What publishing would say of a flow, and what the resources that it names lead to in an instance.

use crate::flow_resources::find;
use crate::flows::{FlowReference, MAX_CONTENT_CHARS};
use crate::hours::HoursOfOperation;
use crate::modules::Module;
use crate::named::{Scene, Spec};
use crate::prompts::Prompt;
use crate::queues::Queue;
use crate::reference;
use crate::service::ConnectService;
use crate::users::User;
use std::collections::BTreeMap;
use tympan_flow::{Flow, FlowError, NamedResource, Position, ResourceKind, ResourceRef, positions};
use tympan_types::{ContactFlowId, InstanceId, WallTime};

pub use tympan_flow::{FlowType, Format};

/// What there is to say of a flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowCheck {
    /// What is wrong with it: errors first.
    pub problems: Vec<FlowProblem>,
    /// What its references lead to, in the order of the document.
    pub references: Vec<FlowReferenceTo>,
    /// The name in its own metadata.
    pub name: Option<String>,
    /// The format that it is written in; `None` where it is no flow.
    pub format: Option<Format>,
}

/// Something that is wrong with a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowProblem {
    /// The flow cannot be published; else a block takes its error branch when the flow runs.
    pub is_error: bool,
    /// Where, as [`tympan_flow::Problem`] has it; empty for the whole document.
    pub path: String,
    /// The same in the text, where it can be found there.
    pub position: Option<Position>,
    /// The identifier of the block.
    pub block: Option<String>,
    /// What is wrong there, as the end of a sentence that begins with the path.
    pub message: String,
}

/// A resource that a flow names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowReferenceTo {
    /// As the flow has it.
    pub named: NamedResource,
    /// Where it stands in the text, or the nearest value around it.
    pub position: Option<Position>,
    /// What it leads to.
    pub leads_to: Option<LeadsTo>,
}

/// What a reference leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadsTo {
    /// How it was found.
    pub how: Found,
    /// The ARN of the resource.
    pub arn: String,
    /// Its name.
    pub name: String,
}

/// How a resource was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// By its id or ARN.
    ById,
    /// By its name: the id is not one of the instance.
    ByName,
    /// The flow of an event is not there, and the instance's default flow runs in its place.
    ByDefault,
}

impl ConnectService {
    /// Checks a flow as publishing does, and resolves its references as a call of the instance would. Without a type the one of
    /// the flow's own metadata counts, if there is one.
    pub fn check_flow(&self, instance: InstanceId, flow_type: Option<FlowType>, content: &str) -> FlowCheck {
        let flow = match Flow::parse(content) {
            Ok(flow) => flow,
            Err(error) => {
                return FlowCheck { problems: vec![unreadable(content, &error)], ..FlowCheck::default() };
            }
        };
        let mut problems = errors(&flow, flow_type, content);
        problems.extend(flow.blocks().iter().enumerate().filter_map(|(index, block)| {
            // What lacks a parameter has an error already.
            let reason = Some(block.reason()).filter(|reason| !reason.is_empty())?;
            let (list, kind) = list_of(flow.format());
            Some(FlowProblem {
                is_error: false,
                path: format!("{list}[{index}].{kind}"),
                position: None,
                block: Some(block.identifier().to_owned()),
                message: format!("{:?} takes its error branch here: {reason}", block.type_name()),
            })
        }));
        let placed = positions(content, flow.resources().iter().map(|named| named.path.as_str()));
        let references: Vec<FlowReferenceTo> = flow
            .resources()
            .iter()
            .map(|named| FlowReferenceTo {
                position: placed.get(&named.path).copied(),
                leads_to: self.leads_to(instance, named),
                named: named.clone(),
            })
            .collect();
        problems.extend(references.iter().filter(|reference| reference.leads_to.is_none()).map(missing));
        place(content, &mut problems);
        FlowCheck { problems, references, name: flow.name().map(str::to_owned), format: Some(flow.format()) }
    }

    /// The ARN of a flow or a module of an instance, by id or ARN, published or not.
    pub fn flow_arn(&self, instance: InstanceId, named: &str) -> Option<String> {
        self.seen(instance, WallTime::from_unix_ms(0), |scene| match scene.flow(named) {
            Ok(flow) => Some(scene.instance.flow_arn(flow.id)),
            Err(_) => scene.find::<Module>(named).ok().map(|module| scene.arn::<Module>(module.id)),
        })
    }

    /// The name of a flow of any instance.
    pub fn flow_name(&self, id: ContactFlowId) -> Option<String> {
        self.directory().flow_by_id(id).map(|flow| flow.name.clone())
    }

    /// What a reference leads to when a call comes to it.
    fn leads_to(&self, instance: InstanceId, named: &NamedResource) -> Option<LeadsTo> {
        let resource = ResourceRef { id: named.id.clone(), name: named.name.clone() };
        self.seen(instance, WallTime::from_unix_ms(0), |scene| match named.kind {
            ResourceKind::Flow => flow(scene, &resource).or_else(|| {
                let flow = self.default_flow(instance, named.event()?)?.identity;
                Some(LeadsTo { how: Found::ByDefault, arn: flow.arn, name: flow.name })
            }),
            ResourceKind::Module => {
                self.module(instance, &resource)?;
                let (id, _) = reference::qualified(&resource.id);
                found::<Module>(scene, &ResourceRef { id: id.to_owned(), name: resource.name.clone() })
            }
            ResourceKind::Agent => found::<User>(scene, &resource),
            ResourceKind::Hours => found::<HoursOfOperation>(scene, &resource),
            ResourceKind::Prompt => found::<Prompt>(scene, &resource),
            ResourceKind::Queue => found::<Queue>(scene, &resource),
        })
    }
}

/// A published flow of the instance.
fn flow(scene: &Scene<'_>, resource: &ResourceRef) -> Option<LeadsTo> {
    let by_id = scene.directory.flow(scene.instance, &FlowReference::parse(&resource.id));
    let how = if by_id.is_some() { Found::ById } else { Found::ByName };
    let flow = scene.service.flow(scene.instance.id, resource)?.identity;
    Some(LeadsTo { how, arn: flow.arn, name: flow.name })
}

fn found<S: Spec>(scene: &Scene<'_>, resource: &ResourceRef) -> Option<LeadsTo> {
    let named = find::<S>(scene, resource)?;
    let by_id = reference::resource(scene.instance, S::WORDS.arn, &resource.id);
    let how = if by_id == Some(named.id) { Found::ById } else { Found::ByName };
    Some(LeadsTo { how, arn: scene.arn::<S>(named.id), name: named.name.clone() })
}

/// What keeps a flow from being published.
fn errors(flow: &Flow, flow_type: Option<FlowType>, content: &str) -> Vec<FlowProblem> {
    // A module's own metadata names no type.
    let flow_type = flow_type.or_else(|| flow.flow_type().and_then(FlowType::parse));
    let found = flow_type.map_or_else(|| flow.problems().to_vec(), |kind| flow.problems_as(kind));
    let mut problems: Vec<FlowProblem> = found
        .into_iter()
        .map(|problem| FlowProblem {
            is_error: true,
            block: block_of(flow, &problem.path),
            path: problem.path,
            position: None,
            message: problem.message,
        })
        .collect();
    if content.len() > MAX_CONTENT_CHARS && content.chars().count() > MAX_CONTENT_CHARS {
        problems.push(FlowProblem {
            is_error: true,
            path: String::new(),
            position: None,
            block: None,
            message: format!("has more than the {MAX_CONTENT_CHARS} characters that a flow may have"),
        });
    }
    problems
}

/// The identifier of the block that a path leads into.
fn block_of(flow: &Flow, path: &str) -> Option<String> {
    let (list, _) = list_of(flow.format());
    let index = path.strip_prefix(list)?.strip_prefix('[')?.split_once(']')?.0.parse::<usize>().ok()?;
    Some(flow.blocks().get(index)?.identifier().to_owned())
}

/// The member that lists blocks, and the one that has a block's type.
fn list_of(format: Format) -> (&'static str, &'static str) {
    match format {
        Format::Language20191030 => ("Actions", "Type"),
        Format::DesignerModules => ("modules", "type"),
    }
}

fn missing(reference: &FlowReferenceTo) -> FlowProblem {
    let NamedResource { path, block, kind, id, name } = &reference.named;
    let named = name.as_deref().filter(|_| id.is_empty() || id.starts_with("arn:")).unwrap_or(id);
    let noun = kind.noun();
    let is_published = match kind {
        ResourceKind::Flow | ResourceKind::Module => "published ",
        _ => "",
    };
    let becomes = match reference.named.event() {
        Some(_) => "nothing runs at the event",
        None => "the block takes its error branch",
    };
    FlowProblem {
        is_error: false,
        path: path.clone(),
        position: None,
        block: Some(block.clone()),
        message: format!(
            "names {:?}, and the instance has no {is_published}{noun} of this id or name: {becomes}",
            reference::shown(named)
        ),
    }
}

/// A text that is no flow.
fn unreadable(content: &str, error: &FlowError) -> FlowProblem {
    let (path, position) = match error {
        FlowError::NotJson { line, column, .. } => {
            (String::new(), Some(Position { line: *line, column: *column }))
        }
        FlowError::Shape { pointer, .. } => {
            let path = path_of(pointer);
            let position = positions(content, [path.as_str()]).get(&path).copied();
            (path, position)
        }
        FlowError::TooLarge { .. } | FlowError::NotAFlow => (String::new(), None),
    };
    let message = match error {
        FlowError::NotJson { message, .. } => format!("is not JSON: {message}"),
        FlowError::Shape { expected, .. } => format!("must be {expected}"),
        other => other.to_string(),
    };
    FlowProblem { is_error: true, path, position, block: None, message }
}

/// A JSON pointer as a path: `/Actions/3/Type` is `Actions[3].Type`.
fn path_of(pointer: &str) -> String {
    let mut path = String::new();
    for token in pointer.split('/').skip(1) {
        if token.parse::<usize>().is_ok() {
            path.push_str(&format!("[{token}]"));
        } else {
            let dot = if path.is_empty() { "" } else { "." };
            path.push_str(&format!("{dot}{}", token.replace("~1", "/").replace("~0", "~")));
        }
    }
    path
}

/// Finds problems in the text.
fn place(content: &str, problems: &mut [FlowProblem]) {
    let found: BTreeMap<String, Position> =
        positions(content, problems.iter().map(|problem| problem.path.as_str()));
    for problem in problems {
        problem.position = found.get(&problem.path).copied();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Bench, FLOW};

    const FOREIGN: &str = "arn:aws:connect:us-east-1:999999999999:instance/i";

    fn check(content: &str, flow_type: Option<FlowType>) -> FlowCheck {
        let bench = Bench::with(|options| options.default_resources = true);
        let instance = bench.instance("demo");
        bench.service.check_flow(instance.parse().unwrap(), flow_type, content)
    }

    fn lines(check: &FlowCheck) -> Vec<(bool, &str, Option<usize>, Option<&str>)> {
        let line = |problem: &FlowProblem| problem.position.map(|position| position.line);
        let problems = check.problems.iter();
        problems
            .map(|problem| (problem.is_error, problem.path.as_str(), line(problem), problem.block.as_deref()))
            .collect()
    }

    #[test]
    fn a_sound_flow_has_nothing_wrong_and_its_type_counts() {
        let sound = check(FLOW, Some(FlowType::ContactFlow));
        assert_eq!(sound, FlowCheck { format: Some(Format::Language20191030), ..FlowCheck::default() });
        let misplaced = FLOW.replace("DisconnectParticipant", "TransferContactToQueue");
        let misplaced = check(&misplaced, Some(FlowType::CustomerHold));
        assert!(
            misplaced.problems.iter().any(|problem| problem.message.contains("CUSTOMER_HOLD")),
            "{misplaced:?}"
        );
    }

    #[test]
    fn problems_stand_at_their_lines_and_references_say_what_they_lead_to() {
        let content = format!(
            r#"{{
  "Version": "2019-10-30", "StartAction": "queue",
  "Metadata": {{ "name": "Welcome", "ActionMetadata": {{ "queue": {{ "queue": {{ "text": "BasicQueue" }} }} }} }},
  "Actions": [
    {{ "Identifier": "queue", "Type": "UpdateContactTargetQueue",
      "Parameters": {{ "QueueId": "{FOREIGN}/queue/x" }},
      "Transitions": {{ "NextAction": "play", "Errors": [{{ "ErrorType": "NoMatchingError", "NextAction": "nowhere" }}] }} }},
    {{ "Identifier": "play", "Type": "MessageParticipant",
      "Parameters": {{ "PromptId": "{FOREIGN}/prompt/x" }},
      "Transitions": {{ "NextAction": "hook", "Errors": [{{ "ErrorType": "NoMatchingError", "NextAction": "end" }}] }} }},
    {{ "Identifier": "hook", "Type": "UpdateContactEventHooks",
      "Parameters": {{ "EventHooks": {{ "CustomerQueue": "{FOREIGN}/contact-flow/x" }} }},
      "Transitions": {{ "NextAction": "end", "Errors": [{{ "ErrorType": "NoMatchingError", "NextAction": "end" }}] }} }},
    {{ "Identifier": "end", "Type": "DisconnectParticipant", "Parameters": {{}}, "Transitions": {{}} }}
  ]
}}"#
        );
        let found = check(&content, None);
        assert_eq!(
            lines(&found),
            [
                (true, "Actions[0].Transitions.Errors[0].NextAction", Some(7), Some("queue")),
                (false, "Actions[1].Parameters.PromptId", Some(9), Some("play")),
            ]
        );
        assert_eq!((found.name.as_deref(), found.format), (Some("Welcome"), Some(Format::Language20191030)));
        let led: Vec<Option<(Found, &str)>> = found
            .references
            .iter()
            .map(|reference| reference.leads_to.as_ref().map(|to| (to.how, to.name.as_str())))
            .collect();
        assert_eq!(
            led,
            [Some((Found::ByName, "BasicQueue")), None, Some((Found::ByDefault, "Default customer queue")),]
        );
    }

    #[test]
    fn a_text_that_is_no_flow_says_where_it_stops_being_one() {
        assert_eq!(lines(&check("{\n \"Actions\": [}", None)), [(true, "", Some(2), None)]);
        assert_eq!(
            lines(&check("{\"Actions\":\n [{\"Identifier\":\n 4}]}", None)),
            [(true, "Actions[0].Identifier", Some(3), None)]
        );
        assert_eq!(lines(&check("{}", None)), [(true, "", None, None)]);
    }
}
