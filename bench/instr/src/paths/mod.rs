//! The paths, each with an assertion that it did what it is there for.

mod capture;
mod control;
mod index;
mod media;
mod mkv;
mod requests;
mod service;
mod signalling;

use crate::path::{Path, Scope, counted_by_callgrind};
use std::cell::Cell;

/// All of them, in the order of the sound.
pub(crate) const ALL: &[Path] = &[
    Path {
        name: "invite-to-bye",
        unit: "call",
        units: 500,
        scope: Scope::Thread,
        run: signalling::invite_to_bye,
    },
    Path {
        name: "g711-decode",
        unit: "frame",
        units: 2_000,
        scope: Scope::Thread,
        run: capture::g711_decode,
    },
    Path {
        name: "rtp-to-block",
        unit: "packet",
        units: 5_000,
        scope: Scope::Thread,
        run: capture::rtp_to_block,
    },
    Path { name: "media-received", unit: "packet", units: 5_000, scope: Scope::Thread, run: media::received },
    Path { name: "media-sent", unit: "frame", units: 5_000, scope: Scope::Thread, run: media::sent },
    Path { name: "index", unit: "frame", units: 5_000, scope: Scope::Thread, run: index::frames },
    Path { name: "mkv-write", unit: "fragment", units: 200, scope: Scope::Thread, run: mkv::write_fragments },
    Path { name: "putmedia", unit: "fragment", units: 200, scope: Scope::Thread, run: service::put_media },
    Path {
        name: "putmedia-live",
        unit: "block",
        units: 5_000,
        scope: Scope::Thread,
        run: service::put_media_live,
    },
    Path { name: "capture", unit: "second", units: 100, scope: Scope::Thread, run: service::capture },
    Path {
        name: "capture-expanded",
        unit: "second",
        units: 100,
        scope: Scope::Thread,
        run: service::capture_expanded,
    },
    Path { name: "getmedia", unit: "fragment", units: 2_000, scope: Scope::Process, run: service::get_media },
    Path {
        name: "getmedia-setup",
        unit: "request",
        units: 500,
        scope: Scope::Thread,
        run: control::getmedia_setup,
    },
    Path {
        name: "control-call",
        unit: "request",
        units: 500,
        scope: Scope::Thread,
        run: control::control_call,
    },
    Path { name: "mkv-read", unit: "block", units: 10_000, scope: Scope::Thread, run: mkv::read_blocks },
    Path { name: "mkv-frames", unit: "block", units: 10_000, scope: Scope::Thread, run: mkv::read_frames },
    Path { name: "sigv4-verify", unit: "request", units: 100, scope: Scope::Thread, run: requests::verify },
];

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// What a path allocates within its work.
pub(crate) fn allocations(path: &Path) -> anyhow::Result<u64> {
    (path.run)(path.units)?;
    Ok(ALLOCATIONS.get())
}

/// Does the work, counted by whoever counts.
fn counted(mut work: impl FnMut()) {
    let allocated = allocation_counter::measure(|| counted_by_callgrind(&mut work));
    ALLOCATIONS.set(allocated.count_total);
}
