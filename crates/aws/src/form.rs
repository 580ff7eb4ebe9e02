//! `application/x-www-form-urlencoded`, as the query protocol has it: `Action=AssumeRole&PolicyArns.member.1.arn=...`.

use percent_encoding::percent_decode;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;

/// More parameters than any operation has.
const PARAMETERS: usize = 200;

/// The parameters of a request, each once. An operation may take all of it as its input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

/// Why bytes are no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A parameter stands there twice.
    #[error("The parameter {0} stands there twice.")]
    Twice(String),
    /// More parameters than any operation has.
    #[error("There are more than {PARAMETERS} parameters.")]
    TooMany,
    /// The decoded bytes are no text.
    #[error("The parameters are not UTF-8.")]
    NotUtf8,
}

impl Form {
    /// Reads a body, or the query of a GET.
    ///
    /// # Errors
    /// [`FormError`]
    pub fn parse(bytes: &[u8]) -> Result<Self, FormError> {
        let mut form = Self::default();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let name = decoded(&pair[..at])?;
            let value = decoded(pair.get(at + 1..).unwrap_or_default())?;
            if form.0.iter().any(|(known, _)| *known == name) {
                return Err(FormError::Twice(name));
            }
            if form.0.len() == PARAMETERS {
                return Err(FormError::TooMany);
            }
            form.0.push((name, value));
        }
        Ok(form)
    }

    /// The value of a parameter; an empty one is none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The members of a list of structures, in their order: `LIST.member.1.MEMBER`.
    pub fn members<'a>(&'a self, list: &'a str, member: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        (1..=PARAMETERS).map_while(move |index| self.get(&format!("{list}.member.{index}.{member}")))
    }

    /// The first parameter of which the name begins so.
    pub fn beginning_with(&self, prefix: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name.starts_with(prefix)).map(|(name, _)| name.as_str())
    }

    /// How many parameters have names that begin so.
    pub fn count(&self, prefix: &str) -> usize {
        self.0.iter().filter(|(name, _)| name.starts_with(prefix)).count()
    }

    /// Names and values, the empty ones too.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all().filter(|(_, value)| !value.is_empty())
    }
}

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parameters;
        impl<'de> Visitor<'de> for Parameters {
            type Value = Form;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("parameters")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Form, A::Error> {
                let mut form = Form::default();
                while let Some(pair) = map.next_entry()? {
                    form.0.push(pair);
                }
                Ok(form)
            }
        }
        deserializer.deserialize_map(Parameters)
    }
}

fn decoded(bytes: &[u8]) -> Result<String, FormError> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded = percent_decode(&spaced).decode_utf8();
    decoded.map(Into::into).map_err(|_| FormError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_lists() {
        let form =
            Form::parse(b"Action=AssumeRole&P.member.1.arn=a%2Fb&P.member.2.arn=c+d&Empty=&x").unwrap();
        assert_eq!(form.get("Action"), Some("AssumeRole"));
        assert_eq!(form.members("P", "arn").collect::<Vec<_>>(), ["a/b", "c d"]);
        assert_eq!((form.get("Empty"), form.get("x"), form.count("P.")), (None, None, 2));
        assert_eq!(form.beginning_with("Emp"), Some("Empty"));
    }

    #[test]
    fn a_parameter_twice_too_many_or_no_text_is_refused() {
        assert_eq!(Form::parse(b"a=1&a=2"), Err(FormError::Twice("a".into())));
        assert_eq!(Form::parse(b"a=%ff"), Err(FormError::NotUtf8));
        let many: String = (0..=PARAMETERS).map(|index| format!("a{index}=&")).collect();
        assert_eq!(Form::parse(many.as_bytes()), Err(FormError::TooMany));
    }
}
