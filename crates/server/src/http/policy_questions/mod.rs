//! Random policies and random spellings, through everything that lies behind a signature, against a slow evaluator that is
//! given the canonical ids.
//!
//! A million of them: `TYMPAN_POLICY_QUESTIONS=1000000 cargo nextest run --release -p tympan-server -E
//! 'test(policy_questions)'`; `TYMPAN_POLICY_SEED` repeats a run.

mod random;
mod services;
mod spelling;
mod world;

use random::Random;
pub(super) use services::{services, verified};
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_auth::Permissions;
use tympan_auth::reference::{self, Asker, Condition, Policy, Statement, TagTest};
use world::Question;
pub(super) use world::World;

/// How many questions are asked of one set of policies.
const OF_ONE_POLICY: usize = 8;

fn questions() -> usize {
    std::env::var("TYMPAN_POLICY_QUESTIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(4_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_means_the_same_however_a_request_spells_its_resources() {
    let world = World::new().await;
    let mut random = Random::new();
    let resources = world.resources();
    let mut tally: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut asked = 0;
    while asked < questions() {
        let focus = world.question(&mut random);
        let layers = layers(&mut random, &focus, &resources);
        let permissions = permissions(&layers);
        for turn in 0..OF_ONE_POLICY {
            let question = if turn == 0 { focus.clone() } else { world.question(&mut random) };
            let asker = asker(&mut random);
            let outcome = check(&world, &layers, permissions.clone(), &question, &asker).await;
            *tally.entry((question.service, outcome)).or_default() += 1;
            asked += 1;
        }
    }
    eprintln!("{asked} questions: {tally:?}");
    for service in ["kinesisvideo", "connect", "kms", "sts", "tympan"] {
        let of = |outcome| tally.get(&(service, outcome)).copied().unwrap_or_default();
        let all = of("denied") + of("allowed") + of("found");
        for outcome in ["denied", "allowed", "found"] {
            // Roles that are not there are denied.
            let is_never = (service, outcome) == ("sts", "allowed");
            assert!(is_never || of(outcome) * 50 > all, "{service}: {outcome} too seldom: {tally:?}");
        }
    }
}

/// Asks, and compares what is answered with what the reference says.
async fn check(
    world: &World,
    layers: &[Vec<Policy>],
    permissions: Permissions,
    question: &Question,
    asker: &Asker,
) -> &'static str {
    let is_allowed = question.wishes.iter().all(|wish| match question.needs_no_allow {
        true => question.found.is_some() && !reference::denies(layers, asker, wish),
        false => reference::allows(layers, asker, wish),
    });
    let answer = world.ask(question, asker, permissions).await;
    let told = || format!("{question:#?}\n{asker:?}\n{layers:#?}\n{answer:?}");
    assert_eq!(!answer.is_denial(), is_allowed, "{}", told());
    match &question.found {
        _ if !is_allowed => "denied",
        Some(shown) => {
            assert_eq!(answer.status, 200, "{}", told());
            assert!(shown.iter().all(|id| answer.text.contains(id)), "{}", told());
            "found"
        }
        None => "allowed",
    }
}

fn permissions(layers: &[Vec<Policy>]) -> Permissions {
    let read = |policies: &Vec<Policy>| {
        let one = |policy: &Policy| {
            let text = policy.to_json();
            Arc::new(tympan_auth::Policy::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}")))
        };
        policies.iter().map(one).collect()
    };
    let permissions = Permissions::new(read(&layers[0]));
    match layers.get(1) {
        Some(session) => permissions.narrowed(read(session)),
        None => permissions,
    }
}

fn asker(random: &mut Random) -> Asker {
    let mut byte = || u8::try_from(random.below(256)).unwrap_or_default();
    // An address that keeps failing is slowed down: each question comes from another one.
    let (third, fourth) = (byte(), byte());
    Asker {
        user: random.one_of(&["reader", "writer"]).to_string(),
        address: Some([*random.one_of(&[10, 192]), 0, third, fourth].into()),
        secure: random.percent(50),
        ..Asker::default()
    }
}

/// The policies of a user, and sometimes those that a session is narrowed with.
fn layers(random: &mut Random, focus: &Question, resources: &[String]) -> Vec<Vec<Policy>> {
    let layers = if random.percent(25) { 2 } else { 1 };
    (0..layers).map(|_| layer(random, focus, resources)).collect()
}

fn layer(random: &mut Random, focus: &Question, resources: &[String]) -> Vec<Policy> {
    let mut policies = Vec::new();
    if random.percent(60) {
        let all = vec!["*".to_owned()];
        let statement = Statement {
            allows: true,
            actions: all.clone(),
            not_actions: false,
            resources: all,
            not_resources: false,
            conditions: Vec::new(),
        };
        policies.push(Policy(vec![statement]));
    }
    for _ in 0..1 + random.below(2) {
        let statements = 1 + random.below(3);
        policies.push(Policy((0..statements).map(|_| statement(random, focus, resources)).collect()));
    }
    policies
}

fn statement(random: &mut Random, focus: &Question, resources: &[String]) -> Statement {
    let wish = random.one_of(&focus.wishes).clone();
    let some = |random: &mut Random, one: &dyn Fn(&mut Random) -> String| -> Vec<String> {
        (0..1 + random.below(2)).map(|_| one(random)).collect()
    };
    let actions = some(random, &|random| action(random, &wish.action));
    let named = some(random, &|random| {
        let of = if random.percent(60) { &wish.resource } else { random.one_of(resources) };
        resource(random, of)
    });
    Statement {
        allows: random.percent(50),
        actions,
        not_actions: random.percent(15),
        resources: named,
        not_resources: random.percent(15),
        conditions: conditions(random),
    }
}

fn action(random: &mut Random, action: &str) -> String {
    let (service, name) = action.split_once(':').unwrap();
    match random.below(6) {
        0 => "*".to_owned(),
        1 => format!("{service}:*"),
        2 => action.to_uppercase(),
        3 => format!("{service}:{}*", &name[..3]),
        4 => format!("{service}:?{}", &name[1..]),
        _ => action.to_owned(),
    }
}

/// A resource as a policy may write it.
fn resource(random: &mut Random, of: &str) -> String {
    if of == "*" {
        return of.to_owned();
    }
    let (front, id) = of.rsplit_once('/').unwrap();
    match random.below(10) {
        0 => "*".to_owned(),
        1 => format!("{front}/*"),
        2 => format!("{front}/{}", id.to_uppercase()),
        3 => format!("{front}/{}*", &id[..id.len().min(5)]),
        4 => format!("{front}/?{}", id.get(1..).unwrap_or_default()),
        5 => format!("{}*", &of[..of.len() - of.len() / 3]),
        6 => {
            let parts: Vec<&str> = of.splitn(6, ':').collect();
            format!("arn:aws:{}:*:*:{}", parts[2], spelling::any_case(random, parts[5]))
        }
        7 => format!("arn:aws:*/{}", spelling::any_case(random, id)),
        _ => of.to_owned(),
    }
}

/// None, or up to two of different kinds.
fn conditions(random: &mut Random) -> Vec<Condition> {
    let mut conditions = Vec::new();
    if random.percent(15) {
        let first_byte = *random.one_of(&[10, 192]);
        conditions.push(Condition::network(first_byte, random.percent(50)));
    }
    if random.percent(5) {
        conditions.push(Condition::secure(random.percent(50)));
    }
    if random.percent(10) {
        let name = *random.one_of(&["reader", "writer"]);
        conditions.push(Condition::user_name(name, random.percent(50)));
    }
    if random.percent(15) {
        let value = *random.one_of(&["care", "sales"]);
        let test =
            *random.one_of(&[TagTest::Equals, TagTest::NotEquals, TagTest::EqualsIfExists, TagTest::Absent]);
        conditions.push(Condition::team(value, test));
    }
    conditions
}
