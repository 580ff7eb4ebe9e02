//! `tympan access`: who may do what on a server.

use crate::global::Global;
use crate::table::harmless;
use crate::terminal;
use tympan_client::{ClientError, Exit};

/// Look at who may do what
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AccessVerb {
    /// Say whether an access key or a user may do something, and which statement of which policy decides
    ///
    /// The server asks the evaluator that decides requests. Ends with 1 where the request would be denied.
    #[command(after_long_help = "Examples:
    tympan access may connect:ListInstances --as AKIDEXAMPLE
    tympan access may kinesisvideo:GetMedia 'arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-1/*' --as archive

Conditions are judged without a source address and without TLS. With --json: the answer of SimulatePolicy (docs/admin.md).")]
    May {
        /// Such as kinesisvideo:GetMedia
        action: String,
        /// The ARN of the resource, or *
        #[arg(default_value = "*")]
        resource: String,
        /// An access key id, or the name of a user
        #[arg(long = "as", value_name = "KEY-OR-USER")]
        subject: String,
    },
}

pub(crate) async fn run(verb: AccessVerb, global: &Global) -> Result<Exit, ClientError> {
    let AccessVerb::May { action, resource, subject } = verb;
    let answer = global.access()?.simulate(&subject, &action, &resource).await?;
    if global.json {
        terminal::print_json(&answer)?;
    } else {
        terminal::print(&harmless(answer["Explanation"].as_str().unwrap_or_default()))?;
    }
    Ok(if answer["Decision"] == "ALLOWED" { Exit::Ok } else { Exit::Failed })
}
