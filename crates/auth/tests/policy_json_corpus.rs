//! The fuzz target's checks over its saved corpus, so that no fuzzer is needed to find a relapse.

#[path = "../../../fuzz/fuzz_targets/policy_json/checks.rs"]
mod checks;

use proptest::prelude::*;

#[test]
fn every_saved_policy_passes() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/policy_json");
    let seeds: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(seeds.len() >= 10, "{corpus} is incomplete");
    for seed in seeds {
        let input = std::fs::read(&seed).unwrap();
        checks::check(&input);
        for at in (0..input.len()).step_by(7) {
            checks::check(&input[..at]);
            let mut damaged = input.clone();
            damaged[at] ^= 0x1f;
            checks::check(&damaged);
        }
    }
}

proptest! {
    #[test]
    fn policies_put_together_at_random_pass(
        effect in "Allow|Deny",
        not_action in any::<bool>(),
        action in "\\*|kinesisvideo:[A-Za-z*?]{1,8}|kms:\\*",
        resource in "\\*|arn:aws:[a-z*?]{1,5}:[a-z:/*?-]{0,12}",
        operator in "StringEquals|StringNotLike|StringLikeIfExists|IpAddress|Null|DateLessThan|Bool",
        key in "aws:ResourceTag/team|aws:SourceIp|aws:username|aws:CurrentTime|aws:SecureTransport",
        value in "care|true|10\\.0\\.0\\.0/8|2024-01-26|[a-z*?]{0,4}",
    ) {
        let action_element = if not_action { "NotAction" } else { "Action" };
        let text = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": effect, action_element: action, "Resource": [resource],
                "Condition": { operator: { key: value } },
            }],
        });
        checks::check(text.to_string().as_bytes());
    }
}
