//! Requests to the Amazon Connect API: of a tympan server, or of AWS.

use crate::{ClientError, Endpoint, HttpClient};
use http::Method;
use serde_json::Value;

/// A client of the Connect API. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connect {
    http: HttpClient,
    endpoint: Endpoint,
}

impl Connect {
    /// A client of the server at `endpoint`.
    pub fn new(http: HttpClient, endpoint: Endpoint) -> Self {
        Self { http, endpoint }
    }

    /// The answer to a `GET`.
    ///
    /// # Errors
    /// What the service answers, and what keeps it from answering.
    pub async fn get(&self, operation: &'static str, path: &str) -> Result<Value, ClientError> {
        self.http.get_json(operation, "connect", &self.endpoint, path, "").await
    }

    /// All items of a list, page by page.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn list(
        &self,
        operation: &'static str,
        path: &str,
        member: &str,
    ) -> Result<Vec<Value>, ClientError> {
        let mut items = Vec::new();
        let mut query = String::new();
        loop {
            let answer = self.http.get_json(operation, "connect", &self.endpoint, path, &query).await?;
            items.extend(answer[member].as_array().into_iter().flatten().cloned());
            match answer["NextToken"].as_str() {
                Some(token) => query = format!("nextToken={token}"),
                None => return Ok(items),
            }
        }
    }

    /// The answer to a request that creates something.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn put(&self, operation: &'static str, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.http.send_json(operation, "connect", &self.endpoint, Method::PUT, path, body).await
    }

    /// The answer to a request that changes something.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post(
        &self,
        operation: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Value, ClientError> {
        self.http.send_json(operation, "connect", &self.endpoint, Method::POST, path, body).await
    }
}
