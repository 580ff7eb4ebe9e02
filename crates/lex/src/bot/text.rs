//! Words out of what was said, and how much of a sample utterance is in them.

/// The words of a text, in lower case; an apostrophe joins.
pub(super) fn words(text: &str) -> Vec<String> {
    let kept = text.chars().filter(|letter| !matches!(letter, '\'' | '\u{2019}'));
    let spaced: String = kept.map(|letter| if letter.is_alphanumeric() { letter } else { ' ' }).collect();
    spaced.to_lowercase().split_whitespace().take(WORDS_MAX).map(str::to_owned).collect()
}

/// How well `said` fits a sample of these words, from 0 to 1: three quarters are how much of the sample was said, and one
/// quarter how much of what was said is in the sample.
pub(super) fn score(sample: &[String], said: &[String]) -> f64 {
    if sample.is_empty() || said.is_empty() {
        return 0.0;
    }
    let share = |of: &[String], within: &[String]| {
        let found = of.iter().filter(|word| within.contains(word)).count();
        ratio(found, of.len())
    };
    let covered = share(sample, said);
    if covered == 0.0 { 0.0 } else { 0.75 * covered + 0.25 * share(said, sample) }
}

fn ratio(part: usize, whole: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    number(part) / number(whole)
}

/// More words than 1,024 characters have.
const WORDS_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lower_case_and_without_marks() {
        assert_eq!(words("What's  my ORDER, please?"), ["whats", "my", "order", "please"]);
        assert_eq!(words("  ...  "), Vec::<String>::new());
    }

    #[test]
    fn all_words_of_a_sample_make_a_match_and_half_of_them_a_weaker_one() {
        let fits = |sample: &str, said: &str| score(&words(sample), &words(said));
        assert_eq!(fits("track order", "Track order!"), 1.0);
        assert!(fits("track order", "I would like to track my order please") > 0.75);
        assert!(fits("track order", "order a pizza") < 0.6);
        assert_eq!(fits("track order", "goodbye"), 0.0);
        assert_eq!(fits("track order", ""), 0.0);
    }
}
