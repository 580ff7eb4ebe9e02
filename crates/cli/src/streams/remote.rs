use crate::global::Global;
use crate::table::{harmless, table};
use crate::{terminal, time_argument};
use tympan_client::kvs::{FragmentInfo, FragmentRange, StreamInfo, StreamRef};
use tympan_client::{Acknowledgement, ClientError, Exit, ExpiryStatus, ReaderInfo};
use tympan_server::SystemClock;
use tympan_types::{ServerTime, StreamName, WallTime};

/// What follows `tympan streams` and asks a server.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RemoteVerb {
    /// List the streams
    Ls {
        /// Only those whose names begin so
        #[arg(long, value_name = "TEXT")]
        prefix: Option<String>,
    },
    /// Show one stream
    Show {
        /// Its name or ARN
        stream: StreamRef,
    },
    /// List who follows streams by GetMedia, and how far behind each of them is
    Readers {
        /// Only those of this stream, by name
        #[arg(value_parser = stream_name)]
        stream: Option<StreamName>,
    },
    /// List what the producers of a stream were told last: the acknowledgements of PutMedia
    #[command(after_long_help = "Example:
    tympan streams acks demo

The last 16 since the start of the server. A call that is captured is told the last one of each fragment only: PERSISTED, and RECEIVED
where the stream keeps nothing.")]
    Acks {
        /// The stream, by name
        #[arg(value_parser = stream_name)]
        stream: StreamName,
    },
    /// Say whether what has expired is removed, or stays because the server's clock is in doubt
    #[command(
        after_long_help = "A clock that is more than an hour ahead of what the store has seen is not believed where it would remove media or
destroy keys: it has to run steadily for an hour first, or a person says that it is right."
    )]
    Expire {
        /// The server's clock is right: remove what has expired by it
        #[arg(long)]
        confirm_clock: bool,
    },
    /// List the fragments that a stream keeps
    #[command(after_long_help = "Example:
    tympan streams fragments demo --from 2024-01-26T03:07:41Z --to 2024-01-26T03:08:12Z

Times are RFC 3339 or epoch seconds, and compared with the time at which a fragment came in.")]
    Fragments {
        /// The stream's name or ARN
        stream: StreamRef,
        /// Only those that came in at this time or later [default: all that are kept]
        #[arg(long, value_name = "TIME", value_parser = time_argument::parse)]
        from: Option<WallTime>,
        /// Only those that came in at this time or earlier
        #[arg(long, value_name = "TIME", value_parser = time_argument::parse)]
        to: Option<WallTime>,
    },
}

fn stream_name(text: &str) -> Result<StreamName, String> {
    StreamName::parse(text).map_err(|error| error.to_string())
}

/// Does what a verb asks for.
pub(crate) async fn run(verb: RemoteVerb, global: &Global) -> Result<Exit, ClientError> {
    let kvs = global.kvs()?;
    match verb {
        RemoteVerb::Expire { confirm_clock } => {
            let expiry = global.expiry()?;
            let status = if confirm_clock { expiry.confirm_clock().await? } else { expiry.status().await? };
            if global.json {
                terminal::print_json(&status)?;
            } else {
                terminal::print(&tell_expiry(&status))?;
            }
        }
        RemoteVerb::Readers { stream } => {
            let readers = global.readers()?.list(stream.as_ref()).await?;
            if global.json {
                terminal::print_json(&readers)?;
            } else if readers.is_empty() {
                terminal::note(global, "no readers");
            } else {
                terminal::print(&list_readers(&readers))?;
            }
        }
        RemoteVerb::Acks { stream } => {
            let told = global.acknowledgements()?.list(&stream).await?;
            if global.json {
                terminal::print_json(&told)?;
            } else if told.is_empty() {
                terminal::note(global, "no acknowledgements since the start of the server");
            } else {
                terminal::print(&list_acknowledgements(&told))?;
            }
        }
        RemoteVerb::Ls { prefix } => {
            let streams = kvs.list_streams(prefix.as_deref()).await?;
            if global.json {
                terminal::print_json(&streams)?;
            } else if streams.is_empty() {
                terminal::note(global, "no streams");
            } else {
                terminal::print(&list(&streams))?;
            }
        }
        RemoteVerb::Show { stream } => {
            let info = kvs.describe_stream(&stream).await?;
            if global.json {
                terminal::print_json(&info)?;
            } else {
                terminal::print(&describe(&info))?;
            }
        }
        RemoteVerb::Fragments { stream, from, to } => {
            // ListFragments refuses a range that lies before what is kept, so the default asks for no more than that.
            let from = match from {
                Some(from) => from,
                None => {
                    let info = kvs.describe_stream(&stream).await?;
                    let kept_ms = i64::from(info.data_retention_in_hours) * 3_600_000;
                    info.created().max(SystemClock.wall_now().plus_ms(-kept_ms))
                }
            };
            // A little more than now: clocks differ.
            let to = to.unwrap_or_else(|| SystemClock.wall_now().plus_ms(60_000));
            let range = FragmentRange {
                from: ServerTime::from_unix_ms(from.unix_ms()),
                to: ServerTime::from_unix_ms(to.unix_ms()),
            };
            let fragments = kvs.list_fragments(&stream, range).await?;
            if global.json {
                terminal::print_json(&fragments)?;
            } else if fragments.is_empty() {
                terminal::note(global, "no fragments");
            } else {
                terminal::print(&list_fragments(&fragments))?;
            }
        }
    }
    Ok(Exit::Ok)
}

fn list_readers(readers: &[ReaderInfo]) -> String {
    let rows: Vec<[String; 6]> = readers
        .iter()
        .map(|reader| {
            let lag =
                reader.lag_milliseconds.map(|lag_ms| format!("{}.{:03} s", lag_ms / 1_000, lag_ms % 1_000));
            [
                reader.stream_arn.name().to_string(),
                harmless(&reader.access_key_id),
                reader.since.clone(),
                lag.unwrap_or_default(),
                reader.sent_bytes.to_string(),
                reader.last_fragment_number.map(|number| number.to_string()).unwrap_or_default(),
            ]
        })
        .collect();
    table(["STREAM", "ACCESS KEY", "SINCE", "LAG", "BYTES", "LAST FRAGMENT"], &rows)
}

fn list_acknowledgements(told: &[Acknowledgement]) -> String {
    let rows: Vec<[String; 5]> = told
        .iter()
        .map(|one| {
            let error = match (&one.error_id, &one.error_code) {
                (Some(id), Some(code)) => format!(" {id} {}", harmless(code)),
                _ => String::new(),
            };
            [
                one.time.clone(),
                one.session.to_string(),
                format!("{}{error}", harmless(&one.event_type)),
                one.fragment_timecode.map(|timecode| timecode.to_string()).unwrap_or_default(),
                one.fragment_number.map(|number| number.to_string()).unwrap_or_default(),
            ]
        })
        .collect();
    table(["TIME", "UPLOAD", "ACKNOWLEDGEMENT", "TIMECODE", "FRAGMENT"], &rows)
}

fn tell_expiry(status: &ExpiryStatus) -> String {
    match status {
        ExpiryStatus::Running => "the server's clock is believed: what expires is removed".to_owned(),
        ExpiryStatus::Held { now, believed, clears_in_s } => format!(
            "held: the server's clock shows {now}, and {believed} is believed. What has expired is not served, and stays.\n\
             Is the clock right? `tympan streams expire --confirm-clock`. Left alone and steady, it is believed in {} min.",
            clears_in_s.div_ceil(60)
        ),
    }
}

fn list(streams: &[StreamInfo]) -> String {
    let rows: Vec<[String; 5]> = streams
        .iter()
        .map(|stream| {
            [
                stream.stream_name.to_string(),
                harmless(&stream.status),
                retention(stream.data_retention_in_hours),
                stream.created().rfc3339_seconds(),
                harmless(stream.media_type.as_deref().unwrap_or_default()),
            ]
        })
        .collect();
    table(["NAME", "STATUS", "KEEPS", "CREATED", "MEDIA"], &rows)
}

fn describe(stream: &StreamInfo) -> String {
    let rows = [
        ("name", stream.stream_name.to_string()),
        ("arn", stream.stream_arn.to_string()),
        ("status", harmless(&stream.status)),
        ("keeps", retention(stream.data_retention_in_hours)),
        ("created", stream.created().to_string()),
        ("media", harmless(stream.media_type.as_deref().unwrap_or("-"))),
        ("key", harmless(stream.kms_key_id.as_deref().unwrap_or("-"))),
        ("version", harmless(&stream.version)),
    ];
    rows.map(|(name, value)| format!("{name:<9}{value}")).join("\n")
}

fn list_fragments(fragments: &[FragmentInfo]) -> String {
    let rows: Vec<[String; 5]> = fragments
        .iter()
        .map(|fragment| {
            [
                fragment.fragment_number.to_string(),
                fragment.arrived().to_string(),
                fragment.produced().to_string(),
                format!("{:.3}", fragment.fragment_length_in_milliseconds as f64 / 1e3),
                fragment.fragment_size_in_bytes.to_string(),
            ]
        })
        .collect();
    table(["FRAGMENT", "CAME IN", "RECORDED", "SECONDS", "BYTES"], &rows)
}

fn retention(hours: u32) -> String {
    match hours {
        0 => "nothing".to_owned(),
        hours if hours % 24 == 0 && hours >= 48 => format!("{} days", hours / 24),
        hours => format!("{hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_reads_as_people_say_it() {
        assert_eq!([0, 1, 24, 48, 50].map(retention), ["nothing", "1 h", "24 h", "2 days", "50 h"]);
    }

    #[test]
    fn a_fragment_takes_one_line() {
        let fragment = FragmentInfo {
            fragment_number: "91343852333181432392682062607743920146159169392".parse().unwrap(),
            fragment_size_in_bytes: 16_384,
            producer_timestamp: 1_511_852_108.513,
            server_timestamp: 1_511_852_109.126,
            fragment_length_in_milliseconds: 980,
        };
        assert_eq!(
            list_fragments(&[fragment]).lines().nth(1).unwrap(),
            "91343852333181432392682062607743920146159169392  2017-11-28T06:55:09.126Z  2017-11-28T06:55:08.513Z  0.980    16384"
        );
    }
}
