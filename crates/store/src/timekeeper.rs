//! The store's trust in the clock, kept over restarts.

use crate::clock_trust::{ClockDoubt, ClockTrust};
use crate::model::Now;
use crate::store::Core;
use crate::{Backend, Clock, StoreError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tympan_types::{Mono, WallTime};

/// The time is remembered this often: far less than the hour by which a clock may be ahead.
const KEEP_EVERY_MS: i64 = 10 * 60_000;

pub(crate) struct Timekeeper(Mutex<State>);

struct State {
    trust: ClockTrust,
    keep_at: Mono,
    /// Whether the doubt was told.
    told: bool,
}

/// The clock as the machine has it, without what a person has put it ahead.
struct Machine {
    wall: WallTime,
    mono: Mono,
    put_ahead_ms: i64,
}

impl Machine {
    fn of(clock: &dyn Clock) -> Self {
        let put_ahead_ms = clock.put_ahead_ms();
        Self { wall: clock.now().plus_ms(put_ahead_ms.saturating_neg()), mono: clock.mono(), put_ahead_ms }
    }
}

impl Timekeeper {
    /// Begins with the newest time that is stored.
    pub(crate) fn open(backend: &dyn Backend, clock: &dyn Clock) -> Result<Self, StoreError> {
        let (seen, now) = (backend.last_time()?, Machine::of(clock));
        let trust = ClockTrust::new(seen, now.wall, now.mono);
        Ok(Self(Mutex::new(State { trust, keep_at: now.mono, told: false })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// Both clocks, as everything is served by.
    pub(crate) fn now(&self) -> Now {
        Now { wall: self.clock.now(), mono: self.clock.mono() }
    }

    /// Both clocks, as everything is removed by.
    pub(crate) fn removing_now(&self) -> Now {
        let machine = Machine::of(&*self.clock);
        let mut state = self.timekeeper.state();
        state.trust.look(machine.wall, machine.mono);
        let trusted = state.trust.trusted(machine.wall, machine.mono);
        Now { wall: trusted.plus_ms(machine.put_ahead_ms), mono: machine.mono }
    }

    pub(crate) fn clock_doubt(&self) -> Option<ClockDoubt> {
        let machine = Machine::of(&*self.clock);
        self.timekeeper.state().trust.doubt(machine.wall, machine.mono)
    }

    pub(crate) fn confirm_clock(&self) {
        let machine = Machine::of(&*self.clock);
        self.timekeeper.state().trust.confirm(machine.wall, machine.mono);
        tracing::warn!(now = %machine.wall, "a person has confirmed the clock");
        self.keep_time();
    }

    /// Looks at the clock, says when it is not to be believed, and remembers the time now and then.
    pub(crate) fn watch_clock(&self) {
        let machine = Machine::of(&*self.clock);
        let keeps = {
            let mut state = self.timekeeper.state();
            state.trust.look(machine.wall, machine.mono);
            let doubt = state.trust.doubt(machine.wall, machine.mono);
            if doubt.is_some() != state.told {
                tell(doubt, machine.wall);
                state.told = doubt.is_some();
            }
            machine.mono >= state.keep_at
        };
        if keeps {
            self.keep_time();
        }
    }

    /// Remembers the time that is believed.
    pub(crate) fn keep_time(&self) {
        let mono = self.clock.mono();
        let believed = {
            let mut state = self.timekeeper.state();
            state.keep_at = mono.plus_ms(KEEP_EVERY_MS);
            state.trust.believed(mono)
        };
        if let Err(error) = self.backend.remember_time(believed) {
            tracing::warn!(%error, "the time cannot be remembered; after a restart the clock may be in doubt for an hour");
        }
    }
}

fn tell(doubt: Option<ClockDoubt>, wall: WallTime) {
    match doubt {
        Some(ClockDoubt { ahead_ms, clears_in_ms }) => tracing::warn!(
            now = %wall,
            ahead_s = ahead_ms / 1_000,
            clears_in_s = clears_in_ms / 1_000,
            "the clock is far ahead of what the store has seen: what has expired by it is not served, and stays on disk \
             until the clock has run steadily for an hour or `tympan streams expire --confirm-clock` says that it is right"
        ),
        None => tracing::info!(now = %wall, "the clock is believed again; what has expired is removed"),
    }
}
