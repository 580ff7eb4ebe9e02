//! A path through the product whose cost is held.

/// A path: some input is prepared, then [`counted_by_callgrind`] does the work for a number of units.
pub(crate) struct Path {
    /// As the table and the file of ceilings name it.
    pub(crate) name: &'static str,
    /// What the cost is divided by.
    pub(crate) unit: &'static str,
    /// How many of them are measured; enough that what happens once does not show.
    pub(crate) units: usize,
    /// Whose instructions count.
    pub(crate) scope: Scope,
    /// Prepares, then does the work for so many units.
    pub(crate) run: fn(usize) -> anyhow::Result<()>,
}

/// Whose instructions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Those within [`counted_by_callgrind`], on its thread. Allocations are counted too.
    Thread,
    /// Those of all threads, less those of a run without any unit.
    Process,
}

/// The work, in a function that callgrind can be told to look at by its name.
#[inline(never)]
pub(crate) fn counted_by_callgrind(work: &mut dyn FnMut()) {
    work();
    std::hint::black_box(());
}
