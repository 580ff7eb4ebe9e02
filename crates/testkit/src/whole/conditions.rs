//! What the world of one seed is like: its network, its disk, its functions.

use crate::sim::Random;

/// How likely faults are. All chances are in thousandths.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditions {
    /// No faults at all: then every sample and every digit must come through, and calls go as their plans say.
    pub(crate) is_calm: bool,
    /// A datagram is lost.
    pub(crate) loss_permille: u32,
    /// A datagram comes twice.
    pub(crate) copy_permille: u32,
    /// The shortest way.
    pub(crate) delay_ms: u64,
    /// How much longer a datagram may take: what is longer than the pause between two packets reorders them.
    pub(crate) jitter_ms: u64,
    /// A group of the store needs up to so long to become durable.
    pub(crate) commit_ms: u64,
    /// A group of the store needs seconds.
    pub(crate) stall_permille: u32,
    /// A row of the control database needs up to so long to become durable.
    pub(crate) row_ms: u64,
    /// Leasing a stream and opening an upload takes up to so long.
    pub(crate) open_ms: u64,
    /// That takes seconds: longer than a Start block waits.
    pub(crate) slow_open_permille: u32,
    /// An attempt to invoke a function fails.
    pub(crate) function_fails_permille: u32,
    /// A function is never heard of again.
    pub(crate) function_silent_permille: u32,
    /// A prompt cannot be turned into sound.
    pub(crate) prompt_fails_permille: u32,
    /// How often power goes.
    pub(crate) power_cuts: u32,
}

impl Conditions {
    /// No faults, and short ways.
    pub(crate) const CALM: Self = Self {
        is_calm: true,
        loss_permille: 0,
        copy_permille: 0,
        delay_ms: 1,
        jitter_ms: 0,
        commit_ms: 3,
        stall_permille: 0,
        row_ms: 4,
        open_ms: 10,
        slow_open_permille: 0,
        function_fails_permille: 0,
        function_silent_permille: 0,
        prompt_fails_permille: 0,
        power_cuts: 0,
    };

    /// The world of a seed: one in four is calm.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let is_calm = random.percent(25);
        let calm = Self { is_calm, delay_ms: random.pick(&[1, 5, 20, 80]), ..Self::CALM };
        if is_calm {
            return calm;
        }
        Self {
            loss_permille: random.pick(&[0, 0, 10, 50, 150]),
            copy_permille: random.pick(&[0, 0, 20, 200]),
            jitter_ms: random.pick(&[0, 5, 15, 40, 120]),
            commit_ms: random.pick(&[1, 10, 60]),
            stall_permille: random.pick(&[0, 0, 0, 20]),
            row_ms: random.pick(&[1, 10, 100]),
            open_ms: random.pick(&[0, 20, 400]),
            slow_open_permille: random.pick(&[0, 0, 0, 200]),
            function_fails_permille: random.pick(&[0, 100, 400]),
            function_silent_permille: random.pick(&[0, 0, 100]),
            prompt_fails_permille: random.pick(&[0, 0, 100]),
            power_cuts: random.pick(&[0, 0, 1, 1, 2]),
            ..calm
        }
    }

    /// The way of one datagram.
    pub(crate) fn delay_us(&self, random: &mut Random) -> u64 {
        // Mostly a little, now and then much.
        let longest = if random.percent(90) { self.jitter_ms / 4 } else { self.jitter_ms };
        self.delay_ms * 1_000 + random.between(0, longest * 1_000)
    }
}
