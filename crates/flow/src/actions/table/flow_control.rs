//! Where a flow goes on.

use super::rows::*;
use crate::actions::older::{check_attribute, logging, staffing};
use crate::actions::{Action, Behaviour, BranchTo, Conditions, ErrorType, Parameter};
use crate::blocks::{self, boxed};
use ErrorType::*;
use serde_json::Value;

const METRIC: &[Parameter] =
    &[one_of("MetricType", blocks::METRIC_TYPES).needed(), reference("QueueId"), reference("AgentId")];

const VOICE_ID: &str = "Voice ID has ended";

pub(super) const ROWS: &[Action] = &[
    row("Compare", "CheckAttribute", ALL, boxed!(Compare))
        .parameters_are(&[whole_reference("ComparisonValue").needed()])
        .errors_are(&[required(NoMatchingCondition)])
        .conditions_are(Conditions::Some)
        .older_are(&[older("CheckAttribute")
            .parameters(&[("Attribute", "ComparisonValue")])
            .finish(check_attribute)]),
    row("Loop", "Loop", ALL, boxed!(Loop))
        .parameters_are(&[whole_or_reference("LoopCount", 0, 100).needed()])
        .errors_are(&[optional(NoMatchingError)])
        .conditions_are(Conditions::Exactly(&["ContinueLooping", "DoneLooping"]))
        .takes_any()
        .older_are(&[older("Loop").parameters(&[("LoopCount", "LoopCount")])]),
    row(
        "DistributeByPercentage",
        "DistributeByPercentage",
        CALLER.and(OUTBOUND),
        boxed!(=DistributeByPercentage),
    )
    .errors_are(&[required(NoMatchingCondition)])
    .conditions_are(Conditions::Any)
    .older_are(&[older("DistributeByPercentage"), older("PercentileBranching")]),
    row("Wait", "Wait", ALL, boxed!(Wait))
        .parameters_are(&[
            whole_or_reference("TimeLimitSeconds", 1, 604_800),
            whole_or_reference("TimeoutSeconds", 1, 604_800),
            list("Events"),
            any("MinimumWaitTimeSeconds"),
        ])
        .errors_are(&[required(NoMatchingError), optional(ParticipantNotFound)])
        .conditions_are(Conditions::AtLeast(&["WaitCompleted"]))
        .takes_any()
        .older_are(&[older("Wait").parameters(&[("TimeoutSeconds", "TimeLimitSeconds")]).branches(&[
            ("Timeout", BranchTo::Equals("WaitCompleted")),
            ("CustomerReturned", BranchTo::Equals("CustomerReturned")),
        ])]),
    row("CheckHoursOfOperation", "CheckHoursOfOperation", CALLER, boxed!(CheckHoursOfOperation))
        .parameters_are(&[text("HoursOfOperationId")])
        .errors_are(&[required(NoMatchingError)])
        .conditions_are(Conditions::Exactly(&["True", "False"]))
        .older_are(&[older("CheckHoursOfOperation")
            .parameters(&[("HoursOfOperation", "HoursOfOperationId"), ("Hours", "HoursOfOperationId")])]),
    row("CheckMetricData", "CheckStaffing", CALLER, boxed!(CheckMetricData))
        .form_is("agents", |parameters| {
            parameters.get("MetricType").and_then(Value::as_str).is_none_or(|kind| kind.contains("Agents"))
        })
        .parameters_are(METRIC)
        .errors_are(&[required(NoMatchingError), required(NoMatchingCondition)])
        .conditions_are(Conditions::Some)
        .older_are(&[older("CheckStaffing")
            .parameters(&[("Queue", "QueueId"), ("Agent", "AgentId")])
            .branches(&[("True", BranchTo::Positive), ("False", BranchTo::Error(NoMatchingCondition))])
            .finish(staffing)]),
    row("CheckMetricData", "CheckQueueStatus", CALLER, boxed!(CheckMetricData))
        .form_is("queue", |_| true)
        .parameters_are(METRIC)
        .errors_are(&[required(NoMatchingError), required(NoMatchingCondition)])
        .conditions_are(Conditions::Some)
        .older_are(&[older("CheckQueueStatus").parameters(&[("Queue", "QueueId"), ("Agent", "AgentId")])]),
    row("GetMetricData", "GetMetricData", ALL, boxed!(GetMetricData))
        .parameters_are(&[reference("QueueId"), reference("AgentId"), reference("QueueChannel")])
        .errors_are(&[required(NoMatchingError)])
        .takes_any()
        .older_are(&[older("GetMetricData").parameters(&[
            ("Queue", "QueueId"),
            ("Agent", "AgentId"),
            ("Channel", "QueueChannel"),
        ])]),
    row("TransferToFlow", "Transfer", INBOUND.and(TRANSFERS).and(MODULE), boxed!(TransferToFlow))
        .parameters_are(&[reference("ContactFlowId").needed()])
        .errors_are(&[required(NoMatchingError)])
        .older_are(&[
            older("Transfer").target("Flow").parameters(&[("ContactFlowId", "ContactFlowId")]),
            older("TransferToFlow").parameters(&[("ContactFlowId", "ContactFlowId")]),
        ]),
    row("EndFlowExecution", "Resume", ALL, boxed!(=EndFlowExecution))
        .terminal()
        .older_are(&[older("Resume")]),
    row("UpdateFlowAttributes", "SetAttributes", ALL, boxed!(UpdateFlowAttributes))
        .parameters_are(&[object("FlowAttributes").needed()])
        .errors_are(&[required(NoMatchingError)]),
    row("UpdateFlowLoggingBehavior", "SetLoggingBehavior", ALL, boxed!(UpdateFlowLoggingBehavior))
        .parameters_are(&[one_of("FlowLoggingBehavior", &["Enabled", "Disabled"]).needed()])
        .older_are(&[older("SetLoggingBehavior")
            .parameters(&[("LoggingBehavior", "FlowLoggingBehavior")])
            .finish(logging)]),
    row(
        "CheckOutboundCallStatus",
        "CheckOutboundCallStatus",
        ALL,
        Behaviour::NotOffered(NoMatchingError, "there are no outbound campaigns here"),
    )
    .errors_are(&[required(NoMatchingError), optional(NoMatchingCondition)])
    .conditions_are(Conditions::Any)
    .takes_any()
    .older_are(&[older("CheckOutboundCallStatus")]),
    row("CheckVoiceId", "CheckVoiceId", ALL, Behaviour::NotOffered(NoMatchingError, VOICE_ID))
        .errors_are(&[optional(NoMatchingError), optional(NoMatchingCondition)])
        .conditions_are(Conditions::Any)
        .takes_any()
        .older_are(&[older("CheckVoiceId")]),
    row("StartVoiceIdStream", "StartVoiceIdStream", ALL, Behaviour::NotOffered(NoMatchingError, VOICE_ID))
        .errors_are(&[optional(NoMatchingError)])
        .takes_any()
        .older_are(&[older("StartVoiceIdStream")]),
    row(
        "UpdateContactRoutingCriteria",
        "UpdateContactRoutingCriteria",
        INBOUND.and(QUEUE).and(TRANSFERS).and(MODULE),
        boxed!(UpdateContactRoutingCriteria),
    )
    .parameters_are(&[object("RoutingCriteria").needed()])
    .errors_are(&[required(NoMatchingError)]),
    row(
        "CheckSegmentMembership",
        "CheckSegmentMembership",
        ALL,
        Behaviour::NotOffered(NoMatchingError, "there are no segments here"),
    )
    .errors_are(&[optional(NoMatchingError), optional(NoMatchingCondition)])
    .conditions_are(Conditions::Any)
    .takes_any(),
];
