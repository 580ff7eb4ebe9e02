use super::*;
use tympan_sip::agent::Ended;
use tympan_sip::dialog::{Carrier, Exchange};
use tympan_sip::wire::Part;

const OFFER: &str = "v=0\r\n";

struct Rig {
    entry: LegEntry,
    leg: Option<Leg>,
    events: mpsc::Receiver<LegEvent>,
    commands: mpsc::Receiver<(LegId, Command)>,
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
        let (leg, command) = self.commands.try_recv().unwrap();
        assert_eq!(leg, LegId::new(7));
        command
    }
}

/// There is no other way to a number of an exchange.
fn exchange() -> ExchangeId {
    match Exchange::default().receive(Carrier::Invite, true) {
        tympan_sip::dialog::Received::Offer(exchange) => exchange,
        other => panic!("{other:?}"),
    }
}

fn parts(content_type: &str, body: &str) -> Vec<Part> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    vec![Part { content_type: content_type.into(), disposition: None, body }]
}

fn ended(by: agent::EndedBy, status: Option<Status>) -> Event {
    Event::Ended(Ended { by, status, reason: None, contact: None })
}

#[tokio::test]
async fn an_offer_is_answered_or_refused_and_one_that_is_dropped_is_refused() {
    let mut rig = rig();
    let offered = || Event::Offered { exchange: exchange(), parts: parts("application/sdp", OFFER) };
    for reply in 0..3 {
        rig.entry.tell(offered()).unwrap();
        let LegEvent::Reoffer(reoffer) = rig.event() else { panic!() };
        assert_eq!(reoffer.offer.as_deref(), Some(OFFER));
        match reply {
            0 => reoffer.accept("v=1".into()).await,
            1 => reoffer.refuse().await,
            _ => drop(reoffer),
        }
        match rig.command() {
            Command::ReplyOffer { body, .. } => assert_eq!((reply, &body.bytes[..]), (0, &b"v=1"[..])),
            Command::RefuseOffer { status, .. } => {
                assert!(reply > 0 && status == Status::NOT_ACCEPTABLE_HERE)
            }
            other => panic!("{other:?}"),
        }
    }
    // What is no session description never gets as far as the call.
    rig.entry.tell(Event::Offered { exchange: exchange(), parts: parts("text/plain", OFFER) }).unwrap();
    assert!(matches!(rig.command(), Command::RefuseOffer { .. }));
    assert!(rig.events.try_recv().is_err());
}

#[test]
fn a_late_offer_asks_for_ours_and_its_answer_is_handed_on() {
    let mut rig = rig();
    rig.entry.tell(Event::OfferWanted { exchange: exchange() }).unwrap();
    assert!(matches!(rig.event(), LegEvent::Reoffer(Reoffer { offer: None, .. })));
    rig.command();
    rig.entry.tell(Event::Answered { exchange: exchange(), parts: parts("application/sdp", OFFER) }).unwrap();
    assert!(matches!(rig.event(), LegEvent::Answered(answer) if answer.sdp == OFFER));
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
    assert!(matches!(rig.event(), LegEvent::Digit('5')));
}

#[test]
fn a_caller_whose_bye_overtakes_the_acknowledgement_was_connected() {
    let answer = Command::Answer { body: sdp_body(OFFER.into()) };
    let mut overtaken = rig();
    overtaken.entry.passes(&answer);
    overtaken.entry.tell(ended(agent::EndedBy::Peer, None)).unwrap();
    assert!(matches!(overtaken.event(), LegEvent::Confirmed));
    assert!(matches!(overtaken.event(), LegEvent::Ended(EndedBy::Caller)));

    // One who cancels, and one whose acknowledgement never comes, were not.
    for (by, status) in
        [(agent::EndedBy::Peer, Some(Status::REQUEST_TERMINATED)), (agent::EndedBy::Failure, None)]
    {
        let mut rig = rig();
        rig.entry.passes(&answer);
        rig.entry.tell(ended(by, status)).unwrap();
        assert!(matches!(rig.event(), LegEvent::Ended(_)));
    }
}
