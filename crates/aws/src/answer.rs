//! Answers: what an operation gives, and what goes over the wire.

use crate::ask::Ask;
use crate::xml::Element;
use bytes::Bytes;
use serde::Serialize;
use std::any::Any;
use std::fmt;

/// What an operation answers with a 200.
#[derive(Debug)]
pub struct Output(pub(crate) Content);

#[derive(Debug)]
pub(crate) enum Content {
    Json(Vec<u8>),
    Elements(Vec<Element>),
    Empty,
    Stream(&'static str, Stream),
    Media(Media),
    /// A value that JSON cannot hold.
    Unwritable(String),
}

impl Output {
    /// A JSON body.
    pub fn json(value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => Self(Content::Json(json)),
            Err(error) => Self(Content::Unwritable(error.to_string())),
        }
    }

    /// `{}`, as AWS answers where there is nothing to tell.
    pub fn empty_object() -> Self {
        Self(Content::Json(b"{}".to_vec()))
    }

    /// No body at all.
    pub fn empty() -> Self {
        Self(Content::Empty)
    }

    /// What stands in the result element of the query protocol.
    pub fn elements(result: Vec<Element>) -> Self {
        Self(Content::Elements(result))
    }

    /// The value of [`Self::stream`], for callers within the process.
    pub fn into_stream(self) -> Option<Stream> {
        match self.0 {
            Content::Stream(_, stream) => Some(stream),
            _ => None,
        }
    }

    /// The JSON of [`Self::json`], for callers within the process.
    pub fn into_json(self) -> Option<Vec<u8>> {
        match self.0 {
            Content::Json(json) => Some(json),
            _ => None,
        }
    }

    /// The value of [`Self::media`], for callers within the process.
    pub fn into_media(self) -> Option<Media> {
        match self.0 {
            Content::Media(media) => Some(media),
            _ => None,
        }
    }

    /// Bytes that are no JSON, whose members beside them stand in headers.
    pub fn media(media: Media) -> Self {
        Self(Content::Media(media))
    }

    /// A body that is made while it is sent. What `stream` is, its service and the server agree on.
    pub fn stream(content_type: &'static str, stream: impl Any + Send) -> Self {
        Self(Content::Stream(content_type, Stream(Box::new(stream))))
    }
}

/// An answer whose members are headers, and whose body is one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Media {
    /// The header of that name.
    pub content_type: &'static str,
    /// Further headers: names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A body that the kit does not look into: media to be sent, or a session that takes the request's body.
pub struct Stream(Box<dyn Any + Send>);

impl Stream {
    /// The value that the operation gave.
    ///
    /// # Errors
    /// Itself, where it is something else.
    pub fn downcast<T: Any>(self) -> Result<T, Self> {
        self.0.downcast::<T>().map(|value| *value).map_err(Self)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

/// The body of an answer.
#[derive(Debug)]
pub enum ReplyBody {
    /// All of it.
    Whole(Bytes),
    /// To be made while it is sent.
    Stream(Stream),
}

/// An answer as it goes over the wire, the request's id aside.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The header of that name.
    pub content_type: &'static str,
    /// Of an error: what `x-amzn-ErrorType` says.
    pub error_type: Option<&'static str>,
    /// Further headers: names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: ReplyBody,
}

impl Reply {
    /// One whose body is there.
    pub fn whole(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = ReplyBody::Whole(body.into());
        Self { status, content_type, error_type: None, headers: Vec::new(), body }
    }

    /// The same as an error of this type.
    #[must_use]
    pub fn typed(self, error_type: &'static str) -> Self {
        Self { error_type: Some(error_type), ..self }
    }
}

/// How far a request has come; the audit file wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It names no operation that is offered: no policy was asked.
    Unknown,
    /// It could not be read, or what it names not be looked up: no policy was asked.
    Unread,
    /// The policies, or the service itself, have denied it.
    Denied,
    /// It was performed, or failed to be.
    Performed,
}

/// What came of a request.
#[derive(Debug)]
pub struct Outcome {
    /// How far it has come.
    pub stage: Stage,
    /// What the policies were asked; where they were not, the operation's action on `*`.
    pub asks: Vec<Ask>,
    /// The answer.
    pub reply: Reply,
    /// What only the log is to know.
    pub cause: Option<String>,
}
