//! Between the SIP agent and the contacts.

use super::{Contact, Node, Site, Task};
use crate::whole::peer::resolve;
use crate::whole::watch::keys::By;
use bytes::Bytes;
use std::net::SocketAddr;
use tympan_contact::{AgentReport, EndedBy, Input, LegEvent, RoutingEvent, RoutingRequest};
use tympan_sip::agent::{self, Body, Command, Event, ListenerId, Output, Target};
use tympan_sip::wire::{Name, Part, Status};
use tympan_telephony::Digit;
use tympan_telephony::words::MediaEvent;
use tympan_types::{ContactId, LegId};

impl Node {
    /// A datagram for the SIP port.
    pub(crate) fn sip_datagram(&mut self, site: &mut Site, from: SocketAddr, bytes: Bytes) {
        let input = agent::Input::Packet { at: ListenerId(0), local: self.address, from, bytes };
        self.feed_agent(site, input);
        self.plan(site);
    }

    pub(super) fn agent_due(&mut self, site: &mut Site) {
        if self.agent_wake.take_if(|wake| *wake <= site.core.now()).is_some() {
            self.feed_agent(site, agent::Input::Tick);
        }
    }

    pub(super) fn resolved(&mut self, site: &mut Site, query: u64, targets: Vec<Target>) {
        self.feed_agent(site, agent::Input::Resolved { query, targets });
    }

    pub(super) fn command(&mut self, site: &mut Site, leg: LegId, command: Command) {
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.is_answered |= matches!(command, Command::Answer { .. });
        }
        self.feed_agent(site, agent::Input::Command { leg, command });
    }

    fn feed_agent(&mut self, site: &mut Site, input: agent::Input) {
        let now = site.core.now();
        self.agent.handle(now, input);
        let mut events = Vec::new();
        while let Some(output) = self.agent.poll() {
            match output {
                Output::Send { flow, bytes } => site.core.send(self.address, flow.peer, bytes),
                Output::Event { leg, event } => events.push((leg, event)),
                Output::Resolve { query, host, port, transport } => {
                    let targets = resolve(self.address, &host, port, transport);
                    site.later(self.epoch, 0, Task::Resolved { query, targets });
                }
                Output::Connect { .. } | Output::Close { .. } | Output::Binding(_) | Output::Count(_) => {}
            }
        }
        let next = self.agent.next_deadline().map(|next| next.max(now));
        if next != self.agent_wake {
            self.agent_wake = next;
            if let Some(next) = next {
                site.at(self.epoch, next, Task::Agent);
            }
        }
        for (leg, event) in events {
            self.sip_event(site, leg, event);
        }
    }

    fn sip_event(&mut self, site: &mut Site, id: LegId, event: Event) {
        if let Event::Invited { message, parts, late_offer, source, .. } = &event {
            let call = message.value(Name::UserToUser).and_then(|text| std::str::from_utf8(text).ok());
            let Some(call) = call.and_then(|text| text.parse().ok()) else { return };
            let called = String::from_utf8_lossy(message.start_line()).into_owned();
            let offer = (!late_offer).then(|| description(parts)).flatten();
            return self.invited(site, id, call, &called, offer, *source);
        }
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let contact = leg.contact;
        let event = match event {
            Event::Confirmed => {
                if !self.legs.get(&id).is_some_and(|leg| leg.is_dialled) {
                    self.connected(site, contact);
                }
                LegEvent::Confirmed
            }
            Event::Offered { exchange, parts } => match description(&parts) {
                Some(sdp) => LegEvent::Offered { exchange, sdp },
                None => {
                    let status = Status::NOT_ACCEPTABLE_HERE;
                    return self.command(site, id, Command::RefuseOffer { exchange, status });
                }
            },
            Event::OfferWanted { exchange } => LegEvent::OfferWanted { exchange },
            Event::Answered { exchange, parts } => {
                LegEvent::Answered { exchange, sdp: description(&parts).unwrap_or_default() }
            }
            Event::OfferFailed { .. } => LegEvent::OfferFailed,
            Event::Info { parts } => match parts.iter().find_map(key) {
                Some(digit) => LegEvent::Info(digit),
                None => return,
            },
            Event::Ended(ended) => {
                let is_dialled = leg.is_dialled;
                let by = match ended.status {
                    Some(status) if is_dialled && ended.by == agent::EndedBy::Peer => {
                        EndedBy::Refused(status.code())
                    }
                    _ => ended_by(ended.by),
                };
                if let Some(leg) = self.legs.get_mut(&id) {
                    leg.has_signalling = false;
                }
                self.tell(site, contact, Input::Leg { leg: id, event: LegEvent::Ended(by) });
                return self.forget_leg(site, id);
            }
            Event::Ringing { status, .. } => LegEvent::Ringing { status: status.code(), sdp: None },
            Event::Invited { .. }
            | Event::Refreshed
            | Event::TargetRefreshed { .. }
            | Event::Referred { .. }
            | Event::ReferProgress { .. }
            | Event::ReferDone { .. }
            | Event::ReferFailed { .. } => return,
        };
        self.tell(site, contact, Input::Leg { leg: id, event });
    }

    fn connected(&self, site: &mut Site, contact: ContactId) {
        site.core.tally.connected += 1;
        if site.keeps {
            site.watches.records.connected(contact, self.epoch);
        }
    }

    /// Tells a contact something, and does all that it wants done.
    pub(super) fn tell(&mut self, site: &mut Site, id: ContactId, input: Input) {
        let now = self.contact_now(site);
        let id = self.conversation(id);
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        site.core.event(&id, "takes", &word(&input));
        let key = match &input {
            Input::Leg { event: LegEvent::Info(digit), .. } => Some((By::Info, digit.as_char())),
            Input::Media { event: MediaEvent::Digit(digit), .. } => Some((By::Rtp, digit.as_char())),
            _ => None,
        };
        if let Some((by, key)) = key {
            if site.keeps {
                site.watches.keys.taken(contact.call, by, key);
            }
            site.core.tally.keys += 1;
        }
        contact.machine.handle(now, input);
        self.perform(site, id);
    }

    /// Tells a contact what the routing has for it. One that is gone gives back what is offered.
    pub(super) fn tell_routing(&mut self, site: &mut Site, id: ContactId, event: RoutingEvent) {
        if self.contacts.contains_key(&self.conversation(id)) {
            return self.tell(site, id, Input::Routing(event));
        }
        match event {
            RoutingEvent::Queued { contact } => {
                self.routing_request(site, RoutingRequest::Leave { contact });
            }
            RoutingEvent::Offered { offer, .. } => {
                let report = AgentReport::Abandoned;
                self.routing_request(site, RoutingRequest::Report { offer, report });
            }
            RoutingEvent::Refused { .. } | RoutingEvent::Withdrawn { .. } => {}
        }
    }

    /// Schedules the contact's deadline, and lets it go once it is over.
    pub(super) fn settle_contact(&mut self, site: &mut Site, id: ContactId) {
        let Some(Contact { machine, wake, leg, .. }) = self.contacts.get_mut(&id) else { return };
        if machine.is_over() {
            let leg = *leg;
            self.contacts.remove(&id);
            site.watches.prompts.ends(leg);
            let others: Vec<LegId> =
                self.legs.iter().filter(|(_, one)| one.contact == id).map(|(leg, _)| *leg).collect();
            self.conversations.retain(|_, first| *first != id);
            return others.into_iter().for_each(|leg| self.forget_leg(site, leg));
        }
        let next = machine.next_deadline().map(|next| next.max(site.core.now()));
        if next != *wake {
            *wake = next;
            if let Some(next) = next {
                site.at(self.epoch, next, Task::Contact { contact: id });
            }
        }
    }

    pub(super) fn contact_due(&mut self, site: &mut Site, id: ContactId) {
        let now = site.core.now();
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        if contact.wake.take_if(|wake| *wake <= now).is_some() {
            self.tell(site, id, Input::TimePassed);
        }
    }
}

/// The session description of a body.
fn description(parts: &[Part]) -> Option<String> {
    let part = parts.iter().find(|part| part.body.starts_with(b"v="))?;
    String::from_utf8(part.body.to_vec()).ok()
}

fn key(part: &Part) -> Option<Digit> {
    let text = std::str::from_utf8(&part.body).ok()?;
    let key = text.lines().find_map(|line| line.strip_prefix("Signal="))?;
    Digit::from_char(key.trim().chars().next()?)
}

const fn ended_by(by: agent::EndedBy) -> EndedBy {
    match by {
        agent::EndedBy::Peer => EndedBy::Peer,
        agent::EndedBy::Us => EndedBy::Us,
        agent::EndedBy::Failure => EndedBy::Failure,
        agent::EndedBy::SessionExpired => EndedBy::SessionExpired,
        agent::EndedBy::TooLong => EndedBy::TooLong,
    }
}

pub(super) fn sdp(text: String) -> Body {
    Body { content_type: "application/sdp".to_owned(), bytes: text.into() }
}

/// An input in a few words.
fn word(input: &Input) -> String {
    match input {
        Input::Prompt { prompt, .. } => format!("of {prompt}"),
        Input::Attempt { invocation, attempt, .. } => format!("of attempt {attempt} of {invocation}"),
        Input::SetAttributes { request, .. } => format!("of attributes, {request}"),
        Input::Change { request, contact, .. } => format!("of a change of {contact}, {request}"),
        Input::Leg { event: LegEvent::Offered { exchange, .. }, .. } => format!("of an offer, {exchange}"),
        Input::Leg { event: LegEvent::Answered { exchange, .. }, .. } => format!("of an answer, {exchange}"),
        Input::DialReady { dial, legs } => format!("of {dial}: {} telephones", legs.len()),
        other => format!("{other:?}"),
    }
}
