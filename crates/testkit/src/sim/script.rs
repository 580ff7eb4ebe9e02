//! What the user of a leg does, drawn from the seed.

use super::random::Random;

/// How a leg that is invited is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reception {
    /// It is answered after so long.
    Answer { after_ms: u64 },
    /// It is refused after so long.
    Refuse { after_ms: u64, status: u16 },
    /// It rings until one side gives up.
    Wait,
}

/// A provisional response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ring {
    pub(crate) after_ms: u64,
    pub(crate) status: u16,
    pub(crate) is_reliable: bool,
    pub(crate) has_body: bool,
}

/// What the user of one leg does.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// For a leg that is invited.
    pub(crate) rings: Vec<Ring>,
    /// For a leg that is invited.
    pub(crate) reception: Reception,
    /// The leg is invited without an offer: the answer goes out in the ACK.
    pub(crate) is_late_offer: bool,
    /// Digits once the call is up: when, after that.
    pub(crate) digits_ms: Vec<u64>,
    /// Offers once the call is up: when, and whether by UPDATE.
    pub(crate) offers_ms: Vec<(u64, bool)>,
    /// Offers at any moment, allowed or not: they may fail, and must not do harm.
    pub(crate) early_offer_ms: Option<u64>,
    /// How long the user thinks about an offer of the peer.
    pub(crate) thinks_ms: u64,
    /// In a thousand: an offer of the peer is refused.
    pub(crate) refuses_permille: u32,
    /// In a thousand: an answer of the peer cannot be used.
    pub(crate) rejects_permille: u32,
    /// When the user hangs up, from the leg's begin; `None`: only the session timer ends the leg if the peer does not.
    pub(crate) hang_up_ms: Option<u64>,
}

/// What all scripts of a simulation have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// Every agent asks for session timers, so that a leg ends even if its user never hangs up.
    pub(crate) has_session_timers: bool,
    /// In a thousand.
    pub(crate) late_offer_permille: u32,
    /// In a thousand: a provisional response is under 100rel.
    pub(crate) reliable_permille: u32,
    /// In a thousand: a call lives for minutes, so that sessions are refreshed.
    pub(crate) long_permille: u32,
}

impl Habits {
    pub(crate) fn draw(random: &mut Random) -> Self {
        Self {
            has_session_timers: random.percent(40),
            late_offer_permille: random.pick(&[0, 200, 500]),
            reliable_permille: random.pick(&[0, 300, 1_000]),
            long_permille: random.pick(&[0, 100, 400]),
        }
    }
}

impl Script {
    pub(crate) fn draw(random: &mut Random, habits: Habits, is_caller: bool) -> Self {
        let reception = match random.below(100) {
            0..=74 => Reception::Answer { after_ms: random.pick(&[0, 20, 150, 300, 2_000, 8_000]) },
            75..=89 => Reception::Refuse {
                after_ms: random.pick(&[0, 150, 2_000]),
                status: random.pick(&[302, 404, 480, 486, 488, 603]),
            },
            _ => Reception::Wait,
        };
        let rings = (0..random.pick(&[0, 1, 1, 1, 2, 3])).map(|_| Ring {
            after_ms: random.between(0, 2_500),
            status: random.pick(&[180, 180, 183]),
            is_reliable: random.permille(habits.reliable_permille),
            has_body: random.percent(30),
        });
        let mut rings: Vec<Ring> = rings.collect();
        rings.sort_by_key(|ring| ring.after_ms);
        let hang_up_ms = match random.below(100) {
            _ if random.permille(habits.long_permille) => random.between(60_000, 250_000),
            0..=9 => random.between(0, 300),
            10..=24 => random.between(0, 5_000),
            _ => random.between(5_000, 40_000),
        };
        let lasts =
            !is_caller && habits.has_session_timers && reception != Reception::Wait && random.percent(25);
        let busy_ms = random.pick(&[3_000, 20_000]);
        let mut digits_ms: Vec<u64> =
            (0..random.pick(&[0, 0, 1, 4, 12])).map(|_| random.between(0, busy_ms)).collect();
        digits_ms.sort_unstable();
        let offers = random.pick(&[0, 0, 0, 1, 2, 4]);
        Self {
            rings,
            reception,
            is_late_offer: is_caller && random.permille(habits.late_offer_permille),
            digits_ms,
            offers_ms: (0..offers).map(|_| (random.between(0, busy_ms), random.percent(50))).collect(),
            early_offer_ms: random.percent(5).then(|| random.between(0, 3_000)),
            thinks_ms: random.pick(&[0, 0, 50, 1_000, 3_000]),
            refuses_permille: random.pick(&[0, 0, 200]),
            rejects_permille: random.pick(&[0, 0, 0, 50]),
            hang_up_ms: (!lasts).then_some(hang_up_ms),
        }
    }
}
