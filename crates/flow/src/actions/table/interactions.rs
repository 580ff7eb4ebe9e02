//! What a flow asks of other services.

use super::rows::*;
use crate::actions::older::function;
use crate::actions::{Action, Behaviour, Conditions, ErrorType};
use crate::blocks::{self, boxed};
use ErrorType::*;

const PROFILES: &str = "there are no customer profiles here";
const CASES: &str = "there are no cases here";

pub(super) const ROWS: &[Action] = &[
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
    row("CreateCallbackContact", "CreateCallback", CALLER, boxed!(CreateCallbackContact))
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
        .older_are(&[older("CreateCallback").parameters(&[
            ("InitialDelaySeconds", "InitialCallDelaySeconds"),
            ("RetryDelaySeconds", "RetryDelaySeconds"),
            ("MaxRetryAttempts", "MaximumConnectionAttempts"),
            ("Queue", "QueueId"),
            ("Agent", "AgentId"),
            ("ContactFlowId", "ContactFlowId"),
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
];
