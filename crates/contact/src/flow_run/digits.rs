use tympan_flow::{CollectSpec, CollectedInput};
use tympan_telephony::Digit;
use tympan_types::Mono;

/// Collects the digits of one input block.
///
/// The time for the first digit runs from the end of the prompt; a digit may come earlier and interrupts it.
pub(crate) struct Digits {
    spec: CollectSpec,
    entered: String,
    deadline: Option<Mono>,
}

impl Digits {
    pub(crate) fn new(spec: CollectSpec) -> Self {
        Self { spec, entered: String::new(), deadline: None }
    }

    /// The caller has heard the prompt, or there is none.
    pub(crate) fn prompt_over(&mut self, now: Mono) {
        if self.deadline.is_none() {
            self.deadline = Some(now.plus_ms(self.spec.first_digit_timeout_ms.into()));
        }
    }

    /// A key of a customer's telephone; gives the input when it is complete.
    pub(crate) fn press(&mut self, now: Mono, digit: Digit) -> Option<CollectedInput> {
        let key = digit.as_char();
        if self.spec.cancel_key && key == '*' {
            self.entered.clear();
            self.deadline = Some(now.plus_ms(self.spec.first_digit_timeout_ms.into()));
            return None;
        }
        self.entered.push(key);
        self.deadline = Some(now.plus_ms(self.spec.interdigit_timeout_ms.into()));
        let terminator = self.spec.terminator.as_deref().filter(|keys| !keys.is_empty());
        if let Some(input) = terminator.and_then(|keys| self.entered.strip_suffix(keys)) {
            return Some(CollectedInput::Digits(input.to_owned()));
        }
        // Every entered key is one ASCII character.
        (self.entered.len() >= usize::from(self.spec.max_digits))
            .then(|| CollectedInput::Digits(std::mem::take(&mut self.entered)))
    }

    /// The deadline has passed: what was entered is the input.
    pub(crate) fn time_is_up(&mut self) -> CollectedInput {
        match std::mem::take(&mut self.entered) {
            nothing if nothing.is_empty() => CollectedInput::TimedOut,
            digits => CollectedInput::Digits(digits),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Mono> {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spec(max_digits: u16, terminator: Option<&str>) -> CollectSpec {
        CollectSpec {
            first_digit_timeout_ms: 5_000,
            interdigit_timeout_ms: 2_000,
            max_digits,
            terminator: terminator.map(str::to_owned),
            cancel_key: true,
        }
    }

    fn at(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    fn press(digits: &mut Digits, keys: &str) -> Option<CollectedInput> {
        let mut input = None;
        for key in keys.chars() {
            assert_eq!(input, None, "before {key}");
            input = digits.press(at(0), Digit::from_char(key).unwrap());
        }
        input
    }

    fn entered(digits: &str) -> Option<CollectedInput> {
        Some(CollectedInput::Digits(digits.to_owned()))
    }

    #[test]
    fn a_menu_takes_one_digit_at_once() {
        assert_eq!(press(&mut Digits::new(spec(1, None)), "7"), entered("7"));
        assert_eq!(press(&mut Digits::new(spec(1, None)), "#"), entered("#"));
    }

    #[test]
    fn the_terminator_ends_the_input_and_is_not_part_of_it() {
        assert_eq!(press(&mut Digits::new(spec(20, Some("#"))), "1234#"), entered("1234"));
        assert_eq!(press(&mut Digits::new(spec(20, Some("##"))), "1#2##"), entered("1#2"));
        assert_eq!(press(&mut Digits::new(spec(20, Some("#"))), "#"), entered(""));
        assert_eq!(press(&mut Digits::new(spec(3, Some("#"))), "123"), entered("123"));
    }

    #[test]
    fn the_cancel_key_starts_over() {
        assert_eq!(press(&mut Digits::new(spec(4, Some("#"))), "12*34#"), entered("34"));
        let mut digits = Digits::new(CollectSpec { cancel_key: false, ..spec(4, Some("#")) });
        assert_eq!(press(&mut digits, "1*#"), entered("1*"));
    }

    proptest! {
        /// Whatever is typed: what is given has no cancel key and no terminator, is no longer than was asked for, and is what was typed
        /// since the last cancel key.
        #[test]
        fn an_input_is_what_was_typed_since_the_last_cancel_key(
            keys in "[0-9*#]{0,40}",
            max_digits in 1u16..12,
            terminator in prop::option::of(prop_oneof![Just("#"), Just("##"), Just("9#"), Just("")]),
            cancel_key in any::<bool>(),
        ) {
            let mut digits = Digits::new(CollectSpec { cancel_key, ..spec(max_digits, terminator) });
            let ends = terminator.filter(|keys| !keys.is_empty());
            let mut typed = String::new();
            for key in keys.chars() {
                let input = digits.press(at(0), Digit::from_char(key).unwrap());
                if cancel_key && key == '*' {
                    typed.clear();
                    prop_assert_eq!(input, None);
                    prop_assert_eq!(digits.deadline(), Some(at(5_000)), "it begins anew");
                    continue;
                }
                typed.push(key);
                prop_assert_eq!(digits.deadline(), Some(at(2_000)));
                let is_ended = ends.is_some_and(|ends| typed.ends_with(ends));
                let is_full = typed.len() == usize::from(max_digits);
                match input {
                    None => prop_assert!(!is_ended && !is_full),
                    Some(CollectedInput::Digits(input)) => {
                        prop_assert!(is_ended || is_full);
                        let expected = if is_ended { &typed[..typed.len() - ends.unwrap().len()] } else { &typed };
                        prop_assert_eq!(input, expected);
                        return Ok(());
                    }
                    Some(other) => panic!("{other:?}"),
                }
            }
            let left = digits.time_is_up();
            let expected =
                if typed.is_empty() { CollectedInput::TimedOut } else { CollectedInput::Digits(typed) };
            prop_assert_eq!(left, expected);
        }
    }

    #[test]
    fn a_prompt_that_ends_after_a_key_gives_no_more_time_for_the_first_one() {
        let mut digits = Digits::new(spec(4, None));
        digits.press(at(1_000), Digit::from_char('1').unwrap());
        digits.prompt_over(at(1_500));
        assert_eq!(digits.deadline(), Some(at(3_000)));
    }

    #[test]
    fn time_runs_from_the_end_of_the_prompt_and_anew_from_each_digit() {
        let mut digits = Digits::new(spec(4, None));
        assert_eq!(digits.deadline(), None);
        digits.prompt_over(at(1_000));
        assert_eq!(digits.deadline(), Some(at(6_000)));
        digits.press(at(3_000), Digit::from_char('1').unwrap());
        assert_eq!(digits.deadline(), Some(at(5_000)));
        assert_eq!(digits.time_is_up(), CollectedInput::Digits("1".to_owned()));
        assert_eq!(Digits::new(spec(4, None)).time_is_up(), CollectedInput::TimedOut);
    }
}
