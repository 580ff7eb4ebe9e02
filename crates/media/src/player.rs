//! The prompts of a leg, one after the other.

use std::collections::VecDeque;
use tympan_telephony::words::{Sound, SoundReader};
use tympan_types::PromptId;

/// Prompts of a leg that may wait. A flow plays one after the other; a bot or an API that adds without an end gets here.
pub const PROMPTS_MAX: usize = 16;

/// Plays the prompts of one leg.
#[derive(Debug, Default)]
pub(crate) struct Player {
    queue: VecDeque<Playing>,
    /// The last frame that was given.
    frame: Vec<i16>,
}

#[derive(Debug)]
struct Playing {
    prompt: PromptId,
    sound: SoundReader,
}

impl Player {
    /// Adds a prompt after those that wait; false where there is no room.
    pub(crate) fn play(&mut self, prompt: PromptId, sound: Sound) -> bool {
        if self.queue.len() == PROMPTS_MAX {
            return false;
        }
        self.queue.push_back(Playing { prompt, sound: SoundReader::new(sound) });
        true
    }

    /// Takes out one prompt and touches no other.
    pub(crate) fn stop(&mut self, prompt: PromptId) {
        self.queue.retain(|playing| playing.prompt != prompt);
    }

    /// The next `samples` of the prompt that plays, fewer at its end; and the prompt, where that was its last.
    ///
    /// A prompt begins with a frame of its own: what is left of the last frame of the one before is silence.
    pub(crate) fn next(&mut self, samples: usize) -> Option<Played<'_>> {
        let playing = self.queue.front_mut()?;
        self.frame.clear();
        playing.sound.read(samples, &mut self.frame);
        let finished = playing.sound.is_over().then_some(playing.prompt);
        Some(Played { samples: &self.frame, finished })
    }

    /// Takes out the prompt that plays.
    pub(crate) fn finish(&mut self) {
        self.queue.pop_front();
    }
}

/// A frame of a prompt.
#[derive(Debug)]
pub(crate) struct Played<'a> {
    pub(crate) samples: &'a [i16],
    /// The prompt, whose last frame this is.
    pub(crate) finished: Option<PromptId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_telephony::words::SoundPart;

    fn prompt(number: u64) -> PromptId {
        PromptId::new(number)
    }

    /// What is played in frames of 4 samples, and which prompts ended with which frame.
    fn play_out(player: &mut Player) -> (Vec<Vec<i16>>, Vec<(usize, PromptId)>) {
        let (mut frames, mut finished) = (Vec::new(), Vec::new());
        while let Some(played) = player.next(4) {
            let over = played.finished;
            frames.push(played.samples.to_vec());
            if let Some(prompt) = over {
                finished.push((frames.len(), prompt));
                player.finish();
            }
        }
        (frames, finished)
    }

    #[test]
    fn prompts_play_in_their_order_each_to_its_last_sample() {
        let mut player = Player::default();
        assert!(
            player.play(prompt(1), Sound::new(vec![1; 6])) && player.play(prompt(2), Sound::new(vec![2; 4]))
        );
        let (frames, finished) = play_out(&mut player);
        assert_eq!(frames, [vec![1; 4], vec![1; 2], vec![2; 4]]);
        assert_eq!(finished, [(2, prompt(1)), (3, prompt(2))]);
    }

    #[test]
    fn a_prompt_without_a_sample_ends_with_one_frame() {
        let mut player = Player::default();
        player.play(prompt(1), Sound::silence(0));
        assert_eq!(play_out(&mut player), (vec![vec![]], vec![(1, prompt(1))]));
    }

    #[test]
    fn speech_and_silence_of_a_prompt_follow_each_other_without_a_seam() {
        let mut player = Player::default();
        let speech = |value| SoundPart::Samples(vec![value; 3].into());
        player.play(prompt(1), Sound::of([speech(1), SoundPart::Silence { samples: 2 }, speech(2)]));
        assert_eq!(play_out(&mut player).0, [vec![1, 1, 1, 0], vec![0, 2, 2, 2]]);
    }

    #[test]
    fn stopping_a_prompt_touches_no_other() {
        for (stopped, left) in [(1, vec![2, 3]), (2, vec![1, 3]), (3, vec![1, 2]), (9, vec![1, 2, 3])] {
            let mut player = Player::default();
            for number in 1..=3 {
                player.play(prompt(number), Sound::new(vec![0; 8]));
            }
            player.next(4);
            player.stop(prompt(stopped));
            let (_, finished) = play_out(&mut player);
            let finished: Vec<u64> = finished.iter().map(|(_, prompt)| prompt.number()).collect();
            assert_eq!(finished, left, "prompt {stopped} was stopped");
        }
    }

    #[test]
    fn so_many_prompts_wait_and_no_more() {
        let mut player = Player::default();
        let taken = (0..100).filter(|number| player.play(prompt(*number), Sound::silence(20))).count();
        assert_eq!(taken, PROMPTS_MAX);
    }
}
