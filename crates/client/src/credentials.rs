use crate::ClientError;
use tympan_auth::Credentials;
use tympan_types::Region;

/// Who signs, and for which region.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The access key.
    pub credentials: Credentials,
    /// The region of the signature's scope.
    pub region: Region,
}

impl Identity {
    /// From the variables that the AWS SDKs read: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,
    /// and `AWS_REGION`, else `AWS_DEFAULT_REGION`, else `us-west-2`.
    ///
    /// `variable` looks up an environment variable; an empty one counts as not set.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ClientError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let needed = |name: &str| {
            variable(name).ok_or_else(|| {
                ClientError::Usage(format!(
                    "{name} is not set, so requests cannot be signed. For a server started with `tympan serve --dev`:\n  \
                     export AWS_REGION=us-west-2 AWS_DEFAULT_REGION=us-west-2\n  \
                     export AWS_ACCESS_KEY_ID=TYMPANDEV AWS_SECRET_ACCESS_KEY=tympandevsecret"
                ))
            })
        };
        let mut credentials =
            Credentials::new(needed("AWS_ACCESS_KEY_ID")?, needed("AWS_SECRET_ACCESS_KEY")?);
        if let Some(token) = variable("AWS_SESSION_TOKEN") {
            credentials = credentials.with_session_token(token);
        }
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let region = Region::parse(region.as_deref().unwrap_or("us-west-2"))
            .map_err(|error| ClientError::Usage(format!("AWS_REGION: {error}")))?;
        Ok(Self { credentials, region })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(environment: &[(&str, &str)]) -> Result<Identity, ClientError> {
        Identity::from_environment(|name| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    const KEY: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "a-secret")];

    #[test]
    fn reads_what_the_sdks_read() {
        let identity =
            identity(&[&KEY[..], &[("AWS_REGION", "eu-west-1"), ("AWS_SESSION_TOKEN", "t")]].concat())
                .unwrap();
        assert_eq!(identity.credentials.access_key_id, "AKID");
        assert_eq!(identity.credentials.secret.expose(), "a-secret");
        assert!(identity.credentials.session_token.is_some());
        assert_eq!(identity.region.as_str(), "eu-west-1");
    }

    #[test]
    fn the_region_has_a_second_variable_and_a_default() {
        let with = |extra: &[(&str, &str)]| identity(&[&KEY[..], extra].concat()).unwrap().region.to_string();
        assert_eq!(with(&[]), "us-west-2");
        assert_eq!(with(&[("AWS_DEFAULT_REGION", "us-east-1")]), "us-east-1");
        assert_eq!(with(&[("AWS_REGION", "us-east-2"), ("AWS_DEFAULT_REGION", "us-east-1")]), "us-east-2");
    }

    #[test]
    fn a_missing_key_is_a_usage_error_that_says_what_to_set() {
        let error = identity(&[("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "")]).unwrap_err();
        assert_eq!(error.exit(), crate::Exit::Usage);
        assert!(error.to_string().starts_with("AWS_SECRET_ACCESS_KEY is not set"), "{error}");
    }
}
