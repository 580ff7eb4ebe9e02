//! Order, routes and offers of each dialog.

use super::offers::Offers;
use crate::sim::packet::{Packet, uri_of};
use std::collections::{BTreeMap, BTreeSet};
use tympan_types::Mono;

/// Call-ID, our tag, the peer's tag (RFC 3261 section 12); a tag that is not known yet is empty.
type Key = (String, String, String);

/// The dialogs of one agent.
#[derive(Debug, Default)]
pub(super) struct Dialogs {
    known: BTreeMap<Key, Dialog>,
}

#[derive(Debug, Clone, Default)]
struct Dialog {
    /// CSeq of the newest request of the peer and of ours.
    theirs: u32,
    ours: u32,
    /// Branches of our requests: a repetition has one of them.
    branches: BTreeSet<String>,
    /// Requests of the peer that came with a lower CSeq than one before.
    late: BTreeSet<u32>,
    /// What our requests carry as Route, once it is known.
    routes: Option<Vec<String>>,
    offers: Offers,
}

impl Dialogs {
    pub(super) fn received(&mut self, now: Mono, packet: &Packet, is_new: bool) -> Result<(), String> {
        let Some((number, method)) = packet.cseq() else { return Ok(()) };
        if packet.method().is_none() {
            if packet.tag("To").is_empty() || packet.status() == 100 {
                return Ok(());
            }
            if packet.status() >= 300 {
                // A challenge: the INVITE goes again, in no dialog yet.
                let half = (packet.call_id().to_owned(), packet.tag("From").to_owned(), String::new());
                self.known.entry(half).and_modify(|half| half.offers.received_response(now, packet));
            }
            let dialog = self.dialog(packet, packet.tag("From"), packet.tag("To"));
            if method == "INVITE" && packet.status() < 300 {
                dialog.routes.get_or_insert_with(|| reversed(packet));
            }
            dialog.offers.received_response(now, packet);
            return Ok(());
        }
        if !is_new || method == "CANCEL" {
            return Ok(());
        }
        let dialog = self.dialog(packet, packet.tag("To"), packet.tag("From"));
        if method != "ACK" {
            if number < dialog.theirs {
                dialog.late.insert(number);
            }
            dialog.theirs = dialog.theirs.max(number);
        }
        if method == "INVITE" && packet.tag("To").is_empty() {
            dialog.routes = Some(recorded(packet));
        }
        dialog.offers.received_request(now, packet);
        Ok(())
    }

    pub(super) fn sent(&mut self, now: Mono, packet: &Packet, by_stream: bool) -> Result<(), String> {
        let Some((number, method)) = packet.cseq() else { return Err(format!("no CSeq: {}", packet.start)) };
        if packet.method().is_none() {
            if packet.tag("To").is_empty() {
                return Ok(());
            }
            if packet.status() >= 300 {
                // Of an INVITE that may come again, in no dialog yet.
                let half = (packet.call_id().to_owned(), String::new(), packet.tag("From").to_owned());
                self.known.get_mut(&half).map_or(Ok(()), |half| half.offers.sent_response(now, packet))?;
            }
            let dialog = self.dialog(packet, packet.tag("To"), packet.tag("From"));
            if packet.status() / 100 == 2 && dialog.late.contains(&number) && method != "CANCEL" {
                return Err(format!("a lower CSeq was taken: {number} {method} after {}", dialog.theirs));
            }
            return dialog.offers.sent_response(now, packet);
        }
        if method == "CANCEL" {
            return Ok(());
        }
        let is_refusal_ack = self.is_refusal_ack(packet);
        let dialog = self.dialog(packet, packet.tag("From"), packet.tag("To"));
        let is_new = dialog.branches.insert(packet.branch().to_owned());
        if method != "ACK" && is_new {
            // What waited for a connection to open may go after what went by another one.
            if number <= dialog.ours && !by_stream {
                return Err(format!("our CSeq does not grow: {number} {method} after {}", dialog.ours));
            }
            dialog.ours = dialog.ours.max(number);
        }
        // The ACK of a refusal has the Route of its INVITE, and the branch too.
        let is_within_dialog = !packet.tag("To").is_empty() && (method != "ACK" || is_new) && !is_refusal_ack;
        if is_within_dialog && let Some(expected) = &dialog.routes {
            let routes: Vec<String> =
                packet.values("Route").iter().map(|route| uri_of(route).to_owned()).collect();
            if routes != *expected {
                return Err(format!("{number} {method} goes by {routes:?}, the route set is {expected:?}"));
            }
        }
        if is_new {
            return dialog.offers.sent_request(now, packet);
        }
        Ok(())
    }

    /// The ACK of a refusal carries the branch of its INVITE, which may have been sent before the dialog had its second tag.
    fn is_refusal_ack(&self, packet: &Packet) -> bool {
        let half = (packet.call_id().to_owned(), packet.tag("From").to_owned(), String::new());
        packet.method() == Some("ACK")
            && self.known.get(&half).is_some_and(|half| half.branches.contains(packet.branch()))
    }

    /// A dialog; a new one goes on from what was known before the second tag.
    fn dialog(&mut self, packet: &Packet, ours: &str, theirs: &str) -> &mut Dialog {
        let key = (packet.call_id().to_owned(), ours.to_owned(), theirs.to_owned());
        if !self.known.contains_key(&key) {
            let halves = [
                (key.0.clone(), key.1.clone(), String::new()),
                (key.0.clone(), String::new(), key.2.clone()),
            ];
            let half = halves.iter().find_map(|half| self.known.get(half)).cloned().unwrap_or_default();
            self.known.insert(key.clone(), half);
        }
        self.known.entry(key).or_default()
    }
}

fn recorded(packet: &Packet) -> Vec<String> {
    packet.values("Record-Route").iter().map(|route| uri_of(route).to_owned()).collect()
}

fn reversed(packet: &Packet) -> Vec<String> {
    let mut routes = recorded(packet);
    routes.reverse();
    routes
}
