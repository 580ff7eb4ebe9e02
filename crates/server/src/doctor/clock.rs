//! The clock: signatures, fragment times and retention rest on it.

use super::Finding;
use super::server::Answer;
use crate::clock::SystemClock;
use crate::config::Config;
use std::process::Command;
use std::time::{Duration, SystemTime};
use tympan_store::embedded::last_time_of;
use tympan_types::WallTime;

const CHECK: &str = "clock";
/// Signatures are refused beyond auth.clock_skew_s; this is when a person should look.
const ODD: Duration = Duration::from_secs(2);
/// The store doubts a clock that is ahead by more than this; it remembers the time every ten minutes.
const HELD_MIN: i64 = 60 + 10;

pub(super) fn examine(config: &Config, answer: &Answer) -> Vec<Finding> {
    let mut findings = vec![synchronised(ask_systemd())];
    findings.extend(against_stored(config));
    findings.extend(against_remembered(config, SystemClock.wall_now()));
    findings.extend(against_server(config, answer));
    findings
}

/// What timedatectl says; `None` where there is none.
fn ask_systemd() -> Option<bool> {
    let output =
        Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output().ok()?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn synchronised(said: Option<bool>) -> Finding {
    match said {
        Some(true) => Finding::ok(CHECK, "it is kept by NTP"),
        Some(false) => Finding::warning(
            CHECK,
            "it is not synchronised",
            "a clock that drifts by minutes makes signatures invalid and fragment times wrong",
            "`timedatectl set-ntp true`, or run chrony",
        ),
        None => Finding::warning(
            CHECK,
            "this machine does not say whether it is synchronised",
            "a clock that drifts by minutes makes signatures invalid and fragment times wrong",
            "see to it that the host keeps the time: `chronyc tracking` or `timedatectl` there",
        ),
    }
}

/// A clock that is behind what was written already was set back.
fn against_stored(config: &Config) -> Option<Finding> {
    let newest = std::fs::read_dir(config.data_dir.join("journal")).ok()?.flatten();
    let newest = newest.filter_map(|entry| entry.metadata().ok()?.modified().ok()).max()?;
    let ahead = newest.duration_since(SystemTime::now()).ok().filter(|ahead| *ahead > ODD)?;
    Some(Finding::problem(
        CHECK,
        format!("it is {} s behind the newest file of the journal", ahead.as_secs()),
        "it was set back: the times of new fragments stand still until it has caught up, and retention waits too",
        "set the clock right: `date`, `timedatectl`",
    ))
}

/// A clock that is far ahead of the time that the store remembers removes nothing until it is believed.
fn against_remembered(config: &Config, now: WallTime) -> Option<Finding> {
    let seen = last_time_of(&config.data_dir)?;
    let ahead_min = now.ms_since(seen) / 60_000;
    (ahead_min > HELD_MIN).then(|| {
        Finding::warning(
            CHECK,
            format!("it is {ahead_min} min ahead of the time that the store has seen last, {seen}"),
            "a server that was away for so long, or whose clock is wrong, serves no expired media but removes none, and \
             destroys no KMS key, until its clock has run steadily for an hour",
            "is `date` right? Then wait, or say so: `tympan streams expire --confirm-clock`",
        )
    })
}

fn against_server(config: &Config, answer: &Answer) -> Option<Finding> {
    let date = answer.date()?;
    let now = SystemTime::now();
    let off = now.duration_since(date).or_else(|_| date.duration_since(now)).ok()?;
    let seconds = off.as_secs();
    Some(if seconds >= config.auth.clock_skew_s {
        Finding::problem(
            CHECK,
            format!("it is {seconds} s off the server's"),
            format!(
                "requests that are signed here are refused: auth.clock_skew_s is {}",
                config.auth.clock_skew_s
            ),
            "set both clocks right: `timedatectl set-ntp true`",
        )
    } else if off > ODD {
        Finding::warning(
            CHECK,
            format!("it is {seconds} s off the server's"),
            "one of the two clocks is wrong",
            "`timedatectl set-ntp true` on both machines",
        )
    } else {
        Finding::ok(CHECK, "it agrees with the server's")
    })
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_clock_is_judged_against_the_servers() {
        let config = Config::default();
        let at = |off_s: i64| {
            let now = SystemTime::now();
            let off = Duration::from_secs(off_s.unsigned_abs());
            let then = if off_s < 0 { now - off } else { now + off };
            against_server(&config, &Answer::Tympan { ready: true, date: Some(then), damaged: Vec::new() })
                .unwrap()
                .state
        };
        assert_eq!([at(0), at(-30), at(400)], [State::Ok, State::Warning, State::Problem]);
        assert_eq!(against_server(&config, &Answer::Silent("refused".into())), None);
        assert_eq!(synchronised(Some(false)).state, State::Warning);
    }

    #[test]
    fn a_journal_from_the_future_is_a_problem() {
        let place = tempfile::tempdir().unwrap();
        let config = Config { data_dir: place.path().to_owned(), ..Config::default() };
        std::fs::create_dir(place.path().join("journal")).unwrap();
        let file = std::fs::File::create(place.path().join("journal/0000000001.seg")).unwrap();
        assert_eq!(against_stored(&config), None);
        file.set_modified(SystemTime::now() + Duration::from_secs(3_600)).unwrap();
        assert_eq!(against_stored(&config).unwrap().state, State::Problem);
    }

    #[test]
    fn a_clock_far_ahead_of_what_the_store_remembers_is_told() {
        let place = tempfile::tempdir().unwrap();
        let config = Config { data_dir: place.path().to_owned(), ..Config::default() };
        let seen = WallTime::from_unix_ms(1_700_000_000_000);
        let minutes = |minutes: i64| seen.plus_ms(minutes * 60_000);
        assert_eq!(against_remembered(&config, seen), None, "an empty folder has seen nothing");
        std::fs::write(place.path().join("CLOCK"), "tympan-clock 1 1700000000000\n").unwrap();
        assert_eq!(against_remembered(&config, minutes(70)), None);
        let finding = against_remembered(&config, minutes(90)).unwrap();
        assert!(finding.state == State::Warning && finding.what.contains("90 min"), "{finding:?}");
    }
}
