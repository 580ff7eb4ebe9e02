//! ReleasePhoneNumber: DELETE /phone-number/{PhoneNumberId}.

use super::Answer;
use super::invocation::Invocation;

/// Releases a number, with its flow or without. There is no cool-down: it can be claimed again at once.
///
/// Errors: ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    i.service.change(|edit| {
        let number = i.phone_number_in(&edit.directory)?;
        edit.remove_phone_number(number.id);
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use crate::error::ErrorCode;
    use serde_json::Value;

    #[test]
    fn a_released_number_can_be_claimed_again() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let target = format!("/phone-number/{}", bench.number(&instance, "+18005550100"));
        assert_eq!(bench.call("DELETE", &target, Value::Null).unwrap(), Value::Null);
        assert_eq!(bench.reopened().refusal("DELETE", &target, Value::Null), ErrorCode::ResourceNotFound);
        bench.number(&instance, "+18005550100");
    }
}
