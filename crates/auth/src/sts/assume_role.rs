use super::form::Form;
use super::get_session_token::refuse_devices;
use super::xml::Element;
use super::{StsError, StsRequest, credentials};
use crate::policy::characters;
use crate::principal::role_arn;
use crate::session::{self, AssumedRole};
use crate::{Identities, Policy, Principal, RefusalCause, SESSION_POLICY_LIMIT_CHARACTERS};

const ACTION: &str = "sts:AssumeRole";
const LEAST_S: u32 = 900;
const DEFAULT_S: u32 = 3_600;
/// As many as AWS takes.
const POLICY_ARNS: usize = 10;

/// Temporary credentials of a role, narrowed by the policies of the request.
///
/// Who may assume a role stands with the role, and a policy of the caller may deny it all the same.
pub(super) fn call(
    identities: &Identities,
    request: &StsRequest<'_>,
    form: &Form,
) -> Result<Vec<Element>, StsError> {
    let required = |name: &str| {
        let missing = || StsError::validation(format!("{name} is missing."));
        form.get(name).ok_or_else(missing)
    };
    let arn = required("RoleArn")?;
    let name = required("RoleSessionName")?;
    check_session_name(name)?;
    refuse_devices(form)?;
    for unsupported in ["Tags.", "TransitiveTagKeys.", "ProvidedContexts.", "SourceIdentity"] {
        if let Some(name) = form.beginning_with(unsupported) {
            return Err(StsError::validation(format!(
                "{name} is not supported by this server. Leave it out."
            )));
        }
    }
    let verified = request.verified;
    let denied = |why: &str| {
        let user = &verified.principal.arn;
        let shown: String = arn.chars().take(256).collect();
        StsError::access_denied(format!(
            "User: {user} is not authorized to perform: {ACTION} on resource: {shown} {why}"
        ))
    };
    // A session of a user may; one of a role is no user's, and chaining is not offered.
    let key = match &verified.principal.parent_key {
        _ if verified.principal.user_name().is_none() => {
            return Err(denied("because a session of a role cannot assume another role"));
        }
        Some(parent) => parent,
        None => &verified.caller.access_key_id,
    };
    // Nobody learns which roles there are.
    let role = identities
        .role(arn)
        .filter(|role| role.assumed_by.contains(key))
        .ok_or_else(|| denied("because no role that it may assume has this ARN"))?;
    if let Err(refusal) =
        verified.principal.may(ACTION, &role_arn(&role.name, identities.account()), request.facts)
        && matches!(refusal.cause, RefusalCause::ExplicitDeny { .. })
    {
        return Err(StsError::access_denied(refusal.to_string()));
    }
    let default = DEFAULT_S.min(role.session_max_s);
    let seconds = form.seconds("DurationSeconds", LEAST_S, 43_200, default)?;
    if seconds > role.session_max_s {
        return Err(StsError::validation(format!(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role, which is {} s.",
            role.session_max_s
        )));
    }
    let (policies, policy) = narrowing(identities, form)?;
    let assumed = AssumedRole { name: role.name.clone(), session: name.to_owned(), policies, policy };
    let expires = request.facts.now.plus_ms(i64::from(seconds) * 1_000);
    let made = session::begin(identities.seal(), request.entropy, key, Some(assumed), expires);
    let principal = Principal::assumed_role(&role.name, name, identities.account().clone());
    let user = Element::list(
        "AssumedRoleUser",
        vec![Element::text("AssumedRoleId", &principal.user_id), Element::text("Arn", &principal.arn)],
    );
    Ok(vec![credentials(&made), user])
}

/// `PolicyArns` as names, and `Policy`.
fn narrowing(identities: &Identities, form: &Form) -> Result<(Vec<String>, Option<String>), StsError> {
    let mut policies = Vec::new();
    for arn in form.members("PolicyArns", "arn") {
        let name = identities.policy_name(arn).filter(|name| identities.policy(name).is_some());
        let name = name.ok_or_else(|| {
            let shown: String = arn.chars().take(256).collect();
            StsError::validation(format!(
                "There is no policy {shown:?}; the ARN reads arn:aws:iam::ACCOUNT:policy/NAME."
            ))
        })?;
        policies.push(name.to_owned());
    }
    // A list with a gap would lose what comes after it.
    if policies.len() > POLICY_ARNS || policies.len() != form.count("PolicyArns.") {
        return Err(StsError::validation(format!("PolicyArns is no list of 1 to {POLICY_ARNS} ARNs.")));
    }
    let Some(text) = form.get("Policy") else { return Ok((policies, None)) };
    let size = characters(text);
    if size > SESSION_POLICY_LIMIT_CHARACTERS {
        return Err(StsError::policy_too_large(format!(
            "The session policy has {size} characters without white space; at most {SESSION_POLICY_LIMIT_CHARACTERS} \
             are taken."
        )));
    }
    Policy::parse_session(text).map_err(|error| StsError::malformed_policy(error.to_string()))?;
    // White space would only make every request longer.
    let compact = match serde_json::from_str::<serde_json::Value>(text) {
        Ok(policy) => policy.to_string(),
        Err(error) => return Err(StsError::malformed_policy(error.to_string())),
    };
    Ok((policies, Some(compact)))
}

fn check_session_name(name: &str) -> Result<(), StsError> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if (2..=64).contains(&name.len()) && name.bytes().all(is_letter) {
        return Ok(());
    }
    let shown: String = name.chars().take(80).collect();
    Err(StsError::validation(format!(
        "1 validation error detected: Value '{shown}' at 'roleSessionName' failed to satisfy constraint: Member must have \
         a length of 2 to 64 and satisfy regular expression pattern: [\\w+=,.@-]*"
    )))
}
