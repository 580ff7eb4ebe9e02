//! The service in the kit: its list, and how it words what the kit finds wrong.
//!
//! Source: the Connect service model 2017-08-08; what is done, differs or is refused: docs/connect-compat.md.

use crate::catalogue::OPERATIONS;
use crate::contacts::{DescribeContact, GetContactAttributes, StopContact, UpdateContactAttributes};
use crate::error::{ConnectError, ErrorCode};
use crate::flows::{
    CreateContactFlow, DeleteContactFlow, DescribeContactFlow, ListContactFlows, UpdateContactFlowContent,
    UpdateContactFlowMetadata, UpdateContactFlowName,
};
use crate::functions::{AssociateLambdaFunction, DisassociateLambdaFunction, ListLambdaFunctions};
use crate::hours::{
    CreateHoursOfOperation, CreateHoursOfOperationOverride, DeleteHoursOfOperationOverride,
    DescribeHoursOfOperationOverride, GetEffectiveHoursOfOperations, HoursOfOperation,
    ListHoursOfOperationOverrides, UpdateHoursOfOperation, UpdateHoursOfOperationOverride,
};
use crate::instances::{CreateInstance, DeleteInstance, DescribeInstance, ListInstances};
use crate::named::{Changed, Create, Delete, Describe, List, Search, Viewed};
use crate::not_offered::{self, NotOffered, WITH_CONTENT};
use crate::phone_numbers::{
    AssociatePhoneNumberContactFlow, ClaimPhoneNumber, DescribePhoneNumber,
    DisassociatePhoneNumberContactFlow, ListPhoneNumbersV2, ReleasePhoneNumber, SearchAvailablePhoneNumbers,
};
use crate::service::ConnectService;
use crate::storage::{
    AssociateInstanceStorageConfig, DescribeInstanceStorageConfig, DisassociateInstanceStorageConfig,
    ListInstanceStorageConfigs, UpdateInstanceStorageConfig,
};
use std::sync::LazyLock;
use tympan_auth::Refusal;
use tympan_aws::{Malformed, Operations, Service, Unknown, register, register_as};

/// The operations of the service. They block: a change waits for the disk, attributes of a live contact for its call.
pub fn operations() -> Operations<ConnectService> {
    Operations::rest_json("connect", OPERATIONS)
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
        .with(register_as::<NotOffered<true>>(WITH_CONTENT[0]))
        .with(register_as::<NotOffered<true>>(WITH_CONTENT[1]))
        .otherwise(register::<NotOffered<false>>())
        .names(register::<NotOffered<false>>())
        .blocking()
}

/// The same for callers within the process.
pub(crate) static WITHIN_PROCESS: LazyLock<Operations<ConnectService>> = LazyLock::new(operations);

/// The code for bad input of operations for which the model declares one of the two; all others have both.
const DECLARED: &[(ErrorCode, &[&str])] = &[
    (
        ErrorCode::InvalidRequest,
        &["CreateInstance", "ListInstances", "DescribeInstance", "DeleteInstance", "GetContactAttributes"],
    ),
    (
        ErrorCode::InvalidParameter,
        &[
            "SearchAvailablePhoneNumbers",
            "ClaimPhoneNumber",
            "ListPhoneNumbersV2",
            "DescribePhoneNumber",
            "AssociatePhoneNumberContactFlow",
            "DisassociatePhoneNumberContactFlow",
            "ReleasePhoneNumber",
        ],
    ),
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

    /// Raises bad input under a code that the operation has.
    fn declared(operation: &'static str, error: ConnectError) -> ConnectError {
        if !matches!(error.code(), ErrorCode::InvalidRequest | ErrorCode::InvalidParameter) {
            return error;
        }
        let only = DECLARED.iter().find(|(_, operations)| operations.contains(&operation));
        match only {
            Some((code, _)) => error.under(*code),
            None => error,
        }
    }
}
