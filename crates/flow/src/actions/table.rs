//! The rows.

use super::{
    Action, Behaviour, BranchTo, Conditions, ErrorType, Finish, Form, Kind, Need, Next, Older, Parameter,
    PossibleError,
};
use crate::blocks::{self, boxed};
use crate::flow_type::FlowTypes;
use ErrorType::{
    CallFailed, CallbackNumberNotDialable, ChannelMismatch, ConnectionTimeLimitExceeded, ContactNotLinked,
    InFlightRedactionConfigurationFailed, InputTimeLimitExceeded, InvalidCallbackNumber, InvalidPhoneNumber,
    MultipleFound, MultipleFoundError, NoMatchingCondition, NoMatchingError, NoneFound, NoneFoundError,
    ParticipantNotFound, QueueAtCapacity, TemplateRenderingError, TimeLimitExceeded,
};
use serde_json::{Map, Value};

const ALL: FlowTypes = FlowTypes::ALL;
const INBOUND: FlowTypes = FlowTypes::INBOUND;
const TRANSFERS: FlowTypes = FlowTypes::TRANSFERS;
const QUEUE: FlowTypes = FlowTypes::QUEUE;
const HOLDS: FlowTypes = FlowTypes::HOLDS;
const WHISPERS: FlowTypes = FlowTypes::WHISPERS;
const OUTBOUND: FlowTypes = FlowTypes::OUTBOUND;
const MODULE: FlowTypes = FlowTypes::MODULE;
/// Inbound, transfer and queue flows, and modules: where most blocks with a caller stand.
const CALLER: FlowTypes = INBOUND.and(TRANSFERS).and(QUEUE).and(MODULE);

const QUEUES: &str = "queues and agents are not performed yet";
const LEX: &str = "bots are not performed yet";
const THIRD_PARTIES: &str = "calls to third parties are not performed yet";
const LOOP_PROMPTS: &str = "prompts in a loop are not performed yet: they belong to queues and holds";
const PROFILES: &str = "there are no customer profiles here";
const CASES: &str = "there are no cases here";
const VOICE_ID: &str = "Voice ID has ended";

pub(super) const ACTIONS: &[Action] = &[
    // Participant
    row("MessageParticipant", "PlayPrompt", CALLER.and(WHISPERS), boxed!(MessageParticipant))
        .parameters_are(&[
            reference("PromptId"),
            text("Text"),
            text("SSML"),
            object("Media"),
            text("Media.Uri"),
            one_of("Media.SourceType", &["S3"]),
            one_of("Media.MediaType", &["Audio"]),
            flag("SkipWhenDTMFBufferEnabled"),
        ])
        .errors_are(&[optional(NoMatchingError)])
        .older_are(&[older("PlayPrompt").finish(prompt), older("PlayAudio").finish(prompt)]),
    row(
        "MessageParticipantIteratively",
        "LoopPrompts",
        QUEUE.and(HOLDS).and(MODULE),
        Behaviour::NotYet(LOOP_PROMPTS),
    )
    .parameters_are(&[
        list("Messages").needed(),
        whole("InterruptFrequencySeconds", 1, 604_800),
        flag("ContinueMessagingDuringInterrupt"),
    ])
    .errors_are(&[optional(NoMatchingError)])
    .conditions_are(Conditions::Any)
    .next_may_miss()
    .older_are(&[older("LoopPrompts")
        .parameters(&[("InterruptSeconds", "InterruptFrequencySeconds")])
        .branches(&[("Timeout", BranchTo::Equals("MessagesInterrupted"))])
        .finish(loop_prompts)]),
    row(
        "GetParticipantInput",
        "SetTouchtoneBuffer",
        INBOUND.and(QUEUE).and(OUTBOUND).and(TRANSFERS).and(MODULE),
        boxed!(TouchtoneBuffer),
    )
    .form_is("touchtone buffer", |parameters| parameters.contains_key("EnableDTMFBuffer"))
    .parameters_are(&[
        flag("EnableDTMFBuffer").needed(),
        flag("StoreInput"),
        object("InputEncryption"),
        text("InputEncryption.EncryptionKeyId"),
        text("InputEncryption.Key"),
    ])
    .errors_are(&[required(NoMatchingError)]),
    row("GetParticipantInput", "StoreUserInput", CALLER.and(OUTBOUND), boxed!(StoreParticipantInput))
        .form_is("store", |parameters| is_true(parameters, "StoreInput"))
        .parameters_are(&[
            reference("PromptId"),
            text("Text"),
            text("SSML"),
            object("Media"),
            text("Media.Uri"),
            one_of("Media.SourceType", &["S3"]),
            one_of("Media.MediaType", &["Audio"]),
            flag("StoreInput"),
            whole("InputTimeLimitSeconds", 1, 180).needed(),
            object("InputValidation").needed(),
            object("InputValidation.PhoneNumberValidation"),
            one_of("InputValidation.PhoneNumberValidation.NumberFormat", &["Local", "E164"]),
            any("InputValidation.PhoneNumberValidation.CountryCode"),
            object("InputValidation.CustomValidation"),
            whole_or_reference("InputValidation.CustomValidation.MaximumLength", 1, 1000),
            object("InputEncryption"),
            text("InputEncryption.EncryptionKeyId"),
            text("InputEncryption.Key"),
            object("DTMFConfiguration"),
            any("DTMFConfiguration.InputTerminationSequence"),
            flag("DTMFConfiguration.DisableCancelKey"),
            whole_or_reference("DTMFConfiguration.InterdigitTimeLimitSeconds", 1, 20),
        ])
        .errors_are(&[
            required(NoMatchingError),
            with(InvalidPhoneNumber, "InputValidation.PhoneNumberValidation"),
        ])
        .older_are(&[
            older("StoreUserInput")
                .parameters(&[
                    ("Timeout", "InputTimeLimitSeconds"),
                    ("MaxDigits", "InputValidation.CustomValidation.MaximumLength"),
                    ("TerminatorDigits", "DTMFConfiguration.InputTerminationSequence"),
                ])
                .finish(store_input),
            older("StoreCustomerInput")
                .parameters(&[
                    ("Timeout", "InputTimeLimitSeconds"),
                    ("MaxDigits", "InputValidation.CustomValidation.MaximumLength"),
                    ("TerminatorDigits", "DTMFConfiguration.InputTerminationSequence"),
                ])
                .finish(store_input),
        ]),
    row("GetParticipantInput", "GetUserInput", CALLER.and(OUTBOUND), boxed!(GetParticipantInput))
        .form_is("menu", |_| true)
        .parameters_are(&[
            reference("PromptId"),
            text("Text"),
            text("SSML"),
            object("Media"),
            text("Media.Uri"),
            one_of("Media.SourceType", &["S3"]),
            one_of("Media.MediaType", &["Audio"]),
            flag("StoreInput"),
            whole("InputTimeLimitSeconds", 1, 180).needed(),
            object("DTMFConfiguration"),
            any("DTMFConfiguration.InputTerminationSequence"),
            flag("DTMFConfiguration.DisableCancelKey"),
            whole_or_reference("DTMFConfiguration.InterdigitTimeLimitSeconds", 1, 20),
        ])
        .errors_are(&[
            required(NoMatchingError),
            required(NoMatchingCondition),
            required(InputTimeLimitExceeded),
        ])
        .conditions_are(Conditions::Any)
        .older_are(&[older("GetUserInput")
            .parameters(&[("Timeout", "InputTimeLimitSeconds"), ("MaxDigits", "MaxDigits")])
            .finish(prompt)]),
    row("ConnectParticipantWithLexBot", "GetUserInput", CALLER.and(OUTBOUND), Behaviour::NotYet(LEX))
        .parameters_are(&[
            reference("PromptId"),
            text("Text"),
            text("SSML"),
            object("Media"),
            object("LexInitializationData"),
            text("LexInitializationData.InitialMessage"),
            object("LexV2Bot"),
            text("LexV2Bot.AliasArn"),
            object("LexBot"),
            text("LexBot.Name"),
            text("LexBot.Region"),
            text("LexBot.Alias"),
            object("LexSessionAttributes"),
            object("LexTimeoutSeconds"),
        ])
        .errors_are(&[
            required(NoMatchingError),
            required(NoMatchingCondition),
            optional(InputTimeLimitExceeded),
        ])
        .conditions_are(Conditions::Any)
        .takes_any()
        .older_are(&[older("GetUserInput").target("Lex").finish(lex)]),
    row("DisconnectParticipant", "Disconnect", CALLER, boxed!(=DisconnectParticipant))
        .terminal()
        .older_are(&[older("Disconnect")]),
    row("ShowView", "ShowView", CALLER, Behaviour::NotOffered(NoMatchingError, "there are no views here"))
        .parameters_are(&[
            object("ViewResource").needed(),
            any("InvocationTimeLimitSeconds").needed(),
            any("ViewData"),
            any("SensitiveDataConfiguration"),
        ])
        .errors_are(&[required(NoMatchingError), required(NoMatchingCondition), required(TimeLimitExceeded)])
        .conditions_are(Conditions::Any),
    row("TransferParticipantToThirdParty", "Transfer", CALLER, Behaviour::NotYet(THIRD_PARTIES))
        .form_is("coming back", |parameters| is_true(parameters, "ContinueFlowExecution"))
        .parameters_are(THIRD_PARTY)
        .errors_are(&[
            required(NoMatchingError),
            required(CallFailed),
            required(ConnectionTimeLimitExceeded),
        ]),
    row("TransferParticipantToThirdParty", "Transfer", CALLER, Behaviour::NotYet(THIRD_PARTIES))
        .form_is("for good", |_| true)
        .parameters_are(THIRD_PARTY)
        .errors_are(&[required(NoMatchingError)])
        .older_are(&[older("Transfer")
            .target("PhoneNumber")
            .parameters(&[
                ("PhoneNumber", "ThirdPartyPhoneNumber"),
                ("TimeLimit", "ThirdPartyConnectionTimeLimitSeconds"),
            ])
            .branches(&[("Timeout", BranchTo::Error(ConnectionTimeLimitExceeded))])
            .finish(third_party)]),
    // Flow control
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
    // Interactions
    row("InvokeLambdaFunction", "InvokeExternalResource", ALL, boxed!(InvokeLambdaFunction))
        .parameters_are(&[
            text("LambdaFunctionARN").needed(),
            whole("InvocationTimeLimitSeconds", 1, 60),
            one_of("InvocationType", &["SYNCHRONOUS", "ASYNCHRONOUS"]),
            object("LambdaInvocationAttributes"),
            object("ResponseValidation"),
            one_of("ResponseValidation.ResponseType", &["STRING_MAP", "JSON"]),
        ])
        .errors_are(&[required(NoMatchingError)])
        .takes_any()
        .older_are(&[older("InvokeExternalResource")
            .parameters(&[("FunctionArn", "LambdaFunctionARN"), ("TimeLimit", "InvocationTimeLimitSeconds")])
            .finish(function)]),
    row(
        "CreateCallbackContact",
        "CreateCallback",
        CALLER,
        Behaviour::NotYet("callbacks are not performed yet"),
    )
    .parameters_are(&[
        reference("QueueId"),
        reference("AgentId"),
        whole("InitialCallDelaySeconds", 1, 259_200).needed(),
        whole("RetryDelaySeconds", 1, 259_200).needed(),
        whole("MaximumConnectionAttempts", 1, 100).needed(),
        reference("ContactFlowId"),
        reference("CallerId"),
    ])
    .errors_are(&[required(NoMatchingError)])
    .takes_any()
    .older_are(&[older("CreateCallback").parameters(&[
        ("InitialDelaySeconds", "InitialCallDelaySeconds"),
        ("RetryDelaySeconds", "RetryDelaySeconds"),
        ("MaxRetryAttempts", "MaximumConnectionAttempts"),
        ("Queue", "QueueId"),
        ("Agent", "AgentId"),
    ])]),
    row("GetCustomerProfile", "GetCustomerProfile", ALL, Behaviour::NotOffered(NoneFoundError, PROFILES))
        .errors_are(&[required(NoMatchingError), required(NoneFoundError), required(MultipleFoundError)])
        .takes_any()
        .older_are(&[older("GetCustomerProfile")]),
    row(
        "GetCustomerProfileObject",
        "GetCustomerProfileObject",
        ALL,
        Behaviour::NotOffered(NoneFoundError, PROFILES),
    )
    .errors_are(&[required(NoMatchingError), required(NoneFoundError)])
    .takes_any()
    .older_are(&[older("GetCustomerProfileObject")]),
    row(
        "GetCalculatedAttributesForCustomerProfile",
        "GetCalculatedAttributesForCustomerProfile",
        ALL,
        Behaviour::NotOffered(NoneFoundError, PROFILES),
    )
    .errors_are(&[required(NoMatchingError), required(NoneFoundError)])
    .takes_any()
    .older_are(&[older("GetCalculatedAttributesForCustomerProfile")]),
    row(
        "CreateCustomerProfile",
        "CreateCustomerProfile",
        ALL,
        Behaviour::NotOffered(NoMatchingError, PROFILES),
    )
    .errors_are(&[required(NoMatchingError)])
    .takes_any()
    .older_are(&[older("CreateCustomerProfile")]),
    row(
        "UpdateCustomerProfile",
        "UpdateCustomerProfile",
        ALL,
        Behaviour::NotOffered(NoMatchingError, PROFILES),
    )
    .errors_are(&[required(NoMatchingError)])
    .takes_any()
    .older_are(&[older("UpdateCustomerProfile")]),
    row(
        "AssociateContactToCustomerProfile",
        "AssociateContactToCustomerProfile",
        ALL,
        Behaviour::NotOffered(NoMatchingError, PROFILES),
    )
    .errors_are(&[required(NoMatchingError)])
    .takes_any()
    .older_are(&[older("AssociateContactToCustomerProfile")]),
    row("CreateCase", "CreateCase", ALL, Behaviour::NotOffered(NoMatchingError, CASES))
        .errors_are(&[required(NoMatchingError), optional(ContactNotLinked)])
        .takes_any()
        .older_are(&[older("CreateCase")]),
    row("GetCase", "GetCase", ALL, Behaviour::NotOffered(NoneFound, CASES))
        .errors_are(&[
            required(NoMatchingError),
            optional(ContactNotLinked),
            optional(MultipleFound),
            optional(NoneFound),
        ])
        .takes_any()
        .older_are(&[older("GetCase")]),
    row("UpdateCase", "UpdateCase", ALL, Behaviour::NotOffered(NoMatchingError, CASES))
        .errors_are(&[
            required(NoMatchingError),
            optional(ContactNotLinked),
            optional(MultipleFound),
            optional(NoneFound),
        ])
        .takes_any()
        .older_are(&[older("UpdateCase")]),
    not_offered("CreateTask", "there are no tasks here"),
    not_offered("CreateWisdomSession", "there are no assistants for agents here"),
    not_offered("CreateContact", "contacts of other channels are not here"),
    not_offered("StartOutboundChatContact", "there is no chat here"),
    not_offered("StartOutboundEmailContact", "there is no e-mail here"),
    not_offered("SendMessage", "there is no messaging here"),
    row(
        "RenderMessageTemplate",
        "RenderMessageTemplate",
        ALL,
        Behaviour::NotOffered(TemplateRenderingError, "there are no message templates here"),
    )
    .errors_are(&[required(NoMatchingError), optional(TemplateRenderingError)])
    .conditions_are(Conditions::Any)
    .takes_any()
    .older_are(&[older("RenderMessageTemplate")]),
    not_offered("EvaluateDataTableValues", "there are no data tables here"),
    not_offered("ListDataTableValues", "there are no data tables here"),
    not_offered("UpsertDataTableValues", "there are no data tables here"),
    not_offered("LoadContactContent", "contacts have no content to load here"),
    not_offered("CreatePersistentContactAssociation", "there is no chat here"),
    row(
        "AuthenticateParticipant",
        "AuthenticateParticipant",
        ALL,
        Behaviour::NotOffered(NoMatchingError, "there is no chat here"),
    )
    .errors_are(&[required(NoMatchingError), optional(TimeLimitExceeded)])
    .conditions_are(Conditions::Any)
    .takes_any()
    .older_are(&[older("AuthenticateParticipant")]),
    not_offered("ConnectParticipantWithAgenticCX", "there are no AI agents here"),
    not_offered("PauseContact", "only tasks can be paused"),
    not_offered("ResumeContact", "only tasks can be paused"),
    not_offered("UpdateContactMediaProcessing", "there is no processing of messages here"),
    // Contact
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
    row("TransferContactToQueue", "Transfer", INBOUND.and(TRANSFERS).and(MODULE), Behaviour::NotYet(QUEUES))
        .errors_are(&[required(QueueAtCapacity), required(NoMatchingError)])
        .older_are(&[older("Transfer"), older("Transfer").target("Queue")]),
    row("DequeueContactAndTransferToQueue", "Transfer", QUEUE.and(MODULE), Behaviour::NotYet(QUEUES))
        .parameters_are(&[reference("QueueId"), reference("AgentId")])
        .errors_are(&[required(QueueAtCapacity), required(NoMatchingError)])
        .older_are(&[older("CustomerInQueue").parameters(&[("Queue", "QueueId"), ("Agent", "AgentId")])]),
    row("TransferContactToAgent", "Transfer", TRANSFERS.and(MODULE), Behaviour::NotYet(QUEUES))
        .terminal()
        .older_are(&[older("Transfer").target("Agent")]),
    row("RouteContactToAgent", "RouteContactToAgent", QUEUE, Behaviour::NotYet(QUEUES))
        .errors_are(&[optional(NoMatchingError)])
        .conditions_are(Conditions::Any)
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
        Behaviour::NotYet("holding the parties of a call is not performed yet"),
    )
    .parameters_are(&[one_of(
        "PreviousContactParticipantState",
        &["AgentOnHold", "CustomerOnHold", "OffHold"],
    )
    .needed()])
    .errors_are(&[required(NoMatchingError)])
    .older_are(&[older("HoldParticipant"), older("SetHoldState"), older("HoldCustomerOrAgent")]),
    row(
        "CompleteOutboundCall",
        "CompleteOutboundCall",
        OUTBOUND.and(MODULE),
        Behaviour::NotYet("outbound calls are not performed yet"),
    )
    .takes_any()
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

const ANY_ERROR: &[PossibleError] = &[optional(NoMatchingError)];

const THIRD_PARTY: &[Parameter] = &[
    text("ThirdPartyPhoneNumber").needed(),
    whole_or_reference("ThirdPartyConnectionTimeLimitSeconds", 0, 600).needed(),
    flag("ContinueFlowExecution").needed(),
    reference("ThirdPartyDTMFDigits"),
    object("CallerId"),
];

const METRIC: &[Parameter] =
    &[one_of("MetricType", blocks::METRIC_TYPES).needed(), reference("QueueId"), reference("AgentId")];

const STREAMING: &[Parameter] = &[
    one_of("MediaStreamingState", &["Enabled", "Disabled"]).needed(),
    one_of("MediaStreamType", &["Audio"]).needed(),
    list("Participants").needed(),
];

const OLDER_STREAMING: &[(&str, &str)] =
    &[("Track", "Participants"), ("MediaStreamTypes", "MediaStreamType")];

const ROUTING: &[(&str, &str)] =
    &[("AbsolutePosition", "QueuePriority"), ("TimeOffset", "QueueTimeAdjustmentSeconds")];

const fn row(name: &'static str, module_type: &'static str, flow_types: FlowTypes, run: Behaviour) -> Action {
    Action {
        name,
        form: |_| true,
        form_name: "",
        module_type,
        flow_types,
        parameters: &[],
        takes_any_parameter: false,
        errors: &[],
        conditions: Conditions::None,
        next: Next::Required,
        older: &[],
        run,
    }
}

/// An action of another channel or service: every parameter passes, and its one error branch is taken.
const fn not_offered(name: &'static str, reason: &'static str) -> Action {
    let mut action = row(name, name, ALL, Behaviour::NotOffered(NoMatchingError, reason));
    action.errors = ANY_ERROR;
    action.conditions = Conditions::Any;
    action.takes_any_parameter = true;
    action
}

impl Action {
    const fn form_is(mut self, name: &'static str, form: Form) -> Self {
        (self.form_name, self.form) = (name, form);
        self
    }

    const fn parameters_are(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    const fn takes_any(mut self) -> Self {
        self.takes_any_parameter = true;
        self
    }

    const fn errors_are(mut self, errors: &'static [PossibleError]) -> Self {
        self.errors = errors;
        self
    }

    const fn conditions_are(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    const fn terminal(mut self) -> Self {
        self.next = Next::Terminal;
        self
    }

    const fn next_may_miss(mut self) -> Self {
        self.next = Next::Optional;
        self
    }

    const fn older_are(mut self, older: &'static [Older]) -> Self {
        self.older = older;
        self
    }
}

impl Parameter {
    const fn needed(mut self) -> Self {
        self.required = true;
        self
    }
}

const fn parameter(path: &'static str, kind: Kind) -> Parameter {
    Parameter { path, kind, required: false }
}

const fn fixed(path: &'static str) -> Parameter {
    parameter(path, Kind::Static)
}

const fn reference(path: &'static str) -> Parameter {
    parameter(path, Kind::StaticOrReference)
}

const fn whole_reference(path: &'static str) -> Parameter {
    parameter(path, Kind::Reference)
}

const fn text(path: &'static str) -> Parameter {
    parameter(path, Kind::Text)
}

const fn flag(path: &'static str) -> Parameter {
    parameter(path, Kind::Flag)
}

const fn one_of(path: &'static str, words: &'static [&'static str]) -> Parameter {
    parameter(path, Kind::OneOf(words))
}

const fn whole(path: &'static str, least: u32, most: u32) -> Parameter {
    parameter(path, Kind::Whole(least, most))
}

const fn whole_or_reference(path: &'static str, least: u32, most: u32) -> Parameter {
    parameter(path, Kind::WholeOrReference(least, most))
}

const fn object(path: &'static str) -> Parameter {
    parameter(path, Kind::Object)
}

const fn map(path: &'static str) -> Parameter {
    parameter(path, Kind::Map)
}

const fn list(path: &'static str) -> Parameter {
    parameter(path, Kind::List)
}

const fn any(path: &'static str) -> Parameter {
    parameter(path, Kind::Any)
}

const fn required(kind: ErrorType) -> PossibleError {
    PossibleError { kind, need: Need::Required }
}

const fn optional(kind: ErrorType) -> PossibleError {
    PossibleError { kind, need: Need::Optional }
}

const fn with(kind: ErrorType, parameter: &'static str) -> PossibleError {
    PossibleError { kind, need: Need::With(parameter) }
}

const fn older(module: &'static str) -> Older {
    Older { module, target: None, parameters: &[], branches: &[], finish: None }
}

impl Older {
    const fn target(mut self, target: &'static str) -> Self {
        self.target = Some(target);
        self
    }

    const fn parameters(mut self, parameters: &'static [(&'static str, &'static str)]) -> Self {
        self.parameters = parameters;
        self
    }

    const fn branches(mut self, branches: &'static [(&'static str, BranchTo)]) -> Self {
        self.branches = branches;
        self
    }

    const fn finish(mut self, finish: Finish) -> Self {
        self.finish = Some(finish);
        self
    }
}

fn is_true(parameters: &Map<String, Value>, name: &str) -> bool {
    match parameters.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

use super::older::{
    attributes, check_attribute, event_hook, function, lex, logging, loop_prompts, prompt, recording,
    screen_pop, staffing, start_streaming, stop_streaming, store_input, third_party,
};
