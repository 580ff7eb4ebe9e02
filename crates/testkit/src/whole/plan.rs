//! What each caller of a world does, drawn from the seed.

use crate::sim::Random;
use tympan_telephony::audio::g711::Law;

/// A caller's plan.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// When the call is placed.
    pub(crate) dial_ms: u64,
    /// Which flow it reaches.
    pub(crate) flow: usize,
    pub(crate) law: Law,
    /// Samples of a packet.
    pub(crate) frame_samples: u32,
    /// The offer is left to the node.
    pub(crate) is_late_offer: bool,
    /// The caller's side sends no packet of silence: after this much sound comes so much of nothing.
    pub(crate) dtx_ms: Option<(u64, u64)>,
    /// What the caller does once the call is up, and when after that.
    pub(crate) acts: Vec<(u64, Act)>,
    pub(crate) end: End,
    /// Sound flows. Without: signalling alone, for runs of very many calls.
    pub(crate) has_media: bool,
}

/// What a caller does in mid-call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// A key by RFC 4733.
    Key(char),
    /// A key by SIP INFO.
    InfoKey(char),
    /// Puts the node on hold by re-INVITE: inactive, or sendonly with silence.
    Hold,
    /// Goes on.
    Resume,
    /// Sends and receives at another port from now on, by re-INVITE.
    Move,
}

/// How a call ends, unless the flow ends it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The caller waits for the node's BYE.
    Waits,
    /// The caller hangs up so long after the call was answered.
    HangsUp { after_ms: u64 },
    /// The caller gives up so long after dialling: CANCEL, or BYE where the answer was faster.
    Cancels { after_ms: u64 },
    /// The caller's host vanishes so long after the answer, without a word.
    Vanishes { after_ms: u64 },
}

/// Of a run of very many calls, whether this one has sound.
pub(crate) const fn has_sound(call: usize) -> bool {
    call.is_multiple_of(100)
}

impl Plan {
    /// The plan of one of very many calls, dialled at once.
    pub(crate) fn of_many(random: &mut Random, call: usize) -> Self {
        Self {
            dial_ms: 0,
            flow: usize::from(has_sound(call)),
            law: Law::Mu,
            frame_samples: 160,
            is_late_offer: false,
            dtx_ms: None,
            acts: if random.percent(30) { vec![(300, Act::InfoKey('1'))] } else { Vec::new() },
            end: if random.percent(50) {
                End::Waits
            } else {
                End::HangsUp { after_ms: random.between(100, 3_000) }
            },
            has_media: has_sound(call),
        }
    }

    /// The plan of an agent's telephone that has taken a call: hold, and the end of it.
    pub(crate) fn of_agent(random: &mut Random, may_vanish: bool) -> Self {
        let mut acts = Vec::new();
        if random.percent(30) {
            let at_ms = random.between(500, 6_000);
            acts.push((at_ms, Act::Hold));
            if random.percent(90) {
                acts.push((at_ms + random.between(300, 5_000), Act::Resume));
            }
        }
        let end = match random.below(100) {
            0..=2 if may_vanish => End::Vanishes { after_ms: random.between(100, 8_000) },
            0..=59 => End::HangsUp { after_ms: random.between(50, 20_000) },
            // The customer hangs up before that, unless its host has vanished.
            _ => End::HangsUp { after_ms: random.between(60_000, 120_000) },
        };
        Self {
            dial_ms: 0,
            flow: 0,
            law: if random.percent(60) { Law::Mu } else { Law::A },
            frame_samples: 160,
            is_late_offer: false,
            dtx_ms: None,
            acts,
            end,
            has_media: true,
        }
    }

    /// The same of a caller who may have to wait in a queue: no one waits without end.
    pub(crate) fn with_patience(mut self, random: &mut Random) -> Self {
        if self.end == End::Waits {
            self.end = End::HangsUp { after_ms: random.between(2_000, 60_000) };
        }
        self
    }

    /// A plan within a world that lasts so long.
    pub(crate) fn draw(random: &mut Random, flows: usize, world_ms: u64) -> Self {
        let end = match random.below(100) {
            0..=39 => End::Waits,
            40..=79 => {
                let longest = random.pick(&[2_000, 8_000, 20_000]);
                End::HangsUp { after_ms: random.between(100, longest) }
            }
            80..=89 => End::Cancels { after_ms: random.between(0, 300) },
            _ => End::Vanishes { after_ms: random.between(100, 8_000) },
        };
        let busy_ms = random.pick(&[4_000, 15_000]);
        let mut acts: Vec<(u64, Act)> = Vec::new();
        for _ in 0..random.pick(&[0, 1, 2, 4]) {
            let key = random.pick(&['1', '1', '2', '5', '9', '0', '#', '*']);
            let act = if random.percent(70) { Act::Key(key) } else { Act::InfoKey(key) };
            acts.push((random.between(200, busy_ms), act));
        }
        if random.percent(15) {
            let at_ms = random.between(300, busy_ms);
            acts.push((at_ms, Act::Hold));
            acts.push((at_ms + random.between(300, 5_000), Act::Resume));
        }
        if random.percent(10) {
            acts.push((random.between(300, busy_ms), Act::Move));
        }
        acts.sort_by_key(|(at_ms, _)| *at_ms);
        Self {
            dial_ms: random.between(0, world_ms / 2),
            flow: random.index(flows),
            law: if random.percent(60) { Law::Mu } else { Law::A },
            frame_samples: random.pick(&[160, 160, 160, 80, 240]),
            is_late_offer: random.percent(8),
            dtx_ms: random.percent(20).then(|| (random.between(300, 2_000), random.between(60, 1_500))),
            acts,
            end,
            has_media: true,
        }
    }
}
