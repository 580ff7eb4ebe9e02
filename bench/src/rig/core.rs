//! Processor cores: one for the server, another for the load.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A core that this process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Core(usize);

impl Core {
    /// The first two cores there are; `None` on a machine with one.
    pub(crate) fn pair() -> Option<(Self, Self)> {
        let allowed = sched_getaffinity(None).ok()?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).map(Self);
        Some((cores.next()?, cores.next()?))
    }

    /// Its number.
    pub(crate) fn number(self) -> usize {
        self.0
    }

    /// Keeps the calling thread, and what it starts from now on, on this core.
    pub(crate) fn take(self) -> rustix::io::Result<()> {
        let mut only = CpuSet::new();
        only.set(self.0);
        sched_setaffinity(None, &only)
    }

    /// Runs `start` on this core, so that threads and processes it starts stay there, and comes back.
    pub(crate) fn run<T>(self, start: impl FnOnce() -> T) -> rustix::io::Result<T> {
        let before = sched_getaffinity(None)?;
        self.take()?;
        let started = start();
        sched_setaffinity(None, &before)?;
        Ok(started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_on_a_core_stays_there_and_the_starter_does_not() {
        let Some((_, second)) = Core::pair() else { return };
        let before = sched_getaffinity(None).unwrap();
        let inside =
            second.run(|| std::thread::spawn(|| sched_getaffinity(None).unwrap()).join().unwrap()).unwrap();
        assert_eq!((inside.count(), inside.is_set(second.number())), (1, true));
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }
}
