//! What the network of one seed is like.

use super::random::Random;

/// How likely faults are. All chances are in thousandths.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditions {
    /// No faults at all: then the calls must go exactly as their scripts say.
    pub(crate) is_calm: bool,
    /// A datagram is lost.
    pub(crate) loss_permille: u32,
    /// A datagram comes twice.
    pub(crate) copy_permille: u32,
    /// The shortest way.
    pub(crate) delay_ms: u64,
    /// How much longer a datagram may take: what is longer than the pause between two packets reorders them.
    pub(crate) jitter_ms: u64,
    /// A connection cannot be opened.
    pub(crate) refused_permille: u32,
    /// A connection is cut within its first 20 s.
    pub(crate) cut_permille: u32,
    /// A host vanishes for a while or for good.
    pub(crate) dark_permille: u32,
    /// A host stops to read from its connections.
    pub(crate) deaf_permille: u32,
    /// A NAT rebinds.
    pub(crate) rebind_permille: u32,
    /// Sources that send a request and never listen.
    pub(crate) strays: u64,
}

/// How a connection cuts what is written into segments.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Segments {
    /// Everything that waits.
    Whole,
    /// Up to so many bytes.
    UpTo(usize),
}

impl Conditions {
    /// The network of a seed: one in four is calm.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let is_calm = random.percent(25);
        let delay_ms = random.pick(&[1, 10, 40, 150]);
        if is_calm {
            return Self {
                is_calm,
                loss_permille: 0,
                copy_permille: 0,
                delay_ms,
                jitter_ms: 0,
                refused_permille: 0,
                cut_permille: 0,
                dark_permille: 0,
                deaf_permille: 0,
                rebind_permille: 0,
                strays: 0,
            };
        }
        Self {
            is_calm,
            loss_permille: random.pick(&[0, 0, 10, 50, 200]),
            copy_permille: random.pick(&[0, 0, 20, 200]),
            delay_ms,
            jitter_ms: random.pick(&[0, 5, 30, 100, 800]),
            refused_permille: random.pick(&[0, 0, 100]),
            cut_permille: random.pick(&[0, 0, 300]),
            dark_permille: random.pick(&[0, 0, 500]),
            deaf_permille: random.pick(&[0, 0, 300]),
            rebind_permille: random.pick(&[0, 0, 300]),
            strays: random.pick(&[0, 0, 3]),
        }
    }

    /// The way of one packet.
    pub(crate) fn delay_ms(&self, random: &mut Random) -> u64 {
        // Mostly a little, now and then much.
        let longest = if random.percent(80) { self.jitter_ms / 4 } else { self.jitter_ms };
        self.delay_ms + random.between(0, longest)
    }

    /// How a new connection cuts.
    pub(crate) fn segments(&self, random: &mut Random) -> Segments {
        match random.below(10) {
            0 => Segments::UpTo(20),
            1..=4 => Segments::UpTo(1_460),
            _ => Segments::Whole,
        }
    }
}

impl Segments {
    /// The length of the next segment, of so many bytes that wait.
    pub(crate) fn length(self, waiting: usize, random: &mut Random) -> usize {
        match self {
            Self::Whole => waiting,
            Self::UpTo(_) if waiting == 0 => 0,
            Self::UpTo(most) => 1 + random.index(waiting.min(most)),
        }
    }
}
