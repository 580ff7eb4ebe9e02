use super::HeadError;
use super::rejection::shown;
use std::fmt;
use tympan_types::Region;

/// The credential scope of a signature: which key signed, for which day, region and service.
///
/// Until the signature is verified this is only a claim, good for routing and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The access key id.
    pub access_key_id: String,
    /// The day, `YYYYMMDD`.
    pub day: String,
    /// The region.
    pub region: Region,
    /// The signing name of the service: `kinesisvideo`, `connect`.
    pub service: String,
}

impl Scope {
    /// Parses `KEY/YYYYMMDD/REGION/SERVICE/aws4_request`. The key's id may itself contain slashes.
    pub(super) fn parse(credential: &str) -> Result<Self, HeadError> {
        let wrong = || HeadError::Credential(shown(credential));
        let mut parts = credential.rsplitn(5, '/');
        let (terminator, service, region, day, key) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
        let (Some("aws4_request"), Some(service), Some(region), Some(day), Some(key)) =
            (terminator, service, region, day, key)
        else {
            return Err(wrong());
        };
        let is_name = |text: &str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        };
        let is_key = (1..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        if !is_key || day.len() != 8 || !day.bytes().all(|b| b.is_ascii_digit()) || !is_name(service) {
            return Err(wrong());
        }
        Ok(Self {
            access_key_id: key.to_owned(),
            day: day.to_owned(),
            region: Region::parse(region).map_err(|_| wrong())?,
            service: service.to_owned(),
        })
    }
}

/// `YYYYMMDD/REGION/SERVICE/aws4_request`: the scope without the key, as it stands in a string to sign.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/aws4_request", self.day, self.region, self.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_five_parts_from_the_right() {
        let scope = Scope::parse("a/b/20150830/us-east-1/service/aws4_request").unwrap();
        assert_eq!(scope.access_key_id, "a/b");
        assert_eq!(scope.to_string(), "20150830/us-east-1/service/aws4_request");
    }

    #[test]
    fn refuses_missing_and_misplaced_parts() {
        for text in [
            "",
            "AKID",
            "20150830/us-east-1/service/aws4_request",
            "/20150830/us-east-1/service/aws4_request",
            "AKID/2015083/us-east-1/service/aws4_request",
            "AKID/20150830/us east/service/aws4_request",
            "AKID/20150830/us-east-1//aws4_request",
            "AKID/20150830/us-east-1/service/aws4",
            "AKID/20150830/us-east-1/service/aws4_request/",
        ] {
            assert!(Scope::parse(text).is_err(), "{text}");
        }
    }
}
