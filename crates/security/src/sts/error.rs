tympan_aws::error_codes! {
    /// The error codes that this service answers with.
    pub enum StsErrorCode {
        /// The request names no operation.
        MissingAction = "MissingAction", 400;
        /// There is no such operation, or none of this version.
        InvalidAction = "InvalidAction", 400;
        /// A parameter breaks its rule.
        Validation = "ValidationError", 400;
        /// The caller may not do this.
        AccessDenied = "AccessDenied", 403;
        /// The session policy is none.
        MalformedPolicy = "MalformedPolicyDocument", 400;
        /// The session policy is too long.
        PolicyTooLarge = "PackedPolicyTooLarge", 400;
        /// A fault on this side.
        Internal = "InvalidRequest", 500;
    }
}

tympan_aws::service_error! {
    /// An error answer of the query protocol.
    pub struct StsError(StsErrorCode) {}

    /// AssumeRole and GetSessionToken have reasons of their own beside the policies.
    fn is_denial(&self) -> bool {
        self.code == StsErrorCode::AccessDenied
    }
}

impl StsError {
    pub(super) fn no_action() -> Self {
        let message = "The request names no operation: it needs the parameter Action.";
        Self::new(StsErrorCode::MissingAction, message)
    }

    pub(super) fn unknown_action(name: &str) -> Self {
        let name: String = name.chars().take(80).collect();
        let message = format!(
            "{name} is not offered by this server: it has AssumeRole, GetCallerIdentity and GetSessionToken."
        );
        Self::new(StsErrorCode::InvalidAction, message)
    }

    pub(super) fn unknown_version(action: &str, version: &str) -> Self {
        let short = |text: &str| text.chars().take(80).collect::<String>();
        let message = format!("Could not find operation {} for version {}", short(action), short(version));
        Self::new(StsErrorCode::InvalidAction, message)
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(StsErrorCode::Validation, message)
    }

    pub(super) fn access_denied(message: impl Into<String>) -> Self {
        Self::new(StsErrorCode::AccessDenied, message)
    }

    pub(super) fn malformed_policy(message: impl Into<String>) -> Self {
        Self::new(StsErrorCode::MalformedPolicy, message)
    }

    pub(super) fn policy_too_large(message: impl Into<String>) -> Self {
        Self::new(StsErrorCode::PolicyTooLarge, message)
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StsErrorCode::Internal, message)
    }
}
