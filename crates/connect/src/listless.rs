//! Lists of what there is none of here. Scripts list before they act, and stop at the first list that is refused.

use crate::catalogue::has_label;
use crate::error::ConnectError;
use crate::named::{Members, Scene};
use crate::paging;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use tympan_aws::{Operation, Output};

/// The operations, each with the member that holds the list.
pub(crate) const LISTS: &[(&str, &str)] = &[
    ("ListAnalyticsDataAssociations", "Results"),
    ("ListAnalyticsDataLakeDataSets", "Results"),
    ("ListApprovedOrigins", "Origins"),
    ("ListAssociatedContacts", "ContactSummaryList"),
    ("ListAttachedFilesConfigurations", "AttachedFilesConfigurations"),
    ("ListAuthenticationProfiles", "AuthenticationProfileSummaryList"),
    ("ListContactEvaluations", "EvaluationSummaryList"),
    ("ListDataTableAttributes", "Attributes"),
    ("ListDataTablePrimaryValues", "PrimaryValuesList"),
    ("ListDataTableValues", "Values"),
    ("ListDataTables", "DataTableSummaryList"),
    ("ListDefaultVocabularies", "DefaultVocabularyList"),
    ("ListEntitySecurityProfiles", "SecurityProfiles"),
    ("ListEvaluationFormAIVersions", "AIVersionSummaries"),
    ("ListEvaluationFormVersions", "EvaluationFormVersionSummaryList"),
    ("ListEvaluationForms", "EvaluationFormSummaryList"),
    ("ListExtractionDefinitions", "ExtractionDefinitionSummaryList"),
    ("ListMetrics", "MetricSummaryList"),
    ("ListNotifications", "NotificationSummaryList"),
    ("ListPredefinedAttributes", "PredefinedAttributeSummaryList"),
    ("ListQueueEmailAddresses", "EmailAddressMetadataList"),
    ("ListRealtimeContactAnalysisSegmentsV2", "Segments"),
    ("ListReplicationFindings", "ReplicationFindingsList"),
    ("ListRules", "RuleSummaryList"),
    ("ListSecurityKeys", "SecurityKeys"),
    ("ListTaskTemplates", "TaskTemplates"),
    ("ListTestCaseExecutionRecords", "ExecutionRecords"),
    ("ListTestCaseExecutions", "TestCaseExecutions"),
    ("ListTestCases", "TestCaseSummaryList"),
    ("ListTrafficDistributionGroupUsers", "TrafficDistributionGroupUserSummaryList"),
    ("ListTrafficDistributionGroups", "TrafficDistributionGroupSummaryList"),
    ("ListUserNotifications", "UserNotifications"),
    ("ListUserProficiencies", "UserProficiencyList"),
    ("ListViewVersions", "ViewVersionSummaryList"),
    ("ListViews", "ViewsSummaryList"),
    ("ListWorkspaceMedia", "Media"),
    ("ListWorkspacePages", "WorkspacePageList"),
    ("ListWorkspaces", "WorkspaceSummaryList"),
];

/// The members by which such lists are of something that there is none of here.
const OF_NOTHING: &[&str] =
    &["DataTableId", "EvaluationFormId", "TestCaseId", "TrafficDistributionGroupId", "ViewId", "WorkspaceId"];

/// Answers with an empty list, of an instance and of whatever in it the path names.
///
/// Errors: ResourceNotFound.
pub(crate) struct Listless;

impl Operation for Listless {
    type Service = ConnectService;
    type Input = Members;
    type Target = InstanceTarget;
    const NAME: &'static str = "";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<InstanceTarget, ConnectError> {
        let label = |label| has_label(cx.operation, label).then(|| input.text(label));
        let (flow, contact) = (label("ContactFlowId"), label("ContactId"));
        Ok(InstanceTarget::about(cx, input.instance(), flow.as_slice(), contact.as_slice()))
    }

    async fn call(cx: &Context<'_>, input: Members, target: InstanceTarget) -> Result<Output, ConnectError> {
        let list = LISTS.iter().find(|(name, _)| *name == cx.operation).map_or("", |(_, list)| list);
        if let Some(label) = OF_NOTHING.iter().find(|label| !input.text(label).is_empty()) {
            return Err(ConnectError::not_found(format!(
                "there is no such {}",
                label.trim_end_matches("Id")
            )));
        }
        if !input.instance().is_empty() {
            let instance = target.instance?;
            let directory = cx.service.directory();
            let scene =
                Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now };
            let mut named = input.named();
            if named.any(|(label, text)| !scene.has(label, text)) {
                return Err(ConnectError::not_found("the instance has no such resource"));
            }
        }
        Ok(paging::list(&paging::page(cx.tokens([]), None, None, 1)?, list, []))
    }
}
