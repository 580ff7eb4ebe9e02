use super::form::{credentials, refuse_devices, seconds};
use super::service::StsCx;
use super::{StsError, StsService};
use tympan_auth::{
    AssumedRole, Identities, Policy, Principal, Role, SESSION_POLICY_LIMIT_CHARACTERS, policy_characters,
};
use tympan_aws::{Asks, Element, Form, Operation, Output, Resource, Target};

const LEAST_S: u32 = 900;
const DEFAULT_S: u32 = 3_600;
/// As many as AWS takes.
const POLICY_ARNS: usize = 10;

/// Temporary credentials of a role, narrowed by the policies of the request.
///
/// Who may assume a role stands with the role, and a policy of the caller may deny it all the same.
pub(crate) struct AssumeRole;

/// The role that a request names, and with which long-term key the caller may assume it.
pub(crate) struct RoleTarget {
    /// The ARN, if there is such a role.
    arn: Option<String>,
    assumable: Result<(String, Role), NotAssumable>,
}

/// Why the caller may not assume it, policies aside.
#[derive(Debug, Clone, Copy)]
enum NotAssumable {
    /// A session of a user may; one of a role is no user's, and chaining is not offered.
    ChainedRole,
    /// No caller learns which roles there are.
    NoRole,
}

impl NotAssumable {
    fn why(self) -> &'static str {
        match self {
            Self::ChainedRole => "because a session of a role cannot assume another role",
            Self::NoRole => "because no role that it may assume has this ARN",
        }
    }
}

impl Target for RoleTarget {
    fn asks(&self, asks: &mut Asks) {
        let resource = self.arn.as_ref().map_or_else(Resource::any, Resource::new);
        match &self.assumable {
            Ok(_) => asks.unless_denied(resource),
            // Policies are not asked, so that what they say does not tell whether there is such a role.
            Err(_) => asks.noted(resource),
        }
    }
}

impl RoleTarget {
    fn of(cx: &StsCx<'_>, arn: Option<&str>) -> Result<Self, StsError> {
        let (identities, principal) = (cx.service.identities(), StsService::principal(cx)?);
        let role = arn.and_then(|arn| identities.role(arn));
        let key = principal.parent_key.as_ref().unwrap_or(&cx.caller.access_key_id);
        let assumable = match role.filter(|role| role.assumed_by.contains(key)) {
            _ if principal.user_name().is_none() => Err(NotAssumable::ChainedRole),
            Some(role) => Ok((key.clone(), role.clone())),
            None => Err(NotAssumable::NoRole),
        };
        Ok(Self { arn: role.map(|role| role.arn(identities.account())), assumable })
    }
}

impl Operation for AssumeRole {
    type Service = StsService;
    type Input = Form;
    type Target = RoleTarget;
    const NAME: &'static str = "AssumeRole";

    async fn resolve(cx: &StsCx<'_>, form: &Form) -> Result<RoleTarget, StsError> {
        RoleTarget::of(cx, form.get("RoleArn"))
    }

    async fn call(cx: &StsCx<'_>, form: Form, target: RoleTarget) -> Result<Output, StsError> {
        let required = |name: &str| {
            let missing = || StsError::validation(format!("{name} is missing."));
            form.get(name).ok_or_else(missing)
        };
        let arn = required("RoleArn")?;
        let name = required("RoleSessionName")?;
        check_session_name(name)?;
        refuse_devices(&form)?;
        for unsupported in ["Tags.", "TransitiveTagKeys.", "ProvidedContexts.", "SourceIdentity"] {
            if let Some(name) = form.beginning_with(unsupported) {
                return Err(StsError::validation(format!(
                    "{name} is not supported by this server. Leave it out."
                )));
            }
        }
        let user = &StsService::principal(cx)?.arn;
        let (key, role) = target.assumable.map_err(|not| {
            let (why, shown) = (not.why(), arn.chars().take(256).collect::<String>());
            StsError::access_denied(format!(
                "User: {user} is not authorized to perform: sts:AssumeRole on resource: {shown} {why}"
            ))
        })?;
        let default = DEFAULT_S.min(role.session_max_s);
        let seconds = seconds(&form, "DurationSeconds", LEAST_S, 43_200, default)?;
        if seconds > role.session_max_s {
            return Err(StsError::validation(format!(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role, which is {} s.",
                role.session_max_s
            )));
        }
        let identities = cx.service.identities();
        let (policies, policy) = narrowing(identities, &form)?;
        let principal = Principal::assumed_role(&role.name, name, identities.account().clone());
        let assumed = AssumedRole { name: role.name, session: name.to_owned(), policies, policy };
        let expires = cx.now.plus_ms(i64::from(seconds) * 1_000);
        let made = identities.begin_session(&cx.service.entropy()?, &key, Some(assumed), expires);
        let user = Element::list(
            "AssumedRoleUser",
            vec![Element::text("AssumedRoleId", principal.user_id), Element::text("Arn", principal.arn)],
        );
        Ok(Output::elements(vec![credentials(&made), user]))
    }
}

/// `PolicyArns` as names, and `Policy`.
fn narrowing(identities: &Identities, form: &Form) -> Result<(Vec<String>, Option<String>), StsError> {
    let mut policies = Vec::new();
    for arn in form.members("PolicyArns", "arn") {
        let name = identities.policy_name(arn).ok_or_else(|| {
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
    let size = policy_characters(text);
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
