//! `application/x-www-form-urlencoded`: `Action=AssumeRole&PolicyArns.member.1.arn=...`.

use super::StsError;
use percent_encoding::percent_decode;

/// More parameters than any operation has.
const PARAMETERS: usize = 200;

/// The parameters of a request, each once.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, StsError> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let name = decoded(&pair[..at])?;
            let value = decoded(pair.get(at + 1..).unwrap_or_default())?;
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(StsError::validation(format!("The parameter {name} stands there twice.")));
            }
            if parameters.len() == PARAMETERS {
                return Err(StsError::validation(format!("There are more than {PARAMETERS} parameters.")));
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter; an empty one is none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The members of a list of structures, in their order: `NAME.member.1.MEMBER`.
    pub(super) fn members<'a>(
        &'a self,
        list: &'a str,
        member: &'a str,
    ) -> impl Iterator<Item = &'a str> + 'a {
        (1..=PARAMETERS).map_while(move |index| self.get(&format!("{list}.member.{index}.{member}")))
    }

    /// The first parameter of which the name begins so.
    pub(super) fn beginning_with(&self, prefix: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name.starts_with(prefix)).map(|(name, _)| name.as_str())
    }

    /// How many parameters have names that begin so.
    pub(super) fn count(&self, prefix: &str) -> usize {
        self.0.iter().filter(|(name, _)| name.starts_with(prefix)).count()
    }

    /// A whole number within bounds, or what stands for none.
    pub(super) fn seconds(&self, name: &str, least: u32, most: u32, default: u32) -> Result<u32, StsError> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.parse().ok().filter(|seconds| (least..=most).contains(seconds)).ok_or_else(|| {
            let shown: String = text.chars().take(20).collect();
            StsError::validation(format!(
                "{name} is {shown:?}: it is a number of seconds from {least} to {most}."
            ))
        })
    }
}

fn decoded(bytes: &[u8]) -> Result<String, StsError> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded = percent_decode(&spaced).decode_utf8();
    decoded.map(Into::into).map_err(|_| StsError::validation("The parameters are not UTF-8."))
}
