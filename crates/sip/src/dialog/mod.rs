//! Dialogs (RFC 3261 section 12): identity, targets, order of requests, offers, reliable provisionals, session timers.

mod confirm;
mod exchange;
mod fork;
mod id;
mod order;
mod refresh;
mod reliable;
mod state;

pub use confirm::{Confirm, ConfirmDue};
pub use exchange::{Carrier, Exchange, ExchangeId, Received};
pub use fork::{FORKS_MAX, Forks, STRAYS_MAX};
pub use id::{DialogId, Tag};
pub use order::Order;
pub use refresh::{Refresh, RefreshDue, TimerRules, TooSmall};
pub use reliable::{Acknowledged, ReliableReceiver, ReliableSender, Taken};
pub use state::{Dialog, Heading, ROUTES_MAX};
