use crate::ClientError;
use http::Uri;
use http::uri::{Authority, Scheme};
use std::fmt;
use std::str::FromStr;

/// Where a service listens: `http://127.0.0.1:8600`, `https://kinesisvideo.us-west-2.amazonaws.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    scheme: Scheme,
    authority: Authority,
}

impl Endpoint {
    /// Where a server on this machine listens unless told otherwise.
    pub const DEFAULT: &'static str = "http://127.0.0.1:8600";

    /// What was asked for, else `AWS_ENDPOINT_URL`, else [`Endpoint::DEFAULT`].
    ///
    /// `variable` looks up an environment variable.
    pub fn resolve(
        asked_for: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ClientError> {
        if let Some(url) = asked_for {
            return url.parse();
        }
        match variable("AWS_ENDPOINT_URL").filter(|url| !url.is_empty()) {
            Some(url) => url.parse(),
            None => Self::DEFAULT.parse(),
        }
    }

    /// What the `Host` header says, and the signature covers: the port stands there unless it is the scheme's own.
    pub fn host(&self) -> String {
        let default_port = if self.scheme == Scheme::HTTPS { 443 } else { 80 };
        match self.authority.port_u16() {
            Some(port) if port != default_port => format!("{}:{port}", self.authority.host()),
            _ => self.authority.host().to_owned(),
        }
    }

    /// Whether it is reached by TLS.
    pub fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The URL of a path (which begins with a slash) with its query, if it has one.
    pub(crate) fn url(&self, path_and_query: &str) -> Result<Uri, ClientError> {
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path_and_query)
            .build()
            .map_err(|error| ClientError::Usage(format!("{self}{path_and_query} is not a URL: {error}")))
    }
}

impl FromStr for Endpoint {
    type Err = ClientError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &str| {
            ClientError::Usage(format!("{text:?} is not an endpoint such as {}: {why}", Self::DEFAULT))
        };
        let url: Uri = text.parse().map_err(|_| wrong("it is not a URL"))?;
        let parts = url.into_parts();
        let path = parts.path_and_query.as_ref().map_or("/", |path| path.as_str());
        if path != "/" {
            return Err(wrong("it has a path"));
        }
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority)) if scheme == Scheme::HTTP || scheme == Scheme::HTTPS => {
                if authority.as_str().contains('@') {
                    return Err(wrong("credentials belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
                }
                Ok(Self { scheme, authority })
            }
            (_, _) => Err(wrong("it does not begin with http:// or https://")),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(asked_for: Option<&str>, environment: &[(&str, &str)]) -> String {
        let variable = |name: &str| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Endpoint::resolve(asked_for, variable).unwrap().to_string()
    }

    #[test]
    fn the_flag_wins_over_the_environment_and_that_over_the_default() {
        let environment = [("AWS_ENDPOINT_URL", "http://localhost:4566/")];
        assert_eq!(resolve(Some("https://example.com"), &environment), "https://example.com");
        assert_eq!(resolve(None, &environment), "http://localhost:4566");
        assert_eq!(resolve(None, &[("AWS_ENDPOINT_URL", "")]), "http://127.0.0.1:8600");
        assert_eq!(resolve(None, &[]), "http://127.0.0.1:8600");
    }

    #[test]
    fn the_host_header_leaves_out_a_default_port() {
        for (url, host) in [
            ("http://127.0.0.1:8600", "127.0.0.1:8600"),
            ("https://kinesisvideo.us-west-2.amazonaws.com", "kinesisvideo.us-west-2.amazonaws.com"),
            ("https://example.com:443", "example.com"),
            ("http://[::1]:8600", "[::1]:8600"),
        ] {
            assert_eq!(url.parse::<Endpoint>().unwrap().host(), host);
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_url() {
        for (url, why) in [
            ("127.0.0.1:8600", "does not begin with http://"),
            ("ftp://example.com", "does not begin with http://"),
            ("http://example.com/path", "has a path"),
            ("http://me@example.com", "credentials belong into"),
            ("http://", "not a URL"),
            ("", "not a URL"),
        ] {
            let error = url.parse::<Endpoint>().unwrap_err();
            assert!(error.to_string().contains(why), "{url}: {error}");
            assert_eq!(error.exit(), crate::Exit::Usage);
        }
    }
}
