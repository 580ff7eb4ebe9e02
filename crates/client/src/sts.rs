//! Temporary credentials: from a tympan server, or from AWS's own endpoint.

use crate::{ClientError, Endpoint, HttpClient};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::fmt;

/// Temporary credentials, in the form that `credential_process` of the AWS SDKs expects.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SessionCredentials {
    version: u8,
    /// The access key id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The token that has to come with it.
    pub session_token: String,
    /// When it ends, in RFC 3339.
    pub expiration: String,
}

impl fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCredentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// The role that a session is of.
#[derive(Debug, Clone)]
pub struct AssumeRole<'a> {
    /// Its ARN.
    pub role_arn: &'a str,
    /// What the session is called in ARNs.
    pub session_name: &'a str,
    /// A policy that narrows it.
    pub policy: Option<&'a str>,
}

/// A client of the Security Token Service.
#[derive(Debug, Clone)]
pub struct Sts {
    http: HttpClient,
    endpoint: Endpoint,
}

impl Sts {
    /// A client that asks at `endpoint`.
    pub fn new(http: HttpClient, endpoint: Endpoint) -> Self {
        Self { http, endpoint }
    }

    /// The account of the access key that asks.
    pub async fn account(&self) -> Result<String, ClientError> {
        let xml = self.ask("GetCallerIdentity", &[]).await?;
        element(&xml, "Account", "GetCallerIdentity")
    }

    /// A session that may do what the access key may do.
    pub async fn session_token(&self, duration_s: Option<u32>) -> Result<SessionCredentials, ClientError> {
        let duration = duration_s.map(|seconds| seconds.to_string());
        let xml = self.ask("GetSessionToken", &optional("DurationSeconds", duration.as_deref())).await?;
        credentials(&xml, "GetSessionToken")
    }

    /// A session that may do what a role may do.
    pub async fn assume_role(
        &self,
        role: &AssumeRole<'_>,
        duration_s: Option<u32>,
    ) -> Result<SessionCredentials, ClientError> {
        let duration = duration_s.map(|seconds| seconds.to_string());
        let mut parameters = vec![("RoleArn", role.role_arn), ("RoleSessionName", role.session_name)];
        parameters.extend(optional("Policy", role.policy));
        parameters.extend(optional("DurationSeconds", duration.as_deref()));
        let xml = self.ask("AssumeRole", &parameters).await?;
        credentials(&xml, "AssumeRole")
    }

    async fn ask(&self, operation: &'static str, parameters: &[(&str, &str)]) -> Result<String, ClientError> {
        let mut form = format!("Action={operation}&Version=2011-06-15");
        for (name, value) in parameters {
            form.push_str(&format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        }
        self.http.post_form(operation, "sts", &self.endpoint, form).await
    }
}

fn optional<'a>(name: &'static str, value: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
    value.map(|value| (name, value)).into_iter().collect()
}

fn credentials(xml: &str, operation: &'static str) -> Result<SessionCredentials, ClientError> {
    let text = |name: &str| element(xml, name, operation);
    Ok(SessionCredentials {
        version: 1,
        access_key_id: text("AccessKeyId")?,
        secret_access_key: text("SecretAccessKey")?,
        session_token: text("SessionToken")?,
        expiration: text("Expiration")?,
    })
}

/// The text of an element that occurs once. All that are asked for are plain: what would have to be unescaped, or could
/// do harm in a shell, is refused.
fn element(xml: &str, name: &str, operation: &'static str) -> Result<String, ClientError> {
    let text = crate::http::xml_text(xml, name);
    let is_plain = |text: &&str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=:-._".contains(&b));
    text.filter(is_plain).map(str::to_owned).ok_or_else(|| ClientError::Broken {
        what: format!("the answer to {operation}"),
        reason: format!("it has no {name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_from_the_answer() {
        let xml = "<GetSessionTokenResponse><GetSessionTokenResult><Credentials><AccessKeyId>ASIAX</AccessKeyId>\
                   <SecretAccessKey>a+b/c=</SecretAccessKey><SessionToken>dG9r</SessionToken>\
                   <Expiration>2024-01-26T03:07:41Z</Expiration></Credentials></GetSessionTokenResult></GetSessionTokenResponse>";
        let read = credentials(xml, "GetSessionToken").unwrap();
        assert_eq!(
            serde_json::to_value(&read).unwrap(),
            serde_json::json!({
                "Version": 1, "AccessKeyId": "ASIAX", "SecretAccessKey": "a+b/c=", "SessionToken": "dG9r",
                "Expiration": "2024-01-26T03:07:41Z",
            })
        );
        assert!(!format!("{read:?}").contains("a+b/c="));
        for broken in [xml.replace("dG9r", "'; rm -r '"), xml.replace("Expiration", "Expires"), String::new()]
        {
            assert!(credentials(&broken, "GetSessionToken").is_err(), "{broken}");
        }
    }
}
