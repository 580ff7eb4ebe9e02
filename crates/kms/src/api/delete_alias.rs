//! DeleteAlias.

use super::Answer;
use super::constraint;
use super::create_alias::check_name;
use super::invocation::Invocation;
use super::key_reference;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    alias_name: Option<String>,
}

/// Takes a name away from its key, also from one that awaits its deletion.
///
/// Errors: NotFound, NotAuthorized (`alias/aws/...`).
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let alias = constraint::required(i.input::<Input>()?.alias_name, "aliasName")?;
    check_name(&alias)?;
    i.keyring.edit(|document| {
        let id = key_reference::by_alias(document, i.caller, &alias, None)?.id;
        document.key_mut(id)?.aliases.remove(&alias);
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::super::KmsErrorCode;
    use super::super::bench::Bench;
    use serde_json::json;

    #[test]
    fn the_name_goes_and_the_key_stays() {
        let bench = Bench::new();
        let key = bench.key();
        bench.alias("alias/calls", &key);
        bench.call("DeleteAlias", json!({ "AliasName": "alias/calls" })).unwrap();
        assert_eq!(bench.metadata(&key)["KeyState"], "Enabled");
        let of = |alias: &str| bench.refusal("DeleteAlias", json!({ "AliasName": alias }));
        assert_eq!(of("alias/calls"), KmsErrorCode::NotFound);
        assert_eq!(of("alias/aws/kinesisvideo"), KmsErrorCode::NotAuthorized);
    }
}
