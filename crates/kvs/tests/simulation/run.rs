//! One run: the machine, the server on it, the producers, and what must hold.

use crate::producer::{Acknowledged, Producer, below};
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_kvs::{
    AcksTold, Companded, KvsOptions, KvsService, Operation, PutMediaRequest, StreamIdentity, TimecodeType,
};
use tympan_store::embedded::RecoveryReport;
use tympan_store::simulation::{
    Failure, SeededEntropy, SimulatedMachine, Unsynced, fragments_of, now_or_never,
};
use tympan_store::{BodyCodec, Clock, MediaStore, StoreError, StoreOptions, StreamId, StreamRef};
use tympan_types::{AccountId, Caller, FragmentNumber, Mono, Region, StreamName};

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Of everything that happened, in order.
    pub hash: u64,
    pub persisted: u64,
    pub stored: u64,
    pub cuts: u64,
    pub cuts_at_a_start: u64,
    pub resumed: u64,
    pub sealed: u64,
    pub chunks: u64,
    pub errors: u64,
}

impl Outcome {
    pub fn add(&mut self, other: Self) {
        self.hash ^= other.hash;
        self.persisted += other.persisted;
        self.stored += other.stored;
        self.cuts += other.cuts;
        self.cuts_at_a_start += other.cuts_at_a_start;
        self.resumed += other.resumed;
        self.sealed += other.sealed;
        self.chunks += other.chunks;
        self.errors += other.errors;
    }

    fn trace(&mut self, what: &[u8]) {
        for byte in what {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// The process between two power cuts.
struct Server {
    store: MediaStore,
    service: KvsService,
    streams: Vec<StreamId>,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Commit,
    Housekeeping,
    CutFragments,
    Deadline(usize),
    Producer(usize),
    PowerCut,
    DiskFails,
}

pub struct Run {
    machine: SimulatedMachine,
    random: SeededEntropy,
    codec: Option<Arc<dyn BodyCodec>>,
    names: Vec<String>,
    producers: Vec<Producer>,
    /// When, in order, the last one first.
    power_cuts: Vec<Mono>,
    disk_fails: Option<Mono>,
    had_failures: bool,
    commit_at: Option<Mono>,
    promised: BTreeMap<(StreamId, FragmentNumber), Vec<u8>>,
    outcome: Outcome,
}

const END: Mono = Mono::from_millis(120_000);

impl Run {
    pub fn new(seed: u64) -> Self {
        let random = SeededEntropy::new(seed ^ 0x5eed);
        let machine = SimulatedMachine::new(seed).unwrap().with_segment_bytes(4_000 + below(&random, 30_000));
        let names: Vec<String> = (0..1 + below(&random, 3)).map(|at| format!("stream-{at}")).collect();
        let begin_ms = machine.clock().now().unix_ms().unsigned_abs();
        let count = 1 + below(&random, 6) as u8;
        let producers = (0..count)
            .map(|at| Producer::new(&random, at + 1, below(&random, names.len() as u64) as usize, begin_ms))
            .collect();
        let mut power_cuts: Vec<Mono> =
            (0..below(&random, 3)).map(|_| Mono::from_millis(200 + below(&random, 8_000))).collect();
        power_cuts.sort_by(|one, other| other.cmp(one));
        let disk_fails = (below(&random, 5) == 0).then(|| Mono::from_millis(1_000 + below(&random, 10_000)));
        let codec: Option<Arc<dyn BodyCodec>> =
            if below(&random, 2) == 0 { Some(Arc::new(Companded)) } else { None };
        Self {
            machine,
            random,
            codec,
            names,
            producers,
            power_cuts,
            disk_fails,
            had_failures: false,
            commit_at: None,
            promised: BTreeMap::new(),
            outcome: Outcome { hash: 0xcbf2_9ce4_8422_2325, ..Outcome::default() },
        }
    }

    pub fn run(mut self) -> Outcome {
        let mut server = self.start();
        while let Some((at, event)) = self.next(&server).filter(|(at, _)| *at <= END) {
            self.machine.clock().advance_to(at);
            self.outcome.trace(format!("{} {event:?}", at.as_nanos()).as_bytes());
            self.happen(at, event, &server);
            // A machine without power tells nothing.
            if self.machine.has_power() {
                self.read_acks(at, &server);
            } else {
                self.outcome.cuts += 1;
                self.count(&server);
                for producer in &mut self.producers {
                    producer.lose();
                    producer.next_action = at.plus_ms(100 + below(&self.random, 3_000) as i64);
                }
                drop(server);
                self.commit_at = None;
                self.restore_power();
                server = self.start();
            }
            if self.producers.iter().all(Producer::is_done) && self.power_cuts.is_empty() {
                break;
            }
        }
        assert!(
            self.producers.iter().all(Producer::is_done),
            "after two minutes not everything is acknowledged"
        );
        self.count(&server);
        self.check(&server);
        now_or_never(server.store.shutdown()).expect("inline");
        drop(server);
        let server = self.start();
        self.check(&server);
        self.outcome.stored =
            server.streams.iter().map(|id| fragments_of(&server.store, *id).unwrap().len() as u64).sum();
        self.outcome.trace(&self.machine.disk_digest().to_le_bytes());
        self.outcome
    }

    /// Starts the server, through power cuts in the midst of that, and looks at what it found.
    fn start(&mut self) -> Server {
        if below(&self.random, 4) == 0 && !self.power_cuts.is_empty() {
            let call = below(&self.random, 25) as usize;
            self.machine.cut_power_at(call);
        }
        loop {
            match self.try_start() {
                Ok(server) if self.machine.has_power() => {
                    // One that was planned and did not come while starting comes later.
                    self.check(&server);
                    return server;
                }
                // The disk still fails, which an operator sees and mends.
                Err(_) if self.machine.has_power() && self.had_failures => self.machine.repair_disk(),
                refused => {
                    let why = refused.err();
                    assert!(!self.machine.has_power(), "a machine with power starts: {why:?}");
                    self.outcome.cuts_at_a_start += 1;
                    self.restore_power();
                }
            }
        }
    }

    fn try_start(&mut self) -> Result<Server, StoreError> {
        let backend = self.machine.backend()?;
        if !self.had_failures {
            assert_eq!(backend.report(), &RecoveryReport::default(), "a power cut is not damage");
        }
        let options = StoreOptions {
            chunk_bytes: 6_000,
            chunk_age_ms: 3_000,
            body_codec: self.codec.clone(),
            ..StoreOptions::default()
        };
        let store = self.machine.start_on(Arc::new(backend), options)?;
        let clock = self.machine.clock().clone();
        let service = KvsService::driven(store.clone(), KvsOptions::new("http://simulated", clock));
        for name in &self.names {
            let body = format!("{{\"StreamName\": \"{name}\", \"DataRetentionInHours\": 24}}");
            let caller = caller();
            let made = service.call(&caller, Operation::CreateStream, body.as_bytes());
            if let Err(error) = now_or_never(made).expect("inline") {
                // It is there from before, or power has gone.
                assert!(
                    error.code() == tympan_kvs::KvsErrorCode::ResourceInUse || !self.machine.has_power(),
                    "{error}"
                );
            }
        }
        let streams = self.streams(&store);
        Ok(Server { store, service, streams })
    }

    fn restore_power(&mut self) {
        let unsynced = match below(&self.random, 4) {
            0 => Unsynced::Lost,
            1 => Unsynced::Kept,
            _ => Unsynced::Torn(self.random.next_u64()),
        };
        self.outcome.trace(format!("{unsynced:?}").as_bytes());
        self.machine.restore_power(unsynced);
    }

    fn next(&mut self, server: &Server) -> Option<(Mono, Event)> {
        let now = self.machine.clock().mono();
        if self.commit_at.is_none() && server.store.has_to_commit() {
            self.commit_at = Some(now.plus_ms(below(&self.random, 25) as i64));
        }
        let mut events = vec![
            self.commit_at.map(|at| (at, Event::Commit)),
            server.store.next_turn(now).map(|at| (at, Event::Housekeeping)),
            server.service.next_deadline().map(|at| (at, Event::CutFragments)),
            self.power_cuts.last().map(|at| (*at, Event::PowerCut)),
            self.disk_fails.map(|at| (at, Event::DiskFails)),
        ];
        for (at, producer) in self.producers.iter_mut().enumerate() {
            events.push(producer.next_deadline().map(|deadline| (deadline, Event::Deadline(at))));
            if !producer.is_done() {
                events.push(Some((producer.next_action, Event::Producer(at))));
            }
        }
        events.into_iter().flatten().map(|(at, event)| (at.max(now), event)).min()
    }

    fn happen(&mut self, now: Mono, event: Event, server: &Server) {
        match event {
            Event::Commit => {
                self.commit_at = None;
                server.store.commit_one();
            }
            Event::Housekeeping => {
                server.store.turn(now);
            }
            Event::CutFragments => server.service.turn(now),
            Event::Deadline(_) => {}
            Event::PowerCut => {
                self.power_cuts.pop();
                let call = below(&self.random, 40) as usize;
                if below(&self.random, 2) == 0 {
                    self.machine.cut_power_at(call);
                } else {
                    self.machine.cut_power_after(call);
                }
            }
            Event::DiskFails => {
                self.disk_fails = None;
                self.had_failures = true;
                let failure =
                    [Failure::Full, Failure::Broken, Failure::BrokenSync][below(&self.random, 3) as usize];
                let first = below(&self.random, 10) as usize;
                self.machine.fail_disk(first..first + 1 + below(&self.random, 5) as usize, failure);
            }
            Event::Producer(at) => self.act(now, at, server),
        }
    }

    fn act(&mut self, now: Mono, at: usize, server: &Server) {
        let producer = &mut self.producers[at];
        let pause_ms = if producer.has_session() {
            1 + below(&self.random, 400)
        } else {
            100 + below(&self.random, 4_000)
        };
        producer.next_action = now.plus_ms(pause_ms as i64);
        if producer.has_session() {
            return producer.send(now);
        }
        let name = StreamName::parse(&self.names[producer.stream]).unwrap();
        let (service, request) = if producer.is_capture {
            let id = server.service.within_process();
            let mut request = request(name);
            (request.idle_close, request.resumes) = (false, false);
            (id, request)
        } else {
            (server.service.clone(), request(name))
        };
        match service.begin_put_media(now, &caller(), request) {
            Ok(session) => producer.connect(&self.random, session),
            Err(_) => assert!(!self.machine.has_power() || self.had_failures, "a session begins"),
        }
    }

    fn read_acks(&mut self, now: Mono, server: &Server) {
        // A fragment that another session has taken over changes where it waits.
        server.service.turn(now);
        for producer in &mut self.producers {
            let outcome = &mut self.outcome;
            let acknowledged = producer.read_acks(now, &mut |line| {
                outcome.errors += u64::from(line.contains("ERROR"));
                outcome.trace(line.as_bytes());
            });
            for Acknowledged { number, body } in acknowledged {
                self.outcome.persisted += 1;
                self.promised.insert((server.streams[producer.stream], number), body);
            }
        }
    }

    fn streams(&self, store: &MediaStore) -> Vec<StreamId> {
        let caller = caller();
        let id = |name: &String| {
            let name = StreamName::parse(name).unwrap();
            let named = StreamRef::Name { account: &caller.account, region: &caller.region, name: &name };
            now_or_never(store.stream(named)).expect("inline").map(|stream| stream.id)
        };
        self.names.iter().filter_map(|name| id(name).ok()).collect()
    }

    fn count(&mut self, server: &Server) {
        let fates = server.service.cut_fragments();
        self.outcome.resumed += fates.resumed;
        self.outcome.sealed += fates.sealed;
        self.outcome.chunks += server.store.stats().chunks_published;
    }

    /// What was acknowledged is there, as it was sent; nothing is there that was not sent.
    fn check(&mut self, server: &Server) {
        let mut found = BTreeMap::new();
        for stream in server.streams.iter().copied() {
            for fragment in fragments_of(&server.store, stream).unwrap() {
                self.outcome.trace(&fragment.meta.number.to_bytes());
                self.outcome.trace(&fragment.body);
                let sent = self.producers.iter().any(|producer| producer.has_sent_beginning(&fragment.body));
                assert!(sent, "fragment {} was not sent", fragment.meta.number);
                found.insert((stream, fragment.meta.number), fragment.body);
            }
        }
        for (key, body) in &self.promised {
            let stored = found.get(key).map(|body| &body[..]);
            assert_eq!(stored, Some(&body[..]), "fragment {} was acknowledged", key.1);
        }
    }
}

fn caller() -> Caller {
    Caller {
        account: AccountId::parse("111122223333").unwrap(),
        region: Region::parse("us-west-2").unwrap(),
        access_key_id: "TYMPANDEV".to_owned(),
    }
}

fn request(name: StreamName) -> PutMediaRequest {
    PutMediaRequest {
        stream: StreamIdentity::Name(name),
        timecodes: TimecodeType::Absolute,
        acks: AcksTold::Every,
        idle_close: true,
        resumes: true,
    }
}
