//! An INVITE that goes to several places (RFC 3261 section 16.7): 2xx and provisional responses pass, of refusals the best one.

use super::{Hop, Proxy, branch_of, set_uri};
use crate::sim::packet::Packet;
use std::collections::BTreeMap;

/// The forks of a proxy.
#[derive(Debug, Default)]
pub(super) struct Forks {
    /// By the branch of the INVITE that came.
    by_incoming: BTreeMap<String, Fork>,
    /// The fork and place of a branch of ours.
    by_branch: BTreeMap<String, (String, usize)>,
}

#[derive(Debug)]
struct Fork {
    invite: Packet,
    hop: Hop,
    back: usize,
    places: Vec<Place>,
    has_success: bool,
    /// The place whose refusal came last: acknowledged when the caller acknowledges, so that its repetitions carry the best
    /// refusal to the caller until then.
    last: Option<usize>,
}

#[derive(Debug)]
struct Place {
    target: String,
    branch: String,
    has_answered: bool,
    refusal: Option<Packet>,
    cancelled: bool,
}

impl Proxy {
    /// INVITE, CANCEL or ACK for several targets; other requests go to the first.
    pub(super) fn fork_request(
        &mut self,
        hop: Hop,
        back: usize,
        incoming: &str,
        packet: &Packet,
        targets: &[String],
    ) {
        let key = incoming.to_owned();
        match packet.method() {
            Some("INVITE") => {
                let places = targets.iter().enumerate().map(|(index, target)| Place {
                    target: target.clone(),
                    branch: branch_of(incoming, index),
                    has_answered: false,
                    refusal: None,
                    cancelled: false,
                });
                let fork = Fork {
                    invite: packet.clone(),
                    hop,
                    back,
                    places: places.collect(),
                    has_success: false,
                    last: None,
                };
                let trying = answer(packet, "100 Trying");
                let fork = self.forks.by_incoming.entry(key.clone()).or_insert(fork);
                let sends = fork.places.iter().enumerate().filter(|(_, place)| !place.has_answered);
                let sends: Vec<_> =
                    sends.map(|(index, place)| (index, place.target.clone(), place.branch.clone())).collect();
                self.send_back(back, trying.write());
                for (index, target, branch) in sends {
                    self.forks.by_branch.insert(branch.clone(), (key.clone(), index));
                    let mut copy = packet.clone();
                    set_uri(&mut copy, &target);
                    self.forward(hop, back, copy, &target, &branch);
                }
            }
            Some("CANCEL") => {
                let Some(fork) = self.forks.by_incoming.get_mut(&key) else { return };
                let answer = answer(packet, "200 OK");
                let open: Vec<usize> = (0..fork.places.len()).filter(|index| fork.is_open(*index)).collect();
                open.iter().for_each(|index| fork.places[*index].cancelled = true);
                self.send_back(back, answer.write());
                self.cancel(&key, &open);
            }
            Some("ACK") => {
                let last = self.forks.by_incoming.get(&key).and_then(|fork| fork.last);
                if let Some(last) = last {
                    self.acknowledge(&key, last);
                }
            }
            _ => {
                if let Some(target) = targets.first() {
                    let mut copy = packet.clone();
                    set_uri(&mut copy, target);
                    self.forward(hop, back, copy, target, &branch_of(incoming, 0));
                }
            }
        }
    }

    /// A response whose Via of ours is taken off already. True where it belonged to a fork.
    pub(super) fn fork_response(&mut self, branch: &str, packet: &Packet) -> bool {
        let Some((key, index)) = self.forks.by_branch.get(branch).cloned() else { return false };
        let Some(fork) = self.forks.by_incoming.get_mut(&key) else { return false };
        if packet.cseq().is_none_or(|(_, method)| method != "INVITE") {
            // Of a CANCEL: it was answered already.
            return true;
        }
        let place = &mut fork.places[index];
        place.has_answered = true;
        let back = fork.back;
        match packet.status() {
            0..=100 => {}
            101..=199 => {
                let again = place.cancelled;
                self.send_back(back, packet.write());
                if again {
                    self.cancel(&key, &[index]);
                }
            }
            200..=299 => {
                fork.has_success = true;
                let others: Vec<usize> =
                    (0..fork.places.len()).filter(|other| *other != index && fork.is_open(*other)).collect();
                others.iter().for_each(|other| fork.places[*other].cancelled = true);
                self.send_back(back, packet.write());
                self.cancel(&key, &others);
            }
            _ => {
                place.refusal = Some(packet.clone());
                let all_refused = fork.places.iter().all(|place| place.refusal.is_some());
                if all_refused && !fork.has_success {
                    let last = *fork.last.get_or_insert(index);
                    if last == index {
                        let best = fork
                            .places
                            .iter()
                            .filter_map(|place| place.refusal.as_ref())
                            .min_by_key(|packet| rank(packet));
                        if let Some(best) = best.cloned() {
                            self.send_back(back, best.write());
                        }
                        return true;
                    }
                }
                self.acknowledge(&key, index);
            }
        }
        true
    }

    fn cancel(&mut self, key: &str, places: &[usize]) {
        for index in places {
            self.send_for(key, *index, "CANCEL");
        }
    }

    fn acknowledge(&mut self, key: &str, index: usize) {
        self.send_for(key, index, "ACK");
    }

    /// CANCEL, or the ACK of a refusal (RFC 3261 sections 9.1, 17.1.1.3): from hop to hop, with the Via of the INVITE alone.
    fn send_for(&mut self, key: &str, index: usize, method: &str) {
        let Some(fork) = self.forks.by_incoming.get(key) else { return };
        let place = &fork.places[index];
        let number = fork.invite.cseq().map(|(number, _)| number).unwrap_or_default();
        let to = place
            .refusal
            .as_ref()
            .filter(|_| method == "ACK")
            .unwrap_or(&fork.invite)
            .value("To")
            .unwrap_or_default();
        let copied = |name: &str| (name.to_owned(), fork.invite.value(name).unwrap_or_default().to_owned());
        let packet = Packet {
            start: format!("{method} {} SIP/2.0", place.target),
            headers: vec![
                ("Max-Forwards".to_owned(), "70".to_owned()),
                copied("From"),
                ("To".to_owned(), to.to_owned()),
                copied("Call-ID"),
                ("CSeq".to_owned(), format!("{number} {method}")),
                ("Content-Length".to_owned(), "0".to_owned()),
            ],
            body: bytes::Bytes::new(),
        };
        let (hop, back, target, branch) = (fork.hop, fork.back, place.target.clone(), place.branch.clone());
        self.forward(hop, back, packet, &target, &branch);
    }
}

impl Fork {
    fn is_open(&self, index: usize) -> bool {
        self.places[index].refusal.is_none()
    }
}

/// The proxy's own response.
fn answer(request: &Packet, status: &str) -> Packet {
    let copied = ["Via", "From", "To", "Call-ID", "CSeq"];
    let headers = request.headers.iter().filter(|(name, _)| copied.contains(&name.as_str())).cloned();
    let length = ("Content-Length".to_owned(), "0".to_owned());
    Packet {
        start: format!("SIP/2.0 {status}"),
        headers: headers.chain([length]).collect(),
        body: bytes::Bytes::new(),
    }
}

/// Which refusal is best: 6xx, then the lowest, and a merged request last.
fn rank(packet: &Packet) -> u16 {
    match packet.status() {
        600.. => 0,
        482 => u16::MAX,
        status => status,
    }
}
