//! Twenty agents and two hundred calls in ten minutes, with all that people do to telephones.

use super::against_model::{Both, Happening};
use super::model::State;
use super::rig::{AVAILABLE, LUNCH};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher};

const AGENTS: u32 = 20;
const CALLS: u32 = 200;
const LENGTH_S: i64 = 600;

/// xorshift64*.
struct Chance(u64);

impl Chance {
    fn fresh() -> Self {
        let given = std::env::var("TYMPAN_ROUTING_SEED").ok().and_then(|seed| seed.parse().ok());
        let fresh = || std::collections::hash_map::RandomState::new().build_hasher().finish();
        let seed = given.unwrap_or_else(fresh).max(1);
        eprintln!("TYMPAN_ROUTING_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }

    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from + 1) as u64) as i64
    }

    fn percent(&mut self, of_100: u64) -> bool {
        self.below(100) < of_100
    }
}

/// What an agent does with an offer or a contact, and when.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Accept,
    Join,
    Miss,
    Fail,
    HangUp,
    Dismiss,
}

struct Simulation {
    both: Both,
    chance: Chance,
    /// What is to come for a contact of an agent in a state: when and what.
    deeds: BTreeMap<(u32, u32, &'static str), (i64, Option<Deed>)>,
    /// When callers arrive, and when the impatient ones give up.
    arrivals: Vec<i64>,
    patience: BTreeMap<u32, i64>,
    /// When agents come back from lunch, or to their telephones.
    back: BTreeMap<u32, (i64, bool)>,
    joined: BTreeSet<u32>,
    left: BTreeSet<u32>,
    offers: usize,
    lunches: usize,
}

impl Simulation {
    fn new() -> Self {
        let mut chance = Chance::fresh();
        let mut arrivals: Vec<i64> = (0..CALLS).map(|_| chance.between(0, LENGTH_S - 60)).collect();
        arrivals.sort_unstable();
        let mut both = Both::new(AGENTS);
        for number in 1..=AGENTS {
            both.happens(Happening::Online(number));
        }
        Self {
            both,
            chance,
            deeds: BTreeMap::new(),
            arrivals,
            patience: BTreeMap::new(),
            back: BTreeMap::new(),
            joined: BTreeSet::new(),
            left: BTreeSet::new(),
            offers: 0,
            lunches: 0,
        }
    }

    fn now(&self) -> i64 {
        self.both.model.now
    }

    fn second(&mut self, is_open: bool) {
        let now = self.now();
        while self.arrivals.first().is_some_and(|at| *at <= now) {
            self.arrivals.remove(0);
            self.caller_arrives();
        }
        let gone: Vec<u32> = self.patience.iter().filter(|(_, at)| **at <= now).map(|(n, _)| *n).collect();
        for number in gone {
            self.patience.remove(&number);
            let queued: Vec<u32> = self.both.model.contacts.keys().copied().collect();
            if let Some(which) = queued.iter().position(|queued| *queued == number) {
                self.both.happens(Happening::Leave(which));
                self.left.insert(number);
            }
        }
        if is_open {
            self.agents_wander();
        }
        let back: Vec<(u32, bool)> =
            self.back.iter().filter(|(_, (at, _))| *at <= now).map(|(n, (_, phone))| (*n, *phone)).collect();
        for (agent, has_telephone) in back {
            self.back.remove(&agent);
            let deed =
                if has_telephone { Happening::Status(agent, AVAILABLE) } else { Happening::Online(agent) };
            self.both.happens(deed);
        }
        self.agents_act();
        self.both.happens(Happening::Wait(1));
    }

    fn caller_arrives(&mut self) {
        let number = self.joined.len() + self.left.len() + self.both.model.contacts.len();
        let what = Happening::Enqueue {
            queue: 1 + self.chance.below(3) as u32,
            priority: [5, 5, 5, 1, 9][self.chance.below(5) as usize],
            adjustment: if self.chance.percent(20) { self.chance.between(-30, 60) as i32 } else { 0 },
            prefers: None,
        };
        let before: BTreeSet<u32> = self.both.model.contacts.keys().copied().collect();
        self.both.happens(what);
        let new = self.both.model.contacts.keys().find(|number| !before.contains(number)).copied().unwrap();
        assert_eq!(new as usize, number + 1, "no caller is lost on the way");
        if self.chance.percent(30) {
            let patience = self.chance.between(5, 120);
            self.patience.insert(new, self.now() + patience);
        }
    }

    /// Lunch, and telephones that vanish.
    fn agents_wander(&mut self) {
        let agent = 1 + self.chance.below(u64::from(AGENTS)) as u32;
        if self.back.contains_key(&agent) {
            return;
        }
        let until = self.now() + self.chance.between(5, 40);
        if self.chance.percent(12) {
            self.lunches += 1;
            self.both.happens(Happening::Status(agent, LUNCH));
            self.back.insert(agent, (until, true));
        } else if self.chance.percent(3) {
            self.both.happens(Happening::Offline(agent));
            self.back.insert(agent, (until, false));
        }
    }

    /// Each agent does with each of his contacts what he made up his mind to do.
    fn agents_act(&mut self) {
        let now = self.now();
        for (contact, agent) in self.both.model.pairs(|_| true) {
            let handled = |simulation: &Self| {
                let agent = &simulation.both.model.agents[&agent];
                agent.contacts.iter().find(|handled| handled.contact == contact).map(|handled| handled.state)
            };
            let Some(state) = handled(self) else { continue };
            let word = match state {
                State::Accepted => "ACCEPTED",
                other => other.word(),
            };
            let key = (contact, agent, word);
            if !self.deeds.contains_key(&key) {
                self.offers += usize::from(state == State::Ringing);
                let deed = self.makes_up_his_mind(state);
                self.deeds.insert(key, deed);
            }
            let (at, deed) = self.deeds[&key];
            if at <= now {
                self.deeds.remove(&key);
                if let Some(deed) = deed {
                    self.does(contact, agent, deed);
                }
            }
        }
        // A second offer of the same contact to the same agent is another matter.
        let pairs: BTreeSet<(u32, u32)> = self.both.model.pairs(|_| true).into_iter().collect();
        self.deeds.retain(|(contact, agent, _), _| pairs.contains(&(*contact, *agent)));
    }

    fn makes_up_his_mind(&mut self, state: State) -> (i64, Option<Deed>) {
        let (from, to, deed) = match (state, self.chance.below(100)) {
            (State::Ringing, 0..75) => (1, 12, Some(Deed::Accept)),
            (State::Ringing, 75..84) => (1_000, 1_000, None),
            (State::Ringing, 84..94) => (1, 15, Some(Deed::Miss)),
            (State::Ringing, _) => (0, 3, Some(Deed::Fail)),
            (State::Accepted, 0..90) => (1, 5, Some(Deed::Join)),
            (State::Accepted, 90..95) => (0, 4, Some(Deed::HangUp)),
            (State::Accepted, _) => (1_000, 1_000, None),
            (State::Dialling | State::Connected, _) => (3, 60, Some(Deed::HangUp)),
            (State::Missed | State::Error, _) => (2, 20, Some(Deed::Dismiss)),
            (State::Work, _) => (1, 8, Some(Deed::Dismiss)),
        };
        (self.now() + self.chance.between(from, to), deed)
    }

    fn does(&mut self, contact: u32, agent: u32, deed: Deed) {
        let busy = |state| !matches!(state, State::Missed | State::Error | State::Work);
        let taking = |state| matches!(state, State::Ringing | State::Accepted);
        let which = |pairs: Vec<(u32, u32)>| pairs.iter().position(|pair| *pair == (contact, agent)).unwrap();
        let model = &self.both.model;
        let what = match deed {
            Deed::Accept => Happening::Accept(which(model.pairs(|state| state == State::Ringing))),
            Deed::Join => {
                self.joined.insert(contact);
                self.patience.remove(&contact);
                Happening::Join(which(model.pairs(taking)))
            }
            Deed::Miss => Happening::Miss(which(model.pairs(taking))),
            Deed::Fail => Happening::Fail(which(model.pairs(taking))),
            Deed::HangUp => Happening::End(which(model.pairs(busy))),
            Deed::Dismiss => Happening::Dismiss(which(model.pairs(|state| !busy(state)))),
        };
        self.both.happens(what);
    }
}

#[test]
fn twenty_agents_and_two_hundred_calls_lose_no_call_and_strand_no_agent() {
    let mut simulation = Simulation::new();
    while simulation.now() < LENGTH_S {
        simulation.second(true);
    }
    // All agents come back, and what waits is served.
    let is_busy = |simulation: &Simulation| {
        let model = &simulation.both.model;
        !model.contacts.is_empty() || !model.pairs(|_| true).is_empty() || !simulation.back.is_empty()
    };
    while is_busy(&simulation) && simulation.now() < 4 * LENGTH_S {
        simulation.second(false);
    }
    let Simulation { both, joined, left, offers, lunches, .. } = &simulation;
    assert_eq!(joined.len() + left.len(), CALLS as usize, "each call met an agent or gave up");
    assert!(joined.is_disjoint(left));
    let counters = both.rig.routing.counters();
    let (enqueued, of_agents) = (counters.enqueued, counters.joined);
    assert_eq!((enqueued, of_agents), (u64::from(CALLS), joined.len() as u64));
    assert!(
        joined.len() > 100 && *offers > joined.len() && *lunches > 20,
        "{} {offers} {lunches}",
        joined.len()
    );
    assert!(counters.missed > 0 && counters.failed > 0, "{counters:?}");
    for number in 1..=AGENTS {
        let user = both.rig.user(number);
        assert_eq!((user.contacts.len(), user.slots.available > 0), (0, true), "agent {number}: {user:?}");
    }
    assert_eq!(both.rig.routing.next_deadline(), None);
    eprintln!(
        "{} joined, {} gave up, {} offers, {} missed, {} failed, over after {} s",
        joined.len(),
        left.len(),
        counters.offers,
        counters.missed,
        counters.failed,
        both.model.now
    );
}
