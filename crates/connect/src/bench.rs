//! What the tests of the operations stand on: a service over memory, an account, and shorthand for requests.

use crate::error::{ConnectError, ErrorCode};
use crate::live_calls::{ChangeContact, LiveCalls, OutboundCall, OutboundError, SetAttributes};
use crate::live_centre::LiveCentre;
use crate::service::{ConnectService, Ids, Options};
use crate::settings::MemorySettings;
use http::Request;
use http::request::Parts;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tympan_aws::{Attempt, Invocation, Permit};
use tympan_contact::routing::{
    AgentKey, CallbackPlan, Output, QueueKey, QueuedContact, QueuedKind, Routing, RoutingCriteria,
    RoutingUpdate,
};
use tympan_contact::{
    AgentPart, Contact, History, InitiationMethod, MemoryHistory, NewContact, Now, Order, QueueStay,
};
use tympan_flow::ContactChange;
use tympan_types::{AccountId, Caller, ContactId, Mono, OfferId, Region, WallTime};

pub(crate) const FLOW: &str = r#"{"Version":"2019-10-30","StartAction":"end","Actions":[{"Identifier":"end","Type":"DisconnectParticipant","Parameters":{},"Transitions":{}}]}"#;
pub(crate) const DANGLING_FLOW: &str = r#"{"Version":"2019-10-30","StartAction":"a","Actions":[{"Identifier":"a","Type":"MessageParticipant","Parameters":{"Text":"hello"},"Transitions":{"NextAction":"nowhere","Errors":[],"Conditions":[]}}]}"#;
pub(crate) const NOW: WallTime = WallTime::from_unix_ms(1_563_000_000_123);
pub(crate) const ABSENT: &str = "99999999-9999-4999-8999-999999999999";

/// The head of a request; `target` is the path with its query, of which what no URI can hold is encoded here. `None` for a
/// method that is none.
pub(crate) fn head(method: &str, target: &str) -> Option<Parts> {
    const NOT_IN_URIS: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'<')
        .add(b'>')
        .add(b'`')
        .add(b'{')
        .add(b'}')
        .add(b'|')
        .add(b'^')
        .add(b'\\')
        .add(b'#');
    let uri = utf8_percent_encode(target, NOT_IN_URIS).to_string();
    // As a URI of its own `//x` begins with a host.
    let uri = format!("http://localhost{}{uri}", if uri.starts_with('/') { "" } else { "/" });
    let (head, ()) = Request::builder().method(method).uri(uri).body(()).ok()?.into_parts();
    Some(head)
}

pub(crate) struct Bench {
    pub(crate) service: ConnectService,
    pub(crate) settings: Arc<MemorySettings>,
    pub(crate) history: Arc<MemoryHistory>,
    pub(crate) live: Arc<ScriptedCalls>,
    pub(crate) caller: Caller,
    options: Options,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let (account, region) =
            (AccountId::parse("111122223333").unwrap(), Region::parse("us-west-2").unwrap());
        let mut options = Options::new(account.clone(), region.clone());
        options.number_ranges = vec!["+18005550100-+18005550109".parse().unwrap()];
        options.default_resources = false;
        change(&mut options);
        let caller = Caller { account, region, access_key_id: "TYMPANDEV".into() };
        Self::open(Arc::default(), Arc::default(), Arc::default(), caller, options)
    }

    /// The same settings and history under a new service, as after a restart.
    pub(crate) fn reopened(&self) -> Self {
        self.reopened_with(|_| {})
    }

    /// The same under other options.
    pub(crate) fn reopened_with(&self, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = self.options.clone();
        change(&mut options);
        let (settings, history) = (self.settings.clone(), self.history.clone());
        Self::open(settings, history, self.live.clone(), self.caller.clone(), options)
    }

    fn open(
        settings: Arc<MemorySettings>,
        history: Arc<MemoryHistory>,
        live: Arc<ScriptedCalls>,
        caller: Caller,
        options: Options,
    ) -> Self {
        let ids = Arc::new(CountedIds::default());
        let service =
            ConnectService::open(settings.clone(), history.clone(), live.clone(), ids, options.clone())
                .unwrap();
        Self { service, settings, history, live, caller, options }
    }

    /// Sends a request; `target` is the path with its query. An empty body answers as null.
    pub(crate) fn call(&self, method: &str, target: &str, body: Value) -> Result<Value, ConnectError> {
        self.call_as(&self.caller, method, target, body)
    }

    pub(crate) fn call_as(
        &self,
        caller: &Caller,
        method: &str,
        target: &str,
        body: Value,
    ) -> Result<Value, ConnectError> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = self.service.call(NOW, caller, &head(method, target).unwrap(), &body)?;
        Ok(if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() })
    }

    /// Sends a request under the policies of `permit`.
    pub(crate) fn attempt(
        &self,
        permit: &dyn Permit,
        method: &str,
        target: &str,
        body: &str,
    ) -> Attempt<ConnectError> {
        let invocation = Invocation { permit, ..Invocation::within_process(&self.caller, NOW) };
        self.service.attempt(&head(method, target).unwrap(), body.as_bytes(), &invocation)
    }

    /// Sends a request that must fail, and tells how.
    pub(crate) fn refusal(&self, method: &str, target: &str, body: Value) -> ErrorCode {
        self.call(method, target, body).unwrap_err().code()
    }

    /// A stranger: another account of the same server.
    pub(crate) fn stranger(&self) -> Caller {
        Caller { account: AccountId::parse("444455556666").unwrap(), ..self.caller.clone() }
    }

    /// Creates an instance and returns its id.
    pub(crate) fn instance(&self, alias: &str) -> String {
        let body = json!({ "IdentityManagementType": "CONNECT_MANAGED", "InstanceAlias": alias,
            "InboundCallsEnabled": true, "OutboundCallsEnabled": false });
        text(&self.call("PUT", "/instance", body).unwrap()["Id"])
    }

    /// Creates a published flow and returns its id.
    pub(crate) fn flow(&self, instance: &str, name: &str) -> String {
        let body = json!({ "Name": name, "Type": "CONTACT_FLOW", "Content": FLOW });
        text(&self.call("PUT", &format!("/contact-flows/{instance}"), body).unwrap()["ContactFlowId"])
    }

    /// Creates a user with the default profile, who is connected without being asked and has 30 s for each contact; his id.
    pub(crate) fn agent(&self, instance: &str, name: &str) -> String {
        let of = |path: &str, list: &str, wanted: &str| {
            let listed = self.call("GET", &format!("/{path}/{instance}"), Value::Null).unwrap();
            let found = listed[list].as_array().unwrap().iter().find(|item| item["Name"] == wanted);
            text(&found.unwrap()["Id"])
        };
        let body = json!({
            "Username": name,
            "IdentityInfo": { "FirstName": "Ada", "LastName": "Lovelace" },
            "PhoneConfig": { "PhoneType": "SOFT_PHONE", "AutoAccept": true, "AfterContactWorkTimeLimit": 30 },
            "RoutingProfileId": of("routing-profiles-summary", "RoutingProfileSummaryList", "Basic Routing Profile"),
            "SecurityProfileIds": [of("security-profiles-summary", "SecurityProfileSummaryList", "Agent")],
        });
        text(&self.call("PUT", &format!("/users/{instance}"), body).unwrap()["UserId"])
    }

    /// The id of the queue that every instance begins with.
    pub(crate) fn basic_queue(&self, instance: &str) -> String {
        let listed =
            self.call("GET", &format!("/queues-summary/{instance}?queueTypes=STANDARD"), Value::Null);
        text(&listed.unwrap()["QueueSummaryList"][0]["Id"])
    }

    /// Claims a number and returns its id.
    pub(crate) fn number(&self, instance: &str, number: &str) -> String {
        let body = json!({ "InstanceId": instance, "PhoneNumber": number });
        text(&self.call("POST", "/phone-number/claim", body).unwrap()["PhoneNumberId"])
    }

    /// Enables live media streaming and returns the association's id.
    pub(crate) fn streaming(&self, instance: &str, prefix: &str) -> String {
        let body = json!({ "ResourceType": "MEDIA_STREAMS", "StorageConfig": storage_config(prefix, 24) });
        text(
            &self.call("PUT", &format!("/instance/{instance}/storage-config"), body).unwrap()["AssociationId"],
        )
    }
}

pub(crate) fn storage_config(prefix: &str, retention_hours: i64) -> Value {
    json!({ "StorageType": "KINESIS_VIDEO_STREAM", "KinesisVideoStreamConfig": {
        "Prefix": prefix, "RetentionPeriodHours": retention_hours,
        "EncryptionConfig": { "EncryptionType": "KMS", "KeyId": "alias/aws/kinesisvideo" } } })
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[derive(Default)]
struct CountedIds(AtomicU64);

impl Ids for CountedIds {
    fn random(&self) -> [u8; 16] {
        let n = self.0.fetch_add(1, Ordering::Relaxed);
        // Seeded by the address: a reopened service must not repeat the ids of the one before.
        let salt = std::ptr::from_ref(self) as u64;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        bytes[8..].copy_from_slice(&salt.to_be_bytes());
        bytes
    }
}

/// Live calls that a test puts up by hand.
#[derive(Default)]
pub(crate) struct ScriptedCalls {
    pub(crate) up: Mutex<BTreeMap<ContactId, Contact>>,
    pub(crate) orders: Mutex<Vec<Order>>,
    pub(crate) placed: Mutex<Vec<OutboundCall>>,
    /// Why the next call is not placed.
    pub(crate) refuses: Mutex<Option<OutboundError>>,
}

impl LiveCalls for ScriptedCalls {
    fn contact(&self, id: ContactId) -> Option<Contact> {
        self.up.lock().unwrap().get(&id).cloned()
    }

    fn stop(&self, id: ContactId) -> bool {
        self.up.lock().unwrap().remove(&id).is_some()
    }

    fn set_attributes(&self, id: ContactId, changes: &BTreeMap<String, String>) -> SetAttributes {
        let mut up = self.up.lock().unwrap();
        let Some(contact) = up.get_mut(&id) else { return SetAttributes::NoSuchCall };
        match contact.attributes.set(changes.clone()) {
            Ok(()) => SetAttributes::Set,
            Err(_) => SetAttributes::TooLarge,
        }
    }

    fn change(&self, id: ContactId, change: &ContactChange) -> ChangeContact {
        let mut up = self.up.lock().unwrap();
        let Some(contact) = up.get_mut(&id) else { return ChangeContact::NoSuchCall };
        match contact.details.change(change.clone()) {
            Ok(()) => ChangeContact::Changed,
            Err(reason) => ChangeContact::Refused(reason),
        }
    }

    fn order(&self, contact: ContactId, order: Order) -> bool {
        let mut up = self.up.lock().unwrap();
        let Some(live) = up.get(&contact) else { return false };
        if let Order::Monitor { monitor, .. } = &order {
            let listening = Contact { id: *monitor, ..live.clone() };
            up.insert(*monitor, listening);
        }
        self.orders.lock().unwrap().push(order);
        true
    }

    fn start_outbound(&self, call: OutboundCall) -> Result<(), OutboundError> {
        if let Some(error) = self.refuses.lock().unwrap().take() {
            return Err(error);
        }
        self.up.lock().unwrap().insert(call.contact.id, call.contact.clone());
        self.placed.lock().unwrap().push(call);
        Ok(())
    }
}

/// An instance with one agent, whose contacts are routed.
pub(crate) struct Routed {
    pub(crate) bench: Bench,
    pub(crate) instance: String,
    pub(crate) agent: String,
    pub(crate) routing: Arc<Mutex<Routing>>,
}

/// Routing at one instant, whose outputs are not carried out.
struct OneInstant(Arc<Mutex<Routing>>);

const INSTANT: Now = Now { mono: Mono::from_millis(1_000_000), wall: NOW };

impl LiveCentre for OneInstant {
    fn look(&self, look: &mut dyn FnMut(&Routing, Now)) {
        look(&self.0.lock().unwrap(), INSTANT);
    }

    fn change(&self, change: &mut dyn FnMut(&mut Routing, Now)) {
        change(&mut self.0.lock().unwrap(), INSTANT);
    }
}

impl Routed {
    pub(crate) fn new() -> Self {
        let bench = Bench::with(|options| options.default_resources = true);
        let instance = bench.instance("demo");
        let agent = bench.agent(&instance, "agent1");
        let mut routing = Routing::default();
        routing.configure(INSTANT, bench.service.plan(instance.parse().unwrap()).unwrap());
        let routing = Arc::new(Mutex::new(routing));
        bench.service.begin_centre(Arc::new(OneInstant(routing.clone())));
        Self { bench, instance, agent, routing }
    }

    pub(crate) fn agent_key(&self) -> AgentKey {
        AgentKey { instance: self.instance.parse().unwrap(), user: self.agent.parse().unwrap() }
    }

    fn queue(&self) -> QueueKey {
        QueueKey::standard(
            self.instance.parse().unwrap(),
            self.bench.basic_queue(&self.instance).parse().unwrap(),
        )
    }

    /// A telephone of the agent is there.
    pub(crate) fn online(&self) {
        self.routing.lock().unwrap().online(INSTANT, self.agent_key());
    }

    fn enqueue(&self, contact: ContactId, kind: QueuedKind) {
        let queued = QueuedContact { kind, ..self.queued(contact, self.queue(), 0) };
        self.routing.lock().unwrap().enqueue(INSTANT, queued).unwrap();
    }

    pub(crate) fn now(&self) -> Now {
        INSTANT
    }

    /// What is configured now.
    pub(crate) fn configure(&self) {
        let plan = self.bench.service.plan(self.instance.parse().unwrap()).unwrap();
        self.routing.lock().unwrap().configure(INSTANT, plan);
    }

    /// A call that began to wait so many milliseconds from now.
    pub(crate) fn queued(&self, contact: ContactId, queue: QueueKey, ms: i64) -> QueuedContact {
        QueuedContact {
            contact,
            queue,
            priority: 5,
            age_adjustment_s: 0,
            queued_at: NOW.plus_ms(ms),
            kind: QueuedKind::Call,
            has_buffer: false,
            criteria: RoutingCriteria::default(),
        }
    }

    /// A call that waits in another queue.
    pub(crate) fn waiting_in(&self, queue: &str) {
        let contact = live_contact(&self.bench, &self.instance).id;
        let queue = QueueKey::standard(self.instance.parse().unwrap(), queue.parse().unwrap());
        self.routing.lock().unwrap().enqueue(INSTANT, self.queued(contact, queue, 0)).unwrap();
    }

    /// A call that waits in the queue.
    pub(crate) fn waiting(&self) -> ContactId {
        let mut contact = live_contact(&self.bench, &self.instance);
        let queue = self.bench.service.queue_by_key(self.queue()).unwrap();
        contact.queue = Some(QueueStay { queue, enqueued: NOW, dequeued: None });
        self.bench.live.up.lock().unwrap().insert(contact.id, contact.clone());
        self.enqueue(contact.id, QueuedKind::Call);
        contact.id
    }

    /// A callback that is not due yet.
    pub(crate) fn callback(&self) -> ContactId {
        let mut contact = new_contact(&self.bench, &self.instance);
        contact.initiation_method = InitiationMethod::Callback;
        self.bench.history.open(&contact).unwrap();
        let plan =
            CallbackPlan { created_at: NOW, due_at: NOW.plus_ms(60_000), attempts_max: 1, retry_delay_s: 60 };
        self.enqueue(contact.id, QueuedKind::Callback(plan));
        contact.id
    }

    fn offered(&self, contact: ContactId) -> OfferId {
        let mut routing = self.routing.lock().unwrap();
        while let Some(output) = routing.poll() {
            if let Output::Offer { offer, contact: offered, .. } = output
                && offered == contact
            {
                return offer;
            }
        }
        panic!("contact {contact} is offered to no agent");
    }

    /// A call that the agent did not take.
    pub(crate) fn missed(&self) -> ContactId {
        self.online();
        let contact = self.waiting();
        let offer = self.offered(contact);
        self.routing.lock().unwrap().missed(INSTANT, offer);
        contact
    }

    /// A call that the agent has.
    pub(crate) fn with_agent(&self) -> Contact {
        self.online();
        // What else waits is served before it.
        let contact = self.waiting();
        self.routing.lock().unwrap().update(INSTANT, contact, RoutingUpdate::Priority(1)).ok();
        let offer = {
            let mut routing = self.routing.lock().unwrap();
            let waiting: Vec<ContactId> = self.bench.live.up.lock().unwrap().keys().copied().collect();
            for other in waiting.into_iter().filter(|id| *id != contact) {
                routing.leave(INSTANT, other);
            }
            drop(routing);
            self.offered(contact)
        };
        let mut routing = self.routing.lock().unwrap();
        assert!(
            routing.accepted(INSTANT, offer)
                && routing.dequeued(INSTANT, offer)
                && routing.joined(INSTANT, offer)
        );
        let agent = self.bench.service.agent_by_id(self.agent_key()).unwrap();
        let mut up = self.bench.live.up.lock().unwrap();
        let live = up.get_mut(&contact).unwrap();
        live.agent = Some(AgentPart { connected: Some(NOW), ..AgentPart::accepted(agent, NOW) });
        live.queue.as_mut().unwrap().dequeued = Some(NOW);
        live.clone()
    }

    pub(crate) fn position(&self, contact: ContactId) -> Option<u32> {
        self.routing.lock().unwrap().position(contact)
    }

    /// The id of an agent status.
    pub(crate) fn status(&self, name: &str) -> String {
        let path = format!("/agent-status/{}", self.instance);
        let listed = self.bench.call("GET", &path, Value::Null).unwrap();
        let statuses = listed["AgentStatusSummaryList"].as_array().unwrap();
        text(&statuses.iter().find(|status| status["Name"] == name).unwrap()["Id"])
    }

    /// What GetCurrentUserData says of the agent.
    pub(crate) fn user_data(&self) -> Value {
        let path = format!("/metrics/userdata/{}", self.instance);
        let answer =
            self.bench.call("POST", &path, json!({ "Filters": { "Agents": [self.agent] } })).unwrap();
        answer["UserDataList"][0].clone()
    }
}

/// Puts an ended contact of an instance into the history.
pub(crate) fn ended_contact(bench: &Bench, instance: &str) -> Contact {
    let mut contact = new_contact(bench, instance);
    contact.disconnect_timestamp = Some(NOW.plus_ms(5_000));
    bench.history.close(&contact).unwrap();
    contact
}

/// Puts up a call of an instance.
pub(crate) fn live_contact(bench: &Bench, instance: &str) -> Contact {
    let contact = new_contact(bench, instance);
    bench.live.up.lock().unwrap().insert(contact.id, contact.clone());
    contact
}

fn new_contact(bench: &Bench, instance: &str) -> Contact {
    let instance = bench.service.instance(instance.parse().unwrap()).unwrap();
    let new = NewContact {
        id: ContactId::from_random(bench.service.random()),
        instance: instance.reference(),
        initiation_method: InitiationMethod::Inbound,
        customer_number: Some("+12065550123".to_owned().into()),
        system_number: Some("+18005550100".to_owned().into()),
        sip_headers: BTreeMap::new(),
    };
    Contact::new(NOW, new)
}
