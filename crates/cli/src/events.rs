//! `tympan events`.

use crate::global::Global;
use crate::terminal;
use std::time::Duration;
use tympan_client::{ClientError, EventEnd, Events, Exit};

/// What follows `tympan events`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
    tympan events | jq -r 'select(.Contact.State == \"LIVE\") | .Contact.CustomerNumber'
    tympan events --since 1099511627790

Each line has the Revision after which --since resumes; with --verbose the frames between events are printed, too. docs/admin.md has
the members. Ends with 5 where the changes after --since are no longer kept.")]
pub(crate) struct EventsArgs {
    /// Begin with what came after this revision [default: now]
    #[arg(long, value_name = "REVISION", value_parser = clap::value_parser!(i64).range(0..))]
    since: Option<i64>,
}

/// Between two attempts to connect again.
const AGAIN: Duration = Duration::from_secs(1);
/// Attempts in a row that may fail.
const ATTEMPTS: u32 = 60;

pub(crate) async fn run(arguments: EventsArgs, global: &Global) -> Result<Exit, ClientError> {
    let following = follow(arguments.since.map(|since| since.to_string()), global);
    tokio::select! {
        ended = following => ended,
        _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
    }
}

async fn follow(since: Option<String>, global: &Global) -> Result<Exit, ClientError> {
    let (http, endpoint) = global.http()?;
    let mut since = since;
    let mut events = Events::connect(&http, &endpoint, since.as_deref()).await?;
    loop {
        let end = loop {
            let frame = match events.next().await {
                Ok(frame) => frame,
                Err(end) => break end,
            };
            if frame["Type"] == "Event" || global.verbose > 0 {
                terminal::print(&frame.to_string())?;
            }
            since = frame["Revision"].as_str().map(str::to_owned).or(since);
        };
        match end {
            EventEnd::Gone(reason) => {
                terminal::line(&format!("error: {reason}"));
                return Ok(Exit::Conflict);
            }
            EventEnd::Resume(reason) => terminal::note(global, &format!("{reason}; connecting again")),
        }
        let mut attempt = 0;
        events = loop {
            tokio::time::sleep(AGAIN).await;
            attempt += 1;
            match Events::connect(&http, &endpoint, since.as_deref()).await {
                Ok(events) => break events,
                // What the service refuses it refuses again.
                Err(error @ ClientError::Service(_)) => return Err(error),
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(_) => {}
            }
        };
    }
}
