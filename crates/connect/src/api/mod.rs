//! The Connect API: rest-json operations, one file each.
//!
//! Source: the Connect service model 2017-08-08; what is done, differs or is refused: docs/connect-compat.md.

#[cfg(test)]
pub(crate) mod bench;
mod catalogue;
mod invocation;
mod operation;
mod page;
mod reference;
mod storage_config;
mod tags;

mod associate_instance_storage_config;
mod associate_lambda_function;
mod associate_phone_number_contact_flow;
mod claim_phone_number;
mod create_contact_flow;
mod create_instance;
mod delete_contact_flow;
mod delete_instance;
mod describe_contact;
mod describe_contact_flow;
mod describe_instance;
mod describe_instance_storage_config;
mod describe_phone_number;
mod disassociate_instance_storage_config;
mod disassociate_lambda_function;
mod disassociate_phone_number_contact_flow;
mod get_contact_attributes;
mod list_contact_flows;
mod list_instance_storage_configs;
mod list_instances;
mod list_lambda_functions;
mod list_phone_numbers_v2;
mod release_phone_number;
mod search_available_phone_numbers;
mod stop_contact;
mod update_contact_attributes;
mod update_contact_flow_content;
mod update_contact_flow_metadata;
mod update_contact_flow_name;
mod update_instance_storage_config;

pub use operation::Operation;

pub(crate) use associate_lambda_function::check_function_arn;
pub(crate) use associate_phone_number_contact_flow::check_can_answer;
pub(crate) use create_contact_flow::check_name as check_flow_name;

use crate::error::{ConnectError, ErrorCode};
use crate::service::ConnectService;
use invocation::Invocation;
use serde_json::Value;
use tympan_types::{Caller, WallTime};

/// The largest body that is read, in bytes: a flow of 256,000 characters fits several times.
pub const MAX_BODY_BYTES: usize = 4 << 20;

/// One request, as it came over the wire.
#[derive(Clone, Copy)]
pub struct ApiRequest<'a> {
    /// The HTTP method, upper case.
    pub method: &'a str,
    /// The path, still percent-encoded: an ARN in a label has its slashes encoded.
    pub path: &'a str,
    /// What follows the question mark, still percent-encoded; empty if nothing does.
    pub query: &'a str,
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

impl ApiRequest<'_> {
    /// The operation that method and path name, whether or not this server has it.
    pub fn operation(&self) -> Option<Operation> {
        Operation::of(self.method, self.path)
    }
}

/// A successful answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiResponse {
    /// The HTTP status: always 200.
    pub status: u16,
    /// The JSON body; `None` is an empty body.
    pub body: Option<Value>,
}

/// What an operation comes to: the body of a 200, or an error.
type Answer = Result<Option<Value>, ConnectError>;

pub(crate) fn call(
    service: &ConnectService,
    now: WallTime,
    caller: &Caller,
    request: ApiRequest<'_>,
) -> Result<ApiResponse, ConnectError> {
    let operation = request.operation().ok_or_else(|| {
        ConnectError::new(
            ErrorCode::UnknownOperation,
            "no operation of Amazon Connect has this method and path",
        )
    })?;
    let Some((handler, declares)) = handler(operation.name()) else {
        let name = operation.name();
        return Err(ConnectError::new(
            ErrorCode::NotImplemented,
            format!(
                "{name} is not offered by this server; docs/connect-compat.md lists the operations that are"
            ),
        ));
    };
    let invocation = Invocation::new(service, now, caller, operation, &request);
    match handler(&invocation) {
        Ok(body) => Ok(ApiResponse { status: 200, body }),
        Err(error) => Err(declares.narrow(error)),
    }
}

type Handler = fn(&Invocation<'_>) -> Answer;

/// Which of the two codes for bad input the model declares for an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Declares {
    Request,
    Parameter,
    Both,
}

impl Declares {
    /// Raises bad input under a code that the operation has.
    fn narrow(self, error: ConnectError) -> ConnectError {
        match (self, error.code()) {
            (Self::Request, ErrorCode::InvalidParameter) => error.under(ErrorCode::InvalidRequest),
            (Self::Parameter, ErrorCode::InvalidRequest) => error.under(ErrorCode::InvalidParameter),
            _ => error,
        }
    }
}

fn handler(name: &str) -> Option<(Handler, Declares)> {
    use Declares::{Both, Parameter, Request};
    Some(match name {
        "CreateInstance" => (create_instance::call, Request),
        "ListInstances" => (list_instances::call, Request),
        "DescribeInstance" => (describe_instance::call, Request),
        "DeleteInstance" => (delete_instance::call, Request),
        "AssociateInstanceStorageConfig" => (associate_instance_storage_config::call, Both),
        "DescribeInstanceStorageConfig" => (describe_instance_storage_config::call, Both),
        "UpdateInstanceStorageConfig" => (update_instance_storage_config::call, Both),
        "DisassociateInstanceStorageConfig" => (disassociate_instance_storage_config::call, Both),
        "ListInstanceStorageConfigs" => (list_instance_storage_configs::call, Both),
        "CreateContactFlow" => (create_contact_flow::call, Both),
        "DescribeContactFlow" => (describe_contact_flow::call, Both),
        "UpdateContactFlowContent" => (update_contact_flow_content::call, Both),
        "UpdateContactFlowMetadata" => (update_contact_flow_metadata::call, Both),
        "UpdateContactFlowName" => (update_contact_flow_name::call, Both),
        "DeleteContactFlow" => (delete_contact_flow::call, Both),
        "ListContactFlows" => (list_contact_flows::call, Both),
        "AssociateLambdaFunction" => (associate_lambda_function::call, Both),
        "ListLambdaFunctions" => (list_lambda_functions::call, Both),
        "DisassociateLambdaFunction" => (disassociate_lambda_function::call, Both),
        "SearchAvailablePhoneNumbers" => (search_available_phone_numbers::call, Parameter),
        "ClaimPhoneNumber" => (claim_phone_number::call, Parameter),
        "ListPhoneNumbersV2" => (list_phone_numbers_v2::call, Parameter),
        "DescribePhoneNumber" => (describe_phone_number::call, Parameter),
        "AssociatePhoneNumberContactFlow" => (associate_phone_number_contact_flow::call, Parameter),
        "DisassociatePhoneNumberContactFlow" => (disassociate_phone_number_contact_flow::call, Parameter),
        "ReleasePhoneNumber" => (release_phone_number::call, Parameter),
        "DescribeContact" => (describe_contact::call, Both),
        "GetContactAttributes" => (get_contact_attributes::call, Request),
        "UpdateContactAttributes" => (update_contact_attributes::call, Both),
        "StopContact" => (stop_contact::call, Both),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
