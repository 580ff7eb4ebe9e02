use crate::Effect;
use crate::context::Context;
use tympan_flow::{Prompt, ResourceRef};
use tympan_telephony::words::{MediaCommand, Sound};
use tympan_types::{LegId, Mono, PromptId};

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
    Playing { prompt: PromptId, deadline: Mono, sound: Sound },
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

    /// Whether this prompt plays, or is being prepared.
    pub(crate) fn plays(&self, which: Option<PromptId>) -> bool {
        match self.state {
            State::Silent => false,
            State::Preparing { prompt, .. } | State::Playing { prompt, .. } => which == Some(prompt),
        }
    }

    pub(crate) fn start(&mut self, cx: &mut Context, leg: LegId, content: Prompt) -> PromptId {
        self.stop(cx, leg);
        let prompt = cx.next_prompt();
        self.state = State::Preparing { prompt, deadline: cx.in_ms(cx.options.prompt_limit_ms) };
        let details = &cx.contact.details;
        let (voice, language) = (details.voice.clone(), details.language_code.clone());
        let recording = match &content {
            Prompt::Audio { id, name } => {
                let named = ResourceRef { id: id.clone(), name: name.clone() };
                cx.instance.prompt(cx.contact.instance.id, &named)
            }
            Prompt::Text(_) | Prompt::Ssml(_) => None,
        };
        cx.emit(Effect::Prepare { prompt, content, voice, recording, language });
        prompt
    }

    /// Plays a sound that is there already.
    pub(crate) fn start_sound(&mut self, cx: &mut Context, leg: LegId, sound: Sound) {
        self.stop(cx, leg);
        let prompt = cx.next_prompt();
        self.state = State::Preparing { prompt, deadline: cx.in_ms(cx.options.prompt_limit_ms) };
        self.prepared(cx, leg, prompt, sound);
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
                self.state = State::Playing { prompt, deadline, sound: sound.clone() };
                cx.emit(Effect::Media { leg, command: MediaCommand::Play { prompt, sound } });
                true
            }
            _ => false,
        }
    }

    /// The participant hears on another leg from here on: what plays begins there again.
    pub(crate) fn moves(&mut self, cx: &mut Context, from: LegId, to: LegId) {
        if let State::Playing { prompt, deadline, sound } = &mut self.state {
            let (prompt, sound) = (*prompt, sound.clone());
            *deadline = cx.now.mono.plus_ms(sound.duration_ms()).plus_ms(Self::GRACE_MS);
            cx.emit(Effect::Media { leg: from, command: MediaCommand::Stop { prompt } });
            cx.emit(Effect::Media { leg: to, command: MediaCommand::Play { prompt, sound } });
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
    use crate::ContactOptions;
    use crate::fixtures::contact;
    use crate::tests::rig::{LEG, began, no_settings};

    struct Rig {
        cx: Context,
        player: PromptPlayer,
    }

    impl Rig {
        fn silent() -> Self {
            let cx = Context::new(began(), contact(), no_settings(), ContactOptions::default());
            Self { cx, player: PromptPlayer::default() }
        }

        fn preparing() -> (Self, PromptId) {
            let mut rig = Self::silent();
            let prompt = rig.starts();
            (rig, prompt)
        }

        fn playing() -> (Self, PromptId) {
            let (mut rig, prompt) = Self::preparing();
            assert!(rig.prepared(prompt));
            assert!(matches!(
                rig.done().as_slice(),
                [Effect::Media { leg: LEG, command: MediaCommand::Play { prompt: played, .. } }] if *played == prompt
            ));
            (rig, prompt)
        }

        fn starts(&mut self) -> PromptId {
            self.player.start(&mut self.cx, LEG, Prompt::Text("hello".to_owned()));
            match self.cx.effects.pop_back() {
                Some(Effect::Prepare { prompt, .. }) => prompt,
                other => panic!("{other:?}"),
            }
        }

        fn prepared(&mut self, prompt: PromptId) -> bool {
            self.player.prepared(&mut self.cx, LEG, prompt, Sound::silence(1_000))
        }

        fn after_ms(&mut self, ms: i64) -> Option<Heard> {
            self.cx.now = self.cx.now.plus_ms(ms);
            self.player.time_passed(&mut self.cx, LEG)
        }

        fn done(&mut self) -> Vec<Effect> {
            self.cx.effects.drain(..).collect()
        }

        fn is_stopped(&mut self, which: PromptId) -> bool {
            matches!(
                self.done().as_slice(),
                [Effect::Media { leg: LEG, command: MediaCommand::Stop { prompt } }] if *prompt == which
            )
        }
    }

    fn failed(reason: &str) -> Option<Heard> {
        Some(Heard::Failed { reason: reason.to_owned() })
    }

    #[test]
    fn a_prompt_is_prepared_played_and_heard() {
        let (mut rig, prompt) = Rig::playing();
        assert_eq!(rig.player.finished(prompt), Some(Heard::Whole));
        assert_eq!((rig.player.deadline(), rig.player.finished(prompt)), (None, None), "once");
    }

    #[test]
    fn one_that_cannot_be_prepared_or_breaks_while_it_plays_has_failed() {
        for (mut rig, prompt) in [Rig::preparing(), Rig::playing()] {
            assert_eq!(rig.player.failed(prompt, "no voice".to_owned()), failed("no voice"));
            assert_eq!(rig.player.deadline(), None);
        }
    }

    #[test]
    fn one_that_is_not_ready_in_time_has_failed_and_is_not_played_later() {
        let (mut rig, prompt) = Rig::preparing();
        assert_eq!(rig.after_ms(9_999), None);
        assert_eq!(rig.after_ms(1), failed("the prompt was not ready in time"));
        assert!(!rig.prepared(prompt) && rig.done().is_empty());
    }

    #[test]
    fn one_whose_end_is_not_reported_is_stopped_and_counts_as_heard() {
        let (mut rig, prompt) = Rig::playing();
        assert_eq!(rig.after_ms(5_999), None);
        assert_eq!(rig.after_ms(1), Some(Heard::Whole));
        assert!(rig.is_stopped(prompt));
    }

    #[test]
    fn a_prompt_takes_the_place_of_the_one_before_it() {
        let (mut rig, first) = Rig::preparing();
        let second = rig.starts();
        assert!(rig.done().is_empty(), "nothing played yet");
        assert!(!rig.prepared(first) && rig.prepared(second));
        let third = rig.starts();
        assert!(rig.cx.effects.iter().any(|effect| matches!(
            effect,
            Effect::Media { command: MediaCommand::Stop { prompt }, .. } if *prompt == second
        )));
        assert_eq!((rig.player.finished(second), rig.player.failed(first, String::new())), (None, None));
        assert!(rig.prepared(third));
    }

    #[test]
    fn what_is_silenced_reports_nothing() {
        let (mut rig, prompt) = Rig::playing();
        rig.player.stop(&mut rig.cx, LEG);
        assert!(rig.is_stopped(prompt));
        assert_eq!((rig.player.finished(prompt), rig.after_ms(60_000)), (None, None));
        let (mut rig, _) = Rig::preparing();
        rig.player.stop(&mut rig.cx, LEG);
        assert!(rig.done().is_empty(), "it does not play");
        let mut rig = Rig::silent();
        rig.player.stop(&mut rig.cx, LEG);
        assert!(rig.done().is_empty() && !rig.prepared(PromptId::new(1)));
    }
}
