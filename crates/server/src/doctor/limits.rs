//! What the system lets a server have. Limits are those of this shell: a service manager may set others.

use super::Finding;
use crate::config::Config;
use nix::sys::resource::{Resource, getrlimit};

const CHECK: &str = "limits";
/// Files, databases, listeners, readers and uploads beside the calls.
const BESIDE_CALLS: u64 = 500;
/// What Linux gives by default, enough for a few hundred calls to set up at once on one SIP socket.
const USUAL_RMEM_BYTES: u64 = 212_992;
const WANTED_RMEM_BYTES: u64 = 1 << 20;
/// From so many calls on bursts of SIP are likely to fill the default.
const MANY_CALLS: usize = 500;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        findings.push(files(config.sip.calls_max, soft, hard));
    }
    let rmem_max = std::fs::read_to_string("/proc/sys/net/core/rmem_max");
    if let Some(bytes) = rmem_max.ok().and_then(|text| text.trim().parse().ok()) {
        findings.push(receive_buffer(config.sip.calls_max, bytes));
    }
    findings
}

fn files(calls: usize, soft: u64, hard: u64) -> Finding {
    // A media socket for each call, and a connection for each reader that follows one.
    let needed = (calls as u64).saturating_mul(2).saturating_add(BESIDE_CALLS);
    let what = format!("{soft} files may be open (hard limit {hard}); {calls} calls need about {needed}");
    let action = format!(
        "LimitNOFILE={needed} in the service's unit, or `ulimit -n {needed}`; or lower sip.calls_max"
    );
    let why = "calls and readers beyond that are refused";
    if soft < (calls as u64).saturating_add(BESIDE_CALLS / 2) {
        Finding::problem(CHECK, what, why, action)
    } else if soft < needed {
        Finding::warning(CHECK, what, why, action)
    } else {
        Finding::ok(CHECK, what)
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
        assert_eq!(files(2_000, 1_024, 4_096).state, State::Problem);
        assert_eq!(files(2_000, 3_000, 4_096).state, State::Warning);
        assert_eq!(files(2_000, 65_536, 65_536).state, State::Ok);
        assert_eq!(files(100, 1_024, 4_096).state, State::Ok);
    }

    #[test]
    fn a_small_receive_buffer_matters_where_there_are_many_calls() {
        assert_eq!(receive_buffer(100, USUAL_RMEM_BYTES).state, State::Ok);
        assert_eq!(receive_buffer(2_000, USUAL_RMEM_BYTES).state, State::Warning);
        assert_eq!(receive_buffer(100, 10_000).state, State::Warning);
    }
}
