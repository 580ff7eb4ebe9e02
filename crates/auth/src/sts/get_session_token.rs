use super::form::Form;
use super::xml::Element;
use super::{StsError, StsRequest, credentials};
use crate::{Identities, session};

const LEAST_S: u32 = 900;
const MOST_S: u32 = 129_600;
const DEFAULT_S: u32 = 43_200;

/// Temporary credentials that may do what the caller may do. Needs no permission.
pub(super) fn call(
    identities: &Identities,
    request: &StsRequest<'_>,
    form: &Form,
) -> Result<Vec<Element>, StsError> {
    let verified = request.verified;
    if verified.principal.parent_key.is_some() {
        return Err(StsError::access_denied("Cannot call GetSessionToken with session credentials"));
    }
    refuse_devices(form)?;
    let seconds = form.seconds("DurationSeconds", LEAST_S, MOST_S, DEFAULT_S)?;
    let expires = request.facts.now.plus_ms(i64::from(seconds) * 1_000);
    let parent = &verified.caller.access_key_id;
    Ok(vec![credentials(&session::begin(identities.seal(), request.entropy, parent, None, expires))])
}

/// A request that relies on a second factor must not pass without one.
pub(super) fn refuse_devices(form: &Form) -> Result<(), StsError> {
    match ["SerialNumber", "TokenCode"].into_iter().find(|name| form.get(name).is_some()) {
        None => Ok(()),
        Some(name) => Err(StsError::validation(format!(
            "{name} is not supported: this server knows no devices of multi-factor authentication. Leave it out."
        ))),
    }
}
