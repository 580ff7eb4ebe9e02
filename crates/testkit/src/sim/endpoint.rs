//! An agent with its users: what a server or a telephone is.

use super::network::HostId;
use super::packet::{Framer, parameter as parameter_of};
use super::random::Random;
use super::script::{Habits, Script};
use super::user::{Steps, User};
use super::watch::Watch;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tympan_sip::agent::{
    Agent, Config, DigitSource, Event, Identity, Limits, NumberRules, Trunk, TrunkId, TrunkMatch, Trunks,
};
use tympan_sip::dialog::TimerRules;
use tympan_sip::transaction::Timers;
use tympan_sip::wire::Name;
use tympan_types::{LegId, Mono, Redacted};

/// Dialled legs have numbers from here.
pub(crate) const DIALLED_LEGS_FROM: u64 = 1 << 32;
/// A transaction lasts 32 s, and its last repetition is under way for a while.
const FORGOTTEN_MS: i64 = 31_000;
/// The user name and password of every agent.
pub(crate) const CREDENTIALS: (&str, &str) = ("tester", "a secret");

/// An agent with its users.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) host: HostId,
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) agent: Agent,
    pub(crate) watch: Watch,
    pub(crate) framers: BTreeMap<u64, Framer>,
    pub(crate) users: BTreeMap<LegId, User>,
    /// When the agent is to be woken.
    pub(crate) wake: Option<Mono>,
    /// It held back bytes from an unconfirmed source.
    pub(crate) withheld: bool,
    next_leg: u64,
    /// Calls that were raised here: by Call-ID and the caller's tag, when each branch came, and the newest leg.
    invited: BTreeMap<(String, String), (BTreeMap<String, Mono>, LegId)>,
}

impl Endpoint {
    pub(crate) fn new(
        host: HostId,
        address: SocketAddr,
        habits: Habits,
        challenges: bool,
        random: &mut Random,
    ) -> Self {
        // Rules that differ: one agent may ask for less than the other takes (422).
        let (session_expires_s, min_se_s) = random.pick(&[(90, 90), (100, 90), (180, 90), (180, 120)]);
        let session_expires_s = habits.has_session_timers.then_some(session_expires_s);
        let timers = TimerRules { session_expires_s, min_se_s };
        let trunk = Trunk {
            id: TrunkId(Arc::from("default")),
            matches: TrunkMatch::default(),
            force_rport: random.percent(20),
            numbers: NumberRules::default(),
            identity: Identity::From,
            digits: DigitSource::Both,
            timers,
            longest_call_s: None,
            calls_max: None,
            calls_per_s: None,
            realm: "simulation".to_owned(),
            users: challenges
                .then(|| (CREDENTIALS.0.to_owned(), Redacted::new(CREDENTIALS.1.to_owned())))
                .into_iter()
                .collect(),
        };
        let name = format!("h{}", host.0);
        let config = Config {
            product: "tympan-simulation".to_owned(),
            contact_user: name.clone(),
            host_names: Vec::new(),
            timers: Timers::default(),
            limits: Limits::default(),
            trunks: trunks(trunk),
            invited_legs_from: 1,
            takes_transfers: false,
            dialled_legs_from: DIALLED_LEGS_FROM,
        };
        Self {
            host,
            name,
            address,
            agent: Agent::new(config, random.key()),
            watch: Watch::default(),
            framers: BTreeMap::new(),
            users: BTreeMap::new(),
            wake: None,
            withheld: false,
            next_leg: DIALLED_LEGS_FROM,
            invited: BTreeMap::new(),
        }
    }

    /// A leg for a call that is placed now.
    pub(crate) fn dial(&mut self, now: Mono, script: Script, is_lenient: bool) -> (LegId, &mut User) {
        let leg = LegId::new(self.next_leg);
        self.next_leg += 1;
        let name = format!("{}/{leg}", self.name);
        (leg, self.users.entry(leg).or_insert_with(|| User::new(name, script, true, is_lenient, now)))
    }

    /// Takes an event of the agent. For an invited leg `script` makes its user.
    pub(crate) fn event(
        &mut self,
        now: Mono,
        leg: LegId,
        event: &Event,
        random: &mut Random,
        new: impl FnOnce(&mut Random) -> (Script, bool),
    ) -> Result<Steps, String> {
        if let Event::Invited { call_id, message, .. } = event {
            let parameter = |name, parameter: &str| {
                let value = message.value(name).map(String::from_utf8_lossy).unwrap_or_default();
                parameter_of(&value, parameter).unwrap_or_default().to_owned()
            };
            let (tag, branch) = (parameter(Name::From, "tag"), parameter(Name::Via, "branch"));
            let call = self.invited.entry((call_id.clone(), tag));
            let (branches, newest) = call.or_insert_with(|| (BTreeMap::new(), leg));
            // A proxy may try the same place again once it refused (a new branch); else it is the same call.
            let is_over = *newest == leg || self.users.get(newest).is_some_and(|user| user.ended.is_some());
            // After its last timer, a repetition that comes late is a new call.
            let is_repeated =
                branches.insert(branch, now).is_some_and(|first| now.ms_since(first) < FORGOTTEN_MS);
            if is_repeated || !is_over {
                return Err(format!("a second call is raised for Call-ID {call_id}"));
            }
            *newest = leg;
            if self.users.contains_key(&leg) {
                return Err("an invited leg has a number that is used".into());
            }
            let (script, is_lenient) = new(random);
            let name = format!("{}/{leg}", self.name);
            self.users.insert(leg, User::new(name, script, false, is_lenient, now));
        }
        let user = self.users.get_mut(&leg).ok_or("an event of an unknown leg")?;
        if let Event::Info { parts } = event {
            for part in parts {
                let text = String::from_utf8_lossy(&part.body);
                if let Some(digit) = text.split("\r\n").find_map(|line| line.strip_prefix("X-Digit=")) {
                    self.watch.delivered(digit);
                }
            }
        }
        user.event(now, event, random)
    }
}

fn trunks(default: Trunk) -> Trunks {
    Trunks::new(Vec::new(), default).expect("the default trunk alone is valid")
}
