//! The Lambda functions that the flows of an instance may invoke.

mod associate_lambda_function;
mod disassociate_lambda_function;
mod list_lambda_functions;

pub(crate) use associate_lambda_function::{AssociateLambdaFunction, check_function_arn};
pub(crate) use disassociate_lambda_function::DisassociateLambdaFunction;
pub(crate) use list_lambda_functions::ListLambdaFunctions;
