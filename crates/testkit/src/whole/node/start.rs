//! The start of the node: recovery of its disk, and of the calls that a power cut interrupted.

use super::directory::Directory;
use super::effects::refusal;
use super::leg::Leg;
use super::sink::Sink;
use super::{Contact, LiveCentre, Node, Scheduled, Site};
use crate::whole::centre::queue_ref;
use crate::whole::control::Write;
use crate::whole::flows::{FUNCTION, queue_id};
use crate::whole::peer::config;
use crate::whole::plan::has_sound;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tympan_capture::{Leases, Rest};
use tympan_contact::{
    Contact as Facts, ContactOptions, ContactSetup, InitiationMethod, InstanceRef, InstanceSettings, LegSpec,
    LiveContact, NewContact, Now, QueueRef, RoutedFlow, Stage, close_earlier, close_interrupted,
};
use tympan_flow::{FlowType, ResourceRef};
use tympan_kvs::{Companded, KvsOptions, KvsService};
use tympan_media::Bridges;
use tympan_sip::agent::{self, Agent};
use tympan_sip::dialog::TimerRules;
use tympan_sip::wire::Status;
use tympan_store::simulation::{SimulatedClock, now_or_never};
use tympan_store::{Clock, MediaStore, StoreError, StoreOptions, StreamRef, TimeAxis};
use tympan_telephony::digit_source::DigitSource;
use tympan_telephony::sdp::LocalMedia;
use tympan_types::{
    AccountId, ContactId, FragmentNumber, InstanceId, LegId, Redacted, Region, StreamSettings, WallTime,
};

/// The first RTP port.
pub(super) const PORTS_FROM: u16 = 20_000;
/// One instance takes all calls.
pub(crate) const INSTANCE: [u8; 16] = [7; 16];
/// How long a stream rests between two calls.
const REST: Duration = Duration::from_secs(20);

/// What flows ask of their instance.
struct Settings {
    flows: Arc<Vec<crate::whole::flows::RoutedFlow>>,
    /// The flows of events, in a world with agents.
    hooked: Option<Arc<BTreeMap<&'static str, crate::whole::flows::RoutedFlow>>>,
    queues: usize,
}

impl InstanceSettings for Settings {
    fn media_streaming(&self, _: InstanceId) -> Option<StreamSettings> {
        Some(StreamSettings {
            name_prefix: "simulated-connect-demo-contact-".to_owned(),
            retention_hours: 24,
            key_id: "alias/aws/kinesisvideo".to_owned(),
        })
    }

    fn may_invoke(&self, _: InstanceId, function_arn: &str) -> bool {
        function_arn == FUNCTION || function_arn.ends_with(":tympan-demo")
    }

    fn queue(&self, instance: InstanceId, queue: &ResourceRef) -> Option<QueueRef> {
        let known = (0..self.queues).map(queue_id).find(|known| known.to_string() == queue.id)?;
        Some(queue_ref(instance, known))
    }

    fn default_flow(&self, _: InstanceId, event: &str) -> Option<RoutedFlow> {
        self.hooked.as_ref()?.get(event).map(routed)
    }

    fn flow(&self, _: InstanceId, flow: &ResourceRef) -> Option<RoutedFlow> {
        if let Some(hooked) = self.hooked.as_ref().and_then(|hooked| hooked.get(flow.id.as_str())) {
            return Some(routed(hooked));
        }
        let found = self.flows.iter().find(|known| known.identity.arn == flow.id)?;
        Some(routed(found))
    }
}

fn routed(flow: &crate::whole::flows::RoutedFlow) -> RoutedFlow {
    RoutedFlow { flow: flow.flow.clone(), identity: flow.identity.clone(), flow_type: FlowType::ContactFlow }
}

fn account() -> (AccountId, Region) {
    let account = AccountId::parse("111122223333").expect("twelve digits");
    (account, Region::parse("us-west-2").expect("a region"))
}

impl Node {
    /// Starts on the site's machine. An error where power goes meanwhile, or the disk does not hold together.
    pub(crate) fn start(site: &mut Site, address: SocketAddr, epoch: u32) -> Result<Self, StoreError> {
        let now = site.core.now();
        site.machine.clock().advance_to(now);
        let backend = site.machine.backend()?;
        if *backend.report() != Default::default() {
            site.core.broken("the disk holds together", &"node", &format!("{:?}", backend.report()));
        }
        let options = StoreOptions { body_codec: Some(Arc::new(Companded)), ..StoreOptions::default() };
        let store = site.machine.start_on(Arc::new(backend), options)?;
        let clock = site.machine.clock().clone();
        let kvs = KvsService::driven(store.clone(), KvsOptions::new("http://simulated", clock.clone()));
        let (account, region) = account();
        let directory = Arc::new(Directory { store: store.clone(), account, region });
        let timers = TimerRules { session_expires_s: Some(90), min_se_s: 90 };
        let has_timers = site.core.random.percent(50);
        let timers =
            TimerRules { session_expires_s: timers.session_expires_s.filter(|_| has_timers), ..timers };
        let times_out = site.core.random.percent(30) || site.centre.is_some();
        let media_timeout = times_out.then_some(Duration::from_secs(8));
        let agent = Agent::new(config("node", timers, agent::DigitSource::Both), site.core.random.key());
        let mut node = Self {
            epoch,
            address,
            agent,
            agent_wake: None,
            contacts: BTreeMap::new(),
            legs: BTreeMap::new(),
            ports: BTreeMap::new(),
            // Calls that a power cut ended still send to the ports that they had.
            next_port: PORTS_FROM + 2 * u16::try_from(site.core.random.below(20_000)).unwrap_or_default(),
            sink: Sink::new(&kvs, clock.clone()),
            leases: Leases::new(directory, Rest { time: REST, clock: rest_clock(clock) }),
            store,
            kvs,
            captures: BTreeMap::new(),
            scheduled: Scheduled::default(),
            requests: BTreeMap::new(),
            next_request: 0,
            media_timeout,
            centre: LiveCentre::new(InstanceId::from_random(INSTANCE)),
            bridges: Bridges::default(),
            conversations: BTreeMap::new(),
        };
        node.close_interrupted(site);
        node.open_centre(site);
        node.plan(site);
        Ok(node)
    }

    /// Contacts whose calls a power cut interrupted get their record.
    fn close_interrupted(&self, site: &mut Site) {
        let wall = self.wall(site);
        for contact in site.rows.interrupted() {
            site.core.event(&contact.id, "was interrupted", "");
            site.core.tally.interrupted += 1;
            site.interrupted.insert(contact.id);
            let last = last_fragment(&self.store, &contact);
            let closed = close_interrupted(contact.as_ref().clone(), last, wall);
            let mut previous = closed.previous_contact_id;
            while let Some(earlier) = previous.and_then(|id| site.rows.find(id).cloned()) {
                previous = earlier.previous_contact_id;
                let Some(earlier) = close_earlier(earlier.as_ref().clone(), &closed, wall) else { break };
                if earlier.disconnect_timestamp.is_none() {
                    break;
                }
                site.rows.write(Write { contact: Arc::new(earlier), stage: Stage::Ended, write: None });
            }
            site.rows.write(Write { contact: Arc::new(closed), stage: Stage::Ended, write: None });
        }
    }

    /// An INVITE: the call begins, or is refused.
    pub(super) fn invited(
        &mut self,
        site: &mut Site,
        id: LegId,
        call: usize,
        called: &str,
        offer: Option<String>,
        source: SocketAddr,
    ) {
        let Some(flow) = flow_of(called).and_then(|index| site.flows.get(index)).map(routed) else {
            return self.command(site, id, refusal(Status::NOT_FOUND));
        };
        let key = site.core.random.key();
        let (mut contact_id, mut session_id) = ([0; 16], [0; 8]);
        contact_id.copy_from_slice(&key[..16]);
        session_id.copy_from_slice(&key[16..24]);
        let (account, region) = account();
        let now = self.contact_now(site);
        let instance =
            InstanceRef { id: InstanceId::from_random(INSTANCE), alias: "demo".to_owned(), account, region };
        let contact = Facts::new(
            now.wall,
            NewContact {
                id: ContactId::from_random(contact_id),
                instance,
                initiation_method: InitiationMethod::Inbound,
                customer_number: Some(Redacted::new(format!("+1555{call:07}"))),
                system_number: Some(Redacted::new(called.to_owned())),
                sip_headers: BTreeMap::new(),
            },
        );
        let contact_id = contact.id;
        let port = self.reserve_port();
        let local =
            LocalMedia::new(SocketAddr::new(self.address.ip(), port), u64::from_le_bytes(session_id) >> 2);
        let leg = match tympan_contact::Leg::invited(LegSpec { id, local, offer, digits: DigitSource::Both })
        {
            Ok(leg) => leg,
            Err(error) => {
                site.core.event(&contact_id, "is refused", &error.to_string());
                return self.command(site, id, refusal(Status::NOT_ACCEPTABLE_HERE));
            }
        };
        site.core.event(&contact_id, "arrives", &format!("call-{call}"));
        let has_sound = site.keeps || has_sound(call);
        if site.keeps {
            site.calls.insert(contact_id, call);
        }
        self.legs.insert(id, Leg::new(contact_id, port, source.ip(), has_sound));
        self.ports.insert(port, id);
        let centre = site.centre.as_ref();
        let hooked = centre.map(|centre| centre.hooked.clone());
        let queues = centre.map_or(0, |centre| centre.queues);
        let settings = Arc::new(Settings { flows: site.flows.clone(), hooked, queues });
        let setup =
            ContactSetup { contact, leg, flow, instance: settings, options: ContactOptions::default() };
        let machine = LiveContact::new(now, setup);
        self.contacts.insert(contact_id, Contact { machine, call, leg: id, wake: None, leases: Vec::new() });
        self.perform(site, contact_id);
    }

    pub(super) fn wall(&self, site: &Site) -> WallTime {
        site.machine.clock().now()
    }

    pub(super) fn contact_now(&self, site: &Site) -> Now {
        Now { mono: site.core.now(), wall: self.wall(site) }
    }
}

/// `sip:+18005550101@…` is the second flow.
fn flow_of(called: &str) -> Option<usize> {
    let number = called.split_once("+18005550")?.1.get(..3)?;
    number.parse::<usize>().ok()?.checked_sub(100)
}

fn rest_clock(clock: Arc<SimulatedClock>) -> Arc<dyn Fn() -> Duration + Send + Sync> {
    Arc::new(move || Duration::from_nanos(clock.mono().as_nanos()))
}

/// The last durable fragment of the running capture: whatever follows its first one in its stream is its own.
fn last_fragment(store: &MediaStore, contact: &Facts) -> Option<FragmentNumber> {
    let audio = contact.customer_audio().filter(|audio| audio.is_running())?;
    let stream = now_or_never(store.stream(StreamRef::Arn(&audio.stream_arn)))?.ok()?;
    let from_ms = audio.start_fragment_number.server_time().unix_ms();
    let mut last = None;
    loop {
        let page = store.list_fragments(stream.id, TimeAxis::Server, from_ms, i64::MAX, last, 1_000);
        let page = now_or_never(page)?.ok()?;
        let Some(fragment) = page.last() else { return last };
        last = Some(fragment.number);
    }
}
