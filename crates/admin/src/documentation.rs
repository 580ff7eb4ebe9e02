//! What an operation is documented by, beside its code: the OpenAPI document is made of it, and tests hold both together.

use crate::error::ErrorCode;

/// An operation in words.
pub(crate) struct Documentation {
    /// One sentence.
    pub(crate) summary: &'static str,
    /// Query parameters.
    pub(crate) query: &'static [Field],
    /// Members of the body.
    pub(crate) body: &'static [Field],
    /// Members of the answer.
    pub(crate) answer: &'static [Field],
    /// Errors beside those that all have: ValidationException, AccessDeniedException, InternalServiceException.
    pub(crate) errors: &'static [ErrorCode],
}

/// A member.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) is_required: bool,
    /// It may be null.
    pub(crate) is_nullable: bool,
    /// With its unit.
    pub(crate) about: &'static str,
}

/// What a member is.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text,
    /// RFC 3339.
    Time,
    Integer,
    Boolean,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// An object with these members.
    Object(&'static [Field]),
    /// An object that is described elsewhere.
    Opaque,
    /// A list.
    List(&'static Self),
}

/// What a success is answered with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// An object with the members of the answer.
    Json,
    /// A WebSocket; the members are those of its text frames.
    Socket,
    /// A body of one of these types.
    Media(&'static [&'static str]),
}

/// An operation that has a documentation.
pub(crate) trait Documented {
    /// It.
    const DOCUMENTATION: Documentation;
    /// What it answers with.
    const FORM: Form = Form::Json;
    /// Types of its body, where that is no JSON.
    const TAKES: &'static [&'static str] = &[];
}

/// A member that is always there.
pub(crate) const fn always(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, is_required: true, is_nullable: false, about }
}

/// A member that is always there, and may be null.
pub(crate) const fn nullable(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, is_required: true, is_nullable: true, about }
}

/// A member that may be absent.
pub(crate) const fn maybe(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, is_required: false, is_nullable: false, about }
}

/// The query parameters of lists.
pub(crate) const MAX_RESULTS: Field =
    maybe("maxResults", Kind::Integer, "items of a page: 1 to 1000, 100 unless given");
pub(crate) const NEXT_TOKEN: Field =
    maybe("nextToken", Kind::Text, "NextToken of the page before; good for the same request only");
/// What a page ends with.
pub(crate) const NEXT: Field =
    maybe("NextToken", Kind::Text, "where the next page begins; absent at the end");
