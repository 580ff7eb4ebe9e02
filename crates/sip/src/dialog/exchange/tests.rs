mod pair;

use super::Carrier::{
    Ack, Invite, InviteOk, Prack, PrackOk, Provisional, ReliableProvisional, Update, UpdateOk,
};
use super::*;

const CARRIERS: [Carrier; 9] =
    [Invite, Provisional, ReliableProvisional, InviteOk, Ack, Prack, PrackOk, Update, UpdateOk];

fn after(steps: impl FnOnce(&mut Exchange)) -> Exchange {
    let mut exchange = Exchange::default();
    steps(&mut exchange);
    exchange
}

fn our_invite() -> Exchange {
    after(|x| assert!(x.send_offer(Invite).is_some()))
}

fn our_invite_settled() -> Exchange {
    let mut x = our_invite();
    assert_eq!(x.receive(ReliableProvisional, true), Received::Answer(ExchangeId::new(1)));
    x
}

fn their_invite() -> Exchange {
    after(|x| assert_eq!(x.receive(Invite, true), Received::Offer(ExchangeId::new(1))))
}

fn their_invite_wanted() -> Exchange {
    after(|x| assert_eq!(x.receive(Invite, false), Received::OfferWanted(ExchangeId::new(1))))
}

fn their_invite_settled() -> Exchange {
    let mut x = their_invite();
    assert!(x.send_answer(ExchangeId::new(1), ReliableProvisional));
    assert_eq!(x.receive(Prack, false), Received::Nothing);
    x
}

fn continued(mut x: Exchange, steps: impl FnOnce(&mut Exchange)) -> Exchange {
    steps(&mut x);
    x
}

/// Every state that differs from the others, by name.
fn state(name: &str) -> Exchange {
    match name {
        "idle" => Exchange::default(),
        "our INVITE with an offer" => our_invite(),
        "our INVITE without an offer" => after(|x| assert!(x.send_without(Invite))),
        "our INVITE, answered reliably" => our_invite_settled(),
        "their INVITE with an offer" => their_invite(),
        "their INVITE without an offer" => their_invite_wanted(),
        "their INVITE, answered reliably, no PRACK yet" => {
            continued(their_invite(), |x| assert!(x.send_answer(ExchangeId::new(1), ReliableProvisional)))
        }
        "their INVITE, answered reliably, PRACK came" => their_invite_settled(),
        "our 2xx, no ACK yet" => {
            continued(their_invite(), |x| assert!(x.send_answer(ExchangeId::new(1), InviteOk)))
        }
        "our offer in 2xx" => {
            continued(their_invite_wanted(), |x| assert_eq!(x.send_offer(InviteOk), Some(ExchangeId::new(1))))
        }
        "their offer in 2xx" => after(|x| {
            assert!(x.send_without(Invite));
            assert_eq!(x.receive(InviteOk, true), Received::Offer(ExchangeId::new(1)));
        }),
        "our offer in a reliable 1xx" => continued(their_invite_wanted(), |x| {
            assert_eq!(x.send_offer(ReliableProvisional), Some(ExchangeId::new(1)));
        }),
        "their offer in a reliable 1xx" => after(|x| {
            assert!(x.send_without(Invite));
            assert_eq!(x.receive(ReliableProvisional, true), Received::Offer(ExchangeId::new(1)));
        }),
        "our UPDATE" => after(|x| assert!(x.send_offer(Update).is_some())),
        "their UPDATE" => after(|x| assert_eq!(x.receive(Update, true), Received::Offer(ExchangeId::new(1)))),
        "our PRACK" => {
            continued(our_invite_settled(), |x| assert_eq!(x.send_offer(Prack), Some(ExchangeId::new(2))))
        }
        "their PRACK" => continued(their_invite(), |x| {
            assert!(x.send_answer(ExchangeId::new(1), ReliableProvisional));
            assert_eq!(x.receive(Prack, true), Received::Offer(ExchangeId::new(2)));
        }),
        "our UPDATE during their INVITE" => {
            continued(their_invite_settled(), |x| assert_eq!(x.send_offer(Update), Some(ExchangeId::new(2))))
        }
        "their UPDATE during our INVITE" => continued(our_invite_settled(), |x| {
            assert_eq!(x.receive(Update, true), Received::Offer(ExchangeId::new(2)));
        }),
        other => panic!("no state {other}"),
    }
}

/// One row per state. Columns by carrier: INVITE, 1xx, reliable 1xx, 2xx, ACK, PRACK, its 2xx, UPDATE, its 2xx.
/// `received`: with a body and without; Offer, Answer, Wanted, Preview, Glare, Busy, `X` broken, `-` nothing.
/// `sent`: `o` an offer may go, `a` the answer may go, `w` without a body it may go.
const TABLE: &[(&str, &str, &str)] = &[
    // name, received, sent
    ("idle", "OW -- -- -- -- O- -- O- --", "ow w - - w w w ow w"),
    ("our INVITE with an offer", "GG P- A- AX -- G- -- G- --", "- w - - w w w w w"),
    ("our INVITE without an offer", "GG -- O- OX -- G- -- G- --", "- w - - w w w w w"),
    ("our INVITE, answered reliably", "GG -- -- -- -- O- -- O- --", "- w - - w ow w ow w"),
    ("their INVITE with an offer", "BB -- -- -- -- B- -- B- --", "- w aw a w w w w w"),
    ("their INVITE without an offer", "BB -- -- -- -- G- -- G- --", "- w o o w w w w w"),
    ("their INVITE, answered reliably, no PRACK yet", "BB -- -- -- -- O- -- O- --", "- w w - w w w w w"),
    ("their INVITE, answered reliably, PRACK came", "BB -- -- -- -- O- -- O- --", "- w w w w w w ow w"),
    ("our 2xx, no ACK yet", "OW -- -- -- -- O- -- O- --", "- w - - w w w w w"),
    ("our offer in 2xx", "GG -- -- -- AX G- -- G- --", "- w - - w w w w w"),
    ("their offer in 2xx", "BB -- -- -- -- B- -- B- --", "- w - - a w w w w"),
    ("our offer in a reliable 1xx", "BB -- -- -- -- AX -- G- --", "- w w - w w w w w"),
    ("their offer in a reliable 1xx", "GG -- -- -- -- B- -- B- --", "- w - - w a w w w"),
    ("our UPDATE", "GG -- -- -- -- G- -- G- AX", "- w - - w w w w w"),
    ("their UPDATE", "BB -- -- -- -- B- -- B- --", "- w - - w w w w a"),
    ("our PRACK", "GG -- -- -- -- G- AX G- --", "- w - - w w w w w"),
    ("their PRACK", "BB -- -- -- -- B- -- B- --", "- w w w w w a w w"),
    ("our UPDATE during their INVITE", "BB -- -- -- -- G- -- G- AX", "- w w w w w w w w"),
    ("their UPDATE during our INVITE", "GG -- -- -- -- B- -- B- --", "- w - - w w w w a"),
];

fn letter(received: Received) -> char {
    match received {
        Received::Nothing => '-',
        Received::Offer(_) => 'O',
        Received::Answer(_) => 'A',
        Received::OfferWanted(_) => 'W',
        Received::Preview(_) => 'P',
        Received::Glare => 'G',
        Received::Busy => 'B',
        Received::Broken(_) => 'X',
    }
}

#[test]
fn every_message_in_every_state_means_what_the_table_says() {
    for (name, received, _) in TABLE {
        let seen: Vec<String> = CARRIERS
            .iter()
            .map(|&carrier| {
                [true, false].map(|session| letter(state(name).receive(carrier, session))).iter().collect()
            })
            .collect();
        assert_eq!(seen.join(" "), *received, "{name}");
    }
}

#[test]
fn every_message_in_every_state_may_be_sent_as_the_table_says() {
    for (name, _, sent) in TABLE {
        let seen: Vec<String> = CARRIERS
            .iter()
            .map(|&carrier| {
                let mut letters = String::new();
                let offers = state(name).may_offer(carrier);
                assert_eq!(offers, state(name).send_offer(carrier).is_some(), "{name} {carrier:?}");
                if offers {
                    letters.push('o');
                }
                let mut answering = state(name);
                if let Some((id, false)) = answering.open()
                    && answering.send_answer(id, carrier)
                {
                    letters.push('a');
                    assert_eq!(answering.open(), None);
                }
                if state(name).send_without(carrier) {
                    letters.push('w');
                }
                if letters.is_empty() { "-".to_owned() } else { letters }
            })
            .collect();
        assert_eq!(seen.join(" "), *sent, "{name}");
    }
}

#[test]
fn what_is_refused_to_us_or_by_us_changes_nothing() {
    for (name, received, _) in TABLE {
        for (cells, &carrier) in received.split(' ').zip(&CARRIERS) {
            for (cell, session) in cells.chars().zip([true, false]) {
                // A PRACK acknowledges its response also where its offer is refused.
                if matches!(cell, 'G' | 'B') && carrier != Prack {
                    let mut x = state(name);
                    x.receive(carrier, session);
                    assert_eq!(format!("{x:?}"), format!("{:?}", state(name)), "{name} {carrier:?}");
                }
            }
        }
    }
}

#[test]
fn every_open_or_wanted_exchange_can_be_rolled_back_once() {
    for (name, _, _) in TABLE {
        let mut x = state(name);
        let Some(id) = x.open().map(|(id, _)| id).or(x.wanted()) else { continue };
        assert!(!x.roll_back(ExchangeId::new(99)), "{name}");
        assert!(x.roll_back(id), "{name}");
        assert_eq!((x.open(), x.wanted()), (None, None), "{name}");
        assert!(!x.roll_back(id), "{name}");
    }
}

#[test]
fn a_refused_invite_leaves_no_invite_and_no_offer_of_its_own() {
    for (name, _, _) in TABLE {
        let mut x = state(name);
        let before = x.open().map(|(id, _)| id).or(x.wanted());
        let failed = x.invite_refused();
        let is_other = ["UPDATE", "PRACK", "in 2xx"]
            .iter()
            .any(|word| name.contains(word) && !name.contains("reliably"));
        assert_eq!(failed, if is_other { None } else { before }, "{name}");
        assert_eq!(x.may_offer(Invite), x.open().is_none(), "{name}");
    }
}

#[test]
fn a_late_offer_keeps_the_number_that_the_invite_got() {
    let mut x = their_invite_wanted();
    assert!(x.is_due_in_invite_ok());
    assert_eq!(x.send_offer(InviteOk), Some(ExchangeId::new(1)));
    assert_eq!(x.open(), Some((ExchangeId::new(1), true)));
    assert_eq!(x.receive(Ack, true), Received::Answer(ExchangeId::new(1)));
    assert!(x.may_offer(Invite) && x.may_offer(Update));
}

#[test]
fn an_ack_without_the_answer_breaks_the_exchange() {
    let mut x = their_invite_wanted();
    x.send_offer(InviteOk).unwrap();
    assert_eq!(x.receive(Ack, false), Received::Broken(ExchangeId::new(1)));
    assert_eq!(x.open(), None);
}

#[test]
fn the_answer_once_more_in_the_2xx_is_ignored() {
    let mut x = our_invite_settled();
    assert_eq!(x.receive(InviteOk, true), Received::Nothing);
    assert!(x.may_offer(Invite));
}

#[test]
fn a_2xx_waits_for_the_prack_of_the_answer_but_not_of_a_plain_180() {
    let mut x = their_invite();
    assert!(x.send_without(ReliableProvisional));
    assert!(x.send_answer(ExchangeId::new(1), ReliableProvisional));
    assert!(x.send_without(ReliableProvisional));
    assert!(!x.send_without(InviteOk));
    assert_eq!(x.receive(Prack, false), Received::Nothing);
    assert!(!x.send_without(InviteOk) && !x.may_offer(Update), "that was the PRACK of the plain one before");
    assert_eq!(x.receive(Prack, false), Received::Nothing);
    assert!(x.may_offer(Update) && x.send_without(InviteOk));
}

#[test]
fn the_answer_to_a_reliable_offer_is_looked_for_in_its_own_prack() {
    let mut x = their_invite_wanted();
    assert_eq!(x.send_offer(ReliableProvisional), Some(ExchangeId::new(1)));
    assert!(x.send_without(ReliableProvisional));
    assert_eq!(x.receive(Prack, true), Received::Answer(ExchangeId::new(1)));
    assert_eq!(x.receive(Prack, true), Received::Offer(ExchangeId::new(2)));
}

#[test]
fn a_reinvite_before_the_ack_of_our_2xx_is_taken() {
    let mut x = their_invite();
    assert!(x.send_answer(ExchangeId::new(1), InviteOk));
    assert!(!x.may_offer(Update) && !x.may_offer(Invite));
    assert_eq!(x.receive(Invite, true), Received::Offer(ExchangeId::new(2)));
}

#[test]
fn an_update_lives_on_when_the_invite_around_it_is_refused() {
    let mut x = our_invite_settled();
    let id = x.send_offer(Update).unwrap();
    assert_eq!(x.invite_refused(), None);
    assert_eq!(x.receive(UpdateOk, true), Received::Answer(id));
}

#[test]
fn forks_go_their_own_ways() {
    let mut one = our_invite();
    let mut other = one.clone();
    assert_eq!(one.receive(Provisional, true), Received::Preview(ExchangeId::new(1)));
    assert_eq!(one.receive(InviteOk, true), Received::Answer(ExchangeId::new(1)));
    assert_eq!(other.receive(InviteOk, false), Received::Broken(ExchangeId::new(1)));
}

#[test]
fn refusals_and_repetitions_of_what_is_over_mean_nothing() {
    let mut x = their_invite();
    assert!(!x.send_answer(ExchangeId::new(1), Ack) && !x.send_answer(ExchangeId::new(2), InviteOk));
    assert!(!x.send_answer(ExchangeId::new(1), Provisional), "a preview is no answer");
    assert!(x.send_answer(ExchangeId::new(1), InviteOk));
    assert!(!x.send_answer(ExchangeId::new(1), InviteOk));
    assert_eq!(x.receive(Ack, true), Received::Nothing, "a body that was not asked for");
}
