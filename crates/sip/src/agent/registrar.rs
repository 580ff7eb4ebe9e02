//! The registrar (RFC 3261 section 10.3): who is where, by which flow, until when.
//!
//! A binding keeps the path that its REGISTER came by: the source address, or the connection (RFC 5626 section 5). Calls to it go
//! by that path, because a device behind NAT has no other. With the connection, the binding ends.

mod table;
mod wish;

pub(super) use table::{Registering, Registrar, Unregisterable};
pub(super) use wish::{BadWish, Wish};

use super::Flow;
use std::fmt;
use std::sync::Arc;
use tympan_types::Mono;

/// One binding of a telephone. Numbers are not used again within a run of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindingId(pub u64);

impl fmt::Display for BindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "binding-{}", self.0)
    }
}

/// Where one device of a telephone is.
#[derive(Debug, Clone)]
pub struct Binding {
    /// Its number.
    pub id: BindingId,
    /// The telephone: the user of its address-of-record.
    pub user: Arc<str>,
    /// The URI of its Contact: the request URI of calls to it.
    pub contact: Arc<str>,
    /// The path that it registered by. Calls go by it, whatever the Contact says: the device may be behind NAT.
    pub flow: Flow,
    /// Path (RFC 3327): the proxies on the way to it, the first hop first.
    pub path: Arc<[Box<str>]>,
    /// When it ends unless it is refreshed.
    pub expires_at: Mono,
    /// Its preference among the telephone's devices, in thousandths: 1000 where the Contact has no `q`.
    pub q_thousandths: u16,
    /// `+sip.instance` (RFC 5626), where the device says it.
    pub instance: Option<Arc<str>>,
    /// User-Agent of its REGISTER.
    pub user_agent: Option<Arc<str>>,
}

/// Why a binding ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unbound {
    /// The device removed it.
    ByPhone,
    /// It was not refreshed in time.
    Expired,
    /// The connection that it was made by is closed.
    ConnectionClosed,
    /// The telephone is no longer in the table.
    PhoneRemoved,
}

/// A change of a binding.
#[derive(Debug, Clone)]
pub enum BindingEvent {
    /// A new one.
    Registered(Binding),
    /// It lasts longer, or its device has moved: flow and Contact are those of the last REGISTER.
    Refreshed(Binding),
    /// It is gone.
    Unregistered {
        /// The telephone.
        user: Arc<str>,
        /// Which.
        binding: BindingId,
        /// Why.
        why: Unbound,
    },
}
