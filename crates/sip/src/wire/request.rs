//! Requests and responses that were judged: what every user of a message needs is there.

use super::{Address, Message, Method, Name, Status, Text, Uri, Via};

/// A request that can be answered and whose mandatory headers (RFC 3261 section 8.1.1) are right.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The request URI.
    pub uri: Uri,
    /// The top Via as it came.
    pub via: Via,
    /// From, with its tag (empty tag: an RFC 2543 peer without one is refused 400, so there is one).
    pub from: Address,
    /// To.
    pub to: Address,
    /// Call-ID.
    pub call_id: Text,
    /// The number of CSeq, below 2^31.
    pub cseq: u32,
    /// Max-Forwards; 70 where it is missing.
    pub max_forwards: u8,
    /// All of it.
    pub message: Message,
}

/// A response whose mandatory headers are right.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: Status,
    /// The reason phrase.
    pub reason: Text,
    /// The top Via: ours.
    pub via: Via,
    /// From.
    pub from: Address,
    /// To.
    pub to: Address,
    /// Call-ID.
    pub call_id: Text,
    /// The number of CSeq.
    pub cseq: u32,
    /// The method of CSeq.
    pub method: Method,
    /// All of it.
    pub message: Message,
}

impl Request {
    /// The tag of From.
    pub fn from_tag(&self) -> &str {
        self.from.tag().unwrap_or_default()
    }

    /// The tag of To: present in requests of a dialog.
    pub fn to_tag(&self) -> Option<&str> {
        self.to.tag()
    }

    /// The first Contact; `None` where it is missing, is `*`, or is no address.
    pub fn contact(&self) -> Option<Address> {
        contact(&self.message)
    }

    /// Record-Route values, top first, as text.
    pub fn record_routes(&self) -> Vec<Text> {
        record_routes(&self.message)
    }

    /// Route values, top first; those that are no address are left out.
    pub fn routes(&self) -> Vec<Address> {
        let message = &self.message;
        message.items(Name::Route).filter_map(|item| Address::parse(&message.text_of(item))).collect()
    }
}

impl Response {
    /// The tag of To.
    pub fn to_tag(&self) -> Option<&str> {
        self.to.tag()
    }

    /// The first Contact.
    pub fn contact(&self) -> Option<Address> {
        contact(&self.message)
    }

    /// Record-Route values, top first, as text.
    pub fn record_routes(&self) -> Vec<Text> {
        record_routes(&self.message)
    }
}

fn contact(message: &Message) -> Option<Address> {
    Address::parse(&message.text_of(message.items(Name::Contact).next()?))
}

fn record_routes(message: &Message) -> Vec<Text> {
    message.items(Name::RecordRoute).map(|item| message.text_of(item)).collect()
}
