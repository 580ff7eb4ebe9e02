use serde_json::{Map, Value};
use std::fmt;
use std::str::FromStr;
use tympan_types::{ParseError, StreamArn, StreamName};

/// A stream as people name it: by its name, or by its ARN.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StreamRef {
    /// The name, in the account of the access key and the region of the signature.
    Name(StreamName),
    /// The ARN, which names one creation of the stream.
    Arn(StreamArn),
}

impl StreamRef {
    /// The name.
    pub fn name(&self) -> &StreamName {
        match self {
            Self::Name(name) => name,
            Self::Arn(arn) => arn.name(),
        }
    }

    /// As the member of a JSON request that names a stream.
    pub(super) fn members(&self) -> Map<String, Value> {
        let (member, value) = match self {
            Self::Name(name) => ("StreamName", name.to_string()),
            Self::Arn(arn) => ("StreamARN", arn.to_string()),
        };
        Map::from_iter([(member.to_owned(), Value::String(value))])
    }
}

impl FromStr for StreamRef {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // No name holds a colon.
        if text.starts_with("arn:") {
            StreamArn::parse(text).map(Self::Arn)
        } else {
            StreamName::parse(text).map(Self::Name)
        }
    }
}

impl fmt::Display for StreamRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Arn(arn) => arn.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_names_from_arns() {
        let arn = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo/1598784211076";
        let by_arn: StreamRef = arn.parse().unwrap();
        assert_eq!((by_arn.to_string().as_str(), by_arn.name().as_str()), (arn, "demo"));
        assert_eq!(by_arn.members()["StreamARN"], arn);
        assert_eq!("demo".parse::<StreamRef>().unwrap().members()["StreamName"], "demo");
        assert!("arn:aws:s3:::bucket".parse::<StreamRef>().is_err());
        assert!("a stream".parse::<StreamRef>().is_err());
    }
}
