use super::*;
use proptest::prelude::*;
use serde_json::json;
use tympan_types::WallTime;

const ID: InvocationId = InvocationId::new(3);

struct Rig {
    now: Now,
    invocation: Invocation,
    effects: VecDeque<Effect>,
}

impl Rig {
    fn new(limit_ms: u32) -> Self {
        Self::of(limit_ms, true)
    }

    fn unawaited(limit_ms: u32) -> Self {
        Self::of(limit_ms, false)
    }

    fn of(limit_ms: u32, is_awaited: bool) -> Self {
        let now = Now { mono: Mono::from_millis(1_000), wall: WallTime::from_unix_ms(0) };
        let mut effects = VecDeque::new();
        let event = Redacted::new(json!({ "a": 1 }).to_string().into_bytes().into());
        let invoked = Invoked { id: ID, function_arn: "arn:f".to_owned(), event, is_awaited };
        let invocation = Invocation::begin(now, invoked, limit_ms, &mut effects);
        Self { now, invocation, effects }
    }

    fn after_ms(&mut self, ms: i64) -> &mut Self {
        self.now = self.now.plus_ms(ms);
        self
    }

    /// The attempt that was made, and its limit.
    fn made(&mut self) -> Option<(u32, u32)> {
        match self.effects.pop_front()? {
            Effect::Invoke { invocation: ID, attempt, function_arn, event, limit_ms, is_awaited } => {
                assert_eq!(is_awaited, self.invocation.invoked.is_awaited);
                assert_eq!((function_arn.as_str(), &event.expose()[..]), ("arn:f", &b"{\"a\":1}"[..]));
                Some((attempt, limit_ms))
            }
            other => panic!("{other:?}"),
        }
    }

    fn returns(&mut self, attempt: u32, body: &[u8]) -> Option<Outcome> {
        let result = Ok(Redacted::new(body.to_vec()));
        self.invocation.attempted(self.now, ID, attempt, result, &mut self.effects)
    }

    fn fails(&mut self, attempt: u32, error: AttemptError) -> Option<Outcome> {
        self.invocation.attempted(self.now, ID, attempt, Err(error), &mut self.effects)
    }
}

fn transient() -> AttemptError {
    AttemptError::Transient { reason: "the endpoint answered 500".to_owned() }
}

fn failed(reason: &str) -> Option<Outcome> {
    Some(Err(reason.to_owned()))
}

#[test]
fn a_function_that_is_not_waited_for_may_take_a_minute_and_answer_anything() {
    let mut rig = Rig::unawaited(100_000);
    assert_eq!(rig.made(), Some((1, 60_000)));
    assert_eq!(rig.fails(1, transient()), None);
    assert_eq!(rig.after_ms(1_000).made(), Some((2, 60_000)));
    assert_eq!(rig.returns(2, b"no JSON"), Some(Ok(Value::Null)));
    let mut rig = Rig::new(100_000);
    assert_eq!(rig.made(), Some((1, 8_000)));
}

#[test]
fn a_transient_error_is_tried_again_at_once_within_what_is_left_of_the_blocks_limit() {
    let mut rig = Rig::new(3_000);
    assert_eq!(rig.made(), Some((1, 3_000)));
    assert_eq!(rig.after_ms(1_200).fails(1, transient()), None);
    assert_eq!(rig.made(), Some((2, 1_800)));
    assert_eq!(rig.invocation.deadline(), Mono::from_millis(4_000));
    assert_eq!(rig.after_ms(100).returns(2, b"{\"b\":2}"), Some(Ok(json!({ "b": 2 }))));
}

#[test]
fn three_attempts_are_made_in_all() {
    let mut rig = Rig::new(8_000);
    assert_eq!(rig.fails(1, transient()), None);
    assert_eq!(rig.fails(2, transient()), None);
    assert_eq!(rig.fails(3, transient()), failed("the endpoint answered 500"));
    assert_eq!(std::iter::from_fn(|| rig.made()).map(|(attempt, _)| attempt).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_refusal_and_an_attempt_that_took_too_long_are_not_tried_again() {
    let refused = AttemptError::Refused { reason: "the endpoint answered 403".to_owned() };
    assert_eq!(Rig::new(3_000).fails(1, refused), failed("the endpoint answered 403"));
    let late = AttemptError::TimedOut { limit_ms: 3_000 };
    assert_eq!(Rig::new(3_000).fails(1, late), failed("the function did not answer within 3000 ms"));
}

#[test]
fn the_deadline_ends_it_whatever_is_under_way() {
    let mut rig = Rig::new(3_000);
    rig.made();
    rig.after_ms(2_999);
    assert_eq!(rig.invocation.time_passed(rig.now), None);
    rig.after_ms(1);
    let outcome = rig.invocation.time_passed(rig.now);
    assert_eq!(outcome, failed("the function did not answer within the block's time limit"));
    // No attempt begins at the deadline.
    assert_eq!(rig.fails(1, transient()), failed("the endpoint answered 500"));
    assert_eq!(rig.made(), None);
}

#[test]
fn eight_seconds_are_the_most_whatever_the_block_says() {
    let mut rig = Rig::new(60_000);
    assert_eq!(rig.made(), Some((1, 8_000)));
    assert_eq!(rig.invocation.deadline(), Mono::from_millis(9_000));
}

#[test]
fn an_answer_of_another_attempt_or_invocation_changes_nothing() {
    let mut rig = Rig::new(3_000);
    assert_eq!(rig.fails(1, transient()), None);
    assert_eq!(rig.returns(1, b"{}"), None, "attempt 2 is under way");
    let other = rig.invocation.attempted(
        rig.now,
        InvocationId::new(2),
        2,
        Ok(Redacted::new(b"{}".to_vec())),
        &mut rig.effects,
    );
    assert_eq!(other, None);
    assert_eq!(rig.returns(2, b"{}"), Some(Ok(json!({}))));
}

#[test]
fn an_answer_that_is_no_json_or_too_large_fails() {
    assert!(matches!(Rig::new(3_000).returns(1, b"no"), Some(Err(reason)) if reason.contains("not JSON")));
    let huge = vec![b' '; 40_000];
    assert!(matches!(Rig::new(3_000).returns(1, &huge), Some(Err(reason)) if reason.contains("40000 bytes")));
}

/// What an attempt comes to, and after how long.
#[derive(Debug, Clone)]
enum Comes {
    Transient,
    Refused,
    TimedOut,
    Answer,
    /// The end of an attempt that is not under way.
    Stranger,
}

fn comes() -> impl Strategy<Value = (Comes, i64)> {
    let what = prop_oneof![
        4 => Just(Comes::Transient),
        1 => Just(Comes::Refused),
        1 => Just(Comes::TimedOut),
        1 => Just(Comes::Answer),
        2 => Just(Comes::Stranger),
    ];
    (what, 0i64..5_000)
}

proptest! {
    /// At most three attempts, one after the other, none longer than what is left of the limit, and one outcome that comes by the limit.
    #[test]
    fn whatever_attempts_come_to_there_is_one_outcome_within_the_limit(
        limit_ms in 1u32..20_000,
        history in prop::collection::vec(comes(), 0..12),
    ) {
        let mut rig = Rig::new(limit_ms);
        let began = rig.now.mono;
        let allowed_ms = i64::from(limit_ms.min(LIMIT_MS));
        let (mut made, mut outcome) = (1, None);
        prop_assert_eq!(rig.made(), Some((1, limit_ms.min(LIMIT_MS))));
        for (what, after_ms) in history {
            rig.after_ms(after_ms);
            outcome = rig.invocation.time_passed(rig.now);
            if outcome.is_some() {
                break;
            }
            let reason = "no".to_owned();
            outcome = match what {
                Comes::Transient => rig.fails(made, transient()),
                Comes::Refused => rig.fails(made, AttemptError::Refused { reason }),
                Comes::TimedOut => rig.fails(made, AttemptError::TimedOut { limit_ms }),
                Comes::Answer => rig.returns(made, b"{}"),
                Comes::Stranger => rig.returns(made + 1, b"{}"),
            };
            match rig.made() {
                Some((attempt, left_ms)) => {
                    prop_assert!(matches!(what, Comes::Transient) && outcome.is_none());
                    prop_assert_eq!(attempt, made + 1);
                    prop_assert!(attempt <= ATTEMPTS_MAX);
                    prop_assert_eq!(i64::from(left_ms), allowed_ms - rig.now.mono.ms_since(began));
                    made = attempt;
                }
                None => prop_assert_eq!(outcome.is_none(), matches!(what, Comes::Stranger)),
            }
            if outcome.is_some() {
                break;
            }
        }
        prop_assert_eq!(rig.effects.len(), 0);
        if outcome.is_none() {
            prop_assert_eq!(rig.invocation.deadline().ms_since(began), allowed_ms);
            rig.now = rig.now.plus_ms(i64::from(LIMIT_MS));
            prop_assert!(matches!(rig.invocation.time_passed(rig.now), Some(Err(_))));
        }
    }
}
