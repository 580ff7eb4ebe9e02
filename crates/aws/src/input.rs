//! From the bytes of a request to an operation's input: once, from all places at which members stand.
//!
//! An input is an ordinary `Deserialize` type with the members' wire names. A label of the path, a declared query parameter
//! and a declared header are members like those of the body, and a member that belongs to one of those places is taken from
//! nowhere else. What is read as text there becomes the number or truth value that the field wants.

use crate::form::{Form, FormError};
use crate::path::{self, RequestLine};
use crate::text::Text;
use http::HeaderMap;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, Visitor,
    value::StrDeserializer,
};
use serde::forward_to_deserialize_any;
use std::borrow::Cow;
use std::fmt;

/// More members than the body of any operation has at its top.
const MEMBERS: usize = 64;

/// Why a request is no input of its operation. No policy has been asked yet.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// The body is longer than the operation takes.
    #[error("it is longer than {limit_bytes} bytes")]
    TooLong {
        /// The most that is taken.
        limit_bytes: usize,
    },
    /// The body is JSON of another kind, or none: a list would be read by position.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// The body is no JSON, has a member twice, lacks one, or has one of another type. The text may quote what the client
    /// sent; [`serde_json::Error::line`] and [`serde_json::Error::column`] do not.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The form cannot be read.
    #[error(transparent)]
    Form(#[from] FormError),
    /// A parameter of the form is missing or of another type.
    #[error(transparent)]
    Parameter(#[from] serde::de::value::Error),
}

/// Where the members of an input stand beside the body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    /// Query parameters.
    pub(crate) query: &'static [&'static str],
    /// Header names in lower case, and the members that they carry.
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

impl Places {
    fn hold(self, template: &'static str, member: &str) -> bool {
        path::has_label(template, member)
            || self.query.contains(&member)
            || self.headers.iter().any(|(_, name)| *name == member)
    }
}

/// The bytes of one request.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A whole request.
    Request {
        line: RequestLine<'a>,
        headers: &'a HeaderMap,
        body: &'a [u8],
    },
    /// A JSON body alone.
    Body(&'a [u8]),
    Form(&'a Form),
}

impl<'a> Source<'a> {
    /// Path and query, where members may stand in them.
    pub(crate) fn line(self) -> RequestLine<'a> {
        match self {
            Self::Request { line, .. } => line,
            Self::Body(_) | Self::Form(_) => RequestLine::NONE,
        }
    }

    /// The same without its body.
    pub(crate) fn head(self) -> Self {
        match self {
            Self::Request { line, headers, .. } => Self::Request { line, headers, body: &[] },
            other => other,
        }
    }

    /// The bytes of its body, where there are any beside the input.
    pub(crate) fn body(self) -> &'a [u8] {
        match self {
            Self::Request { body, .. } => body,
            Self::Body(_) | Self::Form(_) => &[],
        }
    }

    /// Reads the input. An empty body is an empty object; unknown members are ignored.
    pub(crate) fn parse<T: DeserializeOwned>(
        self,
        places: Places,
        limit_bytes: usize,
    ) -> Result<T, Malformed> {
        let (line, headers, body) = match self {
            Self::Form(form) => return Ok(T::deserialize(Parameters(form))?),
            Self::Request { line, headers, body } => (line, Some(headers), body),
            Self::Body(body) => (RequestLine::NONE, None, body),
        };
        if body.len() > limit_bytes {
            return Err(Malformed::TooLong { limit_bytes });
        }
        let body = if body.is_empty() { b"{}" } else { body };
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(Malformed::NotAnObject);
        }
        let mut json = serde_json::Deserializer::from_slice(body);
        let head = Head { line, headers, places, at: 0, is_over: false };
        let input = T::deserialize(Request { head, json: &mut json })?;
        json.end()?;
        Ok(input)
    }
}

/// The members that stand outside of the body, one after the other.
struct Head<'a> {
    line: RequestLine<'a>,
    headers: Option<&'a HeaderMap>,
    places: Places,
    at: usize,
    /// It has no more: it is not walked again for each member of the body.
    is_over: bool,
}

impl<'a> Head<'a> {
    fn next(&mut self) -> Option<(&'static str, Text<'a>)> {
        if self.is_over {
            return None;
        }
        let next = self.find_next();
        self.is_over = next.is_none();
        next
    }

    fn find_next(&mut self) -> Option<(&'static str, Text<'a>)> {
        loop {
            let at = self.at;
            self.at += 1;
            if let Some((name, value)) = self.line.labels().nth(at) {
                return Some((name, Text::One(value)));
            }
            let at = at - self.line.labels().count();
            if let Some(name) = self.places.query.get(at) {
                if self.line.query_values(name).next().is_some() {
                    return Some((name, Text::Query(self.line, name)));
                }
                continue;
            }
            let (header, name) = self.places.headers.get(at - self.places.query.len())?;
            if let Some(value) = self.headers.and_then(|all| all.get(*header)?.to_str().ok()) {
                return Some((name, Text::One(Cow::Borrowed(value))));
            }
        }
    }
}

/// A whole request as one map.
struct Request<'a, 'j, 'de> {
    head: Head<'a>,
    json: &'j mut serde_json::Deserializer<serde_json::de::SliceRead<'de>>,
}

impl<'de> Deserializer<'de> for Request<'_, '_, 'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.json.deserialize_map(Whole { head: self.head, visitor })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Hands on the body's map with the members of the head before it.
struct Whole<'a, V> {
    head: Head<'a>,
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Whole<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, body: A) -> Result<V::Value, A::Error> {
        let mut members =
            Members { head: self.head, body, pending: None, seen: Seen { digests: [0; MEMBERS], count: 0 } };
        let value = self.visitor.visit_map(&mut members)?;
        Ok(value)
    }
}

struct Members<'a, A> {
    head: Head<'a>,
    body: A,
    pending: Option<Text<'a>>,
    seen: Seen,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for &mut Members<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        if let Some((name, text)) = self.head.next() {
            self.pending = Some(text);
            let name: StrDeserializer<'_, A::Error> = name.into_deserializer();
            return seed.deserialize(name).map(Some);
        }
        while let Some(Key(name)) = self.body.next_key()? {
            if !self.seen.is_new(&name) {
                let shown: String = name.chars().take(80).collect();
                return Err(A::Error::custom(format_args!("duplicate field `{shown}`")));
            }
            if self.head.places.hold(self.head.line.template, &name) {
                self.body.next_value::<serde::de::IgnoredAny>()?;
                continue;
            }
            let name: StrDeserializer<'_, A::Error> = name.as_ref().into_deserializer();
            return seed.deserialize(name).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        match self.pending.take() {
            Some(text) => seed.deserialize(text.into_value()),
            None => self.body.next_value_seed(seed),
        }
    }
}

/// A member's name, borrowed where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// The names that a body has had, as digests: two names that share one are refused like one name twice, which only who makes
/// them up on purpose can come to.
struct Seen {
    digests: [u64; MEMBERS],
    count: usize,
}

impl Seen {
    /// Whether a name is there for the first time, and not one too many.
    fn is_new(&mut self, name: &str) -> bool {
        // FNV-1a.
        let step = |digest: u64, byte: u8| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let digest = name.bytes().fold(0xcbf2_9ce4_8422_2325, step);
        if self.digests[..self.count].contains(&digest) {
            return false;
        }
        let Some(free) = self.digests.get_mut(self.count) else { return false };
        *free = digest;
        self.count += 1;
        true
    }
}

/// The parameters of a form as a map.
struct Parameters<'a>(&'a Form);

impl<'de> Deserializer<'de> for Parameters<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let pairs = self.0.all().map(|(name, value)| {
            let value: crate::text::TextValue<'_, Self::Error> = Text::Parameter(value).into_value();
            (name, value)
        });
        visitor.visit_map(serde::de::value::MapDeserializer::new(pairs))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
