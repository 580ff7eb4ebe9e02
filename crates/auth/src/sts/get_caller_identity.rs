use super::StsRequest;
use super::xml::Element;

/// Tells the caller who they are. Needs no permission, and no policy can deny it.
pub(super) fn call(request: &StsRequest<'_>) -> Vec<Element> {
    let principal = &request.verified.principal;
    vec![
        Element::text("Arn", &principal.arn),
        Element::text("UserId", &principal.user_id),
        Element::text("Account", principal.account.as_str()),
    ]
}
