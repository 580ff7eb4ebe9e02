//! `tympan audit`: who did what on a server.

use crate::global::Global;
use crate::table::{harmless, table};
use crate::{terminal, time_argument};
use serde_json::Value;
use tympan_client::{AuditSearch, ClientError, ContactChoice, Exit};
use tympan_types::WallTime;

/// What follows `tympan audit`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
    tympan audit --contact latest
    tympan audit --user archive --action GetMedia --since 2024-01-26T00:00:00Z

All conditions hold together. With --json: an array of lines, as ListAuditLines has them (docs/admin.md).")]
pub(crate) struct AuditArgs {
    /// Only what was done to this call or to the streams of its audio: an id, or `latest`
    #[arg(long, value_name = "CONTACT")]
    contact: Option<ContactChoice>,
    /// Only lines of this time or later
    #[arg(long, value_name = "TIME", value_parser = time_argument::parse)]
    since: Option<WallTime>,
    /// Only what this user did: a name, an ARN or an access key id
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only this action, such as kinesisvideo:GetMedia, GetMedia or connect:*
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
}

pub(crate) async fn run(arguments: AuditArgs, global: &Global) -> Result<Exit, ClientError> {
    let AuditArgs { contact, since, user, action, limit } = arguments;
    let contact = match contact {
        Some(choice) => Some(global.contacts()?.resolve(choice).await?),
        None => None,
    };
    let search = AuditSearch { contact, since, user, action };
    let (lines, is_complete) = global.access()?.audit_lines(&search, limit.into()).await?;
    if global.json {
        terminal::print_json(&lines)?;
        return Ok(Exit::Ok);
    }
    let rows: Vec<[String; 7]> = lines.iter().map(row).collect();
    terminal::print(&table(["TIME", "EVENT", "USER", "FROM", "ACTION", "OUTCOME", "RESOURCE"], &rows))?;
    if lines.len() < limit.into() && !is_complete {
        terminal::note(global, "not every file of lines could be read");
    }
    Ok(Exit::Ok)
}

fn row(line: &Value) -> [String; 7] {
    let cell = |member: &str| harmless(line[member].as_str().unwrap_or_default());
    let outcome = match line["Reason"].as_str() {
        Some(reason) => harmless(reason),
        None => cell("Outcome").to_lowercase(),
    };
    [
        cell("Time"),
        cell("Kind"),
        cell("User"),
        cell("SourceAddress"),
        cell("Action"),
        outcome,
        cell("Resource"),
    ]
}
