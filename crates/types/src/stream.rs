use crate::{AccountId, ParseError, Region, WallTime, text_newtype};
use std::fmt;

/// The name of a stream: 1..=256 of `[a-zA-Z0-9_.-]`, unique per account and region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Box<str>);

impl StreamName {
    /// Parses a stream name.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let fits = (1..=256).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')) {
            Ok(Self(text.into()))
        } else {
            Err(ParseError::new(text, "a stream name of 1 to 256 characters out of [a-zA-Z0-9_.-]"))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_newtype!(StreamName);

/// `arn:aws:kinesisvideo:REGION:ACCOUNT:stream/NAME/CREATION_MS`.
///
/// The last part is the creation time, so that a re-created stream is another resource.
/// The partition is always `aws`: the GetMedia model and real contact flows insist on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamArn {
    region: Region,
    account: AccountId,
    name: StreamName,
    created: WallTime,
}

impl StreamArn {
    /// Puts an ARN together.
    pub fn new(region: Region, account: AccountId, name: StreamName, created: WallTime) -> Self {
        Self { region, account, name, created }
    }

    /// Parses the text form.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        const EXPECTED: &str = "a stream ARN (arn:aws:kinesisvideo:REGION:ACCOUNT:stream/NAME/CREATION_MS)";
        let wrong = || ParseError::new(text, EXPECTED);
        let rest = text.strip_prefix("arn:aws:kinesisvideo:").ok_or_else(wrong)?;
        let (region, rest) = rest.split_once(':').ok_or_else(wrong)?;
        let (account, rest) = rest.split_once(':').ok_or_else(wrong)?;
        let (name, created) =
            rest.strip_prefix("stream/").and_then(|rest| rest.split_once('/')).ok_or_else(wrong)?;
        if created.is_empty() || created.len() > 18 || !created.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        Ok(Self {
            region: Region::parse(region).map_err(|_| wrong())?,
            account: AccountId::parse(account).map_err(|_| wrong())?,
            name: StreamName::parse(name).map_err(|_| wrong())?,
            created: WallTime::from_unix_ms(created.parse().map_err(|_| wrong())?),
        })
    }

    /// The region.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The stream's name.
    pub fn name(&self) -> &StreamName {
        &self.name
    }

    /// When the stream was created.
    pub fn created(&self) -> WallTime {
        self.created
    }
}

impl StreamArn {
    /// What `Display` prints. Every request of a stream asks for it: this allocates once.
    pub fn text(&self) -> String {
        let created = self.created.unix_ms().to_string();
        Self::text_of(&self.region, &self.account, &self.name, &created)
    }

    /// The ARN of a stream of a name, with any text for its creation time, as policies have it (`*`).
    pub fn text_of(region: &Region, account: &AccountId, name: &StreamName, created: &str) -> String {
        let (region, account, name) = (region.as_str(), account.as_str(), name.as_str());
        ["arn:aws:kinesisvideo:", region, ":", account, ":stream/", name, "/", created].concat()
    }
}

impl fmt::Display for StreamArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

text_newtype!(StreamArn);

/// Where an instance wants its customers' audio; see the instance's MEDIA_STREAMS storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSettings {
    /// `PREFIX-connect-ALIAS-contact-`: a stream's name is this and a UUID.
    pub name_prefix: String,
    /// How long the audio is kept; 0 keeps nothing past immediate consumption.
    pub retention_hours: u32,
    /// The KMS key of the streams.
    pub key_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str =
        "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-connect-demo-contact-1/1598784211076";

    #[test]
    fn an_arn_prints_what_it_parsed() {
        let arn = StreamArn::parse(ARN).unwrap();
        assert_eq!(arn.to_string(), ARN);
        assert_eq!(arn.name().as_str(), "demo-connect-demo-contact-1");
        assert_eq!(arn.created().unix_ms(), 1_598_784_211_076);
    }

    #[test]
    fn refuses_other_partitions_missing_parts_and_bad_names() {
        for text in [
            "",
            "arn:aws-cn:kinesisvideo:us-west-2:111122223333:stream/a/1",
            "arn:aws:kinesisvideo:us-west-2:111122223333:stream/a",
            "arn:aws:kinesisvideo:us-west-2:111122223333:stream/a b/1",
            "arn:aws:kinesisvideo:us-west-2:111122223333:stream/a/x",
            "arn:aws:kinesisvideo:us-west-2:1111:stream/a/1",
        ] {
            assert!(StreamArn::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_keep_to_their_alphabet_and_length() {
        assert!(StreamName::parse(&"x".repeat(256)).is_ok());
        assert!(StreamName::parse(&"x".repeat(257)).is_err());
        assert!(StreamName::parse("").is_err());
        assert!(StreamName::parse("a/b").is_err());
    }
}
