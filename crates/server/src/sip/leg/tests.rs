use super::*;
use tympan_sip::agent::Ended;
use tympan_sip::wire::Part;

const OFFER: &str = "v=0\r\n";

struct Rig {
    entry: LegEntry,
    leg: Option<Leg>,
    events: mpsc::Receiver<LegEvent>,
    commands: mpsc::Receiver<ToShard>,
}

fn rig() -> Rig {
    let (sender, commands) = mpsc::channel(COMMANDS_PER_LEG);
    let (entry, leg, events) = LegEntry::new(LegId::new(7), sender);
    Rig { entry, leg: Some(leg), events, commands }
}

impl Rig {
    fn leg(&self) -> &Leg {
        self.leg.as_ref().unwrap()
    }

    fn event(&mut self) -> LegEvent {
        self.events.try_recv().unwrap()
    }

    fn command(&mut self) -> Command {
        let ToShard::Command(leg, command) = self.commands.try_recv().unwrap() else { panic!("a call") };
        assert_eq!(leg, LegId::new(7));
        command
    }
}

const EXCHANGE: ExchangeId = ExchangeId::new(3);

fn parts(content_type: &str, body: &str) -> Vec<Part> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    vec![Part { content_type: content_type.into(), disposition: None, body }]
}

fn ended(by: agent::EndedBy, status: Option<Status>) -> Event {
    Event::Ended(Ended { by, status, reason: None, contact: None })
}

#[tokio::test]
async fn an_offer_is_handed_on_and_its_reply_names_its_exchange() {
    let mut rig = rig();
    let offered = |kind| Event::Offered { exchange: EXCHANGE, parts: parts(kind, OFFER) };
    rig.entry.tell(offered("application/sdp")).unwrap();
    assert_eq!(rig.event(), LegEvent::Offered { exchange: EXCHANGE, sdp: OFFER.into() });
    rig.leg().reply_offer(EXCHANGE, "v=1".into()).await;
    let Command::ReplyOffer { exchange: EXCHANGE, body } = rig.command() else { panic!() };
    assert_eq!(&body.bytes[..], b"v=1");
    rig.leg().refuse_offer(EXCHANGE).await;
    let Command::RefuseOffer { exchange: EXCHANGE, status } = rig.command() else { panic!() };
    assert_eq!(status, Status::NOT_ACCEPTABLE_HERE);
    rig.leg().reject_answer(EXCHANGE).await;
    assert!(matches!(rig.command(), Command::RejectAnswer { exchange: EXCHANGE }));
    // What is no session description never gets as far as the call.
    rig.entry.tell(offered("text/plain")).unwrap();
    assert!(matches!(rig.command(), Command::RefuseOffer { .. }));
    assert!(rig.events.try_recv().is_err());
}

#[test]
fn a_late_offer_asks_for_ours_and_its_answer_is_handed_on() {
    let mut rig = rig();
    rig.entry.tell(Event::OfferWanted { exchange: EXCHANGE }).unwrap();
    assert_eq!(rig.event(), LegEvent::OfferWanted { exchange: EXCHANGE });
    rig.entry.tell(Event::Answered { exchange: EXCHANGE, parts: parts("application/sdp", OFFER) }).unwrap();
    assert_eq!(rig.event(), LegEvent::Answered { exchange: EXCHANGE, sdp: OFFER.into() });
    rig.entry.tell(Event::Answered { exchange: EXCHANGE, parts: Vec::new() }).unwrap();
    assert_eq!(rig.event(), LegEvent::Answered { exchange: EXCHANGE, sdp: String::new() });
}

#[test]
fn a_refused_call_has_its_status_and_retry_after_where_it_may_come_again() {
    for (refusal, status, retry) in [
        (Refusal::UnknownNumber, 404, false),
        (Refusal::NotAcceptable, 488, false),
        (Refusal::Overloaded, 503, true),
        (Refusal::OutOfDescriptors, 503, true),
    ] {
        let mut rig = rig();
        rig.leg().refuse(refusal);
        let Command::Refuse(refused) = rig.command() else { panic!() };
        assert_eq!((refused.status.code(), refused.retry_after_s.is_some()), (status, retry));
        rig.leg = None;
        assert!(rig.commands.try_recv().is_err(), "it has its answer already");
    }
}

#[tokio::test]
async fn a_leg_whose_task_is_gone_is_ended_once() {
    let mut gone = rig();
    gone.leg = None;
    assert!(matches!(gone.command(), Command::HangUp { .. }));
    assert_eq!(gone.entry.tell(Event::Confirmed), Err(NotRead));

    let mut ending = rig();
    ending.leg().hang_up().await;
    assert!(matches!(ending.command(), Command::HangUp { .. }));
    ending.leg = None;
    assert!(ending.commands.try_recv().is_err(), "it is ended already");
    assert_eq!(ending.entry.tell(Event::Confirmed), Ok(()), "a task that has ended its call reads no more");

    let mut over = rig();
    over.entry.tell(ended(agent::EndedBy::Peer, None)).unwrap();
    assert!(!over.leg().accept(OFFER.into()), "the caller is gone");
    over.leg = None;
    assert!(over.commands.try_recv().is_err(), "it is over");
}

#[test]
fn a_task_that_does_not_read_is_noticed() {
    let mut rig = rig();
    let digit = || Event::Info { parts: parts("application/dtmf", "5") };
    for _ in 0..EVENTS_WAITING {
        rig.entry.tell(digit()).unwrap();
    }
    assert_eq!(rig.entry.tell(digit()), Err(NotRead));
    assert_eq!(rig.event(), LegEvent::Info(Digit::from_char('5').unwrap()));
}

#[test]
fn an_end_says_who_or_what_brought_it_about() {
    for (by, status, told) in [
        (agent::EndedBy::Peer, None, EndedBy::Peer),
        (agent::EndedBy::Peer, Some(Status::REQUEST_TERMINATED), EndedBy::Cancelled),
        (agent::EndedBy::Us, None, EndedBy::Us),
        (agent::EndedBy::Failure, None, EndedBy::Failure),
        (agent::EndedBy::SessionExpired, None, EndedBy::SessionExpired),
        (agent::EndedBy::TooLong, None, EndedBy::TooLong),
    ] {
        let mut rig = rig();
        rig.entry.tell(ended(by, status)).unwrap();
        assert_eq!(rig.event(), LegEvent::Ended(told));
    }
}

#[tokio::test]
async fn a_caller_from_outside_asks_for_no_transfer_and_a_phone_may() {
    let mut rig = rig();
    let refer = ReferId::new(4);
    let referred = || Event::Referred {
        refer,
        target: "sip:+19005550100@192.0.2.1".into(),
        replaces: None,
        referred_by: None,
    };
    rig.entry.tell(referred()).unwrap();
    let Command::RefuseRefer { status, .. } = rig.command() else { panic!("not refused") };
    assert_eq!(status, Status::FORBIDDEN);
    assert!(rig.events.try_recv().is_err());
    rig.entry.is_of_phone();
    rig.entry.tell(referred()).unwrap();
    assert!(matches!(rig.event(), LegEvent::Referred { refer: told, .. } if told == refer));
}

#[tokio::test]
async fn a_leg_of_ours_says_that_it_rings_and_with_what_status_it_was_refused() {
    let (sender, _commands) = mpsc::channel(COMMANDS_PER_LEG);
    let (mut entry, _leg, mut events) = LegEntry::dialled(LegId::new(7), sender);
    let ringing = |status, parts| Event::Ringing { status, parts };
    entry.tell(ringing(Status::TRYING, Vec::new())).unwrap();
    entry.tell(ringing(Status::RINGING, Vec::new())).unwrap();
    assert_eq!(events.try_recv().unwrap(), LegEvent::Ringing { status: 180, sdp: None });
    entry.tell(ringing(Status::SESSION_PROGRESS, parts("application/sdp", OFFER))).unwrap();
    let sdp = Some(OFFER.to_owned());
    assert_eq!(events.try_recv().unwrap(), LegEvent::Ringing { status: 183, sdp });
    entry.tell(ended(agent::EndedBy::Peer, Some(Status::BUSY_HERE))).unwrap();
    assert_eq!(events.try_recv().unwrap(), LegEvent::Ended(EndedBy::Refused(486)));
}
