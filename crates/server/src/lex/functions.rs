//! Functions of the bots: as flows reach theirs.

use crate::lambda::{Kind, Lambda};
use std::sync::Arc;
use std::time::Duration;
use tympan_aws::BoxFuture;
use tympan_lex::service::Functions;

/// What Lex gives a function.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) struct LambdaFunctions(pub(super) Arc<Lambda>);

impl Functions for LambdaFunctions {
    fn invoke<'a>(&'a self, arn: &'a str, event: Vec<u8>) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        Box::pin(async move {
            self.0.attempt(arn, event, LIMIT, Kind::Awaited).await.map_err(|error| error.to_string())
        })
    }
}
