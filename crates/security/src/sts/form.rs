//! Parameters that several operations read.

use super::StsError;
use tympan_auth::TemporaryCredentials;
use tympan_aws::{Element, Form};

/// A whole number of seconds within bounds, or what stands for none.
pub(super) fn seconds(form: &Form, name: &str, least: u32, most: u32, default: u32) -> Result<u32, StsError> {
    let Some(text) = form.get(name) else { return Ok(default) };
    text.parse().ok().filter(|seconds| (least..=most).contains(seconds)).ok_or_else(|| {
        let shown: String = text.chars().take(20).collect();
        StsError::validation(format!(
            "{name} is {shown:?}: it is a number of seconds from {least} to {most}."
        ))
    })
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

/// Temporary credentials as answers have them.
pub(super) fn credentials(made: &TemporaryCredentials) -> Element {
    let token = made.credentials.session_token.as_ref().map_or("", |token| token.expose());
    Element::list(
        "Credentials",
        vec![
            Element::text("AccessKeyId", &made.credentials.access_key_id),
            Element::text("SecretAccessKey", made.credentials.secret.expose()),
            Element::text("SessionToken", token),
            Element::text("Expiration", made.expires.rfc3339_seconds()),
        ],
    )
}
