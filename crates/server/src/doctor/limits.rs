//! What the system lets a server have. Limits are those of this shell: a service manager may set others.

use super::Finding;
use crate::config::Config;
use crate::descriptors::{calls_under, limit_for, limit_of_server};

const CHECK: &str = "limits";
/// What Linux gives by default, enough for a few hundred calls to set up at once on one SIP socket.
const USUAL_RMEM_BYTES: u64 = 212_992;
const WANTED_RMEM_BYTES: u64 = 1 << 20;
/// From so many calls on bursts of SIP are likely to fill the default.
const MANY_CALLS: usize = 500;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Ok(limit) = limit_of_server() {
        findings.push(files(config.sip.calls_max as u64, limit));
    }
    let rmem_max = std::fs::read_to_string("/proc/sys/net/core/rmem_max");
    if let Some(bytes) = rmem_max.ok().and_then(|text| text.trim().parse().ok()) {
        findings.push(receive_buffer(config.sip.calls_max, bytes));
    }
    findings
}

fn files(calls: u64, limit: u64) -> Finding {
    let (fit, needed) = (calls_under(limit), limit_for(calls));
    let what = format!(
        "a server may open {limit} files: {fit} calls fit beside connections and the store; sip.calls_max is {calls}"
    );
    let action = format!(
        "LimitNOFILE={needed} in the service's unit, or `ulimit -Hn {needed}`; or lower sip.calls_max"
    );
    let why = "calls beyond that are answered 503, and /readyz says so meanwhile";
    match fit {
        0 => Finding::problem(CHECK, what, "every call is refused", action),
        fit if fit < calls => Finding::warning(CHECK, what, why, action),
        _ => Finding::ok(CHECK, what),
    }
}

fn receive_buffer(calls: usize, rmem_max_bytes: u64) -> Finding {
    let what = format!("net.core.rmem_max is {rmem_max_bytes} bytes");
    let small = rmem_max_bytes < USUAL_RMEM_BYTES;
    if small || (calls > MANY_CALLS && rmem_max_bytes < WANTED_RMEM_BYTES) {
        Finding::warning(
            CHECK,
            what,
            "all SIP comes in on one UDP socket: a burst of calls may overflow its buffer and be sent again",
            format!(
                "`sysctl -w net.core.rmem_max={WANTED_RMEM_BYTES} net.core.rmem_default={WANTED_RMEM_BYTES}`"
            ),
        )
    } else {
        Finding::ok(CHECK, what)
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn open_files_are_held_against_the_calls() {
        assert_eq!(files(2_000, 128).state, State::Problem);
        assert_eq!(files(2_000, 4_096).state, State::Warning);
        assert_eq!(files(2_000, 65_536).state, State::Ok);
        assert_eq!(files(100, 1_024).state, State::Ok);
    }

    #[test]
    fn a_small_receive_buffer_matters_where_there_are_many_calls() {
        assert_eq!(receive_buffer(100, USUAL_RMEM_BYTES).state, State::Ok);
        assert_eq!(receive_buffer(2_000, USUAL_RMEM_BYTES).state, State::Warning);
        assert_eq!(receive_buffer(100, 10_000).state, State::Warning);
    }
}
