use crate::Effect;
use crate::context::Context;
use tympan_flow::Prompt;
use tympan_telephony::words::{MediaCommand, Sound};
use tympan_types::{LegId, Mono, PromptId};

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

/// The one prompt that a participant hears at a time.
///
/// | state | `start` | `prepared` | `finished` | `failed` | the deadline |
/// |---|---|---|---|---|---|
/// | silent | preparing | - | - | - | - |
/// | preparing | preparing the next one | playing | - | silent: failed | silent: failed |
/// | playing | stopped; preparing the next one | - | silent: heard | silent: failed | stopped: counts as heard |
///
/// News of any other prompt change nothing.
#[derive(Default)]
pub(crate) struct PromptPlayer {
    state: State,
}

#[derive(Default)]
enum State {
    /// Nothing plays.
    #[default]
    Silent,
    /// It is turned into sound.
    Preparing { prompt: PromptId, deadline: Mono },
    /// The participant hears it.
    Playing { prompt: PromptId, deadline: Mono },
}

/// How a prompt ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The participant has heard it.
    Whole,
    /// It cannot be played.
    Failed { reason: String },
}

impl PromptPlayer {
    /// How much longer than its sound a prompt may take to report its end.
    const GRACE_MS: i64 = 5_000;

    pub(crate) fn start(&mut self, cx: &mut Context, leg: LegId, content: Prompt) {
        self.stop(cx, leg);
        let prompt = cx.next_prompt();
        self.state = State::Preparing { prompt, deadline: cx.in_ms(cx.options.prompt_limit_ms) };
        cx.emit(Effect::Prepare { prompt, content });
    }

    /// Silences the prompt that plays, if any.
    pub(crate) fn stop(&mut self, cx: &mut Context, leg: LegId) {
        if let State::Playing { prompt, .. } = std::mem::take(&mut self.state) {
            cx.emit(Effect::Media { leg, command: MediaCommand::Stop { prompt } });
        }
    }

    /// Plays the prompt; `false` where it is not wanted any more.
    pub(crate) fn prepared(&mut self, cx: &mut Context, leg: LegId, which: PromptId, sound: Sound) -> bool {
        match self.state {
            State::Preparing { prompt, .. } if prompt == which => {
                let deadline = cx.now.mono.plus_ms(sound.duration_ms()).plus_ms(Self::GRACE_MS);
                self.state = State::Playing { prompt, deadline };
                cx.emit(Effect::Media { leg, command: MediaCommand::Play { prompt, sound } });
                true
            }
            _ => false,
        }
    }

    pub(crate) fn finished(&mut self, which: PromptId) -> Option<Heard> {
        match self.state {
            State::Playing { prompt, .. } if prompt == which => {
                self.state = State::Silent;
                Some(Heard::Whole)
            }
            _ => None,
        }
    }

    pub(crate) fn failed(&mut self, which: PromptId, reason: String) -> Option<Heard> {
        match self.state {
            State::Preparing { prompt, .. } | State::Playing { prompt, .. } if prompt == which => {
                self.state = State::Silent;
                Some(Heard::Failed { reason })
            }
            _ => None,
        }
    }

    pub(crate) fn time_passed(&mut self, cx: &mut Context, leg: LegId) -> Option<Heard> {
        if self.deadline()? > cx.now.mono {
            return None;
        }
        let was_playing = matches!(self.state, State::Playing { .. });
        self.stop(cx, leg);
        Some(if was_playing {
            Heard::Whole
        } else {
            Heard::Failed { reason: "the prompt was not ready in time".to_owned() }
        })
    }

    pub(crate) fn deadline(&self) -> Option<Mono> {
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
