//! Runs the cases of `conformance/cases.json` through the AWS SDK for Rust.
//!
//! Reads from stdin a JSON array of `{"operation", "case"}` and prints one JSON line for each: what came of it
//! (`"outcome": "success"` or the error's code), the status, whether the SDK has a variant for it (`"typed"`), and
//! `"failure"` where a check on an answer failed. What is expected stands in the table alone.

mod aws;
mod cases;
mod control;
mod guarded;
mod matroska;
mod media;
mod refusal;

use std::io::Write;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut cases = cases::Cases::default();
    control::add(&mut cases);
    guarded::add(&mut cases);
    media::add(&mut cases);

    let aws = aws::Aws::from_environment()?;
    let wanted: serde_json::Value = serde_json::from_reader(std::io::stdin())?;
    for wanted in wanted.as_array().ok_or("stdin is no array")? {
        let line = cases.run(&aws, wanted).await;
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(())
}
