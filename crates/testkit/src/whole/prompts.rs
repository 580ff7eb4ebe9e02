//! Prompts of known sound: each playing of one has a value of its own, so that what is heard tells which one it is.

use std::sync::LazyLock;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::words::Sound;
use tympan_types::PromptId;

/// The sound of a prompt with this text.
pub(crate) fn sound(prompt: PromptId, text: &str) -> Sound {
    let ms = 250 * (text.split_whitespace().count().clamp(1, 12));
    Sound::new(vec![value(prompt); 8 * ms])
}

/// Which prompt a code stands for; `None`: silence, or no prompt of ours.
pub(crate) fn heard(law: Law, code: u8) -> Option<usize> {
    let (mu, a) = &*CODES;
    let table = match law {
        Law::Mu => mu,
        Law::A => a,
    };
    usize::from(table[usize::from(code)]).checked_sub(1)
}

/// The place of a prompt among the values: prompts of one call have different ones until they come around.
pub(crate) fn place(prompt: PromptId) -> usize {
    usize::try_from(prompt.number()).unwrap_or_default() % VALUES.len()
}

/// Whether a sample is of a prompt, or of the silence behind one, as a telephone of either law hears it.
pub(crate) fn is_known(sample: i16) -> bool {
    [Law::Mu, Law::A].into_iter().any(|law| {
        let code = law.encode(sample);
        law.decode(code) == sample && (code == law.silence() || heard(law, code).is_some())
    })
}

fn value(prompt: PromptId) -> i16 {
    VALUES[place(prompt)]
}

/// Values that have a code of their own in both laws, and are not silence.
static VALUES: LazyLock<Vec<i16>> = LazyLock::new(|| {
    let (mut values, mut seen) = (Vec::new(), [false; 256]);
    for code in (0..=255_u8).step_by(2) {
        let value = Law::Mu.decode(code);
        let other = usize::from(Law::A.encode(value));
        if value.unsigned_abs() > 200 && !seen[other] {
            seen[other] = true;
            values.push(value);
        }
    }
    values
});

/// By code: the place of its value plus one, or 0.
static CODES: LazyLock<([u8; 256], [u8; 256])> = LazyLock::new(|| {
    let (mut mu, mut a) = ([0; 256], [0; 256]);
    for (number, value) in (1..=u8::MAX).zip(VALUES.iter()) {
        mu[usize::from(Law::Mu.encode(*value))] = number;
        a[usize::from(Law::A.encode(*value))] = number;
    }
    (mu, a)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_prompt_is_known_by_its_code_in_both_laws() {
        assert!((50..255).contains(&VALUES.len()), "{}", VALUES.len());
        for number in 0..VALUES.len() as u64 {
            let prompt = PromptId::new(number);
            let sound = sound(prompt, "a b");
            assert_eq!(sound.duration_ms(), 500);
            for law in [Law::Mu, Law::A] {
                assert_eq!(heard(law, law.encode(sound.samples().nth(9).unwrap())), Some(place(prompt)));
                assert_eq!(heard(law, law.silence()), None);
            }
        }
    }
}
