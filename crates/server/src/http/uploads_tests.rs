//! Uploads over real sockets: refusals that a client can read, a disk that stands still, readers that are gone.

use super::authorize::Peer;
use super::body::{Body, Incoming};
use super::listener::{self, Answer, Places, Timeouts};
use super::media::{self, Upload};
use super::request_body::RequestBody;
use super::uploader::{Patience, Uploader, named_stream};
use crate::clock::ServiceClock;
use crate::connections::{ConnectionLimits, Connections};
use crate::descriptors::{DescriptorBudget, Use};
use hyper::{Request, Response};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tympan_auth::{BodyRule, Principal, Verified};
use tympan_aws::{Invocation, Routes};
use tympan_kms::Keyring;
use tympan_kvs::{KvsOptions, KvsService, Operation};
use tympan_mkv::write::{self, DocumentHead, FLAG_KEYFRAME, TrackHead};
use tympan_store::memory::{MemoryBackend, MemoryDisk};
use tympan_store::{MediaStore, StoreOptions};
use tympan_types::{AccountId, Caller, Region};

/// Whatever must happen happens within this, on a machine that does ten other things.
const PATIENCE: Duration = Duration::from_secs(60);
const QUEUE_BYTES: usize = 1024 * 1024;

/// PutMedia and GetMedia behind the real listener, over a store in memory, without signatures.
struct Media {
    routes: Routes,
    patience: Arc<Patience>,
    shutdown: CancellationToken,
}

impl Answer for Media {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = RequestBody::new(body, &head.headers);
        let caller = caller();
        let found = self.routes.find("kinesisvideo", &head).unwrap();
        let invocation = Invocation::within_process(&caller, ServiceClock::default().wall_now());
        if head.uri.path() == "/getMedia" {
            let selector = br#"{"StreamName":"s","StartSelector":{"StartSelectorType":"EARLIEST"}}"#;
            let outcome = self.routes.run(found, &head, selector, &invocation).unwrap().await;
            return media::answer(outcome.reply, None).await.unwrap();
        }
        let principal = Arc::new(Principal::user("producer", caller.account.clone()));
        let verified = Verified {
            caller: caller.clone(),
            principal,
            service: "kinesisvideo".into(),
            body: BodyRule::Unsigned,
        };
        let peer = head.extensions.get::<Peer>().copied();
        let stream = named_stream(&head.headers).unwrap();
        let uploader = Uploader::proven(&self.patience, peer, &verified, stream);
        uploader.wait().await;
        let upload = Upload {
            body,
            rule: verified.body,
            uploader: Some(uploader.clone()),
            break_off: None,
            shutdown: self.shutdown.clone(),
        };
        let outcome = self.routes.run(found, &head, b"", &invocation).unwrap().await;
        let response = media::answer(outcome.reply, Some(upload)).await.unwrap();
        if !response.status().is_success() {
            uploader.failed();
        }
        response
    }
}

/// Places for as many connections as come.
fn places(write: Duration) -> Places {
    let limits = ConnectionLimits { total: 1_000, per_source: 1_000 };
    let budget = DescriptorBudget::new(10_000, 0);
    let timeouts = Timeouts { head: PATIENCE, idle: PATIENCE, write };
    Places { connections: Connections::new(limits, budget, Use::Http, 1), timeouts }
}

struct Rig {
    address: SocketAddr,
    disk: MemoryDisk,
    store: MediaStore,
    runtime: tokio::runtime::Runtime,
    /// Of the uploads; the listener goes on.
    shutdown: CancellationToken,
}

impl Rig {
    fn start(change: impl FnOnce(&mut KvsOptions), write_timeout: Duration) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let disk = MemoryDisk::new();
        let options = StoreOptions { commit_queue_bytes: QUEUE_BYTES, ..StoreOptions::default() };
        let store = MediaStore::open(
            Arc::new(MemoryBackend::open(&disk)),
            Arc::new(Keyring::in_memory()),
            Arc::new(ServiceClock::default()),
            options,
        );
        let store = store.unwrap();
        let mut options = KvsOptions::new("http://127.0.0.1", Arc::new(ServiceClock::default()));
        change(&mut options);
        let kvs = KvsService::new(store.clone(), options);
        let shutdown = CancellationToken::new();
        let address = runtime.block_on(async {
            let create = br#"{"StreamName":"s","DataRetentionInHours":1}"#;
            kvs.call(&caller(), Operation::CreateStream, create).await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let routes = Routes::new().serve(kvs, tympan_kvs::operations());
            let media = Arc::new(Media { routes, patience: Arc::default(), shutdown: shutdown.clone() });
            tokio::spawn(listener::serve(
                listener,
                None,
                media,
                places(write_timeout),
                CancellationToken::new(),
            ));
            address
        });
        Self { address, disk, store, runtime, shutdown }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends the head of a request whose body is chunked.
    fn upload(&self, stream: &str) -> TcpStream {
        let mut socket = self.connect();
        let head = format!(
            "POST /putMedia HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nx-amzn-stream-name: {stream}\r\n\
             x-amzn-fragment-timecode-type: ABSOLUTE\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket
    }
}

fn caller() -> Caller {
    Caller {
        account: AccountId::parse("111122223333").unwrap(),
        region: Region::parse("us-west-2").unwrap(),
        access_key_id: "TYMPANDEV".to_owned(),
    }
}

fn send_chunk(socket: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    write!(socket, "{:x}\r\n", bytes.len())?;
    socket.write_all(bytes)?;
    socket.write_all(b"\r\n")
}

fn document_head() -> Vec<u8> {
    let mut head = Vec::new();
    DocumentHead::connect([7; 16], &[TrackHead::connect(1, "a")]).write(&mut head);
    head
}

fn fragment(timecode: u64, frame_bytes: usize) -> Vec<u8> {
    let mut cluster = Vec::new();
    write::cluster_start(&mut cluster, timecode);
    write::simple_block(&mut cluster, 1, 0, FLAG_KEYFRAME, &vec![7; frame_bytes]);
    cluster
}

/// Everything up to the end of the answer or of the connection; an error is one only where nothing came before it.
fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = socket.read(&mut piece).unwrap();
        answer.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&answer);
        if read == 0 || text.contains(end) {
            return text.into_owned();
        }
    }
}

fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_client_that_sends_without_waiting_reads_why_it_was_refused() {
    let rig = Rig::start(|_| {}, PATIENCE);
    let mut socket = rig.upload("unknown");
    // Far more than the kernel buffers: closing with that unread resets the connection.
    for _ in 0..32 {
        send_chunk(&mut socket, &vec![1; 1024 * 1024]).unwrap();
    }
    socket.write_all(b"0\r\n\r\n").unwrap();
    let answer = read_until(&mut socket, "\"}");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("The requested stream is not found or not active."), "{answer}");
    // The connection is as good as new.
    socket.write_all(b"POST /getMedia HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").unwrap();
    assert!(read_until(&mut socket, "\r\n").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_client_that_waits_to_be_told_to_send_is_refused_instead() {
    let rig = Rig::start(|_| {}, PATIENCE);
    let mut socket = rig.connect();
    let head = "POST /putMedia HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\
                x-amzn-stream-name: unknown\r\nx-amzn-fragment-timecode-type: ABSOLUTE\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    let answer = read_until(&mut socket, "\"}");
    assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("100 Continue"), "{answer}");
    assert_eq!(socket.read(&mut [0; 16]).unwrap(), 0, "and the connection is closed");
}

#[test]
fn a_client_that_goes_on_sending_after_an_error_reads_the_error() {
    let rig = Rig::start(|_| {}, PATIENCE);
    let mut socket = rig.upload("s");
    send_chunk(&mut socket, &[&document_head()[..], b"\xffno matroska"].concat()).unwrap();
    for _ in 0..16 {
        send_chunk(&mut socket, &vec![1; 1024 * 1024]).unwrap();
    }
    socket.write_all(b"0\r\n\r\n").unwrap();
    let answer = read_until(&mut socket, "\r\n0\r\n\r\n");
    assert!(answer.contains("\"ErrorId\":4006"), "{answer}");
}

#[test]
fn a_client_that_keeps_failing_is_answered_later_and_another_one_at_once() {
    let rig = Rig::start(|_| {}, PATIENCE);
    let fail = |stream: &str| {
        let begun = Instant::now();
        let mut socket = rig.upload(stream);
        socket.write_all(b"0\r\n\r\n").unwrap();
        let answer = read_until(&mut socket, "\"}");
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        begun.elapsed()
    };
    for _ in 0..4 {
        fail("unknown");
    }
    // The third failure beyond the free ones costs half a second; the bound is on the short side only.
    assert!(fail("unknown") >= Duration::from_millis(500));
    let mut other = rig.upload("s");
    send_chunk(&mut other, &[document_head(), fragment(1000, 100)].concat()).unwrap();
    other.write_all(b"0\r\n\r\n").unwrap();
    assert!(read_until(&mut other, "\r\n0\r\n\r\n").contains("PERSISTED"));
}

#[test]
fn a_disk_that_stands_still_stops_the_producer_and_memory_does_not_grow() {
    const FRAGMENTS: usize = 256;
    const FRAME_BYTES: usize = 256 * 1024;
    let rig = Rig::start(|_| {}, PATIENCE);
    rig.disk.faults().close_gate();
    let mut socket = rig.upload("s");
    let mut acks = socket.try_clone().unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let producer = std::thread::spawn(move || {
        send_chunk(&mut socket, &document_head()).unwrap();
        for at in 0..FRAGMENTS {
            send_chunk(&mut socket, &fragment(1000 * at as u64, FRAME_BYTES)).unwrap();
            counter.fetch_add(1, Ordering::Relaxed);
        }
        socket.write_all(b"0\r\n\r\n").unwrap();
        socket
    });
    eventually("the queue is full", || rig.store.stats().commit_queue_bytes > QUEUE_BYTES as u64);
    // What can still move is on its way into the kernel's buffers; then nothing moves.
    let mut before = usize::MAX;
    eventually("the producer stands still", || {
        let now = sent.load(Ordering::Relaxed);
        let still = now == before;
        before = now;
        std::thread::sleep(Duration::from_millis(300));
        still
    });
    let stats = rig.store.stats();
    let most = (QUEUE_BYTES + 4 * FRAME_BYTES) as u64;
    assert!(stats.commit_queue_bytes <= most && stats.live_bytes <= most, "{stats:?}");
    assert!(sent.load(Ordering::Relaxed) < FRAGMENTS, "the producer could send all of 64 MB");
    assert!(!producer.is_finished());

    rig.disk.faults().open_gate();
    let answer = read_until(&mut acks, "\r\n0\r\n\r\n");
    assert_eq!(answer.matches("PERSISTED").count(), FRAGMENTS);
    assert!(!answer.contains("ERROR"));
    drop(producer.join().unwrap());
}

#[test]
fn a_reader_that_is_gone_without_a_word_holds_nothing() {
    let rig = Rig::start(|_| {}, Duration::from_secs(1));
    let mut upload = rig.upload("s");
    send_chunk(&mut upload, &document_head()).unwrap();
    for at in 0..64 {
        send_chunk(&mut upload, &fragment(1000 * at, 1024 * 1024)).unwrap();
    }
    eventually("all but the open fragment is stored", || rig.store.stats().fragments_committed == 63);
    let mut reader = rig.connect();
    reader.write_all(b"POST /getMedia HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").unwrap();
    let begun = read_until(&mut reader, "\r\n\r\n");
    assert!(begun.starts_with("HTTP/1.1 200"), "{begun}");
    let readers = || rig.runtime.handle().metrics().num_alive_tasks();
    let with_reader = readers();
    eventually("its connection is given up", || readers() < with_reader);
    // What is left of the answer ends before it is complete.
    let mut rest = Vec::new();
    let _ = reader.read_to_end(&mut rest);
    assert!(rest.len() < 63 * 1024 * 1024, "{} bytes", rest.len());
}

#[test]
fn a_producer_that_falls_silent_is_closed_and_its_task_ends() {
    let silence = Duration::from_millis(300);
    let rig = Rig::start(|options| options.put_media_idle_close = silence, PATIENCE);
    let idle_tasks = rig.runtime.handle().metrics().num_alive_tasks();
    let mut socket = rig.upload("s");
    send_chunk(&mut socket, &[document_head(), fragment(1000, 100)].concat()).unwrap();
    let answer = read_until(&mut socket, "\r\n0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    eventually("the session is over", || rig.store.stats().writers == 0);
    drop(socket);
    eventually("its tasks are over", || rig.runtime.handle().metrics().num_alive_tasks() <= idle_tasks);
}

/// The acks of an answer, line by line.
fn lines<'a>(answer: &'a str, event: &str) -> Vec<&'a str> {
    let wanted = format!("{{\"EventType\":\"{event}\"");
    answer.lines().filter(|line| line.starts_with(&wanted)).collect()
}

/// The number that an ack names.
fn number(line: &str) -> Option<&str> {
    line.split_once("\"FragmentNumber\":\"")?.1.split('"').next()
}

#[test]
fn no_ack_is_lost_however_fast_fragments_come() {
    const FRAGMENTS: u64 = 20_000;
    let rig = Rig::start(|_| {}, PATIENCE);
    let mut socket = rig.upload("s");
    let mut acks = socket.try_clone().unwrap();
    let producer = std::thread::spawn(move || {
        send_chunk(&mut socket, &document_head()).unwrap();
        for batch in 0..FRAGMENTS / 500 {
            let fragments = (0..500).flat_map(|at| fragment(batch * 500 + at, 160));
            send_chunk(&mut socket, &fragments.collect::<Vec<u8>>()).unwrap();
        }
        socket.write_all(b"0\r\n\r\n").unwrap();
    });
    let (mut answer, mut piece) = (Vec::new(), [0; 65536]);
    while !answer.ends_with(b"\r\n0\r\n\r\n") {
        let read = acks.read(&mut piece).unwrap();
        assert!(read > 0, "the connection ended before its answer");
        answer.extend_from_slice(&piece[..read]);
    }
    producer.join().unwrap();
    let answer = String::from_utf8(answer).unwrap();
    for event in ["BUFFERING", "RECEIVED", "PERSISTED"] {
        assert_eq!(lines(&answer, event).len() as u64, FRAGMENTS, "{event}");
    }
}

#[test]
fn a_fragment_whose_connection_was_cut_goes_on_when_it_is_sent_again() {
    let rig = Rig::start(|_| {}, PATIENCE);
    let sent = fragment(1000, 100);
    let mut first = rig.upload("s");
    send_chunk(&mut first, &[&document_head()[..], &sent].concat()).unwrap();
    let buffering = read_until(&mut first, "BUFFERING\"");
    first.shutdown(std::net::Shutdown::Both).unwrap();
    drop((first, buffering));
    let mut second = rig.upload("s");
    let mut more = Vec::new();
    write::simple_block(&mut more, 1, 20, FLAG_KEYFRAME, &[8; 100]);
    send_chunk(&mut second, &[&document_head()[..], &sent, &more].concat()).unwrap();
    second.write_all(b"0\r\n\r\n").unwrap();
    let answer = read_until(&mut second, "\r\n0\r\n\r\n");
    let persisted = lines(&answer, "PERSISTED");
    assert_eq!(persisted.len(), 1, "{answer}");
    let number: tympan_types::FragmentNumber = number(persisted[0]).unwrap().parse().unwrap();
    assert_eq!(number.sequence(), 1, "the number that the first upload was given");
    assert_eq!(rig.store.stats().fragments_committed, 1);
}

#[test]
fn a_body_that_ends_in_good_order_within_an_element_is_an_error() {
    let rig = Rig::start(|_| {}, PATIENCE);
    let mut socket = rig.upload("s");
    let sent = fragment(1000, 100);
    send_chunk(&mut socket, &[&document_head()[..], &sent, &sent[..40]].concat()).unwrap();
    send_chunk(&mut socket, &fragment(2000, 100)[..40]).unwrap();
    socket.write_all(b"0\r\n\r\n").unwrap();
    let answer = read_until(&mut socket, "\r\n0\r\n\r\n");
    assert!(answer.contains("\"ErrorCode\":\"INVALID_MKV_DATA\",\"ErrorId\":4006}"), "{answer}");
}

#[test]
fn a_server_that_stops_ends_an_upload_at_the_end_of_its_fragment() {
    let rig = Rig::start(|_| {}, PATIENCE);
    let mut socket = rig.upload("s");
    send_chunk(&mut socket, &[document_head(), fragment(1000, 100)].concat()).unwrap();
    read_until(&mut socket, "BUFFERING\"");
    rig.shutdown.cancel();
    send_chunk(&mut socket, &fragment(2000, 100)).unwrap();
    let answer = read_until(&mut socket, "\r\n0\r\n\r\n");
    assert_eq!(lines(&answer, "PERSISTED").len(), 1, "{answer}");
    assert!(answer.contains("\"ErrorId\":4003}"), "{answer}");
    assert!(
        !answer.contains("\"FragmentTimecode\":2000"),
        "what was not taken is not acknowledged: {answer}"
    );

    // A fragment that does not end in time is taken back: its producer will send it to the next process.
    let rig = Rig::start(|_| {}, PATIENCE);
    let mut socket = rig.upload("s");
    send_chunk(&mut socket, &[document_head(), fragment(1000, 100)].concat()).unwrap();
    read_until(&mut socket, "BUFFERING\"");
    rig.shutdown.cancel();
    let answer = read_until(&mut socket, "\r\n0\r\n\r\n");
    assert!(!answer.contains("RECEIVED"), "{answer}");
    eventually("the session is over", || rig.store.stats().writers == 0);
    assert_eq!(rig.store.stats().fragments_committed, 0);
}
