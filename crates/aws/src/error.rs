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

/// Makes a service's error: a code of its table, a message for the caller, and a cause for the log, with members of the
/// service's own and what it does otherwise than [`ServiceError`](crate::ServiceError) has it.
///
/// ```
/// # tympan_aws::error_codes! { pub enum Code { NotFound = "ResourceNotFoundException", 404; } }
/// use tympan_aws::ServiceError;
/// tympan_aws::service_error! {
///     /// An error answer.
///     pub struct Failed(Code) {
///         problems: Vec<String>,
///     }
///     fn is_denial(&self) -> bool {
///         self.problems.is_empty()
///     }
/// }
/// let failed = Failed::new(Code::NotFound, "There is no such thing.");
/// assert_eq!((failed.code(), failed.status()), (Code::NotFound, 404));
/// assert_eq!(failed.to_string(), "ResourceNotFoundException: There is no such thing.");
/// assert!(failed.is_denial());
/// assert_eq!(failed.caused_by("the disk").internal_cause(), Some("the disk"));
/// ```
#[macro_export]
macro_rules! service_error {
    ($(#[$top:meta])* $visible:vis struct $name:ident($code:ty) { $($member:ident: $type:ty,)* } $($own:tt)*) => {
        $(#[$top])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        $visible struct $name {
            code: $code,
            message: String,
            cause: Option<String>,
            $($member: $type,)*
        }

        impl $name {
            /// An error with a message for the caller.
            $visible fn new(code: $code, message: impl Into<String>) -> Self {
                Self { code, message: message.into(), cause: None, $($member: Default::default(),)* }
            }

            /// The same with what only the log is to know.
            #[must_use]
            $visible fn caused_by(self, cause: impl std::fmt::Display) -> Self {
                Self { cause: Some(cause.to_string()), ..self }
            }

            /// Which error this is.
            $visible fn code(&self) -> $code {
                self.code
            }

            /// The HTTP status.
            $visible fn status(&self) -> u16 {
                self.code.status()
            }

            /// What went wrong and what to do about it, for the caller.
            $visible fn message(&self) -> &str {
                &self.message
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}: {}", self.code.name(), self.message)
            }
        }

        impl std::error::Error for $name {}

        impl $crate::ServiceError for $name {
            fn code(&self) -> &'static str {
                self.code.name()
            }

            fn status(&self) -> u16 {
                self.code.status()
            }

            fn message(&self) -> std::borrow::Cow<'_, str> {
                std::borrow::Cow::Borrowed(&self.message)
            }

            fn internal_cause(&self) -> Option<&str> {
                self.cause.as_deref()
            }

            $($own)*
        }
    };
}
