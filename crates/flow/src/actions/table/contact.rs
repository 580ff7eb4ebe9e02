//! What a flow makes of its contact.

use super::rows::*;
use crate::actions::older::{
    attributes, event_hook, hold_state, recording, screen_pop, start_streaming, stop_streaming,
};
use crate::actions::{Action, Behaviour, BranchTo, Conditions, ErrorType, Kind, Parameter};
use crate::blocks::{self, boxed};
use ErrorType::*;
use serde_json::Value;

const STREAMING: &[Parameter] = &[
    one_of("MediaStreamingState", &["Enabled", "Disabled"]).needed(),
    one_of("MediaStreamType", &["Audio"]).needed(),
    list("Participants").needed(),
];

const OLDER_STREAMING: &[(&str, &str)] =
    &[("Track", "Participants"), ("MediaStreamTypes", "MediaStreamType")];

const ROUTING: &[(&str, &str)] =
    &[("AbsolutePosition", "QueuePriority"), ("TimeOffset", "QueueTimeAdjustmentSeconds")];

pub(super) const ROWS: &[Action] = &[
    row("UpdateContactAttributes", "SetAttributes", ALL, boxed!(UpdateContactAttributes))
        .parameters_are(&[map("Attributes").needed(), one_of("TargetContact", &["Current", "Related"])])
        .errors_are(&[required(NoMatchingError)])
        .older_are(&[
            older("SetAttributes").parameters(&[("Attribute", "Attributes")]).finish(attributes),
            older("SetScreenPop").finish(screen_pop),
        ]),
    row("UpdateContactData", "UpdateContactData", ALL, boxed!(UpdateContactData))
        .parameters_are(&[
            text("Name"),
            text("Description"),
            text("LanguageCode"),
            text("CustomerId"),
            text("WisdomSessionArn"),
            object("References"),
            one_of("TargetContact", &["Current", "Related"]),
        ])
        .errors_are(&[required(NoMatchingError)])
        .takes_any()
        .older_are(&[older("UpdateContactData")]),
    row("TagContact", "TagContact", ALL, boxed!(TagContact))
        .parameters_are(&[map("Tags").needed()])
        .errors_are(&[optional(NoMatchingError)])
        .older_are(&[older("TagContact")]),
    row("UntagContact", "UnTagContact", ALL, boxed!(UntagContact))
        .parameters_are(&[list("TagKeys").needed()])
        .errors_are(&[optional(NoMatchingError)])
        .older_are(&[older("UnTagContact"), older("UntagContact")]),
    row(
        "UpdateContactTargetQueue",
        "SetQueue",
        INBOUND.and(TRANSFERS).and(MODULE),
        boxed!(UpdateContactTargetQueue),
    )
    .parameters_are(&[reference("QueueId"), reference("AgentId")])
    .errors_are(&[required(NoMatchingError)])
    .older_are(&[older("SetQueue").parameters(&[("Queue", "QueueId"), ("Agent", "AgentId")])]),
    row(
        "TransferContactToQueue",
        "Transfer",
        INBOUND.and(TRANSFERS).and(MODULE),
        boxed!(=TransferContactToQueue),
    )
    .errors_are(&[required(QueueAtCapacity), required(NoMatchingError)])
    .older_are(&[older("Transfer"), older("Transfer").target("Queue")]),
    row(
        "DequeueContactAndTransferToQueue",
        "Transfer",
        QUEUE.and(MODULE),
        boxed!(DequeueContactAndTransferToQueue),
    )
    .parameters_are(&[reference("QueueId"), reference("AgentId")])
    .errors_are(&[required(QueueAtCapacity), required(NoMatchingError)])
    .older_are(&[older("CustomerInQueue").parameters(&[("Queue", "QueueId"), ("Agent", "AgentId")])]),
    row("TransferContactToAgent", "Transfer", TRANSFERS.and(MODULE), boxed!(=TransferContactToAgent))
        .terminal()
        .older_are(&[older("Transfer").target("Agent")]),
    row("RouteContactToAgent", "RouteContactToAgent", QUEUE.and(MODULE), boxed!(RouteContactToAgent))
        .parameters_are(&[reference("AgentId").needed()])
        .errors_are(&[required(NoMatchingError)])
        .takes_any(),
    row("UpdateContactCallbackNumber", "SetCallBackNumber", CALLER, boxed!(UpdateContactCallbackNumber))
        .parameters_are(&[whole_reference("CallbackNumber").needed()])
        .errors_are(&[required(InvalidCallbackNumber), required(CallbackNumberNotDialable)])
        .older_are(&[older("SetCallBackNumber")
            .parameters(&[("CallBackNumber", "CallbackNumber")])
            .branches(&[
                ("InvalidPhoneNumber", BranchTo::Error(InvalidCallbackNumber)),
                ("InvalidNumber", BranchTo::Error(InvalidCallbackNumber)),
                ("NonDialableNumber", BranchTo::Error(CallbackNumberNotDialable)),
            ])]),
    row("UpdateContactEventHooks", "SetEventHook", ALL, boxed!(UpdateContactEventHooks))
        .parameters_are(&[object("EventHooks").needed(), object("EventHooksConfiguration")])
        .errors_are(&[required(NoMatchingError)])
        .older_are(&[older("SetEventHook").finish(event_hook), older("SetContactFlow").finish(event_hook)]),
    row(
        "UpdateContactRoutingBehavior",
        "UpdateRoutingPriority",
        INBOUND.and(OUTBOUND).and(QUEUE).and(TRANSFERS).and(MODULE),
        boxed!(UpdateContactRoutingBehavior),
    )
    .parameters_are(&[
        whole("QueuePriority", 1, u32::MAX),
        Parameter { path: "QueueTimeAdjustmentSeconds", kind: Kind::Signed, required: false },
        any("RoutingProficiencies"),
    ])
    .errors_are(&[with(NoMatchingError, "RoutingProficiencies")])
    .older_are(&[
        older("UpdateRoutingPriority").parameters(ROUTING),
        older("ChangeRoutingPriority").parameters(ROUTING),
    ]),
    row(
        "UpdateContactRecordingBehavior",
        "SetRecordingBehavior",
        CALLER.and(OUTBOUND),
        boxed!(UpdateContactRecordingBehavior),
    )
    .parameters_are(&[object("RecordingBehavior").needed(), object("AnalyticsBehavior")])
    .older_are(&[older("SetRecordingBehavior").finish(recording)]),
    row(
        "UpdateContactRecordingAndAnalyticsBehavior",
        "SetRecordingBehavior",
        ALL,
        Behaviour::NotOffered(ChannelMismatch, "ChatBehavior is for chats, and this is a call"),
    )
    .form_is("chat", |parameters| parameters.contains_key("ChatBehavior"))
    .parameters_are(&[object("ChatBehavior").needed()])
    .errors_are(&[
        required(NoMatchingError),
        required(ChannelMismatch),
        required(InFlightRedactionConfigurationFailed),
    ]),
    row(
        "UpdateContactRecordingAndAnalyticsBehavior",
        "SetRecordingBehavior",
        ALL,
        boxed!(UpdateContactRecordingBehavior),
    )
    .form_is("voice", |_| true)
    .parameters_are(&[object("VoiceBehavior"), object("ScreenRecordingBehavior")])
    .errors_are(&[required(NoMatchingError), required(ChannelMismatch)]),
    row(
        "UpdateContactMediaStreamingBehavior",
        "StopMediaStreaming",
        CALLER.and(WHISPERS),
        boxed!(UpdateContactMediaStreamingBehavior),
    )
    .form_is("stop", |parameters| {
        parameters.get("MediaStreamingState").and_then(Value::as_str) == Some("Disabled")
    })
    .parameters_are(STREAMING)
    .errors_are(&[required(NoMatchingError)])
    .older_are(&[older("StopMediaStreaming").parameters(OLDER_STREAMING).finish(stop_streaming)]),
    row(
        "UpdateContactMediaStreamingBehavior",
        "StartMediaStreaming",
        CALLER.and(WHISPERS),
        boxed!(UpdateContactMediaStreamingBehavior),
    )
    .form_is("start", |_| true)
    .parameters_are(STREAMING)
    .errors_are(&[required(NoMatchingError)])
    .older_are(&[older("StartMediaStreaming").parameters(OLDER_STREAMING).finish(start_streaming)]),
    row("UpdateContactTextToSpeechVoice", "SetVoice", ALL, boxed!(UpdateContactTextToSpeechVoice))
        .parameters_are(&[
            text("TextToSpeechVoice").needed(),
            text("TextToSpeechEngine"),
            text("TextToSpeechStyle"),
        ])
        .errors_are(&[optional(NoMatchingError)])
        .older_are(&[older("SetVoice").parameters(&[
            ("GlobalVoice", "TextToSpeechVoice"),
            ("GlobalEngine", "TextToSpeechEngine"),
            ("SpeakingStyle", "TextToSpeechStyle"),
        ])]),
    row(
        "UpdatePreviousContactParticipantState",
        "HoldParticipant",
        INBOUND.and(TRANSFERS).and(OUTBOUND).and(MODULE),
        boxed!(UpdatePreviousContactParticipantState),
    )
    .parameters_are(&[one_of(
        "PreviousContactParticipantState",
        &["AgentOnHold", "CustomerOnHold", "OffHold"],
    )
    .needed()])
    .errors_are(&[required(NoMatchingError)])
    .older_are(&[
        older("HoldParticipant").finish(hold_state),
        older("SetHoldState").finish(hold_state),
        older("HoldCustomerOrAgent").finish(hold_state),
    ]),
    row("CompleteOutboundCall", "CompleteOutboundCall", OUTBOUND.and(MODULE), boxed!(CompleteOutboundCall))
        .parameters_are(&[
            object("CallerId"),
            reference("CallerId.Number"),
            object("VoiceConnector"),
            any("ConnectionTimeLimitSeconds"),
        ])
        .older_are(&[older("CompleteOutboundCall"), older("Dial"), older("CallPhoneNumber")]),
    row("InvokeFlowModule", "InvokeFlowModule", ALL, boxed!(InvokeFlowModule))
        .parameters_are(&[text("FlowModuleId").needed(), object("Input")])
        .errors_are(&[required(NoMatchingError), optional(NoMatchingCondition)])
        .conditions_are(Conditions::Any)
        .takes_any(),
    row("EndFlowModuleExecution", "EndFlowModuleExecution", MODULE, boxed!(EndFlowModuleExecution))
        .parameters_are(&[fixed("Result"), object("ResultData")])
        .terminal(),
];
