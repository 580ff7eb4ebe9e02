//! What a participant hears, says and presses, and whom it talks to.

use super::rows::*;
use crate::actions::older::{lex, loop_prompts, prompt, store_input, third_party};
use crate::actions::{Action, Behaviour, BranchTo, Conditions, ErrorType, Parameter};
use crate::blocks::{self, boxed};
use ErrorType::*;

const THIRD_PARTY: &[Parameter] = &[
    text("ThirdPartyPhoneNumber").needed(),
    whole_or_reference("ThirdPartyConnectionTimeLimitSeconds", 0, 600).needed(),
    flag("ContinueFlowExecution").needed(),
    reference("ThirdPartyDTMFDigits"),
    object("CallerId"),
    reference("CallerId.Number"),
    text("CallerId.Name"),
];

pub(super) const ROWS: &[Action] = &[
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
        boxed!(MessageParticipantIteratively),
    )
    .parameters_are(&[
        list("Messages").needed(),
        whole("InterruptFrequencySeconds", 1, 604_800),
        flag("ContinueMessagingDuringInterrupt"),
    ])
    .errors_are(&[optional(NoMatchingError)])
    .conditions_are(Conditions::Among(&[blocks::MESSAGES_INTERRUPTED]))
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
    row(
        "ConnectParticipantWithLexBot",
        "GetUserInput",
        CALLER.and(OUTBOUND),
        boxed!(ConnectParticipantWithLexBot),
    )
    .parameters_are(&[
        reference("PromptId"),
        text("Text"),
        text("SSML"),
        object("Media"),
        text("Media.Uri"),
        one_of("Media.SourceType", &["S3"]),
        one_of("Media.MediaType", &["Audio"]),
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
    .errors_are(&[required(NoMatchingError), required(NoMatchingCondition), optional(InputTimeLimitExceeded)])
    .conditions_are(Conditions::Any)
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
    row("TransferParticipantToThirdParty", "Transfer", CALLER, boxed!(TransferParticipantToThirdParty))
        .form_is("coming back", |parameters| is_true(parameters, "ContinueFlowExecution"))
        .parameters_are(THIRD_PARTY)
        .errors_are(&[
            required(NoMatchingError),
            required(CallFailed),
            required(ConnectionTimeLimitExceeded),
        ]),
    row("TransferParticipantToThirdParty", "Transfer", CALLER, boxed!(TransferParticipantToThirdParty))
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
];
