//! Logging in and out, and the statuses of agents.

use super::agent::NextStatus;
use super::deadline::Deadline;
use super::order::now_ms;
use super::{AgentKey, Output, Routing, StatusChange, StatusKind, StatusRefusal};
use crate::Now;
use tympan_types::ResourceId;

impl Routing {
    /// A telephone of the agent is there: he logs in. From offline he becomes available, where the options say so; another status, chosen
    /// before or kept over a restart, stays. What he missed is cleared, and a logging out that waits for the end of a contact is undone.
    pub fn online(&mut self, now: Now, key: AgentKey) {
        let Some(agent) = self.agents.get_mut(&key) else {
            self.counters.late += 1;
            return;
        };
        self.deadlines.clear(agent.restored.take(), Deadline::Restored(key));
        if agent.is_at_telephone {
            return;
        }
        agent.is_at_telephone = true;
        let had_next = agent.next.is_some();
        agent.next = agent.next.filter(|next| !next.is_logout);
        let (status, was_leaving) = (agent.status, had_next && agent.next.is_none());
        let is_offline = status.and_then(|status| self.status_kind(key, status)) != Some(StatusKind::Custom)
            && status.and_then(|status| self.status_kind(key, status)) != Some(StatusKind::Routable);
        self.clear_contacts(now, key, |state| state.is_blamed());
        let routable = self
            .instances
            .get(&key.instance)
            .filter(|_| is_offline && self.options.available_at_login)
            .and_then(|instance| instance.plan.first_status(StatusKind::Routable));
        if routable.is_some() {
            self.set_status(now, key, routable);
        } else if was_leaving {
            self.status_changed(now, key);
        }
        self.refresh(now, key);
        self.route(now);
    }

    /// No telephone of the agent is there any longer: he logs out. What he missed and his after-contact work are cleared. While he is on
    /// a contact, going offline is his next status: whether the conversation is lost is the call's to find out.
    pub fn offline(&mut self, now: Now, key: AgentKey) {
        let Some(agent) = self.agents.get_mut(&key) else {
            self.counters.late += 1;
            return;
        };
        self.deadlines.clear(agent.restored.take(), Deadline::Restored(key));
        agent.is_at_telephone = false;
        self.clear_contacts(now, key, |state| !state.is_busy());
        let offline = self.instances.get(&key.instance);
        let offline = offline.and_then(|instance| instance.plan.first_status(StatusKind::Offline));
        let Some(agent) = self.agents.get_mut(&key) else { return };
        let is_busy = !agent.contacts.is_empty();
        match offline {
            Some(status) if agent.status != Some(status) => {
                if is_busy {
                    agent.next = Some(NextStatus { status, since: now.wall, is_logout: true });
                    self.status_changed(now, key);
                } else {
                    agent.next = None;
                    self.set_status(now, key, offline);
                }
            }
            // Offline already, or there is no such status: without a telephone nothing is routed to him.
            _ => agent.next = None,
        }
        self.refresh(now, key);
        self.route(now);
    }

    /// Chooses a status for an agent: `PutUserStatus`. What he missed and his after-contact work are cleared.
    ///
    /// While he is on a contact, a custom or offline status is his next one; nothing new is routed to him, and he gets it when all his
    /// slots are free. A routable status takes a next one back.
    pub fn put_status(
        &mut self,
        now: Now,
        key: AgentKey,
        status: ResourceId,
    ) -> Result<StatusChange, StatusRefusal> {
        let agent = self.agents.get(&key).filter(|agent| agent.plan.is_some());
        agent.ok_or(StatusRefusal::NoSuchAgent)?;
        let plan = self.instances.get(&key.instance).and_then(|instance| instance.plan.statuses.get(&status));
        let kind = plan.filter(|plan| plan.is_enabled).ok_or(StatusRefusal::NoSuchStatus)?.kind;
        self.clear_contacts(now, key, |state| !state.is_busy());
        let agent = self.agents.get_mut(&key).ok_or(StatusRefusal::NoSuchAgent)?;
        let is_next =
            !agent.contacts.is_empty() && kind != StatusKind::Routable && agent.status != Some(status);
        if is_next {
            agent.next = Some(NextStatus { status, since: now.wall, is_logout: false });
            self.status_changed(now, key);
        } else {
            let had_next = agent.next.take().is_some();
            if agent.status != Some(status) {
                self.set_status(now, key, Some(status));
            } else if had_next {
                self.status_changed(now, key);
            }
        }
        self.refresh(now, key);
        self.route(now);
        Ok(if is_next { StatusChange::Next } else { StatusChange::Now })
    }

    pub(super) fn status_kind(&self, key: AgentKey, status: ResourceId) -> Option<StatusKind> {
        Some(self.instances.get(&key.instance)?.plan.statuses.get(&status)?.kind)
    }

    /// Gives an agent a status; the caller sorts him in.
    pub(super) fn set_status(&mut self, now: Now, key: AgentKey, status: Option<ResourceId>) {
        let Some(agent) = self.agents.get_mut(&key) else { return };
        agent.status = status;
        agent.status_since = now.wall;
        agent.idle_ms = now_ms(now);
        self.status_changed(now, key);
    }

    /// An agent has not come back after a restart.
    pub(super) fn not_restored(&mut self, now: Now, key: AgentKey) {
        if let Some(agent) = self.agents.get_mut(&key) {
            agent.restored = None;
            if !agent.is_at_telephone {
                self.offline(now, key);
            }
        }
    }

    fn status_changed(&mut self, now: Now, key: AgentKey) {
        self.revision += 1;
        let Some(agent) = self.agents.get(&key) else { return };
        if let Some(status) = agent.status {
            let next = agent.next.map(|next| next.status);
            self.outputs.push_back(Output::StatusChanged { agent: key, status, next, at: now.wall });
        }
    }
}
