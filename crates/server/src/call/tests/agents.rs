//! Calls with several legs: a customer in a queue, agents at telephones, and the routing between them.

use super::*;
use crate::call::dialling::Ring;
use crate::call::legs::LEGS_MAX;
use crate::call::registry::NotTaken;
use crate::centre::Instances;
use crate::sip::{AgentPhone, Destination, Outbound, OutboundTrunk};
use tympan_connect::AgentTelephone;
use tympan_connect::live_calls::{LiveCalls, OutboundCall, OutboundError};
use tympan_contact::routing::{
    AgentKey, AgentPlan, AvailabilityTimer, InstancePlan, ProfilePlan, QueueKey, QueuePlan, RoutedQueuePlan,
    StatusKind, StatusPlan,
};
use tympan_contact::{AgentRef, CallerId, QueueRef, RoutingEvent};
use tympan_sip::agent::{DialRules, Phone as Telephone, Phones, TrunkId};
use tympan_telephony::rtp::packet::{RtpPacket, RtpTimestamp, Ssrc};
use tympan_telephony::rtp::sender::RtpSender;
use tympan_types::{DialId, ResourceId};

const QUEUE: [u8; 16] = [21; 16];
const PROFILE: [u8; 16] = [22; 16];

fn id(bytes: [u8; 16]) -> ResourceId {
    ResourceId::from_random(bytes)
}

fn arn(word: &str, id: ResourceId) -> String {
    format!("arn:aws:connect:us-west-2:111122223333:instance/{}/{word}/{id}", instance().id)
}

fn agent(number: u8, name: &str) -> AgentRef {
    AgentRef {
        id: id([30 + number; 16]),
        arn: arn("agent", id([30 + number; 16])),
        user_name: name.to_owned(),
        first_name: String::new(),
        last_name: String::new(),
        routing_profile_arn: arn("routing-profile", id(PROFILE)),
        routing_profile_name: "profile".to_owned(),
    }
}

fn queue() -> QueueRef {
    QueueRef {
        arn: arn("queue", id(QUEUE)),
        name: "queue".to_owned(),
        hours_arn: None,
        outbound_caller_id: None,
        is_agents: false,
    }
}

/// One queue, and agents who all serve it.
#[derive(Clone)]
struct OneQueue(Vec<AgentRef>);

impl InstanceSettings for OneQueue {
    fn media_streaming(&self, _: InstanceId) -> Option<StreamSettings> {
        None
    }

    fn may_invoke(&self, _: InstanceId, _: &str) -> bool {
        false
    }

    fn flow(&self, _: InstanceId, _: &ResourceRef) -> Option<RoutedFlow> {
        None
    }

    fn queue(&self, _: InstanceId, _: &ResourceRef) -> Option<QueueRef> {
        Some(queue())
    }
}

impl Instances for OneQueue {
    fn revision(&self) -> u64 {
        1
    }

    fn plans(&self) -> Vec<InstancePlan> {
        let routed = RoutedQueuePlan { queue: id(QUEUE), priority: 1, delay_s: 0 };
        let profile = ProfilePlan {
            queues: vec![routed],
            voice_concurrency: 1,
            timer: AvailabilityTimer::SinceLastActivity,
        };
        let agent = AgentPlan { profile: id(PROFILE), after_contact_work_s: 0, auto_accept: false };
        let status = |name: &str, kind| StatusPlan { name: name.to_owned(), kind, is_enabled: true };
        vec![InstancePlan {
            queues: [(id(QUEUE), QueuePlan { is_enabled: true, max_contacts: None })].into(),
            profiles: [(id(PROFILE), profile)].into(),
            agents: self.0.iter().map(|one| (one.id, agent)).collect(),
            statuses: [
                (id([40; 16]), status("Available", StatusKind::Routable)),
                (id([41; 16]), status("Offline", StatusKind::Offline)),
            ]
            .into(),
            ..InstancePlan::empty(instance().id)
        }]
    }

    fn agent(&self, key: AgentKey) -> Option<AgentRef> {
        self.0.iter().find(|agent| agent.id == key.user).cloned()
    }

    fn queue(&self, _: QueueKey) -> Option<QueueRef> {
        Some(queue())
    }

    fn telephones(&self) -> Vec<AgentTelephone> {
        let telephone = |agent: &AgentRef| AgentTelephone {
            agent: AgentKey { instance: instance().id, user: agent.id },
            alias: instance().alias,
            user_name: agent.user_name.clone(),
            desk_phone: None,
        };
        self.0.iter().map(telephone).collect()
    }
}

/// A server with agents, each at a telephone of the configuration.
struct Centred {
    rig: Rig,
    people: OneQueue,
    telephones: Vec<Phone>,
    shutdown: tokio_util::sync::CancellationToken,
    /// The port that the last customer was answered with.
    answered: u16,
}

impl Centred {
    async fn new(names: &[&str]) -> Self {
        let mut telephones = Vec::new();
        let mut configured = Vec::new();
        for name in names {
            let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
            configured.push(Telephone {
                user: (*name).into(),
                secret: None,
                contact: Some(format!("sip:{name}@{}", socket.local_addr().unwrap())),
                networks: vec![("127.0.0.1".parse().unwrap(), 32)],
                challenges_calls: false,
            });
            telephones.push(Phone(socket));
        }
        let phones = Phones::new("tympan", configured).unwrap();
        let agents = names.iter().map(|name| AgentPhone {
            phone: (*name).into(),
            agent: Some((instance().alias, (*name).to_owned())),
            auto_answer: false,
        });
        let agents: Vec<AgentPhone> = agents.collect();
        let rig = Rig::with_sip(Arc::new(TwoFragments), |options| {
            options.phones = phones;
            options.agents = agents;
        })
        .await;
        for telephone in &telephones {
            telephone.0.connect(rig.sip.address()).await.unwrap();
        }
        let people =
            OneQueue((0..).zip(names).map(|(number, name)| agent(number, name)).collect::<Vec<AgentRef>>());
        let kinds = crate::centre::kinds(tympan_db::Kinds::default());
        let options = tympan_db::OpenOptions::new(tympan_db::StartId([1; 16]));
        let db = tympan_db::Db::in_memory(kinds, options).unwrap();
        rig.admission.centre.begin(Arc::new(people.clone()), &db);
        rig.admission.centre.begin_telephones(rig.sip.calls().clone());
        let (shutdown, (_, changes)) =
            (tokio_util::sync::CancellationToken::new(), tokio::sync::watch::channel(db.revision()));
        tokio::spawn(rig.admission.centre.clone().keep(db, changes, shutdown.clone()));
        Self { rig, people, telephones, shutdown, answered: 0 }
    }

    /// A customer who is put into the queue at once.
    async fn customer(&mut self, rtp_port: u16) -> (Phone, String, tokio::task::JoinHandle<()>) {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        socket.connect(self.rig.sip.address()).await.unwrap();
        let phone = Phone(socket);
        phone.sends("INVITE", "z9hG4bK1", "", "Content-Type: application/sdp\r\n", &sdp(rtp_port)).await;
        let task = self.rig.task(to_queue(), Arc::new(self.people.clone())).await;
        let task = tokio::spawn(task.run());
        let answer = phone.hears("SIP/2.0 200").await;
        self.answered = port_of(&answer);
        let to = answer.lines().find(|line| line.starts_with("To:")).unwrap();
        let tag = format!(";tag={}", to.split_once(";tag=").unwrap().1);
        phone.sends("ACK", "z9hG4bK2", &tag, "", "").await;
        (phone, tag, task)
    }

    /// The media thread closes the sockets after the call's task has ended.
    async fn gives_all_ports_back(&self) {
        let given_back = async {
            while self.rig.admission.descriptors.taken(Use::Call) > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), given_back).await.expect("all ports are given back");
    }

    fn record(&self) -> Contact {
        self.rig.history.find(ContactId::from_random(CONTACT)).unwrap().expect("a record")
    }
}

impl Drop for Centred {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn to_queue() -> RoutedFlow {
    flow(&[
        action("set", "UpdateContactTargetQueue", json!({ "QueueId": arn("queue", id(QUEUE)) }), "go"),
        action("go", "TransferContactToQueue", json!({}), "end"),
    ])
}

fn port_of(message: &str) -> u16 {
    let line = message.lines().find_map(|line| line.strip_prefix("m=audio ")).expect("a description");
    line.split(' ').next().unwrap().parse().unwrap()
}

async fn socket() -> UdpSocket {
    UdpSocket::bind(("127.0.0.1", 0)).await.unwrap()
}

/// One of two who talk: its socket, and the code it says.
struct Talker<'a> {
    rtp: &'a UdpSocket,
    code: u8,
    sender: RtpSender,
}

impl<'a> Talker<'a> {
    async fn new(rtp: &'a UdpSocket, to: u16, code: u8) -> Self {
        rtp.connect(("127.0.0.1", to)).await.unwrap();
        Self { rtp, code, sender: RtpSender::new(Ssrc(7), 1, RtpTimestamp(1), 0) }
    }

    /// Says a packet, and listens for 20 ms. True where the other one's code is heard.
    async fn hears(&mut self, other: u8) -> bool {
        let (mut datagram, mut buffer) = (Vec::new(), [0; 2_048]);
        self.sender.audio_packet(&[self.code; 160], &mut datagram);
        // A closed port for a moment is no failure.
        let _ = self.rtp.send(&datagram).await;
        let heard = tokio::time::timeout(Duration::from_millis(20), self.rtp.recv(&mut buffer)).await;
        matches!(heard, Ok(Ok(length)) if RtpPacket::parse(&buffer[..length]).unwrap().payload().contains(&other))
    }
}

/// Both go on talking until each has heard the other.
async fn hear_each_other(mut one: Talker<'_>, mut other: Talker<'_>) {
    let codes = (one.code, other.code);
    let (mut one_hears, mut other_hears) = (false, false);
    for _ in 0..3_000 {
        let (by_one, by_other) = tokio::join!(one.hears(codes.1), other.hears(codes.0));
        one_hears |= by_one;
        other_hears |= by_other;
        if one_hears && other_hears {
            return;
        }
    }
    panic!("{:#x} is heard: {other_hears}; {:#x} is heard: {one_hears}", one.code, other.code);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_in_a_queue_and_the_agent_who_answers_hear_each_other_until_one_hangs_up() {
    let mut centre = Centred::new(&["ada"]).await;
    let (customer_rtp, agent_rtp) = (socket().await, socket().await);
    let (customer, tag, task) = centre.customer(customer_rtp.local_addr().unwrap().port()).await;
    let ada = &centre.telephones[0];
    let invite = ada.hears("INVITE").await;
    let answer = sdp(agent_rtp.local_addr().unwrap().port());
    let contact = format!("Contact: <sip:ada@{}>\r\n", ada.0.local_addr().unwrap());
    let headers = format!("{contact}Content-Type: application/sdp\r\n");
    ada.answers(&invite, "200 OK", &headers, &answer).await;
    ada.hears("ACK").await;
    let live = centre.rig.admission.registry.published(ContactId::from_random(CONTACT)).expect("a call");
    assert!(live.queue.is_some());
    // Both legs are on one thread, each from its own port: what one says the other hears.
    let theirs = port_of(&invite);
    let ours = centre.answered;
    let customer_talks = Talker::new(&customer_rtp, ours, 0x10).await;
    hear_each_other(customer_talks, Talker::new(&agent_rtp, theirs, 0x90).await).await;
    assert_eq!(centre.rig.admission.centre.stats().waiting, 0);
    customer.sends("BYE", "z9hG4bK3", &tag, "", "").await;
    ada.is_hung_up().await;
    task.await.unwrap();
    let record = centre.record();
    let part = record.agent.expect("an agent's part");
    assert_eq!(part.agent, centre.people.0[0]);
    assert!(part.connected.is_some() && record.queue.unwrap().dequeued.is_some());
    assert_eq!(record.agent_connection_attempts, 1);
    assert_eq!(centre.rig.admission.registry.len(), 0);
    centre.gives_all_ports_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_whom_one_agent_refuses_is_offered_to_the_other() {
    let mut centre = Centred::new(&["ada", "bob"]).await;
    let (_customer, _, task) = centre.customer(40_000).await;
    let [ada, bob] = centre.telephones.as_slice() else { panic!("two telephones") };
    let first = tokio::select! {
        invite = ada.hears("INVITE") => (ada, bob, invite),
        invite = bob.hears("INVITE") => (bob, ada, invite),
    };
    let (refuses, other, invite) = first;
    refuses.answers(&invite, "486 Busy Here", "", "").await;
    let invite = other.hears("INVITE").await;
    other.answers(&invite, "180 Ringing", "", "").await;
    assert_eq!(centre.rig.admission.centre.stats().waiting, 1);
    centre.rig.admission.registry.stop(ContactId::from_random(CONTACT));
    other.hears("CANCEL").await;
    task.await.unwrap();
    let record = centre.record();
    assert_eq!((record.agent, record.agent_connection_attempts), (None, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_who_hangs_up_while_it_rings_is_in_no_queue_and_the_telephone_stops() {
    let mut centre = Centred::new(&["ada"]).await;
    let (customer, tag, task) = centre.customer(40_000).await;
    let ada = &centre.telephones[0];
    let invite = ada.hears("INVITE").await;
    ada.answers(&invite, "180 Ringing", "", "").await;
    customer.sends("BYE", "z9hG4bK3", &tag, "", "").await;
    let cancel = ada.hears("CANCEL").await;
    ada.answers(&cancel, "200 OK", "", "").await;
    ada.answers(&invite, "487 Request Terminated", "", "").await;
    task.await.unwrap();
    let stats = centre.rig.admission.centre.stats();
    assert_eq!((stats.waiting, stats.parts), (0, 0));
    centre.gives_all_ports_back().await;
    assert!(centre.record().agent.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_has_so_many_legs_and_no_more_and_gives_up_those_of_a_dropped_dial() {
    let mut centre = Centred::new(&["ada"]).await;
    let _phone = Phone::invites(centre.rig.sip.address()).await;
    let mut task = centre.rig.task(to_queue(), Arc::new(centre.people.clone())).await;
    let before = centre.rig.admission.descriptors.taken(Use::Call);
    let (dial, other) = (DialId::new(1), DialId::new(2));
    let ring = || Ring {
        route: centre.rig.sip.calls().route(&Destination::Phone("ada".to_owned())).unwrap(),
        caller: CallerId::default(),
        answers_by_itself: false,
        source: None,
    };
    let reserved = (0..100).filter(|_| task.reserve_leg(dial, ring()).is_ok()).count();
    assert_eq!(reserved, LEGS_MAX - 1);
    assert_eq!(centre.rig.admission.descriptors.taken(Use::Call), before + PER_CALL * (LEGS_MAX as u64 - 1));
    task.legs.drop_dial(other);
    assert_eq!(task.legs.len(), LEGS_MAX);
    task.legs.drop_dial(dial);
    assert_eq!((task.legs.len(), centre.rig.admission.descriptors.taken(Use::Call)), (1, before));
}

/// A call that the API places, to this number.
fn outbound(destination: &str) -> OutboundCall {
    let id = ContactId::from_random(CONTACT);
    let new = NewContact {
        id,
        instance: instance(),
        initiation_method: InitiationMethod::Api,
        customer_number: Some(destination.to_owned().into()),
        system_number: Some("+18005550100".to_owned().into()),
        sip_headers: BTreeMap::new(),
    };
    OutboundCall {
        contact: Contact::new(ServiceClock::default().wall_now(), new),
        destination: destination.to_owned(),
        caller_id: "+18005550100".to_owned(),
        caller_name: None,
        flow: flow(&[action("set", "UpdateContactAttributes", json!({ "Attributes": { "k": "v" } }), "end")]),
        queue: None,
        ring_s: 30,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_the_api_places_goes_out_by_its_trunk_and_its_flow_begins_with_the_answer() {
    let customer = Phone(socket().await);
    let host = customer.0.local_addr().unwrap().to_string();
    let rig = Rig::with_sip(Arc::new(TwoFragments), |options| {
        let trunk = OutboundTrunk {
            id: TrunkId("us".into()),
            host,
            prefixes: vec!["+1".to_owned()],
            allow: DialRules::parse(&["+1206*".to_owned()]).unwrap(),
            credentials: None,
            asserts: false,
        };
        options.outbound = Outbound { trunks: vec![trunk], ..Outbound::default() };
    })
    .await;
    customer.0.connect(rig.sip.address()).await.unwrap();
    let registry = rig.admission.registry.clone();
    assert_eq!(registry.start_outbound(outbound("+12065550123")), Err(OutboundError::NotOffered));
    let admission = Arc::new(rig.admission.clone());
    registry.begin_calls(&admission);
    let refused = registry.start_outbound(outbound("+19005550123"));
    assert!(matches!(refused, Err(OutboundError::NotAllowed(_))), "{refused:?}");
    let refused = registry.start_outbound(outbound("+4930123456"));
    assert!(matches!(refused, Err(OutboundError::NoWayOut(_))), "{refused:?}");
    assert_eq!(registry.len(), 0);

    registry.start_outbound(outbound("+12065550123")).unwrap();
    let invite = customer.hears("INVITE").await;
    assert!(invite.starts_with("INVITE sip:+12065550123@"), "{invite}");
    let live = registry.published(ContactId::from_random(CONTACT)).expect("a call");
    assert_eq!(live.attributes.value("k"), None, "nothing runs before the answer");
    let headers =
        format!("Contact: <sip:x@{}>\r\nContent-Type: application/sdp\r\n", customer.0.local_addr().unwrap());
    customer.answers(&invite, "200 OK", &headers, &sdp(40_000)).await;
    customer.hears("ACK").await;
    customer.is_hung_up().await;
    registry.emptied().await;
    let record = rig.history.find(ContactId::from_random(CONTACT)).unwrap().expect("a record");
    assert_eq!((record.attributes.value("k"), record.initiation_method), (Some("v"), InitiationMethod::Api));
    assert!(record.connected_to_system_timestamp.is_some());
}

#[test]
fn a_task_that_reads_nothing_is_told_so_much_and_no_more() {
    let (live, mut incoming) = LiveCall::new();
    let (registry, id) = (CallRegistry::default(), ContactId::from_random(CONTACT));
    let registered = registry.begin(live, Arc::new(contact()));
    let told = (0..1_000).filter(|_| registry.tell(id, RoutingEvent::Queued { contact: id })).count();
    assert_eq!((told, registry.refused_requests()), (64, 1_000 - 64));
    // One that is taken makes room for one.
    drop(incoming.requests.blocking_recv());
    assert!(registry.tell(id, RoutingEvent::Queued { contact: id }));
    let full = registry.request(id, Request::Routing(RoutingEvent::Queued { contact: id }));
    assert!(matches!(full, Err(NotTaken::Full(_))));
    drop(registered);
    let over = registry.request(id, Request::Routing(RoutingEvent::Queued { contact: id }));
    assert!(matches!(over, Err(NotTaken::Over(_))));
}
