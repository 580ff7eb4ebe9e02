//! What something cost: CPU time of this thread or of children, best of several, and ratios of pairs.

use crate::clock::thread_cpu_ns;
use anyhow::{Context, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use std::process::{Command, Stdio};
use std::time::Duration;

/// CPU time that `work` takes on this thread.
pub(crate) fn of_thread(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let before = thread_cpu_ns();
    work()?;
    Ok(Duration::from_nanos(thread_cpu_ns() - before))
}

/// CPU time, user and kernel, of a program that is run to its end. What it prints is dropped.
pub(crate) fn of_program(command: &mut Command) -> anyhow::Result<Duration> {
    let before = children()?;
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot run {name}"))?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(children()?.saturating_sub(before))
}

/// CPU time of all children that have ended and were waited for.
fn children() -> anyhow::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let us = |time: TimeVal| u64::try_from(time.num_microseconds()).unwrap_or(0);
    Ok(Duration::from_micros(us(usage.user_time()) + us(usage.system_time())))
}

/// Bytes per CPU second, in MB.
pub(crate) fn mb_per_s(bytes: usize, cpu: Duration) -> f64 {
    bytes as f64 / 1e6 / cpu.as_secs_f64()
}

/// CPU seconds per GB.
pub(crate) fn s_per_gb(bytes: u64, cpu: Duration) -> f64 {
    cpu.as_secs_f64() * 1e9 / bytes as f64
}

/// The middle one; of an even number the mean of both.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(low), Some(high)) =
        (sorted.get(sorted.len().saturating_sub(1) / 2), sorted.get(sorted.len() / 2))
    else {
        return f64::NAN;
    };
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_and_a_program_are_charged_for_what_they_do() {
        let spin = || {
            let mut sum = 0_u64;
            (0..5_000_000_u64).for_each(|n| sum = std::hint::black_box(sum ^ n));
            Ok(())
        };
        assert!(of_thread(spin).unwrap() > of_thread(|| Ok(())).unwrap());
        let busy =
            of_program(Command::new("sh").args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"]));
        assert!(busy.unwrap() > Duration::ZERO);
        assert!(of_program(&mut Command::new("false")).is_err());
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}
