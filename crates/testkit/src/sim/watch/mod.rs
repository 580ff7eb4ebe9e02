//! Reads all that one agent receives and sends, and knows what SIP demands of it.

mod dialogs;
mod offers;
mod requests;
#[cfg(test)]
mod tests;

use super::packet::Packet;
use dialogs::Dialogs;
use requests::Requests;
use std::collections::BTreeSet;
use tympan_types::Mono;

/// The watch over one agent. Every method fails with what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    requests: Requests,
    dialogs: Dialogs,
    /// Digits that were answered 200 and not delivered yet.
    answered_digits: BTreeSet<String>,
    delivered_digits: BTreeSet<String>,
}

impl Watch {
    /// The agent receives a message; `connection` is `None` for a datagram.
    pub(crate) fn received(
        &mut self,
        now: Mono,
        packet: &Packet,
        connection: Option<u64>,
    ) -> Result<(), String> {
        let is_new = self.requests.received(now, packet, connection);
        self.dialogs.received(now, packet, is_new)
    }

    /// The agent sends a message, by a connection or as a datagram.
    pub(crate) fn sent(&mut self, now: Mono, packet: &Packet, by_stream: bool) -> Result<(), String> {
        if packet.method().is_none() {
            let answered = self.requests.answered(now, packet)?;
            if packet.status() == 200 && answered.is_first {
                self.answered_digits.extend(answered.digit);
            }
        }
        self.dialogs.sent(now, packet, by_stream)
    }

    /// The agent delivers the body of an INFO.
    pub(crate) fn delivered(&mut self, digit: &str) {
        self.delivered_digits.insert(digit.to_owned());
    }

    /// A connection is closed: what came by it need not be answered.
    pub(crate) fn closed(&mut self, connection: u64) {
        self.requests.closed(connection);
    }

    /// The agent has nothing more to say for now.
    pub(crate) fn is_drained(&mut self) -> Result<(), String> {
        for digit in std::mem::take(&mut self.answered_digits) {
            if !self.delivered_digits.remove(&digit) {
                return Err(format!("INFO answered and not delivered: {digit}"));
            }
        }
        Ok(())
    }

    /// Everything is over. `withheld`: the agent held bytes back from unconfirmed sources.
    pub(crate) fn finish(&self, withheld: bool) -> Result<(), String> {
        self.requests.finish(withheld)
    }
}
