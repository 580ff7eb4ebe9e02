//! Two machines on a link that loses nothing and keeps the order, under random legal actions.

use super::super::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::{BTreeSet, VecDeque};

/// A message; bodies are numbers: an answer repeats the number of its offer.
#[derive(Debug, Clone, Copy)]
enum Message {
    Carried(Carrier, Option<u32>),
    /// A refusal of the INVITE, PRACK or UPDATE.
    Refused(Carrier),
}

#[derive(Debug, Default)]
struct Peer {
    x: Exchange,
    /// Our open offer, and the one of the other side.
    our_body: u32,
    their_body: u32,
    our_invite: bool,
    our_prack: Option<Option<ExchangeId>>,
    our_update: Option<Option<ExchangeId>>,
    /// INVITE of the other side without a final response.
    their_invite: bool,
    /// PRACKs that are due from us, each with the offer that it has to answer.
    prack_due: VecDeque<Option<ExchangeId>>,
    ack_due: Option<Option<ExchangeId>>,
    prack_ok_due: Option<Option<ExchangeId>>,
    update_ok_due: Option<Option<ExchangeId>>,
    /// Reliable responses that were sent without a PRACK yet (the first), and that wait.
    reliable: VecDeque<Option<u32>>,
}

struct Pair {
    peers: [Peer; 2],
    /// To the first, to the second.
    links: [VecDeque<Message>; 2],
    bodies: u32,
    /// What messages meant, to see that the actions reach everything.
    seen: BTreeSet<String>,
}

impl Pair {
    fn new() -> Self {
        Self { peers: Default::default(), links: Default::default(), bodies: 0, seen: BTreeSet::new() }
    }

    fn send(&mut self, from: usize, carrier: Carrier, body: Option<u32>) {
        self.links[1 - from].push_back(Message::Carried(carrier, body));
    }

    fn refuse(&mut self, from: usize, carrier: Carrier) {
        self.links[1 - from].push_back(Message::Refused(carrier));
    }

    fn offer(&mut self, from: usize, carrier: Carrier) -> Option<(ExchangeId, u32)> {
        let peer = &mut self.peers[from];
        let allowed = peer.x.may_offer(carrier);
        let id = peer.x.send_offer(carrier);
        assert_eq!(allowed, id.is_some());
        id.map(|id| {
            self.bodies += 1;
            peer.our_body = self.bodies;
            (id, self.bodies)
        })
    }

    /// One random action of one side; nothing happens where it may not be.
    fn act(&mut self, me: usize, action: u8, with_body: bool) {
        match action {
            0 => self.invite(me, with_body),
            1 => self.update(me, with_body),
            2 if self.peers[me].their_invite => {
                // A preview goes with what will be the answer.
                let open = self.peers[me].x.open();
                let body =
                    (with_body && matches!(open, Some((_, false)))).then_some(self.peers[me].their_body);
                let in_invite = self.peers[me].x.is_due_in_invite_ok();
                self.send(me, Carrier::Provisional, body.filter(|_| in_invite));
            }
            3 if self.peers[me].their_invite && self.peers[me].reliable.len() < 4 => self.ring(me, with_body),
            4 if self.peers[me].their_invite => self.accept(me),
            5 if self.peers[me].their_invite => self.refuse_invite(me),
            6 => self.acknowledge_provisional(me, with_body),
            7 => self.acknowledge(me),
            8 => self.answer_prack(me),
            9 => self.answer_update(me, with_body),
            _ => {}
        }
    }

    fn invite(&mut self, me: usize, with_body: bool) {
        let peer = &mut self.peers[me];
        if !peer.x.may_offer(Carrier::Invite) || !peer.prack_due.is_empty() || peer.ack_due.is_some() {
            return;
        }
        peer.our_invite = true;
        if with_body {
            let (_, body) = self.offer(me, Carrier::Invite).expect("may be");
            self.send(me, Carrier::Invite, Some(body));
        } else {
            assert!(peer.x.send_without(Carrier::Invite));
            self.send(me, Carrier::Invite, None);
        }
    }

    fn update(&mut self, me: usize, with_body: bool) {
        if self.peers[me].our_update.is_some() {
            return;
        }
        if !with_body {
            self.peers[me].our_update = Some(None);
            self.send(me, Carrier::Update, None);
        } else if let Some((id, body)) = self.offer(me, Carrier::Update) {
            self.peers[me].our_update = Some(Some(id));
            self.send(me, Carrier::Update, Some(body));
        }
    }

    fn ring(&mut self, me: usize, with_body: bool) {
        let peer = &mut self.peers[me];
        let open = peer.x.open();
        let mut body = None;
        if peer.x.wanted().is_some() {
            body = self.offer(me, Carrier::ReliableProvisional).map(|(_, body)| body);
            assert!(body.is_some());
        } else if let Some((id, false)) = open.filter(|_| with_body)
            && peer.x.send_answer(id, Carrier::ReliableProvisional)
        {
            body = Some(peer.their_body);
        } else {
            assert!(peer.x.send_without(Carrier::ReliableProvisional));
        }
        let peer = &mut self.peers[me];
        peer.reliable.push_back(body);
        if peer.reliable.len() == 1 {
            self.send(me, Carrier::ReliableProvisional, body);
        }
    }

    fn accept(&mut self, me: usize) {
        let peer = &mut self.peers[me];
        let body = if peer.x.wanted().is_some() {
            self.offer(me, Carrier::InviteOk).map(|(_, body)| body)
        } else if let Some((id, false)) = peer.x.open().filter(|_| peer.x.is_due_in_invite_ok()) {
            assert!(peer.x.send_answer(id, Carrier::InviteOk));
            Some(peer.their_body)
        } else if peer.x.send_without(Carrier::InviteOk) {
            None
        } else {
            return;
        };
        let peer = &mut self.peers[me];
        peer.their_invite = false;
        peer.reliable.truncate(1);
        self.send(me, Carrier::InviteOk, body);
    }

    fn refuse_invite(&mut self, me: usize) {
        let peer = &mut self.peers[me];
        peer.x.invite_refused();
        peer.their_invite = false;
        peer.reliable.clear();
        self.refuse(me, Carrier::Invite);
    }

    fn acknowledge_provisional(&mut self, me: usize, with_body: bool) {
        let peer = &mut self.peers[me];
        // One PRACK at a time keeps this model small.
        if peer.our_prack.is_some() {
            return;
        }
        let Some(due) = peer.prack_due.pop_front() else { return };
        peer.our_prack = Some(None);
        if let Some(id) = due {
            assert!(peer.x.send_answer(id, Carrier::Prack));
            let body = peer.their_body;
            self.send(me, Carrier::Prack, Some(body));
        } else if let Some((id, body)) = with_body.then(|| self.offer(me, Carrier::Prack)).flatten() {
            self.peers[me].our_prack = Some(Some(id));
            self.send(me, Carrier::Prack, Some(body));
        } else {
            assert!(self.peers[me].x.send_without(Carrier::Prack));
            self.send(me, Carrier::Prack, None);
        }
    }

    fn acknowledge(&mut self, me: usize) {
        let peer = &mut self.peers[me];
        let Some(due) = peer.ack_due.take() else { return };
        let body = due.map(|id| {
            assert!(peer.x.send_answer(id, Carrier::Ack));
            peer.their_body
        });
        self.send(me, Carrier::Ack, body);
    }

    fn answer_prack(&mut self, me: usize) {
        let peer = &mut self.peers[me];
        let Some(due) = peer.prack_ok_due.take() else { return };
        let body = due.map(|id| {
            assert!(peer.x.send_answer(id, Carrier::PrackOk));
            peer.their_body
        });
        self.send(me, Carrier::PrackOk, body);
    }

    fn answer_update(&mut self, me: usize, accept: bool) {
        let peer = &mut self.peers[me];
        let Some(due) = peer.update_ok_due.take() else { return };
        match due {
            Some(id) if !accept => {
                assert!(peer.x.roll_back(id));
                self.refuse(me, Carrier::Update);
            }
            Some(id) => {
                assert!(peer.x.send_answer(id, Carrier::UpdateOk));
                let body = peer.their_body;
                self.send(me, Carrier::UpdateOk, Some(body));
            }
            None => self.send(me, Carrier::UpdateOk, None),
        }
    }

    /// Takes the next message of one side's link. False where there is none.
    fn deliver(&mut self, me: usize) -> bool {
        match self.links[me].pop_front() {
            None => return false,
            Some(Message::Refused(Carrier::Invite)) => {
                let peer = &mut self.peers[me];
                assert!(peer.our_invite);
                peer.our_invite = false;
                peer.x.invite_refused();
                peer.prack_due.clear();
            }
            Some(Message::Refused(Carrier::Prack)) => {
                let offered = self.peers[me].our_prack.take().expect("a PRACK is under way");
                if let Some(id) = offered {
                    assert!(self.peers[me].x.roll_back(id));
                }
            }
            Some(Message::Refused(_)) => {
                let id = self.peers[me].our_update.take().flatten().expect("only offers are refused");
                assert!(self.peers[me].x.roll_back(id));
            }
            Some(Message::Carried(Carrier::Prack, body)) => self.take_prack(me, body),
            Some(Message::Carried(carrier, body)) => self.take(me, carrier, body),
        }
        true
    }

    fn take_prack(&mut self, me: usize, body: Option<u32>) {
        // Its INVITE was refused meanwhile: 481.
        if self.peers[me].reliable.pop_front().is_none() {
            self.refuse(me, Carrier::Prack);
            return;
        }
        if let Some(&next) = self.peers[me].reliable.front() {
            self.send(me, Carrier::ReliableProvisional, next);
        }
        self.take(me, Carrier::Prack, body);
    }

    fn take(&mut self, me: usize, carrier: Carrier, body: Option<u32>) {
        let peer = &mut self.peers[me];
        let received = peer.x.receive(carrier, body.is_some());
        let meaning = format!("{received:?}").split('(').next().unwrap_or_default().to_owned();
        self.seen.insert(format!("{meaning} {carrier:?}"));
        let offer = match received {
            Received::Offer(id) => {
                peer.their_body = body.expect("an offer is a body");
                Some(id)
            }
            Received::Answer(_) | Received::Preview(_) => {
                assert_eq!(body, Some(peer.our_body), "the answer to another offer");
                None
            }
            Received::Broken(id) => panic!("{carrier:?} broke {id:?}"),
            _ => None,
        };
        let is_refused = matches!(received, Received::Glare | Received::Busy);
        match carrier {
            Carrier::Invite | Carrier::Update | Carrier::Prack if is_refused => self.refuse(me, carrier),
            Carrier::Invite => {
                assert!(!peer.their_invite);
                peer.their_invite = true;
                peer.reliable.clear();
            }
            Carrier::ReliableProvisional if peer.our_invite => peer.prack_due.push_back(offer),
            Carrier::ReliableProvisional => {}
            Carrier::InviteOk => {
                assert!(peer.our_invite);
                peer.our_invite = false;
                peer.ack_due = Some(offer);
            }
            Carrier::Prack => peer.prack_ok_due = Some(offer),
            Carrier::Update => peer.update_ok_due = Some(offer),
            Carrier::PrackOk => peer.our_prack = None,
            Carrier::UpdateOk => peer.our_update = None,
            Carrier::Ack | Carrier::Provisional => {}
        }
    }

    fn check(&self) {
        let open = [0, 1].map(|me| self.peers[me].x.open());
        assert!(
            !matches!(open, [Some((_, false)), Some((_, false))]),
            "both sides hold an offer of the other as accepted"
        );
        for me in [0, 1] {
            let is_withdrawn =
                self.links[me].iter().any(|message| matches!(message, Message::Refused(Carrier::Invite)));
            if let Some((_, false)) = open[me] {
                assert!(
                    matches!(open[1 - me], Some((_, true))) || is_withdrawn,
                    "an offer is accepted that its side does not hold open"
                );
            }
        }
    }

    /// Delivers everything and fulfils every duty.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            let mut moved = self.deliver(0) | self.deliver(1);
            for me in [0, 1] {
                for action in [6, 7, 8, 9] {
                    self.act(me, action, true);
                }
                if self.links.iter().all(VecDeque::is_empty) && self.peers[me].their_invite {
                    self.act(me, 4, true);
                    moved = true;
                }
                self.check();
            }
            if !moved && self.links.iter().all(VecDeque::is_empty) {
                return;
            }
        }
        panic!("it never comes to rest");
    }
}

fn steps() -> impl Strategy<Value = Vec<(usize, u8, bool)>> {
    proptest::collection::vec((0..2usize, 0..16u8, any::<bool>()), 0..200)
}

fn run(steps: Vec<(usize, u8, bool)>) -> Pair {
    let mut pair = Pair::new();
    for (me, action, with_body) in steps {
        match action {
            10.. => drop(pair.deliver(me)),
            _ => pair.act(me, action, with_body),
        }
        pair.check();
    }
    pair.settle();
    for peer in &pair.peers {
        assert_eq!(peer.x.open(), None);
        assert!(peer.x.may_offer(Carrier::Invite) && peer.x.may_offer(Carrier::Update));
    }
    pair
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn two_machines_never_disagree_on_the_open_offer(steps in steps()) {
        run(steps);
    }
}

#[test]
fn the_random_actions_reach_every_pattern_of_offer_and_answer() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..500 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        seen.extend(run(steps).seen);
    }
    for wanted in [
        "Offer Invite",
        "OfferWanted Invite",
        "Preview Provisional",
        "Answer ReliableProvisional",
        "Offer ReliableProvisional",
        "Answer InviteOk",
        "Offer InviteOk",
        "Answer Ack",
        "Answer Prack",
        "Offer Prack",
        "Answer PrackOk",
        "Offer Update",
        "Answer UpdateOk",
        "Glare Invite",
        "Glare Update",
    ] {
        assert!(seen.contains(wanted), "{wanted} is missing in {seen:?}");
    }
    assert!(
        !seen.iter().any(|meaning| meaning.starts_with("Busy")),
        "a peer that keeps the rules never causes it"
    );
}
