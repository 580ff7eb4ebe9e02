//! How a request names its stream.

use crate::{KvsError, constraint};
use tympan_types::{Caller, StreamArn, StreamName};

/// A stream by its name, within the caller's account and region, or by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamIdentity {
    /// `StreamName`
    Name(StreamName),
    /// `StreamARN`
    Arn(StreamArn),
}

impl StreamIdentity {
    /// From the two members of a JSON request, of which at least one must be there. If both are, they must agree.
    pub(crate) fn from_members(name: Option<&str>, arn: Option<&str>) -> Result<Self, KvsError> {
        let name = name.map(|name| constraint::stream_name(name, "streamName")).transpose()?;
        let arn = arn.map(|arn| constraint::stream_arn(arn, "streamARN")).transpose()?;
        match (name, arn) {
            (None, None) => Err(KvsError::invalid("Either StreamName or StreamARN must be specified.")),
            (Some(name), None) => Ok(Self::Name(name)),
            (Some(name), Some(arn)) if *arn.name() != name => Err(KvsError::invalid(
                "StreamName and StreamARN name different streams. Specify one of them.",
            )),
            (_, Some(arn)) => Ok(Self::Arn(arn)),
        }
    }

    /// The stream's name.
    pub fn name(&self) -> &StreamName {
        match self {
            Self::Name(name) => name,
            Self::Arn(arn) => arn.name(),
        }
    }

    /// Whether a stream of the caller's account and region is meant.
    pub(crate) fn is_of(&self, stream: &StreamArn) -> bool {
        match self {
            Self::Name(name) => stream.name() == name,
            Self::Arn(arn) => stream == arn,
        }
    }

    /// The ARN for authorisation before the stream is looked up: of a name, its ARN with any creation time.
    pub(crate) fn resource(&self, caller: &Caller) -> String {
        match self {
            Self::Name(name) => StreamArn::text_of(&caller.region, &caller.account, name, "*"),
            Self::Arn(arn) => arn.text(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/a/1598784211076";

    #[test]
    fn one_is_enough_and_two_must_agree() {
        assert!(matches!(StreamIdentity::from_members(Some("a"), None), Ok(StreamIdentity::Name(_))));
        assert!(matches!(StreamIdentity::from_members(None, Some(ARN)), Ok(StreamIdentity::Arn(_))));
        assert!(matches!(StreamIdentity::from_members(Some("a"), Some(ARN)), Ok(StreamIdentity::Arn(_))));
        assert!(StreamIdentity::from_members(Some("b"), Some(ARN)).is_err());
        assert!(StreamIdentity::from_members(None, None).is_err());
    }
}
