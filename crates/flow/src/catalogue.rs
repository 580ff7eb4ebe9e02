//! The action types of the Flow language, and the names that the designer's older export and the flow log
//! have for them.
//!
//! Source: "Actions in the Amazon Connect Flow language" (API reference); the older names are those of
//! exported flows and of real flow logs, which keep them to this day.

/// Whether the Flow language has an action of this type, whether or not this crate performs it.
pub(crate) fn is_known(type_name: &str) -> bool {
    TYPES.iter().any(|(name, _)| *name == type_name)
}

/// The name that the flow log has for an action type.
pub(crate) fn module_type(type_name: &str) -> &str {
    TYPES.iter().find(|(name, _)| *name == type_name).map_or(type_name, |(_, module)| *module)
}

/// The action type of a module of the older export, for the modules that have just one.
pub(crate) fn action_type(module: &str) -> Option<&'static str> {
    TYPES.iter().find(|(_, name)| *name == module).map(|(action, _)| *action)
}

/// Action type, module type. Where several actions share a module, the first is the one it is read as.
const TYPES: &[(&str, &str)] = &[
    ("AssociateContactToCustomerProfile", "AssociateContactToCustomerProfile"),
    ("AuthenticateParticipant", "AuthenticateParticipant"),
    ("CheckHoursOfOperation", "CheckHoursOfOperation"),
    ("CheckMetricData", "CheckStaffing"),
    ("CheckMetricData", "CheckQueueStatus"),
    ("CheckOutboundCallStatus", "CheckOutboundCallStatus"),
    ("CheckVoiceId", "CheckVoiceId"),
    ("Compare", "CheckAttribute"),
    ("CompleteOutboundCall", "CompleteOutboundCall"),
    ("ConnectParticipantWithLexBot", "GetUserInput"),
    ("CreateCallbackContact", "CreateCallback"),
    ("CreateCase", "CreateCase"),
    ("CreateCustomerProfile", "CreateCustomerProfile"),
    ("CreatePersistentContactAssociation", "CreatePersistentContactAssociation"),
    ("CreateTask", "CreateTask"),
    ("CreateWisdomSession", "CreateWisdomSession"),
    ("DequeueContactAndTransferToQueue", "Transfer"),
    ("DisconnectParticipant", "Disconnect"),
    ("DistributeByPercentage", "DistributeByPercentage"),
    ("EndFlowExecution", "Resume"),
    ("EndFlowModuleExecution", "EndFlowModuleExecution"),
    ("EvaluateDataTableValues", "EvaluateDataTableValues"),
    ("GetCalculatedAttributesForCustomerProfile", "GetCalculatedAttributesForCustomerProfile"),
    ("GetCase", "GetCase"),
    ("GetCustomerProfile", "GetCustomerProfile"),
    ("GetCustomerProfileObject", "GetCustomerProfileObject"),
    ("GetMetricData", "GetMetricData"),
    ("GetParticipantInput", "GetUserInput"),
    ("InvokeFlowModule", "InvokeFlowModule"),
    ("InvokeLambdaFunction", "InvokeExternalResource"),
    ("ListDataTableValues", "ListDataTableValues"),
    ("LoadContactContent", "LoadContactContent"),
    ("Loop", "Loop"),
    ("MessageParticipant", "PlayPrompt"),
    ("MessageParticipantIteratively", "LoopPrompts"),
    ("PauseContact", "PauseContact"),
    ("ResumeContact", "ResumeContact"),
    ("SendMessage", "SendMessage"),
    ("ShowView", "ShowView"),
    ("StartOutboundChatContact", "StartOutboundChatContact"),
    ("StartVoiceIdStream", "StartVoiceIdStream"),
    ("TagContact", "TagContact"),
    ("TransferContactToAgent", "Transfer"),
    ("TransferContactToQueue", "Transfer"),
    ("TransferParticipantToThirdParty", "Transfer"),
    ("TransferToFlow", "Transfer"),
    ("UnTagContact", "UnTagContact"),
    ("UntagContact", "UnTagContact"),
    ("UpdateCase", "UpdateCase"),
    ("UpdateContactAttributes", "SetAttributes"),
    ("UpdateContactCallbackNumber", "SetCallBackNumber"),
    ("UpdateContactData", "UpdateContactData"),
    ("UpdateContactEventHooks", "SetEventHook"),
    ("UpdateContactEventHooks", "SetContactFlow"),
    ("UpdateContactMediaProcessing", "UpdateContactMediaProcessing"),
    ("UpdateContactMediaStreamingBehavior", "StartMediaStreaming"),
    ("UpdateContactRecordingBehavior", "SetRecordingBehavior"),
    ("UpdateContactRecordingAndAnalyticsBehavior", "SetRecordingBehavior"),
    ("UpdateContactRoutingBehavior", "ChangeRoutingPriority"),
    ("UpdateContactRoutingCriteria", "UpdateContactRoutingCriteria"),
    ("UpdateContactTargetQueue", "SetQueue"),
    ("UpdateContactTextToSpeechVoice", "SetVoice"),
    ("UpdateCustomerProfile", "UpdateCustomerProfile"),
    ("UpdateFlowAttributes", "SetAttributes"),
    ("UpdateFlowLoggingBehavior", "SetLoggingBehavior"),
    ("UpdatePreviousContactParticipantState", "HoldParticipant"),
    ("UpdateRoutingCriteria", "UpdateRoutingCriteria"),
    ("UpsertDataTableValues", "UpsertDataTableValues"),
    ("Wait", "Wait"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        assert!(is_known("TagContact"));
        assert!(!is_known("SendCarrierPigeon"));
        assert_eq!(module_type("InvokeLambdaFunction"), "InvokeExternalResource");
        assert_eq!(module_type("SendCarrierPigeon"), "SendCarrierPigeon");
        assert_eq!(action_type("CheckQueueStatus"), Some("CheckMetricData"));
        assert_eq!(action_type("SetAttributes"), Some("UpdateContactAttributes"));
    }
}
