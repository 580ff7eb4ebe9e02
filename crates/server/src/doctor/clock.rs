//! The clock: signatures, fragment times and retention rest on it.

use super::Finding;
use super::server::Answer;
use crate::config::Config;
use std::process::Command;
use std::time::{Duration, SystemTime};

const CHECK: &str = "clock";
/// Signatures are refused beyond auth.clock_skew_s; this is when a person should look.
const ODD: Duration = Duration::from_secs(2);

pub(super) fn examine(config: &Config, answer: &Answer) -> Vec<Finding> {
    let mut findings = vec![synchronised(ask_systemd())];
    findings.extend(against_stored(config));
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
            "nobody here can say whether it is synchronised",
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
            against_server(&config, &Answer::Tympan { ready: true, date: Some(then) }).unwrap().state
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
}
