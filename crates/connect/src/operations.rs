//! The service in the kit: its list, and how it words what the kit finds wrong.
//!
//! Source: the Connect service model 2017-08-08; what is done, differs or is refused: docs/connect-compat.md.

use crate::agent_statuses::{AgentStatus, CreateAgentStatus, UpdateAgentStatus};
use crate::bots::{
    AssociateBot, AssociateLexBot, DisassociateBot, DisassociateLexBot, ListBots, ListLexBots,
};
use crate::catalogue::OPERATIONS;
use crate::contacts::{
    AssociateContactWithUser, DescribeContact, GetContactAttributes, ListContactReferences, MonitorContact,
    SearchContacts, StartOutboundVoiceContact, StopContact, TagContact, TransferContact, UntagContact,
    UpdateContact, UpdateContactAttributes, UpdateContactRoutingData,
};
use crate::error::{ConnectError, ErrorCode};
use crate::flow_associations::{
    AssociateFlow, BatchGetFlowAssociation, DisassociateFlow, GetFlowAssociation, ListFlowAssociations,
};
use crate::flows::{
    CreateContactFlow, CreateContactFlowAlias, DeleteContactFlow, DeleteContactFlowAlias,
    DescribeContactFlow, DescribeContactFlowAlias, ListContactFlowAliases, ListContactFlows,
    SearchContactFlows, UpdateContactFlowAlias, UpdateContactFlowContent, UpdateContactFlowMetadata,
    UpdateContactFlowName,
};
use crate::functions::{AssociateLambdaFunction, DisassociateLambdaFunction, ListLambdaFunctions};
use crate::hierarchy::{
    CreateUserHierarchyGroup, DescribeUserHierarchyStructure, HierarchyGroup, UpdateUserHierarchyGroupName,
    UpdateUserHierarchyStructure,
};
use crate::hours::{
    AssociateHoursOfOperations, CreateHoursOfOperation, CreateHoursOfOperationOverride,
    DeleteHoursOfOperationOverride, DescribeHoursOfOperationOverride, DisassociateHoursOfOperations,
    GetEffectiveHoursOfOperations, HoursOfOperation, ListChildHoursOfOperations,
    ListHoursOfOperationOverrides, SearchHoursOfOperationOverrides, UpdateHoursOfOperation,
    UpdateHoursOfOperationOverride,
};
use crate::instance_attributes::{
    DescribeInstanceAttribute, ListInstanceAttributes, UpdateInstanceAttribute,
};
use crate::instances::{CreateInstance, DeleteInstance, DescribeInstance, Edited, ListInstances, LookedAt};
use crate::integrations::{
    CreateIntegrationAssociation, CreateUseCase, DeleteUseCase, Integration, ListIntegrationAssociations,
    ListUseCases,
};
use crate::listless::{LISTS, Listless};
use crate::metrics::{
    GetContactMetrics, GetCurrentMetricData, GetCurrentUserData, GetMetricData, GetMetricDataV2,
};
use crate::modules::{
    CreateContactFlowModule, CreateContactFlowModuleAlias, DeleteContactFlowModuleAlias,
    DescribeContactFlowModuleAlias, ListContactFlowModuleAliases, Module, UpdateContactFlowModuleAlias,
    UpdateContactFlowModuleContent, UpdateContactFlowModuleMetadata,
};
use crate::named::{Changed, Create, Delete, Describe, List, Search, Viewed};
use crate::not_offered::{self, NotOffered};
use crate::phone_numbers::{
    AssociatePhoneNumberContactFlow, ClaimPhoneNumber, DescribePhoneNumber,
    DisassociatePhoneNumberContactFlow, ListPhoneNumbers, ListPhoneNumbersV2, ReleasePhoneNumber,
    SearchAvailablePhoneNumbers, UpdatePhoneNumber, UpdatePhoneNumberMetadata,
};
use crate::prompts::{CreatePrompt, GetPromptFile, Prompt, UpdatePrompt};
use crate::queues::{
    AssociateQueueQuickConnects, CreateQueue, DisassociateQueueQuickConnects, ListQueueQuickConnects, Queue,
    UpdateQueueHoursOfOperation, UpdateQueueMaxContacts, UpdateQueueName, UpdateQueueOutboundCallerConfig,
    UpdateQueueStatus,
};
use crate::quick_connects::{
    CreateQuickConnect, QuickConnect, UpdateQuickConnectConfig, UpdateQuickConnectName,
};
use crate::routing_profiles::{
    AssociateRoutingProfileQueues, CreateRoutingProfile, DisassociateRoutingProfileQueues,
    ListRoutingProfileManualAssignmentQueues, ListRoutingProfileQueues, RoutingProfile,
    UpdateRoutingProfileAgentAvailabilityTimer, UpdateRoutingProfileConcurrency,
    UpdateRoutingProfileDefaultOutboundQueue, UpdateRoutingProfileName, UpdateRoutingProfileQueues,
};
use crate::security_profiles::{
    CreateSecurityProfile, ListSecurityProfileAIAgents, ListSecurityProfileApplications,
    ListSecurityProfileFlowModules, ListSecurityProfilePermissions, SecurityProfile, UpdateSecurityProfile,
};
use crate::service::ConnectService;
use crate::storage::{
    AssociateInstanceStorageConfig, DescribeInstanceStorageConfig, DisassociateInstanceStorageConfig,
    ListInstanceStorageConfigs, UpdateInstanceStorageConfig,
};
use crate::tagging::{ListTagsForResource, TagResource, UntagResource};
use crate::users::{
    CreateUser, DismissUserContact, PutUserStatus, UpdateUserHierarchy, UpdateUserIdentityInfo,
    UpdateUserPhoneConfig, UpdateUserRoutingProfile, UpdateUserSecurityProfiles, User,
};
use crate::versions::{
    CreateContactFlowModuleVersion, CreateContactFlowVersion, DeleteContactFlowModuleVersion,
    DeleteContactFlowVersion, ListContactFlowModuleVersions, ListContactFlowVersions,
};
use std::sync::LazyLock;
use tympan_auth::Refusal;
use tympan_aws::{Malformed, Operations, Service, Unknown, register, register_as};

/// The operations of the service. They block: a change waits for the disk, attributes of a live contact for its call.
pub fn operations() -> Operations<ConnectService> {
    let operations = Operations::rest_json("connect", OPERATIONS)
        .with(register::<CreateInstance>())
        .with(register::<ListInstances>())
        .with(register::<DescribeInstance>())
        .with(register::<DeleteInstance>())
        .with(register::<AssociateInstanceStorageConfig>())
        .with(register::<DescribeInstanceStorageConfig>())
        .with(register::<UpdateInstanceStorageConfig>())
        .with(register::<DisassociateInstanceStorageConfig>())
        .with(register::<ListInstanceStorageConfigs>())
        .with(register::<CreateContactFlow>())
        .with(register::<DescribeContactFlow>())
        .with(register::<UpdateContactFlowContent>())
        .with(register::<UpdateContactFlowMetadata>())
        .with(register::<UpdateContactFlowName>())
        .with(register::<DeleteContactFlow>())
        .with(register::<ListContactFlows>())
        .with(register::<AssociateLambdaFunction>())
        .with(register::<ListLambdaFunctions>())
        .with(register::<DisassociateLambdaFunction>())
        .with(register::<SearchAvailablePhoneNumbers>())
        .with(register::<ClaimPhoneNumber>())
        .with(register::<ListPhoneNumbersV2>())
        .with(register::<DescribePhoneNumber>())
        .with(register::<AssociatePhoneNumberContactFlow>())
        .with(register::<DisassociatePhoneNumberContactFlow>())
        .with(register::<ReleasePhoneNumber>())
        .with(register::<DescribeContact>())
        .with(register::<GetContactAttributes>())
        .with(register::<UpdateContactAttributes>())
        .with(register::<StopContact>())
        .with(register::<StartOutboundVoiceContact>())
        .with(register::<TransferContact>())
        .with(register::<UpdateContact>())
        .with(register::<UpdateContactRoutingData>())
        .with(register::<AssociateContactWithUser>())
        .with(register::<MonitorContact>())
        .with(register::<TagContact>())
        .with(register::<UntagContact>())
        .with(register::<ListContactReferences>())
        .with(register::<LookedAt<SearchContacts>>())
        .with(register::<LookedAt<GetCurrentMetricData>>())
        .with(register::<LookedAt<GetCurrentUserData>>())
        .with(register::<LookedAt<GetMetricData>>())
        .with(register::<GetMetricDataV2>())
        .with(register::<GetContactMetrics>())
        .with(register::<PutUserStatus>())
        .with(register::<DismissUserContact>())
        .with(register::<Create<CreateHoursOfOperation>>())
        .with(register::<Viewed<Describe<HoursOfOperation>>>())
        .with(register::<Changed<UpdateHoursOfOperation>>())
        .with(register::<Delete<HoursOfOperation>>())
        .with(register::<List<HoursOfOperation>>())
        .with(register::<Search<HoursOfOperation>>())
        .with(register::<Changed<CreateHoursOfOperationOverride>>())
        .with(register::<Viewed<DescribeHoursOfOperationOverride>>())
        .with(register::<Changed<UpdateHoursOfOperationOverride>>())
        .with(register::<Changed<DeleteHoursOfOperationOverride>>())
        .with(register::<Viewed<ListHoursOfOperationOverrides>>())
        .with(register::<Viewed<GetEffectiveHoursOfOperations>>())
        .with(register::<Create<CreateQueue>>())
        .with(register::<Viewed<Describe<Queue>>>())
        .with(register::<List<Queue>>())
        .with(register::<Search<Queue>>())
        .with(register::<Delete<Queue>>())
        .with(register::<Changed<UpdateQueueHoursOfOperation>>())
        .with(register::<Changed<UpdateQueueMaxContacts>>())
        .with(register::<Changed<UpdateQueueName>>())
        .with(register::<Changed<UpdateQueueOutboundCallerConfig>>())
        .with(register::<Changed<UpdateQueueStatus>>())
        .with(register::<Changed<AssociateQueueQuickConnects>>())
        .with(register::<Changed<DisassociateQueueQuickConnects>>())
        .with(register::<Viewed<ListQueueQuickConnects>>())
        .with(register::<Create<CreateQuickConnect>>())
        .with(register::<Viewed<Describe<QuickConnect>>>())
        .with(register::<List<QuickConnect>>())
        .with(register::<Search<QuickConnect>>())
        .with(register::<Delete<QuickConnect>>())
        .with(register::<Changed<UpdateQuickConnectConfig>>())
        .with(register::<Changed<UpdateQuickConnectName>>())
        .with(register::<Create<CreateRoutingProfile>>())
        .with(register::<Viewed<Describe<RoutingProfile>>>())
        .with(register::<List<RoutingProfile>>())
        .with(register::<Search<RoutingProfile>>())
        .with(register::<Delete<RoutingProfile>>())
        .with(register::<Changed<UpdateRoutingProfileConcurrency>>())
        .with(register::<Changed<UpdateRoutingProfileDefaultOutboundQueue>>())
        .with(register::<Changed<UpdateRoutingProfileName>>())
        .with(register::<Changed<UpdateRoutingProfileQueues>>())
        .with(register::<Changed<UpdateRoutingProfileAgentAvailabilityTimer>>())
        .with(register::<Changed<AssociateRoutingProfileQueues>>())
        .with(register::<Changed<DisassociateRoutingProfileQueues>>())
        .with(register::<Viewed<ListRoutingProfileQueues>>())
        .with(register::<Viewed<ListRoutingProfileManualAssignmentQueues>>())
        .with(register::<Create<CreateSecurityProfile>>())
        .with(register::<Viewed<Describe<SecurityProfile>>>())
        .with(register::<List<SecurityProfile>>())
        .with(register::<Search<SecurityProfile>>())
        .with(register::<Delete<SecurityProfile>>())
        .with(register::<Changed<UpdateSecurityProfile>>())
        .with(register::<Viewed<ListSecurityProfilePermissions>>())
        .with(register::<Viewed<ListSecurityProfileApplications>>())
        .with(register::<Viewed<ListSecurityProfileAIAgents>>())
        .with(register::<Viewed<ListSecurityProfileFlowModules>>())
        .with(register::<Create<CreateAgentStatus>>())
        .with(register::<Viewed<Describe<AgentStatus>>>())
        .with(register::<List<AgentStatus>>())
        .with(register::<Search<AgentStatus>>())
        .with(register::<Changed<UpdateAgentStatus>>())
        .with(register::<Create<CreatePrompt>>())
        .with(register::<Viewed<Describe<Prompt>>>())
        .with(register::<List<Prompt>>())
        .with(register::<Search<Prompt>>())
        .with(register::<Delete<Prompt>>())
        .with(register::<Changed<UpdatePrompt>>())
        .with(register::<Create<CreateUser>>())
        .with(register::<Viewed<Describe<User>>>())
        .with(register::<List<User>>())
        .with(register::<Search<User>>())
        .with(register::<Delete<User>>())
        .with(register::<Changed<UpdateUserHierarchy>>())
        .with(register::<Changed<UpdateUserIdentityInfo>>())
        .with(register::<Changed<UpdateUserPhoneConfig>>())
        .with(register::<Changed<UpdateUserRoutingProfile>>())
        .with(register::<Changed<UpdateUserSecurityProfiles>>())
        .with(register::<Create<CreateUserHierarchyGroup>>())
        .with(register::<Viewed<Describe<HierarchyGroup>>>())
        .with(register::<List<HierarchyGroup>>())
        .with(register::<Search<HierarchyGroup>>())
        .with(register::<Delete<HierarchyGroup>>())
        .with(register::<Changed<UpdateUserHierarchyGroupName>>())
        .with(register::<LookedAt<DescribeUserHierarchyStructure>>())
        .with(register::<Edited<UpdateUserHierarchyStructure>>())
        .with(register::<Create<CreateContactFlowModule>>())
        .with(register::<Viewed<Describe<Module>>>())
        .with(register::<List<Module>>())
        .with(register::<Search<Module>>())
        .with(register::<Delete<Module>>())
        .with(register::<Changed<UpdateContactFlowModuleContent>>())
        .with(register::<Changed<UpdateContactFlowModuleMetadata>>())
        .with(register::<Changed<CreateContactFlowModuleAlias>>())
        .with(register::<Changed<UpdateContactFlowModuleAlias>>())
        .with(register::<Changed<DeleteContactFlowModuleAlias>>())
        .with(register::<Viewed<DescribeContactFlowModuleAlias>>())
        .with(register::<Viewed<ListContactFlowModuleAliases>>())
        .with(register::<CreateContactFlowModuleVersion>())
        .with(register::<DeleteContactFlowModuleVersion>())
        .with(register::<Viewed<ListContactFlowModuleVersions>>())
        .with(register::<CreateContactFlowVersion>())
        .with(register::<DeleteContactFlowVersion>())
        .with(register::<ListContactFlowVersions>())
        .with(register::<LookedAt<SearchContactFlows>>())
        .with(register::<Edited<AssociateFlow>>())
        .with(register::<Edited<DisassociateFlow>>())
        .with(register::<LookedAt<GetFlowAssociation>>())
        .with(register::<LookedAt<ListFlowAssociations>>())
        .with(register::<LookedAt<BatchGetFlowAssociation>>())
        .with(register::<LookedAt<DescribeInstanceAttribute>>())
        .with(register::<LookedAt<ListInstanceAttributes>>())
        .with(register::<Edited<UpdateInstanceAttribute>>())
        .with(register::<TagResource>())
        .with(register::<UntagResource>())
        .with(register::<ListTagsForResource>())
        .with(register::<UpdatePhoneNumber>())
        .with(register::<UpdatePhoneNumberMetadata>())
        .with(register::<ListPhoneNumbers>())
        .with(register::<Create<CreateIntegrationAssociation>>())
        .with(register::<Delete<Integration>>())
        .with(register::<LookedAt<ListIntegrationAssociations>>())
        .with(register::<Changed<CreateUseCase>>())
        .with(register::<Changed<DeleteUseCase>>())
        .with(register::<Viewed<ListUseCases>>())
        .with(register::<Edited<AssociateBot>>())
        .with(register::<Edited<DisassociateBot>>())
        .with(register::<LookedAt<ListBots>>())
        .with(register::<Edited<AssociateLexBot>>())
        .with(register::<Edited<DisassociateLexBot>>())
        .with(register::<LookedAt<ListLexBots>>())
        .with(register::<Viewed<ListChildHoursOfOperations>>())
        .with(register::<Changed<AssociateHoursOfOperations>>())
        .with(register::<Changed<DisassociateHoursOfOperations>>())
        .with(register::<LookedAt<SearchHoursOfOperationOverrides>>())
        .with(register::<Viewed<GetPromptFile>>())
        .with(register::<CreateContactFlowAlias>())
        .with(register::<DescribeContactFlowAlias>())
        .with(register::<UpdateContactFlowAlias>())
        .with(register::<DeleteContactFlowAlias>())
        .with(register::<ListContactFlowAliases>());
    let operations =
        LISTS.iter().fold(operations, |operations, (name, _)| operations.with(register_as::<Listless>(name)));
    operations.otherwise(register::<NotOffered>()).names(register::<NotOffered>()).blocking()
}

/// The same for callers within the process.
pub(crate) static WITHIN_PROCESS: LazyLock<Operations<ConnectService>> = LazyLock::new(operations);

/// What stands for a code where the model of an operation does not have it.
const SUBSTITUTES: &[(ErrorCode, ErrorCode, &[&str])] = &[
    (
        ErrorCode::InvalidParameter,
        ErrorCode::InvalidRequest,
        &[
            "CreateInstance",
            "ListInstances",
            "DescribeInstance",
            "DeleteInstance",
            "GetContactAttributes",
            "AssociateBot",
            "DisassociateBot",
            "ListBots",
            "CreateIntegrationAssociation",
            "DeleteIntegrationAssociation",
            "ListIntegrationAssociations",
            "CreateUseCase",
            "DeleteUseCase",
            "ListUseCases",
            "UpdateContactFlowModuleContent",
            "MonitorContact",
            "TransferContact",
        ],
    ),
    (
        ErrorCode::InvalidRequest,
        ErrorCode::InvalidParameter,
        &[
            "SearchAvailablePhoneNumbers",
            "ClaimPhoneNumber",
            "ListPhoneNumbersV2",
            "DescribePhoneNumber",
            "AssociatePhoneNumberContactFlow",
            "DisassociatePhoneNumberContactFlow",
            "ReleasePhoneNumber",
            "UpdatePhoneNumber",
            "UpdateContactRoutingData",
        ],
    ),
    (ErrorCode::DuplicateResource, ErrorCode::InvalidParameter, &["UpdatePrompt", "UpdateQuickConnectName"]),
    (ErrorCode::ResourceInUse, ErrorCode::InvalidRequest, &["DeleteHoursOfOperation"]),
    (ErrorCode::ResourceNotFound, ErrorCode::InvalidParameter, &["CreatePrompt"]),
    (ErrorCode::LimitExceeded, ErrorCode::InvalidRequest, &["CreateIntegrationAssociation"]),
];

impl Service for ConnectService {
    type Error = ConnectError;

    fn malformed(operation: &'static str, malformed: &Malformed) -> ConnectError {
        let message = match malformed {
            Malformed::TooLong { limit_bytes } => format!("the body is larger than {limit_bytes} bytes"),
            Malformed::NotAnObject => "the body must be a JSON object".to_owned(),
            other => format!("the body is not what {operation} takes: {other}"),
        };
        Self::declared(operation, ConnectError::request(message))
    }

    fn denied(_: &'static str, refusal: &Refusal) -> ConnectError {
        ConnectError::new(ErrorCode::AccessDenied, refusal.to_string())
    }

    fn not_offered(operation: &'static str, _: &'static str) -> ConnectError {
        not_offered::refusal(operation)
    }

    fn unknown(_: Unknown<'_>) -> ConnectError {
        ConnectError::new(
            ErrorCode::UnknownOperation,
            "no operation of Amazon Connect has this method and path",
        )
    }

    fn fault(cause: String) -> ConnectError {
        ConnectError::internal(&cause)
    }

    /// Raises an error under a code that the operation has.
    fn declared(operation: &'static str, error: ConnectError) -> ConnectError {
        let mut substitutes = SUBSTITUTES.iter();
        let found = substitutes
            .find(|(code, _, operations)| *code == error.code() && operations.contains(&operation));
        match found {
            Some((_, code, _)) => error.under(*code),
            None => error,
        }
    }
}
