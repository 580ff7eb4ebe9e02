//! A call's task on a real SIP endpoint and a real media plane; what the call asks its instance and where its audio goes is
//! played by the test.

use super::FlowLog;
use super::legs::TaskLeg;
use super::registry::{Answer, CallRegistry, LiveCall, Request};
use super::task::CallTask;
use super::{Admission, AdmissionOptions, Dialling};
use crate::audit::Audit;
use crate::centre::{Centre, CentreParts};
use crate::clock::ServiceClock;
use crate::config;
use crate::connections::{ConnectionLimits, Connections};
use crate::descriptors::{DescriptorBudget, PER_CALL, Use};
use crate::lambda::Lambda;
use crate::lex::Bots;
use crate::lines::{LineWriters, Rotation};
use crate::media::{MediaPlane, MediaPlaneOptions};
use crate::sink::CaptureQueue;
use crate::sip::{Invitation, SipEndpoint, SipOptions};
use crate::speech::Speech;
use async_trait::async_trait;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tympan_capture::{
    DirectoryError, Leases, MediaSink, NewLeasedStream, PooledStream, Rest, SinkError, StreamDirectory,
    TrackProfile, Upload, UploadAck, UploadAcks, UploadSpec,
};
use tympan_connect::live_calls::{LiveCalls, NoCalls, SetAttributes};
use tympan_connect::settings::MemorySettings;
use tympan_connect::{ConnectService, Ids, Options};
use tympan_contact::routing::RoutingOptions;
use tympan_contact::{
    Contact, ContactOptions, ContactSetup, DisconnectReason, History, InitiationMethod, InstanceRef,
    InstanceSettings, Leg, LegSpec, LiveContact, MemoryHistory, NewContact, REQUESTS_MAX, Reply, RoutedFlow,
};
use tympan_flow::{Flow, FlowIdentity, FlowType, ResourceRef};
use tympan_telephony::sdp::LocalMedia;
use tympan_types::{
    AccountId, Caller, ContactId, FragmentNumber, InstanceId, Region, ServerTime, StreamArn, StreamName,
    StreamSettings, WallTime,
};

mod agents;

const CONTACT: [u8; 16] = [7; 16];

/// An instance whose functions cannot be looked up.
struct Panics;

impl InstanceSettings for Panics {
    fn media_streaming(&self, _: InstanceId) -> Option<StreamSettings> {
        Some(StreamSettings {
            name_prefix: "demo".into(),
            retention_hours: 24,
            key_id: "alias/aws/kinesisvideo".into(),
        })
    }

    fn may_invoke(&self, _: InstanceId, _: &str) -> bool {
        panic!("injected by the test")
    }

    fn flow(&self, _: InstanceId, _: &ResourceRef) -> Option<RoutedFlow> {
        None
    }
}

struct FixedIds;

impl Ids for FixedIds {
    fn random(&self) -> [u8; 16] {
        [1; 16]
    }
}

/// Streams as they are asked for.
struct Streams;

#[async_trait]
impl StreamDirectory for Streams {
    async fn list(&self, _: &str) -> Result<Vec<StreamName>, DirectoryError> {
        Ok(Vec::new())
    }

    async fn describe(&self, _: &StreamName) -> Result<Option<PooledStream>, DirectoryError> {
        Ok(None)
    }

    async fn create(&self, new: NewLeasedStream) -> Result<StreamArn, DirectoryError> {
        let instance = instance();
        Ok(StreamArn::new(instance.region, instance.account, new.name, WallTime::from_unix_ms(1)))
    }

    async fn set_retention(&self, _: &StreamArn, _: u32) -> Result<(), DirectoryError> {
        Ok(())
    }
}

/// Acknowledges a first fragment at once, and the last one when the upload is finished.
struct TwoFragments;

struct Finish(Option<oneshot::Sender<()>>);

impl Upload for Finish {
    fn write(&mut self, _: &[u8]) {}

    fn finish(mut self: Box<Self>) {
        self.0.take().map(|finished| finished.send(()));
    }
}

struct TwoAcks {
    told: u64,
    finished: oneshot::Receiver<()>,
}

#[async_trait]
impl UploadAcks for TwoAcks {
    async fn next(&mut self) -> Option<UploadAck> {
        if self.told == 1 {
            (&mut self.finished).await.ok()?;
        }
        self.told += 1;
        (self.told < 3).then(|| UploadAck::Persisted { number: fragment(self.told), timecode_ms: 0 })
    }
}

#[async_trait]
impl MediaSink for TwoFragments {
    async fn open(&self, _: UploadSpec) -> Result<(Box<dyn Upload>, Box<dyn UploadAcks>), SinkError> {
        let (sender, finished) = oneshot::channel();
        Ok((Box::new(Finish(Some(sender))), Box::new(TwoAcks { told: 0, finished })))
    }
}

/// The first upload is opened when the test says so, each further one at once. Acknowledges the first fragment of each.
struct SlowFirst {
    released: tokio::sync::Semaphore,
    opened: Mutex<Vec<Arc<Written>>>,
}

/// What an upload was given.
#[derive(Default)]
struct Written {
    bytes: AtomicUsize,
    is_finished: AtomicBool,
    is_dropped: AtomicBool,
}

struct Counting(Arc<Written>);

impl Upload for Counting {
    fn write(&mut self, mkv: &[u8]) {
        self.0.bytes.fetch_add(mkv.len(), Ordering::SeqCst);
    }

    fn finish(self: Box<Self>) {
        self.0.is_finished.store(true, Ordering::SeqCst);
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.0.is_dropped.store(true, Ordering::SeqCst);
    }
}

/// Acknowledges a fragment once something was written, and ends when the upload has.
struct AckOfWritten(Arc<Written>, FragmentNumber, bool);

#[async_trait]
impl UploadAcks for AckOfWritten {
    async fn next(&mut self) -> Option<UploadAck> {
        loop {
            if !self.2 && self.0.bytes.load(Ordering::SeqCst) > 0 {
                self.2 = true;
                return Some(UploadAck::Persisted { number: self.1, timecode_ms: 0 });
            }
            if self.0.is_dropped.load(Ordering::SeqCst) {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[async_trait]
impl MediaSink for SlowFirst {
    async fn open(&self, _: UploadSpec) -> Result<(Box<dyn Upload>, Box<dyn UploadAcks>), SinkError> {
        let written = Arc::<Written>::default();
        let nth = {
            let mut opened = self.opened.lock().unwrap();
            opened.push(written.clone());
            opened.len()
        };
        if nth == 1 {
            self.released.acquire().await.unwrap().forget();
        }
        let acks = AckOfWritten(written.clone(), fragment(1_000 * nth as u64 + 1), false);
        Ok((Box::new(Counting(written)), Box::new(acks)))
    }
}

fn fragment(sequence: u64) -> FragmentNumber {
    FragmentNumber::new(sequence, ServerTime::from_unix_ms(1), 0)
}

fn instance() -> InstanceRef {
    InstanceRef {
        id: InstanceId::from_random([9; 16]),
        alias: "demo".into(),
        account: AccountId::parse("111122223333").unwrap(),
        region: Region::parse("us-west-2").unwrap(),
    }
}

fn action(id: &str, kind: &str, parameters: Value, next: &str) -> Value {
    let errors = json!([{ "ErrorType": "NoMatchingError", "NextAction": "end" }]);
    json!({
        "Identifier": id, "Type": kind, "Parameters": parameters,
        "Transitions": { "NextAction": next, "Errors": errors, "Conditions": [] },
    })
}

fn start_streaming(next: &str) -> Value {
    let customer = json!([{ "ParticipantType": "Customer", "MediaDirections": ["From"] }]);
    let parameters =
        json!({ "MediaStreamingState": "Enabled", "MediaStreamType": "Audio", "Participants": customer });
    action("stream", "UpdateContactMediaStreamingBehavior", parameters, next)
}

fn invoke() -> Value {
    let parameters = json!({
        "LambdaFunctionARN": "arn:aws:lambda:us-west-2:111122223333:function:f", "InvocationTimeLimitSeconds": "3",
    });
    action("invoke", "InvokeLambdaFunction", parameters, "end")
}

fn flow(actions: &[Value]) -> RoutedFlow {
    let end =
        json!({ "Identifier": "end", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} });
    let all: Vec<Value> = actions.iter().cloned().chain([end]).collect();
    let document = json!({
        "Version": "2019-10-30", "StartAction": all[0]["Identifier"], "Actions": all, "Metadata": {},
    });
    let identity = FlowIdentity { arn: "arn:flow".into(), name: "flow".into() };
    RoutedFlow {
        flow: Arc::new(Flow::parse(&document.to_string()).unwrap()),
        identity,
        flow_type: FlowType::ContactFlow,
    }
}

fn contact() -> Contact {
    let new = NewContact {
        id: ContactId::from_random(CONTACT),
        instance: instance(),
        initiation_method: InitiationMethod::Inbound,
        customer_number: None,
        system_number: None,
        sip_headers: BTreeMap::new(),
    };
    Contact::new(ServiceClock::default().wall_now(), new)
}

struct Rig {
    admission: Admission,
    sip: SipEndpoint,
    invitations: mpsc::Receiver<Invitation>,
    history: Arc<MemoryHistory>,
    _writers: LineWriters,
    _folder: tempfile::TempDir,
}

impl Rig {
    async fn new() -> Self {
        Self::with(Arc::new(TwoFragments)).await
    }

    async fn with(sink: Arc<dyn MediaSink>) -> Self {
        Self::with_sip(sink, |_| {}).await
    }

    async fn with_sip(sink: Arc<dyn MediaSink>, change: impl FnOnce(&mut SipOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (budget, history) = (DescriptorBudget::new(1_000, 10), Arc::<MemoryHistory>::default());
        let connections = ConnectionLimits { total: 4, per_source: 4 };
        let connections = Connections::new(connections, budget.clone(), Use::SipTcp, 1);
        let mut options = SipOptions::on_loopback(connections);
        change(&mut options);
        let (sip, invitations) = SipEndpoint::bind(options, Arc::default()).await.unwrap();
        let queue = CaptureQueue::start(1 << 20, tokio::runtime::Handle::current()).unwrap();
        let plane = MediaPlaneOptions {
            address: IpAddr::from([127, 0, 0, 1]),
            ports: (0, 0),
            threads: 1,
            tick: Duration::from_millis(1),
        };
        let InstanceRef { account, region, .. } = instance();
        let connect = ConnectService::open(
            Arc::new(MemorySettings::default()),
            history.clone(),
            Arc::new(NoCalls),
            Arc::new(FixedIds),
            Options::new(account, region),
        )
        .unwrap();
        let (writers, flow_log) = (LineWriters::default(), folder.path().join("flow-logs.jsonl"));
        let rotation = Rotation { limit_bytes: 1 << 20, kept: 1, kept_for: None };
        let registry = CallRegistry::default();
        let centre = Centre::new(CentreParts {
            clock: ServiceClock::default(),
            calls: registry.clone(),
            history: history.clone(),
            options: RoutingOptions::default(),
        });
        let dialling = Dialling::default();
        dialling.begin(sip.calls().clone());
        centre.begin_telephones(sip.calls().clone());
        let region = Region::parse("us-west-2").unwrap();
        let lambda = Arc::new(Lambda::new(&config::Lambda::default(), &region, budget.clone()).unwrap());
        let caller = Caller {
            account: AccountId::parse("111122223333").unwrap(),
            region,
            access_key_id: String::new(),
        };
        let admission = Admission {
            connect: connect.clone(),
            history: history.clone(),
            registry,
            audit: Audit::default(),
            dialling,
            centre,
            media: Arc::new(MediaPlane::start(&plane, &queue).unwrap()),
            leases: Leases::new(
                Arc::new(Streams),
                Rest { time: Duration::ZERO, clock: Arc::new(Duration::default) },
            ),
            sink,
            speech: Arc::new(
                Speech::new(
                    &config::Speech::default(),
                    &Region::parse("us-west-2").unwrap(),
                    budget.clone(),
                    Arc::new(connect),
                )
                .unwrap(),
            ),
            lambda: lambda.clone(),
            bots: Arc::new(
                Bots::new(&config::Lex::default(), caller, ServiceClock::default(), lambda, budget.clone())
                    .unwrap(),
            ),
            flow_log: Arc::new(FlowLog::open(&writers, flow_log, rotation).unwrap()),
            descriptors: budget,
            metrics: Arc::default(),
            clock: ServiceClock::default(),
            options: AdmissionOptions {
                calls_max: 10,
                silence_grace: Duration::from_millis(500),
                media: config::TrunkMediaRules::new(&[]),
                track_profile: TrackProfile::Current,
                contact: ContactOptions::default(),
            },
        };
        Self { admission, sip, invitations, history, _writers: writers, _folder: folder }
    }

    /// Runs the task of a call that comes in.
    async fn take_call(&mut self, flow: RoutedFlow) -> tokio::task::JoinHandle<()> {
        let task = self.task(flow, Arc::new(Panics)).await;
        assert_eq!(self.admission.registry.len(), 1);
        tokio::spawn(task.run())
    }

    /// The task of a call that comes in.
    async fn task(&mut self, flow: RoutedFlow, instance: Arc<dyn InstanceSettings>) -> Box<CallTask> {
        let invitation = self.invitations.recv().await.unwrap();
        let descriptors = self.admission.descriptors.take(Use::Call, PER_CALL).unwrap();
        let port = self.admission.media.reserve(invitation.local.ip(), descriptors).unwrap();
        let leg = LegSpec {
            id: invitation.leg.id(),
            local: LocalMedia::new(port.address(), 1),
            offer: invitation.offer.clone(),
            digits: invitation.digits,
        };
        let (clock, active) = (self.admission.clock.for_call(), self.admission.metrics.call_taken());
        let setup = ContactSetup {
            contact: contact(),
            flow,
            leg: Leg::invited(leg).unwrap(),
            instance,
            options: ContactOptions::default(),
        };
        let live = LiveContact::new(clock.now(), setup);
        CallTask::new(self.admission.clone(), active, clock, Some(TaskLeg::invited(invitation, port)), live)
    }

    fn metric(&self, name: &str) -> String {
        let page = self.admission.metrics.render();
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {page}")).to_owned()
    }
}

/// What a telephone offers, and answers.
fn sdp(rtp_port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {rtp_port} RTP/AVP 0\r\n"
    )
}

/// A telephone that knows the least that a call needs.
struct Phone(UdpSocket);

impl Phone {
    async fn invites(to: SocketAddr) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        socket.connect(to).await.unwrap();
        let phone = Self(socket);
        phone.sends("INVITE", "z9hG4bK1", "", "Content-Type: application/sdp\r\n", &sdp(40_000)).await;
        phone
    }

    async fn sends(&self, method: &str, branch: &str, to_tag: &str, headers: &str, body: &str) {
        // Of the dialog only BYE comes after the INVITE here.
        let sequence = if method == "BYE" { 2 } else { 1 };
        let local = self.0.local_addr().unwrap();
        let request = format!(
            "{method} sip:+18005550100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch={branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:caller@{local}>;tag=1\r\nTo: <sip:+18005550100@127.0.0.1>{to_tag}\r\n\
             Call-ID: 1@{local}\r\nCSeq: {sequence} {method}\r\nContact: <sip:caller@{local}>\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.send(request.as_bytes()).await.unwrap();
    }

    /// The next message that begins so.
    async fn hears(&self, start: &str) -> String {
        let mut buffer = vec![0; 65_536];
        loop {
            let received = tokio::time::timeout(Duration::from_secs(60), self.0.recv(&mut buffer));
            let length = received.await.unwrap_or_else(|_| panic!("no {start} came")).unwrap();
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if message.starts_with(start) {
                return message;
            }
        }
    }

    /// Acknowledges the answer. Gives the tag of the other side.
    async fn is_answered(&self) -> String {
        let answer = self.hears("SIP/2.0 200").await;
        let tag =
            answer.lines().find(|line| line.starts_with("To:")).and_then(|line| line.split_once(";tag="));
        let tag = format!(";tag={}", tag.unwrap().1);
        self.sends("ACK", "z9hG4bK2", &tag, "", "").await;
        tag
    }

    async fn is_hung_up(&self) {
        let bye = self.hears("BYE").await;
        self.answers(&bye, "200 OK", "", "").await;
    }

    async fn answers(&self, request: &str, status: &str, headers: &str, body: &str) {
        let echoed = ["Via:", "From:", "To:", "Call-ID:", "CSeq:", "Record-Route:"];
        let mut lines: Vec<String> = request
            .lines()
            .filter(|line| echoed.iter().any(|name| line.starts_with(name)))
            .map(str::to_owned)
            .collect();
        for to in lines.iter_mut().filter(|line| line.starts_with("To:") && !line.contains(";tag=")) {
            to.push_str(";tag=agent");
        }
        let length = body.len();
        let lines = lines.join("\r\n");
        let answer =
            format!("SIP/2.0 {status}\r\n{lines}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        self.0.send(answer.as_bytes()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_task_panics_is_hung_up_and_recorded_and_leaves_nothing_behind() {
    let mut rig = Rig::new().await;
    let phone = Phone::invites(rig.sip.address()).await;
    let task = rig.take_call(flow(&[invoke()])).await;
    phone.is_answered().await;
    phone.is_hung_up().await;
    task.await.expect("the panic ends within the task");
    assert_eq!(rig.admission.registry.len(), 0);
    assert_eq!(rig.metric("tympan_calls_active"), "0");
    assert_eq!(rig.metric("tympan_call_task_panics_total"), "1");
    let contact = rig.history.find(ContactId::from_random(CONTACT)).unwrap().expect("a record");
    assert_eq!(contact.disconnect_reason, Some(DisconnectReason::Other));
    assert!(contact.disconnect_timestamp.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_capture_of_a_call_whose_task_panics_is_completed() {
    let mut rig = Rig::new().await;
    let phone = Phone::invites(rig.sip.address()).await;
    let task = rig.take_call(flow(&[start_streaming("invoke"), invoke()])).await;
    phone.is_answered().await;
    phone.is_hung_up().await;
    task.await.expect("the panic ends within the task");
    let contact = rig.history.find(ContactId::from_random(CONTACT)).unwrap().expect("a record");
    let audio = contact.customer_audio().expect("a recording");
    assert_eq!((audio.start_fragment_number, audio.stop_fragment_number), (fragment(1), Some(fragment(2))));
}

/// The first Start block times out; its upload opens while the second capture runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_late_upload_of_a_start_block_that_timed_out_gets_no_sound_of_the_next_one() {
    let sink = Arc::new(SlowFirst { released: tokio::sync::Semaphore::new(0), opened: Mutex::default() });
    let mut rig = Rig::with(sink.clone()).await;
    let phone = Phone::invites(rig.sip.address()).await;
    let talk = action("talk", "MessageParticipant", json!({ "Text": "hello" }), "end");
    let mut first = start_streaming("end");
    first["Identifier"] = "first".into();
    first["Transitions"]["Errors"] = json!([{ "NextAction": "stream", "ErrorType": "NoMatchingError" }]);
    let task = rig.take_call(flow(&[first, start_streaming("talk"), talk])).await;
    phone.is_answered().await;
    let second = loop {
        let opened = sink.opened.lock().unwrap().clone();
        match opened.as_slice() {
            [_, second] if second.bytes.load(Ordering::SeqCst) > 0 => break second.clone(),
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    sink.released.add_permits(1);
    let late = sink.opened.lock().unwrap()[0].clone();
    while !late.is_dropped.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(late.bytes.load(Ordering::SeqCst), 0, "it was cut off with nothing in it");
    assert!(!late.is_finished.load(Ordering::SeqCst));
    phone.is_hung_up().await;
    task.await.unwrap();
    assert!(second.is_finished.load(Ordering::SeqCst));
    let contact = rig.history.find(ContactId::from_random(CONTACT)).unwrap().expect("a record");
    let [audio] = contact.captures.as_slice() else { panic!("{:?}", contact.captures) };
    assert_eq!(audio.start_fragment_number, fragment(2_001));
}

#[test]
fn a_call_has_so_many_unanswered_changes_of_attributes_and_refuses_more() {
    let (live, mut incoming) = LiveCall::new();
    let (registry, id) = (CallRegistry::default(), ContactId::from_random(CONTACT));
    let registered = registry.begin(live, Arc::new(contact()));
    let change = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    let answers = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..REQUESTS_MAX {
            scope.spawn(|| {
                let answer = registry.set_attributes(id, &change);
                answers.lock().unwrap().push(answer);
            });
        }
        // A task that has taken all of them, and has answered none yet.
        let next = || match incoming.requests.blocking_recv().unwrap().what {
            Request::Attributes(_, answer) => answer,
            _ => panic!("nothing else was asked"),
        };
        let taken: Vec<Answer> = std::iter::repeat_with(next).take(REQUESTS_MAX).collect();
        assert_eq!(registry.set_attributes(id, &change), SetAttributes::Busy);
        assert_eq!(registry.refused_changes(), 1);
        taken.into_iter().for_each(|answer| answer.send(Reply::Set).unwrap());
    });
    assert_eq!(answers.into_inner().unwrap(), vec![SetAttributes::Set; REQUESTS_MAX]);
    drop(registered);
    assert_eq!(registry.set_attributes(id, &change), SetAttributes::NoSuchCall);
}

#[tokio::test]
async fn no_number_of_requests_to_stop_a_call_grows_a_queue() {
    let (live, mut incoming) = LiveCall::new();
    let (registry, id) = (CallRegistry::default(), ContactId::from_random(CONTACT));
    let _registered = registry.begin(live, Arc::new(contact()));
    assert!((0..10_000).all(|_| registry.stop(id)));
    registry.drain(Duration::ZERO);
    incoming.orders.changed().await.unwrap();
    let orders = *incoming.orders.borrow_and_update();
    assert!(orders.stop && orders.drain_until.is_some());
    assert!(!incoming.orders.has_changed().unwrap());
}

#[tokio::test]
async fn a_call_that_is_added_after_the_drain_has_to_end_as_the_others() {
    let registry = CallRegistry::default();
    registry.drain(Duration::from_secs(5));
    let (live, mut incoming) = LiveCall::new();
    let _registered = registry.begin(live, Arc::new(contact()));
    assert!(incoming.orders.borrow_and_update().drain_until.is_some());
}
