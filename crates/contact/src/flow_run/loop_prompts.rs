use tympan_flow::{LoopSpec, Prompt};
use tympan_types::{Mono, PromptId};

/// Prompts that are played one after the other, again from the first one, until the flow is to have a turn.
///
/// Source: Administrator Guide, "Loop prompts": an interruption cuts the prompt that plays, and the loop begins with its first message
/// again, unless the messages go on during the interruption.
pub(super) struct LoopPrompts {
    spec: LoopSpec,
    /// The message after the one that plays.
    next: usize,
    plays: Option<PromptId>,
    round_began: Mono,
    /// The next message is played then.
    pause: Option<Mono>,
    interrupt_at: Option<Mono>,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoopNext {
    /// The next message.
    Plays,
    /// A turn of the flow.
    Interrupted,
}

impl LoopPrompts {
    /// A round of messages lasts at least so long: one without sound would turn without end.
    const ROUND_MIN_MS: i64 = 1_000;

    /// A loop, which goes on where a former one was cut off.
    pub(super) fn new(now: Mono, spec: LoopSpec, former: Option<&Self>) -> Self {
        let interrupt_at = spec.interrupt_every_ms.map(|every_ms| now.plus_ms(every_ms.into()));
        let (next, plays) = former.map_or((0, None), |former| (former.next, former.plays));
        Self { spec, next, plays, round_began: now, pause: None, interrupt_at }
    }

    /// Whether the messages go on while the flow has its turn.
    pub(super) fn continues(&self) -> bool {
        self.spec.continues
    }

    /// The message that plays.
    pub(super) fn plays(&self) -> Option<PromptId> {
        self.plays
    }

    /// The next message; `None` where there is none at all.
    pub(super) fn next(&mut self, now: Mono) -> Option<Prompt> {
        self.pause = None;
        let count = self.spec.messages.len();
        if self.next >= count {
            self.next = 0;
        }
        if self.next == 0 {
            self.round_began = now;
        }
        let message = self.spec.messages.get(self.next)?.clone();
        self.next += 1;
        Some(message)
    }

    pub(super) fn began(&mut self, prompt: PromptId) {
        self.plays = Some(prompt);
    }

    /// The message was heard. True where the next one is due at once.
    pub(super) fn heard(&mut self, now: Mono) -> bool {
        self.plays = None;
        let earliest = self.round_began.plus_ms(Self::ROUND_MIN_MS);
        let is_round_over = self.next >= self.spec.messages.len();
        if is_round_over && earliest > now {
            self.pause = Some(earliest);
            return false;
        }
        true
    }

    pub(super) fn time_passed(&self, now: Mono) -> LoopNext {
        match self.interrupt_at {
            Some(at) if at <= now => LoopNext::Interrupted,
            _ => LoopNext::Plays,
        }
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        self.pause.into_iter().chain(self.interrupt_at).min()
    }
}
