//! The waveform of a call, in the terminal and as a drawing.

use super::table::{clock, harmless, table};
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write;
use tympan_client::ClientError;

/// What the server answers, as far as it is drawn.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Picture {
    contact_id: String,
    start_timestamp: Option<String>,
    samples: u64,
    tracks: Vec<Track>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Track {
    name: String,
    rms_dbfs: Vec<Option<f64>>,
    peak_dbfs: Vec<Option<f64>>,
    spans: Vec<Span>,
    from_audio: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Span {
    kind: String,
    at: u64,
    samples: u64,
    key: Option<String>,
}

/// Lines of a track's bars.
const HEIGHT: usize = 4;
/// A bar in eighths of a line.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The quietest that is drawn.
const FLOOR_DBFS: f64 = -54.0;
/// Most spans that are listed one by one.
const LISTED: usize = 100;
const SAMPLES_PER_S: u64 = 8_000;

/// Draws with block characters: bars for the loudest sample, below them speech, what is missing and tones, keys and a ruler.
pub(crate) fn in_terminal(json: &Value) -> Result<String, ClientError> {
    let picture = read(json)?;
    let mut text = format!(
        "contact {}, {}, {}",
        harmless(&picture.contact_id),
        harmless(picture.start_timestamp.as_deref().unwrap_or("nothing was captured")),
        clock(ms(picture.samples))
    );
    for track in &picture.tracks {
        let columns = track.peak_dbfs.len();
        let lane = |of: &dyn Fn(&Span) -> Option<char>| lane(track, picture.samples, columns, of);
        // Writing to a string cannot fail.
        let _ = write!(text, "\n\n{}{}\n{}", harmless(&track.name), note(track), bars(&track.peak_dbfs));
        for (of, name) in [(speech as fn(&Span) -> Option<char>, "speech"), (marks, "gaps"), (keys, "keys")] {
            let line = lane(&of);
            if !line.trim().is_empty() {
                let _ = write!(text, "\n{line}  {name}");
            }
        }
    }
    if let Some(track) = picture.tracks.first() {
        let _ = write!(text, "\n{}", ruler(picture.samples, track.peak_dbfs.len()));
    }
    for track in &picture.tracks {
        let rows: Vec<[String; 4]> =
            track.spans.iter().filter(|span| span.kind != "speech").map(row).collect();
        if !rows.is_empty() {
            let listed = &rows[..rows.len().min(LISTED)];
            let _ = write!(text, "\n\n{}", table(["WHAT", "AT", "SECONDS", "KEY"], listed));
        }
        if rows.len() > LISTED {
            let _ = write!(text, "\n{} more; all with --json", rows.len() - LISTED);
        }
    }
    Ok(text)
}

/// A drawing of its own: bars, and a band for each span that says what it is.
pub(crate) fn as_svg(json: &Value) -> Result<String, ClientError> {
    const LANE: f64 = 112.0;
    let picture = read(json)?;
    let columns = picture.tracks.iter().map(|track| track.peak_dbfs.len()).max().unwrap_or(1);
    let (width, height) = (columns as f64, LANE * picture.tracks.len().max(1) as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n"
    );
    for (at, track) in picture.tracks.iter().enumerate() {
        let middle = LANE * (at as f64 + 0.5);
        let _ = writeln!(svg, "<g><title>{}</title>", escaped(&track.name));
        for span in &track.spans {
            let scale = width / picture.samples.max(1) as f64;
            let (x, w) = (span.at as f64 * scale, (span.samples as f64 * scale).max(1.0));
            let (color, y, h) = match span.kind.as_str() {
                "speech" => ("#2a7", middle + LANE / 2.0 - 4.0, 3.0),
                "tone" | "key-tone" => ("#75c", middle + LANE / 2.0 - 8.0, 3.0),
                "key" => ("#000", middle - LANE / 2.0, LANE),
                "dtx" => ("#999", middle - LANE / 6.0, LANE / 3.0),
                "pause" | "absent" | "start" => ("#bbb", middle - LANE / 2.0 + 1.0, LANE - 2.0),
                _ => ("#c22", middle - LANE / 2.0 + 1.0, LANE - 2.0),
            };
            let what = match &span.key {
                Some(key) => format!("key {key}"),
                None => span.kind.clone(),
            };
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.2}\" y=\"{y:.1}\" width=\"{w:.2}\" height=\"{h:.1}\" fill=\"{color}\" opacity=\"0.5\"><title>{} at \
                 {:.2} s, {:.2} s</title></rect>",
                escaped(&what),
                seconds(span.at),
                seconds(span.samples)
            );
        }
        for (levels, color) in [(&track.peak_dbfs, "#9bd"), (&track.rms_dbfs, "#247")] {
            for (x, level) in levels.iter().enumerate() {
                // Telephone speech is quiet: its shape shows by a power below one.
                let share = level.map_or(0.0, |dbfs| 10f64.powf(dbfs / 20.0).powf(0.62));
                let half = (share * (LANE / 2.0 - 12.0)).max(0.25);
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x}\" y=\"{:.1}\" width=\"1\" height=\"{:.1}\" fill=\"{color}\"/>",
                    middle - half,
                    2.0 * half
                );
            }
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn read(json: &Value) -> Result<Picture, ClientError> {
    Picture::deserialize(json).map_err(|error| ClientError::Broken {
        what: "the server's waveform cannot be read".to_owned(),
        reason: error.to_string(),
    })
}

fn note(track: &Track) -> &'static str {
    if track.from_audio {
        "  (a part is made from audio: keys and causes of silence are not known)"
    } else {
        ""
    }
}

fn bars(levels: &[Option<f64>]) -> String {
    let eighths: Vec<usize> = levels.iter().map(|level| level.map_or(0, height)).collect();
    let lines = (0..HEIGHT).rev().map(|line| {
        let line: String =
            eighths.iter().map(|eighths| EIGHTHS[eighths.saturating_sub(8 * line).min(8)]).collect();
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// How high a bar is, in eighths of a line: at least one for whatever is no digital silence.
fn height(dbfs: f64) -> usize {
    let most = (8 * HEIGHT) as f64;
    let share = ((dbfs - FLOOR_DBFS) / -FLOOR_DBFS).clamp(0.0, 1.0);
    // Within 1 to 32.
    (share * most).round().max(1.0) as usize
}

fn speech(span: &Span) -> Option<char> {
    (span.kind == "speech").then_some('─')
}

fn marks(span: &Span) -> Option<char> {
    Some(match span.kind.as_str() {
        "lost" => 'x',
        "late" => '!',
        "dtx" => '·',
        "pause" => 'p',
        "event" => 'k',
        "start" => 's',
        "jump" => 'j',
        "suppressed" => '#',
        "absent" => ' ',
        "unindexed" => '?',
        "tone" => '~',
        "key-tone" => '≈',
        _ => return None,
    })
}

fn keys(span: &Span) -> Option<char> {
    span.key.as_deref()?.chars().next().filter(|key| !key.is_control())
}

/// A line on which spans have their signs, each at least one column wide; of two in one column the later one shows.
fn lane(track: &Track, samples: u64, columns: usize, of: &dyn Fn(&Span) -> Option<char>) -> String {
    let mut line = vec![' '; columns];
    let column = |at: u64| {
        let place = u128::from(at) * columns as u128 / u128::from(samples.max(1));
        usize::try_from(place).unwrap_or(usize::MAX).min(columns.saturating_sub(1))
    };
    for span in &track.spans {
        let Some(sign) = of(span) else { continue };
        let (first, last) =
            (column(span.at), column((span.at + span.samples).saturating_sub(1).max(span.at)));
        if let Some(cells) = line.get_mut(first..=last) {
            cells.fill(sign);
        }
    }
    line.into_iter().collect()
}

/// Times under the columns, every twenty.
fn ruler(samples: u64, columns: usize) -> String {
    let mut line = String::new();
    for column in (0..columns).step_by(20) {
        let at = u128::from(samples) * column as u128 / columns.max(1) as u128;
        let mark = format!("╵{}", clock(ms(u64::try_from(at).unwrap_or(u64::MAX))));
        let _ = write!(line, "{mark:<20}");
    }
    line.truncate(line.trim_end().len());
    line
}

fn row(span: &Span) -> [String; 4] {
    let at = format!("{}.{:03}", clock_floor(span.at), span.at % SAMPLES_PER_S / 8);
    let key = span.key.as_deref().map(harmless).unwrap_or_default();
    [harmless(&span.kind), at, format!("{:.3}", seconds(span.samples)), key]
}

fn clock_floor(samples: u64) -> String {
    clock(ms(samples / SAMPLES_PER_S * SAMPLES_PER_S))
}

fn seconds(samples: u64) -> f64 {
    samples as f64 / SAMPLES_PER_S as f64
}

fn ms(samples: u64) -> i64 {
    i64::try_from(samples / 8).unwrap_or(i64::MAX)
}

fn escaped(text: &str) -> String {
    harmless(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn picture() -> Value {
        json!({
            "ContactId": "4a573372-1f28-4e26-b97b-0123456789ab",
            "StartTimestamp": "2024-01-26T03:07:41.000Z",
            "SampleRateHz": 8_000,
            "Samples": 80_000,
            "Tracks": [{
                "Name": "AUDIO_FROM_CUSTOMER",
                "RmsDbfs": [null, -60.0, -40.0, -20.0, -10.0, -3.0, null, null, null, null],
                "PeakDbfs": [null, -54.0, -34.0, -14.0, -4.0, 0.0, null, null, null, null],
                "Spans": [
                    { "Kind": "speech", "At": 8_000, "Samples": 40_000 },
                    { "Kind": "lost", "At": 48_000, "Samples": 160 },
                    { "Kind": "key", "At": 64_000, "Samples": 0, "Key": "5" },
                ],
                "SpansLeftOut": 0, "FromAudio": false, "Incomplete": false,
            }],
        })
    }

    #[test]
    fn bars_rise_with_the_level_and_spans_lie_under_their_columns() {
        let text = in_terminal(&picture()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "contact 4a573372-1f28-4e26-b97b-0123456789ab, 2024-01-26T03:07:41.000Z, 0:10");
        assert_eq!(lines[2], "AUDIO_FROM_CUSTOMER");
        assert_eq!(lines[3..7], ["    ▆█", "   ███", "  ▄███", " ▁████"]);
        assert_eq!(lines[7..10], [" ─────      speech", "      x     gaps", "        5   keys"]);
        assert_eq!(lines[10], "╵0:00");
        assert_eq!(
            lines[12..],
            ["WHAT  AT        SECONDS  KEY", "lost  0:06.000  0.020    -", "key   0:08.000  0.000    5"]
        );
    }

    #[test]
    fn a_call_without_a_capture_says_so() {
        let empty = json!({ "ContactId": "x", "StartTimestamp": null, "Samples": 0, "Tracks": [] });
        assert_eq!(in_terminal(&empty).unwrap(), "contact x, nothing was captured, 0:00");
        assert!(as_svg(&empty).unwrap().ends_with("</svg>\n"));
        assert!(in_terminal(&json!({})).is_err());
    }

    #[test]
    fn a_drawing_names_its_spans_and_escapes_what_a_server_says() {
        let mut json = picture();
        json["Tracks"][0]["Name"] = json!("<script>&");
        let svg = as_svg(&json).unwrap();
        assert!(svg.contains("<title>key 5 at 8.00 s, 0.00 s</title>"), "{svg}");
        assert!(svg.contains("&lt;script&gt;&amp;") && !svg.contains("<script>"));
    }
}
