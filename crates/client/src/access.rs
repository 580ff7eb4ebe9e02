//! Who may do what on a tympan server, and who did what. Not AWS operations.

use crate::{ClientError, Endpoint, HttpClient};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tympan_types::{ContactId, WallTime};

const SERVICE: &str = "tympan";
/// The most lines of a page.
const PAGE: usize = 1_000;

/// A client of a server's policies and its audit file. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Access {
    http: HttpClient,
    endpoint: Endpoint,
}

/// Which lines of the audit file are wanted: those that meet all of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditSearch {
    /// Lines about a contact and its audio.
    pub contact: Option<ContactId>,
    /// The earliest time.
    pub since: Option<WallTime>,
    /// A user's name, an ARN, or an access key id.
    pub user: Option<String>,
    /// An action, or the beginning of one before a `*`.
    pub action: Option<String>,
}

impl AuditSearch {
    fn query(&self, size: usize, next: Option<&str>) -> String {
        let members = [
            ("maxResults", Some(size.to_string())),
            ("nextToken", next.map(str::to_owned)),
            ("contactId", self.contact.map(|id| id.to_string())),
            ("from", self.since.map(WallTime::rfc3339_ms)),
            ("user", self.user.clone()),
            ("action", self.action.clone()),
        ];
        let pair = |(name, value): (&str, Option<String>)| {
            Some(format!("{name}={}", utf8_percent_encode(&value?, NON_ALPHANUMERIC)))
        };
        members.into_iter().filter_map(pair).collect::<Vec<_>>().join("&")
    }
}

impl Access {
    /// The access of the server at `endpoint`.
    pub fn new(http: HttpClient, endpoint: Endpoint) -> Self {
        Self { http, endpoint }
    }

    /// Whether an access key, or else the user of this name, may do something: the answer of SimulatePolicy.
    ///
    /// # Errors
    /// The service's refusal; no connection, or no answer that can be read.
    pub async fn simulate(&self, subject: &str, action: &str, resource: &str) -> Result<Value, ClientError> {
        let ask = async |member: &str| {
            let body = json!({ member: subject, "Action": action, "Resource": resource });
            let path = "/tympan/policies/simulate";
            self.http.post_signed("SimulatePolicy", SERVICE, &self.endpoint, path, &body).await
        };
        match ask("AccessKeyId").await {
            Err(ClientError::Service(error)) if error.status == 404 => ask("User").await,
            answered => answered,
        }
    }

    /// Lines of the audit file, newest first, up to `limit`, and whether all that is kept was looked at for them.
    ///
    /// # Errors
    /// The service's refusal; no connection, or no answer that can be read.
    pub async fn audit_lines(
        &self,
        search: &AuditSearch,
        limit: usize,
    ) -> Result<(Vec<Value>, bool), ClientError> {
        let mut lines: Vec<Value> = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let size = limit.saturating_sub(lines.len()).clamp(1, PAGE);
            let query = search.query(size, next.as_deref());
            let path = "/tympan/audit";
            let mut page =
                self.http.get_json("ListAuditLines", SERVICE, &self.endpoint, path, &query).await?;
            let Value::Array(found) = page["Lines"].take() else {
                let what = "the answer to ListAuditLines".to_owned();
                return Err(ClientError::Broken { what, reason: "it has no Lines".to_owned() });
            };
            lines.extend(found);
            next = page["NextToken"].as_str().map(str::to_owned);
            if next.is_none() || lines.len() >= limit {
                lines.truncate(limit);
                return Ok((lines, page["Complete"] == true));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_written_as_a_query_in_which_nothing_is_misread() {
        let search = AuditSearch {
            since: Some(WallTime::from_unix_ms(0)),
            user: Some("arn:aws:iam::1:user/a&b".to_owned()),
            ..AuditSearch::default()
        };
        let query = search.query(5, Some("x_y"));
        let expected = "maxResults=5&nextToken=x%5Fy&from=1970%2D01%2D01T00%3A00%3A00%2E000Z&\
                        user=arn%3Aaws%3Aiam%3A%3A1%3Auser%2Fa%26b";
        assert_eq!(query, expected);
    }
}
