use super::StsError;
use std::fmt;
use std::sync::Arc;
use tympan_auth::{Identities, Principal, Refusal, SESSION_ENTROPY_BYTES};
use tympan_aws::{Cx, Malformed, Service, Unknown};

/// What an operation is given.
pub(crate) type StsCx<'a> = Cx<'a, StsService>;

/// Where random bytes come from.
pub trait Entropy: Send + Sync + 'static {
    /// Fills with bytes that cannot be foreseen.
    ///
    /// # Errors
    /// [`NoEntropy`]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The system gives no randomness now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoEntropy;

/// The service: the identities that there are, and the randomness of their sessions. Cheap to clone.
#[derive(Clone)]
pub struct StsService {
    identities: Arc<Identities>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for StsService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StsService").field("identities", &self.identities).finish_non_exhaustive()
    }
}

impl StsService {
    /// Gives out credentials of these identities.
    pub fn new(identities: Arc<Identities>, entropy: Arc<dyn Entropy>) -> Self {
        Self { identities, entropy }
    }

    pub(super) fn identities(&self) -> &Identities {
        &self.identities
    }

    /// Randomness for one session.
    pub(super) fn entropy(&self) -> Result<[u8; SESSION_ENTROPY_BYTES], StsError> {
        let mut bytes = [0; SESSION_ENTROPY_BYTES];
        let filled = self.entropy.fill(&mut bytes);
        filled.map_err(|NoEntropy| StsError::internal("The system gives no randomness. Try again."))?;
        Ok(bytes)
    }

    /// Who asks, by name.
    pub(super) fn principal<'a>(cx: &StsCx<'a>) -> Result<&'a Principal, StsError> {
        cx.principal.ok_or_else(|| StsError::internal("The request has no principal."))
    }
}

impl Service for StsService {
    type Error = StsError;

    fn malformed(_: &'static str, malformed: &Malformed) -> StsError {
        StsError::validation(malformed.to_string())
    }

    fn denied(_: &'static str, refusal: &Refusal) -> StsError {
        StsError::access_denied(refusal.to_string())
    }

    fn not_offered(operation: &'static str, _: &'static str) -> StsError {
        StsError::unknown_action(operation)
    }

    fn unknown(named: Unknown<'_>) -> StsError {
        match named {
            Unknown::Operation | Unknown::NoAction => StsError::no_action(),
            Unknown::Action(name) => StsError::unknown_action(name),
            Unknown::Version { action, version: "" } => StsError::unknown_version(action, "(none)"),
            Unknown::Version { action, version } => StsError::unknown_version(action, version),
        }
    }

    fn fault(cause: String) -> StsError {
        StsError::internal(cause)
    }
}
