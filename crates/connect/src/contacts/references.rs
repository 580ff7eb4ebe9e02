//! References of contacts: documents and links, by name.

use crate::error::ConnectError;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A reference as requests have it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reference {
    value: Option<String>,
    #[serde(rename = "Type")]
    kind: String,
}

/// The kinds that voice contacts have, each with the member of ListContactReferences that has it.
pub(super) const KINDS: &[(&str, &str)] =
    &[("URL", "Url"), ("STRING", "String"), ("NUMBER", "Number"), ("DATE", "Date"), ("EMAIL", "Email")];

/// Checks references that are to be set.
///
/// # Errors
/// InvalidParameter.
pub(super) fn read(
    references: BTreeMap<String, Reference>,
) -> Result<BTreeMap<String, tympan_flow::ContactReference>, ConnectError> {
    let read = |(name, reference): (String, Reference)| {
        if name.is_empty() || name.chars().count() > 4096 {
            return Err(ConnectError::parameter("the name of a reference has 1 to 4096 characters"));
        }
        if !KINDS.iter().any(|(kind, _)| *kind == reference.kind) {
            return Err(ConnectError::parameter(
                "a reference of a voice contact is a URL, STRING, NUMBER, DATE or EMAIL",
            ));
        }
        let value = reference.value.unwrap_or_default();
        if value.chars().count() > 4096 {
            return Err(ConnectError::parameter("the value of a reference has at most 4096 characters"));
        }
        Ok((name, tympan_flow::ContactReference { value, kind: reference.kind }))
    };
    references.into_iter().map(read).collect()
}
