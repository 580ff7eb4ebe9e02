use crate::documentation::{Documentation, Documented, Field, Kind, always, maybe};
use crate::error::AdminError;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output};
use tympan_store::MediaStore;

/// Tells whether what has expired is removed.
pub(crate) struct DescribeExpiry;

#[derive(Deserialize)]
pub(crate) struct Input {}

pub(super) const EXPIRY: &[Field] = &[
    always(
        "Status",
        Kind::OneOf(&["RUNNING", "HELD"]),
        "HELD: the clock is in doubt, and nothing is removed by it",
    ),
    always("Now", Kind::Time, "what the clock shows"),
    always("BelievedTime", Kind::Time, "by which things are removed"),
    maybe(
        "ClearsInSeconds",
        Kind::Integer,
        "after so much steady time the clock is believed; while it is held",
    ),
];

impl Documented for DescribeExpiry {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Tells whether what has expired is removed, or stays because the server's clock is in doubt.",
        query: &[],
        body: &[],
        answer: EXPIRY,
        errors: &[],
    };
}

impl Operation for DescribeExpiry {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "DescribeExpiry";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, _: Input, (): ()) -> Result<Output, AdminError> {
        Ok(Output::json(&expiry(&cx.service.parts().store)))
    }
}

pub(super) fn expiry(store: &MediaStore) -> Value {
    let (now, believed) = (store.now().rfc3339_seconds(), store.trusted_now().rfc3339_seconds());
    match store.clock_doubt() {
        None => json!({ "Status": "RUNNING", "Now": now, "BelievedTime": believed }),
        Some(doubt) => json!({
            "Status": "HELD",
            "Now": now,
            "BelievedTime": believed,
            "ClearsInSeconds": doubt.clears_in_ms / 1_000,
        }),
    }
}
