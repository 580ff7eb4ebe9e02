//! The load on a layout: a thread per stream that waits for each fragment before it appends the next.

use super::layout::{Layout, Payload};
use crate::clock::Monotonic;
use crate::rig::process::Usage;
use crate::statistics::Histogram;
use anyhow::Context;
use std::time::Duration;

/// How fast.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// The next one as soon as the last is durable.
    FlatOut,
    /// As a call: one each second, the streams spread over it.
    OnePerSecond,
}

impl Pace {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FlatOut => "flat out",
            Self::OnePerSecond => "1/s each",
        }
    }
}

/// What came of it.
pub(super) struct Outcome {
    /// From when an append was due until it was durable.
    pub(super) latencies: Histogram,
    pub(super) wall: Duration,
    /// Of this process, which is the load too, until the last append was durable.
    pub(super) cpu: Duration,
    pub(super) written_bytes: u64,
    pub(super) syncs: u64,
    /// From there until everything is where it stays.
    pub(super) settling_cpu: Duration,
    pub(super) settling_written_bytes: u64,
}

/// From here on every thread is there.
const START: Duration = Duration::from_secs(1);
/// Room for a stack that calls into SQLite.
const STACK_BYTES: usize = 256 * 1024;

/// Writes to `streams` streams for `time`.
pub(super) fn apply<L: Layout>(
    layout: L,
    streams: u32,
    pace: Pace,
    time: Duration,
    payload: &Payload,
) -> anyhow::Result<Outcome> {
    let opened = (0..streams).map(|index| layout.stream(index)).collect::<anyhow::Result<Vec<_>>>()?;
    let syncs_before = layout.syncs();
    // Every thread is there by then.
    let begun = Monotonic::now().after(START);
    let mut outcome = std::thread::scope(|scope| {
        let threads = opened.into_iter().enumerate().map(|(index, mut stream)| {
            let layout = &layout;
            std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, move || {
                let offset = Duration::from_secs(1) * index as u32 / streams;
                let latencies =
                    write(layout, &mut stream, pace, begun.after(offset), begun.after(time), payload);
                layout.close(stream);
                latencies
            })
        });
        let threads = threads.collect::<Result<Vec<_>, _>>()?;
        begun.sleep();
        let before = Usage::of(std::process::id())?;
        let mut latencies = Histogram::new();
        for thread in threads {
            latencies.merge(&thread.join().ok().context("a stream's thread panicked")??);
        }
        let wall = Monotonic::now().since(begun);
        let after = Usage::of(std::process::id())?;
        anyhow::Ok(Outcome {
            latencies,
            wall,
            cpu: after.cpu.saturating_sub(before.cpu),
            written_bytes: after.written_bytes.saturating_sub(before.written_bytes),
            syncs: layout.syncs() - syncs_before,
            settling_cpu: after.cpu,
            settling_written_bytes: after.written_bytes,
        })
    })?;
    layout.finish();
    let settled = Usage::of(std::process::id())?;
    outcome.settling_cpu = settled.cpu.saturating_sub(outcome.settling_cpu);
    outcome.settling_written_bytes = settled.written_bytes.saturating_sub(outcome.settling_written_bytes);
    Ok(outcome)
}

fn write<L: Layout>(
    layout: &L,
    stream: &mut L::Stream,
    pace: Pace,
    first: Monotonic,
    end: Monotonic,
    payload: &Payload,
) -> anyhow::Result<Histogram> {
    let mut latencies = Histogram::new();
    let mut due = first;
    due.sleep();
    while due < end {
        layout.append(stream, payload)?;
        let durable = Monotonic::now();
        latencies.record(durable.since(due));
        due = match pace {
            Pace::FlatOut => durable,
            Pace::OnePerSecond => due.after(Duration::from_secs(1)),
        };
        due.sleep();
    }
    Ok(latencies)
}
