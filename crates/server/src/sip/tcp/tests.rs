use super::*;
use crate::connections::ConnectionLimits;
use crate::descriptors::{DescriptorBudget, Use};
use tokio::io::AsyncReadExt;

/// A test that waits longer than this for something is broken.
const LIMIT: Duration = Duration::from_secs(60);

struct Rig {
    side: TcpSide,
    address: SocketAddr,
    events: mpsc::Receiver<StreamEvent>,
}

async fn rig(write: Duration, write_queue_bytes: usize) -> Rig {
    let limits = ConnectionLimits { total: 8, per_source: 8 };
    let connections = Connections::new(limits, DescriptorBudget::new(1_000, 0), Use::SipTcp, 1);
    let (sender, events) = mpsc::channel(64);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = TcpLimits { connections, idle: LIMIT, message: LIMIT, write, write_queue_bytes };
    let side = TcpSide {
        local: LocalAddress::new(address, None),
        limits,
        events: sender,
        ids: Arc::default(),
        stats: Arc::default(),
        cancel: CancellationToken::new(),
    };
    tokio::spawn(side.clone().accept(listener));
    Rig { side, address, events }
}

impl Rig {
    async fn event(&mut self) -> StreamEvent {
        tokio::time::timeout(LIMIT, self.events.recv()).await.unwrap().unwrap()
    }

    async fn opened(&mut self) -> (ConnId, Opened) {
        match self.event().await {
            StreamEvent::Opened(conn, opened) => (conn, opened),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_read_comes_in_order_and_what_is_pushed_is_written() {
    let mut rig = rig(LIMIT, 1_000).await;
    let mut peer = TcpStream::connect(rig.address).await.unwrap();
    let (conn, opened) = rig.opened().await;
    assert_eq!((opened.flow.peer, opened.flow.local), (peer.local_addr().unwrap(), rig.address));
    peer.write_all(b"OPTIONS").await.unwrap();
    assert!(
        matches!(rig.event().await, StreamEvent::Bytes(of, bytes) if of == conn && &bytes[..] == b"OPTIONS")
    );
    assert!(opened.queue.push(Bytes::from_static(b"200")));
    let mut answer = [0; 3];
    peer.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"200");
}

#[tokio::test]
async fn a_peer_that_has_sent_its_last_byte_still_gets_its_answer() {
    let mut rig = rig(LIMIT, 1_000).await;
    let mut peer = TcpStream::connect(rig.address).await.unwrap();
    let (conn, opened) = rig.opened().await;
    peer.shutdown().await.unwrap();
    assert!(matches!(rig.event().await, StreamEvent::HalfClosed(of) if of == conn));
    assert!(opened.queue.push(Bytes::from_static(b"200")));
    opened.queue.finish();
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"200");
    assert!(matches!(rig.event().await, StreamEvent::Closed(of) if of == conn));
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_closed_and_counted() {
    let mut rig = rig(Duration::from_millis(200), usize::MAX).await;
    let _deaf = TcpStream::connect(rig.address).await.unwrap();
    let (conn, opened) = rig.opened().await;
    // More than the buffers of both kernels hold.
    for _ in 0..64 {
        assert!(opened.queue.push(Bytes::from(vec![b'x'; 1024 * 1024])));
    }
    assert!(matches!(rig.event().await, StreamEvent::Closed(of) if of == conn));
    assert_eq!(rig.side.stats.counted("connections_unread_total"), 1);
    // Whatever is still pushed goes nowhere and takes no memory.
    assert!(opened.queue.push(Bytes::from_static(b"late")) && opened.queue.is_empty());
}

#[tokio::test]
async fn a_full_queue_refuses_and_an_emptied_one_takes_again() {
    let queue = WriteQueue::new(10);
    assert!(queue.push(Bytes::from_static(b"12345")) && queue.push(Bytes::from_static(b"67890")));
    assert!(!queue.push(Bytes::from_static(b"x")));
    assert_eq!(queue.next().await.unwrap(), "12345");
    assert!(!queue.push(Bytes::from_static(b"x")), "it is being written and still counts");
    queue.written(5);
    assert!(queue.push(Bytes::from_static(b"x")));
    let small = WriteQueue::new(usize::MAX);
    let taken = (0..).take_while(|_| small.push(Bytes::from_static(b"x"))).count();
    assert_eq!(taken, MESSAGES_WAITING);
}

#[tokio::test]
async fn a_connection_of_ours_is_opened_or_said_to_be_closed() {
    let mut rig = rig(LIMIT, 1_000).await;
    let target = |peer| Target {
        transport: Transport::Tcp,
        peer,
        local: rig.address,
        listener: tympan_sip::agent::ListenerId(0),
    };
    let peer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = target(peer.local_addr().unwrap());
    let gone = {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        target(closed.local_addr().unwrap())
    };
    rig.side.connect(ConnId(1 << 63), there);
    let (conn, opened) = rig.opened().await;
    assert_eq!((conn, opened.flow.peer), (ConnId(1 << 63), there.peer));
    assert_eq!(opened.flow.local, rig.address, "its listener, not the connection's own port");
    rig.side.connect(ConnId(1 << 63 | 1), gone);
    assert!(matches!(rig.event().await, StreamEvent::Closed(ConnId(of)) if of == 1 << 63 | 1));
}
