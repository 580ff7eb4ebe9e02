//! The bindings.

use super::super::{ConnId, Flow, Limits, Phones, Way};
use super::wish::{Wish, WishedContact};
use super::{Binding, BindingEvent, BindingId, Unbound};
use crate::wire::Uri;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tympan_types::Mono;

/// All bindings, by telephone, by connection and by end.
#[derive(Debug, Default)]
pub(in crate::agent) struct Registrar {
    bound: BTreeMap<BindingId, Bound>,
    by_user: BTreeMap<Arc<str>, Vec<BindingId>>,
    by_conn: BTreeSet<(ConnId, BindingId)>,
    due: BTreeSet<(Mono, BindingId)>,
    made: u64,
}

/// A binding and what orders its REGISTERs.
#[derive(Debug)]
struct Bound {
    binding: Binding,
    uri: Uri,
    call_id: Box<str>,
    cseq: u32,
    reg_id: Option<u32>,
}

/// What a REGISTER is beside its wish.
#[derive(Debug)]
pub(in crate::agent) struct Registering<'a> {
    pub(in crate::agent) user: &'a Arc<str>,
    pub(in crate::agent) flow: Flow,
    pub(in crate::agent) call_id: &'a str,
    pub(in crate::agent) cseq: u32,
    pub(in crate::agent) path: Arc<[Box<str>]>,
    pub(in crate::agent) user_agent: Option<Arc<str>>,
}

/// A wish that is refused as a whole; nothing is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum Unregisterable {
    /// Its CSeq is not above that of the last REGISTER of the same Call-ID (RFC 3261 section 10.3, steps 6 and 7).
    OutOfOrder,
    /// The telephone has as many bindings as it may.
    PhoneFull,
    /// There are as many as there may be.
    Full,
}

impl Registrar {
    /// Does what a REGISTER asks for, all of it or nothing.
    pub(in crate::agent) fn register(
        &mut self,
        now: Mono,
        limits: &Limits,
        registering: &Registering<'_>,
        wish: &Wish,
    ) -> Result<Vec<BindingEvent>, Unregisterable> {
        let user = registering.user;
        let ids = self.by_user.get(user).cloned().unwrap_or_default();
        let is_late =
            |bound: &Bound| *bound.call_id == *registering.call_id && registering.cseq <= bound.cseq;
        match wish {
            Wish::Query => Ok(Vec::new()),
            Wish::RemoveAll => {
                if ids.iter().filter_map(|id| self.bound.get(id)).any(is_late) {
                    return Err(Unregisterable::OutOfOrder);
                }
                Ok(ids.into_iter().filter_map(|id| self.remove(id, Unbound::ByPhone)).collect())
            }
            Wish::Change(contacts) => {
                let found: Vec<(&WishedContact, Option<BindingId>)> =
                    contacts.iter().map(|contact| (contact, self.find(&ids, contact))).collect();
                let known = found.iter().filter_map(|(_, id)| self.bound.get(id.as_ref()?));
                if known.into_iter().any(is_late) {
                    return Err(Unregisterable::OutOfOrder);
                }
                let fresh = found.iter().filter(|(wished, id)| id.is_none() && wished.expires_s > 0).count();
                if fresh > 0 && ids.len() + fresh > limits.bindings_per_phone_max {
                    return Err(Unregisterable::PhoneFull);
                }
                if fresh > 0 && self.bound.len() + fresh > limits.bindings_max {
                    return Err(Unregisterable::Full);
                }
                let change = |(wished, id): (&WishedContact, Option<BindingId>)| match id {
                    Some(id) if wished.expires_s == 0 => self.remove(id, Unbound::ByPhone),
                    Some(id) => Some(BindingEvent::Refreshed(self.bind(now, id, registering, wished))),
                    None if wished.expires_s == 0 => None,
                    None => {
                        self.made += 1;
                        let id = BindingId(self.made);
                        Some(BindingEvent::Registered(self.bind(now, id, registering, wished)))
                    }
                };
                Ok(found.into_iter().filter_map(change).collect())
            }
        }
    }

    /// The binding of the same URI (RFC 3261 section 19.1.4), or of the same device that has moved (RFC 5626 section 6).
    fn find(&self, ids: &[BindingId], wished: &WishedContact) -> Option<BindingId> {
        let bound = || ids.iter().filter_map(|id| self.bound.get(id));
        let is_device = |bound: &&Bound| {
            wished.instance.is_some()
                && bound.binding.instance == wished.instance
                && bound.reg_id == wished.reg_id
        };
        let same = bound().find(|bound| bound.uri.is_same(&wished.uri));
        same.or_else(|| bound().find(is_device)).map(|bound| bound.binding.id)
    }

    fn bind(
        &mut self,
        now: Mono,
        id: BindingId,
        registering: &Registering<'_>,
        wished: &WishedContact,
    ) -> Binding {
        self.unindex(id);
        let binding = Binding {
            id,
            user: registering.user.clone(),
            contact: wished.uri.as_str().into(),
            flow: registering.flow,
            path: registering.path.clone(),
            expires_at: now.plus_ms(i64::from(wished.expires_s) * 1_000),
            q_thousandths: wished.q_thousandths,
            instance: wished.instance.clone(),
            user_agent: registering.user_agent.clone(),
        };
        self.due.insert((binding.expires_at, id));
        if let Way::Stream(conn) = binding.flow.way {
            self.by_conn.insert((conn, id));
        }
        let ids = self.by_user.entry(binding.user.clone()).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
        let bound = Bound {
            binding: binding.clone(),
            uri: wished.uri.clone(),
            call_id: registering.call_id.into(),
            cseq: registering.cseq,
            reg_id: wished.reg_id,
        };
        self.bound.insert(id, bound);
        binding
    }

    /// Takes a binding out of what leads to it by time and by connection.
    fn unindex(&mut self, id: BindingId) {
        let Some(bound) = self.bound.get(&id) else { return };
        self.due.remove(&(bound.binding.expires_at, id));
        if let Way::Stream(conn) = bound.binding.flow.way {
            self.by_conn.remove(&(conn, id));
        }
    }

    fn remove(&mut self, id: BindingId, why: Unbound) -> Option<BindingEvent> {
        self.unindex(id);
        let bound = self.bound.remove(&id)?;
        let user = bound.binding.user;
        if let Some(ids) = self.by_user.get_mut(&user) {
            ids.retain(|known| *known != id);
            if ids.is_empty() {
                self.by_user.remove(&user);
            }
        }
        Some(BindingEvent::Unregistered { user, binding: id, why })
    }

    /// Bindings that were not refreshed in time.
    pub(in crate::agent) fn expire(&mut self, now: Mono) -> Vec<BindingEvent> {
        let mut events = Vec::new();
        while let Some(&(at, id)) = self.due.first().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, id));
            events.extend(self.remove(id, Unbound::Expired));
        }
        events
    }

    /// A connection is closed: nothing leads to the devices that registered by it.
    pub(in crate::agent) fn closed(&mut self, conn: ConnId) -> Vec<BindingEvent> {
        let of_conn = (conn, BindingId(0))..=(conn, BindingId(u64::MAX));
        let ids: Vec<BindingId> = self.by_conn.range(of_conn).map(|(_, id)| *id).collect();
        ids.into_iter().filter_map(|id| self.remove(id, Unbound::ConnectionClosed)).collect()
    }

    /// Ends the bindings of telephones that are not in the table.
    pub(in crate::agent) fn keep(&mut self, phones: &Phones) -> Vec<BindingEvent> {
        let may_register = |user: &str| phones.get(user).is_some_and(|phone| phone.secret.is_some());
        let gone = self.by_user.iter().filter(|(user, _)| !may_register(user));
        let ids: Vec<BindingId> = gone.flat_map(|(_, ids)| ids.clone()).collect();
        ids.into_iter().filter_map(|id| self.remove(id, Unbound::PhoneRemoved)).collect()
    }

    /// When [`Registrar::expire`] is due.
    pub(in crate::agent) fn next_deadline(&self) -> Option<Mono> {
        self.due.first().map(|(at, _)| *at)
    }

    pub(in crate::agent) fn get(&self, id: BindingId) -> Option<&Binding> {
        self.bound.get(&id).map(|bound| &bound.binding)
    }

    /// The bindings of a telephone, in the order in which they were made.
    pub(in crate::agent) fn of(&self, user: &str) -> impl Iterator<Item = &Binding> {
        self.by_user.get(user).into_iter().flatten().filter_map(|id| self.get(*id))
    }

    /// True where the telephone registered by this path.
    pub(in crate::agent) fn came_by(&self, user: &str, flow: &Flow) -> bool {
        self.of(user).any(|binding| {
            let known = &binding.flow;
            match (known.way, flow.way) {
                (Way::Stream(known), Way::Stream(conn)) => known == conn,
                (Way::Datagram(_), Way::Datagram(_)) => known.peer == flow.peer,
                _ => false,
            }
        })
    }

    pub(in crate::agent) fn is_empty(&self) -> bool {
        self.bound.is_empty()
    }
}
