//! Errors of services: each has one closed table of codes, and its own words and members.

use std::borrow::Cow;

/// An error answer of a service.
pub trait ServiceError: std::error::Error + Send + Sync + 'static {
    /// The name that SDKs match on: `ResourceNotFoundException`.
    fn code(&self) -> &'static str;

    /// The HTTP status.
    fn status(&self) -> u16;

    /// What went wrong and what to do about it, for the caller.
    fn message(&self) -> Cow<'_, str>;

    /// What only the log is to know.
    fn internal_cause(&self) -> Option<&str> {
        None
    }

    /// The JSON body, where it is not the usual one of the protocol: InvalidContactFlowException lists `problems`.
    fn body(&self) -> Option<Vec<u8>> {
        None
    }

    /// Whether the service itself has denied the request, policies aside; it is written down as a denial.
    fn is_denial(&self) -> bool {
        false
    }

    /// Whether the fault is on this side. Such an error is answered before any policy is asked; one of the caller's is answered
    /// only to who may ask at all.
    fn is_fault(&self) -> bool {
        self.status() >= 500
    }
}

/// Makes the closed table of a service's codes: an enum with `ALL`, `name` and `status`.
///
/// ```
/// tympan_aws::error_codes! {
///     /// The codes of a service.
///     pub enum Code {
///         /// There is no such thing.
///         NotFound = "ResourceNotFoundException", 404;
///     }
/// }
/// assert_eq!((Code::NotFound.name(), Code::NotFound.status()), ("ResourceNotFoundException", 404));
/// ```
#[macro_export]
macro_rules! error_codes {
    ($(#[$top:meta])* $visible:vis enum $name:ident {
        $($(#[$doc:meta])* $code:ident = $text:literal, $status:literal;)*
    }) => {
        $(#[$top])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $visible enum $name {
            $($(#[$doc])* $code,)*
        }

        impl $name {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The name that SDKs match on.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $text,)*
                }
            }

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self {
                    $(Self::$code => $status,)*
                }
            }
        }
    };
}
