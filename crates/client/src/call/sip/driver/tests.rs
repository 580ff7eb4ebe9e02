use super::*;
use crate::call::sip::{EVENTS_WAITING, FIRST_LEG};
use tokio::io::AsyncReadExt;
use tympan_sip::wire::{Cut, Judged, cut_packet, judge};

const LEG: LegId = LegId::new(FIRST_LEG);
/// A test that waits longer for something is broken.
const LIMIT: Duration = Duration::from_secs(60);

async fn driver() -> (Driver, mpsc::Sender<Order>) {
    let sockets = sockets::bind_pair([127, 0, 0, 1].into()).await.unwrap();
    Driver::new(sockets, "127.0.0.1".to_owned(), "127.0.0.1:9".parse().unwrap(), "caller", 10)
}

fn ringing() -> Event {
    Event::Ringing { status: Status::RINGING, parts: Vec::new() }
}

fn ended() -> Event {
    Event::Ended(Ended { by: EndedBy::Peer, status: None, reason: None, contact: None })
}

#[tokio::test]
async fn a_far_end_that_rings_without_end_leaves_room_for_what_counts() {
    let (mut driver, _orders) = driver().await;
    let (sender, mut events) = mpsc::channel(EVENTS_WAITING);
    driver.calls.insert(LEG, sender);
    for _ in 0..1_000 {
        driver.event(LEG, ringing());
    }
    driver.event(LEG, Event::Confirmed);
    driver.event(LEG, ended());
    let mut heard = Vec::new();
    while let Some(event) = events.recv().await {
        heard.push(event);
    }
    assert!(matches!(heard.as_slice(), [Event::Ringing { .. }, .., Event::Confirmed, Event::Ended(_)]));
    assert!(heard.len() < EVENTS_WAITING);
    assert!(driver.calls.is_empty());
}

#[tokio::test]
async fn a_call_that_does_not_follow_its_far_end_is_over() {
    let (mut driver, _orders) = driver().await;
    let (sender, mut events) = mpsc::channel(EVENTS_WAITING);
    driver.calls.insert(LEG, sender);
    for _ in 0..=EVENTS_WAITING {
        driver.event(LEG, Event::Confirmed);
    }
    assert!(driver.calls.is_empty());
    for _ in 0..EVENTS_WAITING {
        assert!(events.recv().await.is_some());
    }
    assert!(events.recv().await.is_none());
}

#[tokio::test]
async fn a_peer_opens_so_many_connections_and_no_more() {
    let (driver, orders) = driver().await;
    let address = driver.address;
    let running = tokio::spawn(driver.run());
    let mut open = Vec::new();
    for _ in 0..ACCEPTED_MAX {
        open.push(TcpStream::connect(address).await.unwrap());
    }
    let mut beyond = TcpStream::connect(address).await.unwrap();
    let read = tokio::time::timeout(LIMIT, beyond.read(&mut [0; 1])).await.expect("it stays open");
    assert!(!matches!(read, Ok(1..)));
    // Where one ends, there is room for another.
    drop(open.pop());
    let deadline = Instant::now() + LIMIT;
    loop {
        let mut next = TcpStream::connect(address).await.unwrap();
        let read = tokio::time::timeout(Duration::from_millis(100), next.read(&mut [0; 1])).await;
        if read.is_err() {
            break;
        }
        assert!(Instant::now() < deadline, "no room comes back");
    }
    drop(orders);
    running.await.unwrap();
}

#[tokio::test]
async fn a_call_to_the_caller_is_refused() {
    let (driver, orders) = driver().await;
    let address = driver.address;
    let running = tokio::spawn(driver.run());
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let from = socket.local_addr().unwrap();
    let invite = format!(
        "INVITE sip:caller@{address} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK-1\r\nMax-Forwards: 70\r\n\
         From: <sip:a@{from}>;tag=a\r\nTo: <sip:caller@{address}>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:a@{from}>\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send_to(invite.as_bytes(), address).await.unwrap();
    let mut datagram = [0; 2_048];
    let status = loop {
        let length =
            tokio::time::timeout(LIMIT, socket.recv(&mut datagram)).await.expect("no answer").unwrap();
        let Cut::Message(message) = cut_packet(Bytes::copy_from_slice(&datagram[..length])) else { panic!() };
        let Judged::Response(response) = judge(message, None) else { panic!() };
        if !response.status.is_provisional() {
            break response.status;
        }
    };
    assert_eq!(status, Status::TEMPORARILY_UNAVAILABLE);
    drop(orders);
    running.await.unwrap();
}
