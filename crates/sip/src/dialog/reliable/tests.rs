use super::*;
use crate::wire::Method;

const T1_MS: i64 = 500;

fn at(ms: u64) -> Mono {
    Mono::from_millis(1_000 + ms)
}

fn invite(number: u32) -> CSeq {
    CSeq { number, method: Method::Invite }
}

fn rack(response: u32, number: u32) -> RAck {
    RAck { response, request: invite(number) }
}

fn sender() -> ReliableSender {
    ReliableSender::new(invite(7), 100, T1_MS)
}

/// Sends a response whose body is its RSeq.
fn send(sender: &mut ReliableSender, now: Mono) -> bool {
    let rseq = sender.next_rseq();
    sender.send(now, Bytes::from(rseq.to_string()))
}

fn sent(sender: &mut ReliableSender, now: Mono) -> Option<String> {
    sender.poll(now).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

#[test]
fn a_response_is_repeated_after_t1_doubling_until_64_t1() {
    let mut sender = sender();
    assert_eq!(sender.next_deadline(), None);
    assert!(send(&mut sender, at(0)));
    let mut times = Vec::new();
    let mut now = at(0);
    while !sender.is_given_up(now) {
        while sent(&mut sender, now).is_some() {
            times.push(now.ms_since(at(0)));
        }
        now = sender.next_deadline().unwrap();
    }
    assert_eq!(times, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    assert_eq!(now, at(32_000));
    assert_eq!(sent(&mut sender, now), None);
    sender.finish();
    assert_eq!(sender.next_deadline(), None);
    assert!(!sender.is_given_up(at(99_000)));
}

#[test]
fn the_rack_must_name_response_number_and_method() {
    let mut sender = sender();
    assert_eq!(sender.acknowledge(at(0), &rack(100, 7)), Acknowledged::Unknown, "nothing was sent");
    send(&mut sender, at(0));
    let update = RAck { response: 100, request: CSeq { number: 7, method: Method::Update } };
    for wrong in [rack(99, 7), rack(101, 7), rack(100, 8), update] {
        assert_eq!(sender.acknowledge(at(1), &wrong), Acknowledged::Unknown, "{wrong:?}");
    }
    assert!(sender.is_waiting());
    assert_eq!(sender.acknowledge(at(1), &rack(100, 7)), Acknowledged::Yes);
    assert!(!sender.is_waiting());
    assert_eq!((sender.next_deadline(), sent(&mut sender, at(9_000))), (None, None));
    assert_eq!(sender.acknowledge(at(2), &rack(100, 7)), Acknowledged::Unknown, "only once");
}

#[test]
fn later_responses_wait_and_go_in_order_with_their_own_patience() {
    let mut sender = sender();
    for _ in 0..3 {
        assert!(send(&mut sender, at(0)));
    }
    assert_eq!(sent(&mut sender, at(0)).as_deref(), Some("100"));
    assert_eq!(sent(&mut sender, at(0)), None, "the second waits");
    assert_eq!(sender.acknowledge(at(0), &rack(101, 7)), Acknowledged::Unknown, "it was not sent yet");
    assert_eq!(sender.acknowledge(at(30_000), &rack(100, 7)), Acknowledged::Yes);
    assert_eq!(sender.next_deadline(), Some(at(30_000)));
    assert_eq!(sent(&mut sender, at(30_000)).as_deref(), Some("101"));
    assert!(!sender.is_given_up(at(61_999)) && sender.is_given_up(at(62_000)));
    assert_eq!(sender.acknowledge(at(40_000), &rack(101, 7)), Acknowledged::Yes);
    assert_eq!(sent(&mut sender, at(40_000)).as_deref(), Some("102"));
    assert_eq!(sender.next_rseq(), 103);
}

#[test]
fn at_most_eight_wait() {
    let mut sender = sender();
    for _ in 0..8 {
        assert!(send(&mut sender, at(0)));
    }
    assert!(!sender.has_room() && !send(&mut sender, at(0)));
    assert_eq!(sender.next_rseq(), 108);
    sender.acknowledge(at(0), &rack(100, 7));
    assert!(send(&mut sender, at(0)));
}

#[test]
fn after_the_final_response_only_the_prack_of_what_was_sent_is_known() {
    let mut sender = sender();
    for _ in 0..3 {
        send(&mut sender, at(0));
    }
    sent(&mut sender, at(0)).unwrap();
    sender.finish();
    assert_eq!((sender.next_deadline(), sent(&mut sender, at(500))), (None, None));
    assert_eq!(sender.acknowledge(at(600), &rack(101, 7)), Acknowledged::Unknown);
    assert_eq!(sender.acknowledge(at(600), &rack(100, 7)), Acknowledged::Yes);
    assert_eq!((sender.is_waiting(), sender.next_deadline()), (false, None));
}

#[test]
fn rseq_never_wraps() {
    let mut sender = ReliableSender::new(invite(7), u32::MAX - 1, T1_MS);
    assert!(send(&mut sender, at(0)));
    assert!(!send(&mut sender, at(0)));
    assert_eq!(sender.acknowledge(at(0), &rack(u32::MAX - 1, 7)), Acknowledged::Yes);
}

#[test]
fn a_poll_that_comes_late_sends_once() {
    let mut sender = sender();
    send(&mut sender, at(0));
    assert!(sent(&mut sender, at(20_000)).is_some());
    assert_eq!(sent(&mut sender, at(20_000)), None);
    assert_eq!(sender.next_deadline(), Some(at(20_500)));
}

#[test]
fn a_receiver_takes_responses_in_order_and_once() {
    let mut receiver = ReliableReceiver::default();
    assert_eq!(receiver.receive(0, invite(1)), Taken::OutOfOrder, "no RSeq is 0");
    assert_eq!(receiver.receive(50, invite(1)), Taken::New(rack(50, 1)));
    assert_eq!(receiver.receive(50, invite(1)), Taken::Repeated);
    assert_eq!(receiver.receive(52, invite(1)), Taken::OutOfOrder);
    assert_eq!(receiver.receive(51, invite(1)), Taken::New(rack(51, 1)));
    assert_eq!(receiver.receive(52, invite(1)), Taken::New(rack(52, 1)));
    assert_eq!(receiver.receive(50, invite(1)), Taken::Repeated);
}

#[test]
fn each_invite_has_its_own_order() {
    let mut receiver = ReliableReceiver::default();
    receiver.receive(50, invite(1));
    assert_eq!(receiver.receive(9, invite(2)), Taken::New(rack(9, 2)));
    assert_eq!(receiver.receive(51, invite(1)), Taken::Repeated, "of an INVITE that is over");
    assert_eq!(receiver.receive(10, invite(2)), Taken::New(rack(10, 2)));
    let mut last = ReliableReceiver::default();
    last.receive(u32::MAX, invite(1));
    assert_eq!(last.receive(u32::MAX, invite(1)), Taken::Repeated);
}
