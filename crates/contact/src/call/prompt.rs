use super::CallOutput;
use std::collections::VecDeque;
use tympan_flow::Prompt;
use tympan_telephony::words::Sound;
use tympan_types::{PromptId, WallTime};

/// How long a prompt would take to speak, where nothing can speak it: 150 words a minute, at least half a second and
/// at most a minute. Markup does not count; a recording has no reading time.
pub fn reading_time_ms(prompt: &Prompt) -> u32 {
    const WORD_MS: usize = 400;
    let words = match prompt {
        Prompt::Text(text) => text.split_whitespace().count(),
        Prompt::Ssml(text) => {
            let mut in_markup = false;
            let spoken: String = text
                .chars()
                .filter_map(|character| {
                    let was_in_markup = in_markup;
                    in_markup = character == '<' || (in_markup && character != '>');
                    match (was_in_markup, in_markup) {
                        (false, false) => Some(character),
                        (true, false) => Some(' '),
                        _ => None,
                    }
                })
                .collect();
            spoken.split_whitespace().count()
        }
        Prompt::Audio { .. } => 0,
    };
    u32::try_from(words.saturating_mul(WORD_MS)).unwrap_or(u32::MAX).clamp(500, 60_000)
}

/// The one prompt that a caller hears at a time.
#[derive(Default)]
pub(super) struct PromptPlayer {
    state: State,
    last: u64,
}

#[derive(Default)]
enum State {
    /// Nothing plays.
    #[default]
    Silent,
    /// The server turns it into sound.
    Preparing { prompt: PromptId, deadline: WallTime },
    /// The caller hears it.
    Playing { prompt: PromptId, deadline: WallTime },
}

/// How a prompt ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The caller has heard it.
    Whole,
    /// It cannot be played.
    Failed { reason: String },
}

impl PromptPlayer {
    /// How much longer than its sound a prompt may take to report its end.
    const GRACE_MS: i64 = 5_000;

    pub(super) fn start(
        &mut self,
        now: WallTime,
        limit_ms: u32,
        content: Prompt,
        outputs: &mut VecDeque<CallOutput>,
    ) {
        self.stop(outputs);
        self.last += 1;
        let prompt = PromptId::new(self.last);
        self.state = State::Preparing { prompt, deadline: now.plus_ms(limit_ms.into()) };
        outputs.push_back(CallOutput::PreparePrompt { prompt, content });
    }

    /// Silences the prompt that plays, if any.
    pub(super) fn stop(&mut self, outputs: &mut VecDeque<CallOutput>) {
        if let State::Playing { prompt, .. } = std::mem::take(&mut self.state) {
            outputs.push_back(CallOutput::StopPrompt { prompt });
        }
    }

    /// Plays the prompt; `false` where nobody waits for it any more.
    pub(super) fn prepared(
        &mut self,
        now: WallTime,
        which: PromptId,
        sound: Sound,
        outputs: &mut VecDeque<CallOutput>,
    ) -> bool {
        match self.state {
            State::Preparing { prompt, .. } if prompt == which => {
                let deadline = now.plus_ms(sound.duration_ms()).plus_ms(Self::GRACE_MS);
                self.state = State::Playing { prompt, deadline };
                outputs.push_back(CallOutput::PlayPrompt { prompt, sound });
                true
            }
            _ => false,
        }
    }

    pub(super) fn finished(&mut self, which: PromptId) -> Option<Heard> {
        match self.state {
            State::Playing { prompt, .. } if prompt == which => {
                self.state = State::Silent;
                Some(Heard::Whole)
            }
            _ => None,
        }
    }

    pub(super) fn failed(&mut self, which: PromptId, reason: String) -> Option<Heard> {
        match self.state {
            State::Preparing { prompt, .. } | State::Playing { prompt, .. } if prompt == which => {
                self.state = State::Silent;
                Some(Heard::Failed { reason })
            }
            _ => None,
        }
    }

    pub(super) fn time_passed(&mut self, now: WallTime, outputs: &mut VecDeque<CallOutput>) -> Option<Heard> {
        if self.deadline()? > now {
            return None;
        }
        let was_playing = matches!(self.state, State::Playing { .. });
        self.stop(outputs);
        self.state = State::Silent;
        Some(if was_playing {
            Heard::Whole
        } else {
            Heard::Failed { reason: "the prompt was not ready in time".to_owned() }
        })
    }

    pub(super) fn deadline(&self) -> Option<WallTime> {
        match self.state {
            State::Silent => None,
            State::Preparing { deadline, .. } | State::Playing { deadline, .. } => Some(deadline),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_time_counts_spoken_words_only() {
        assert_eq!(reading_time_ms(&Prompt::Text("one two three four five".to_owned())), 2_000);
        assert_eq!(
            reading_time_ms(&Prompt::Ssml(
                "<speak>one <break time=\"1 s\"/>two<p>three</p></speak>".to_owned()
            )),
            1_200
        );
        assert_eq!(reading_time_ms(&Prompt::Text(String::new())), 500);
        assert_eq!(reading_time_ms(&Prompt::Text("a ".repeat(100_000))), 60_000);
        assert_eq!(reading_time_ms(&Prompt::Ssml("<<<>>>".to_owned())), 500);
    }
}
