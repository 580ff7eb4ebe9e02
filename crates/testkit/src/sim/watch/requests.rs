//! Every request is answered, in time, and with one final response.

use crate::sim::packet::Packet;
use std::collections::BTreeMap;
use tympan_types::Mono;

/// What names a server transaction (RFC 3261 section 17.2.3).
type Key = (String, String, String);

/// Requests that came.
#[derive(Debug, Default)]
pub(super) struct Requests {
    known: BTreeMap<Key, Received>,
}

#[derive(Debug)]
struct Received {
    at: Mono,
    what: String,
    is_invite: bool,
    is_cancel: bool,
    digit: Option<String>,
    connection: Option<u64>,
    is_excused: bool,
    answer: Option<(u16, String)>,
}

/// What a response answers.
#[derive(Debug)]
pub(super) struct Answered {
    /// No final response went out before.
    pub(super) is_first: bool,
    /// The name of the digit in an INFO.
    pub(super) digit: Option<String>,
}

/// A request that is no INVITE is answered within this: its sender gives up after 32 s.
const ANSWER_BOUND_MS: i64 = 32_000;
/// After this a repetition may be taken for a new request.
const FORGOTTEN_MS: i64 = 31_000;

impl Requests {
    /// True where the request is new.
    pub(super) fn received(&mut self, now: Mono, packet: &Packet, connection: Option<u64>) -> bool {
        let Some(method) = packet.method() else { return false };
        let Some(key) = key(packet) else { return false };
        if method == "ACK" {
            return true;
        }
        let is_new = !self.known.contains_key(&key);
        self.known.entry(key).or_insert_with(|| Received {
            at: now,
            what: format!(
                "{} {} of {}",
                method,
                packet.cseq().map_or(0, |(number, _)| number),
                packet.call_id()
            ),
            is_invite: method == "INVITE",
            is_cancel: method == "CANCEL",
            digit: digit(packet),
            connection,
            is_excused: false,
            answer: None,
        });
        is_new
    }

    pub(super) fn answered(&mut self, now: Mono, packet: &Packet) -> Result<Answered, String> {
        let request = key(packet).and_then(|key| self.known.get_mut(&key));
        let request = request.ok_or_else(|| format!("a response to no request: {}", packet.start))?;
        // Timer J ends 32 s after the answer, and a last repetition may still be on its way then.
        let is_late = now.ms_since(request.at) > FORGOTTEN_MS;
        if packet.status() < 200 {
            if let Some((status, _)) = request.answer.as_ref().filter(|_| !is_late) {
                return Err(format!("{} after {status} to {}", packet.start, request.what));
            }
            return Ok(Answered { is_first: false, digit: None });
        }
        if !request.is_invite && request.answer.is_none() && now.ms_since(request.at) > ANSWER_BOUND_MS {
            return Err(format!("{} was answered after {} ms", request.what, now.ms_since(request.at)));
        }
        let answer = (packet.status(), packet.tag("To").to_owned());
        // A CANCEL that overtakes its INVITE may be answered without state (481), and its copy behind the INVITE again.
        request.answer.take_if(|(status, _)| request.is_cancel && *status == 481);
        let is_first = request.answer.is_none();
        let first = request.answer.get_or_insert_with(|| answer.clone());
        if *first != answer && !is_late {
            return Err(format!("{} was answered by {first:?} and by {answer:?}", request.what));
        }
        Ok(Answered { is_first, digit: request.digit.clone() })
    }

    pub(super) fn closed(&mut self, connection: u64) {
        let came_by = self.known.values_mut().filter(|request| request.connection == Some(connection));
        came_by.for_each(|request| request.is_excused = true);
    }

    pub(super) fn finish(&self, withheld: bool) -> Result<(), String> {
        let silent = self.known.values().find(|request| {
            request.answer.is_none() && !request.is_excused && !(withheld && request.is_invite)
        });
        silent.map_or(Ok(()), |request| Err(format!("every request is answered: {} was not", request.what)))
    }
}

fn key(packet: &Packet) -> Option<Key> {
    let via = packet.value("Via")?;
    let sent_by = via.split(' ').nth(1)?.split([';', ',']).next()?;
    let (_, method) = packet.cseq()?;
    Some((packet.branch().to_owned(), sent_by.to_owned(), method.to_owned()))
}

/// The name of the digit in an INFO.
pub(super) fn digit(packet: &Packet) -> Option<String> {
    let text = std::str::from_utf8(&packet.body).ok()?;
    text.split("\r\n").find_map(|line| line.strip_prefix("X-Digit=")).map(str::to_owned)
}
