//! Calls of the node's API beside the telephone calls.

use super::{Node, Site};
use crate::whole::control::Write;
use crate::whole::watch::live;
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_contact::{Input, Reply, Stage};
use tympan_types::{ContactId, Redacted, RequestId};

impl Node {
    /// A client does something.
    pub(crate) fn api_call(&mut self, site: &mut Site) {
        site.core.tally.api_calls += 1;
        let live: Vec<ContactId> = self.contacts.keys().copied().collect();
        match site.core.random.below(10) {
            0..=4 if !live.is_empty() => {
                let contact = live[site.core.random.index(live.len())];
                self.set_attributes(site, contact);
            }
            5 if !live.is_empty() => {
                let contact = live[site.core.random.index(live.len())];
                if site.core.random.percent(20) {
                    site.core.event(&contact, "is stopped", "");
                    self.tell(site, contact, Input::Stop);
                }
            }
            6..=7 => self.follow(site),
            8 => self.set_late_attributes(site),
            _ => {}
        }
        self.read_live(site);
        self.plan(site);
    }

    fn set_attributes(&mut self, site: &mut Site, contact: ContactId) {
        self.next_request += 1;
        let number = self.next_request;
        let (key, value) = (format!("api-{}-{number}", self.epoch), format!("value {number}"));
        self.requests.insert(number, (contact, key.clone(), value.clone()));
        let changes = Redacted::new(BTreeMap::from([(key, value)]));
        self.tell(site, contact, Input::SetAttributes { request: RequestId::new(number), changes });
    }

    pub(super) fn replied(&mut self, site: &mut Site, request: RequestId, reply: Reply) {
        let Some((contact, key, value)) = self.requests.remove(&request.number()) else {
            return site.core.broken("a request is answered once", &request, &format!("{reply:?}"));
        };
        if reply == Reply::Set {
            site.watches.acknowledged.attribute(contact, &key, &value);
        }
    }

    /// Attributes of a contact that has ended go into its row.
    fn set_late_attributes(&self, site: &mut Site) {
        let ended = site.rows.all().filter(|(_, is_ended)| *is_ended).map(|(contact, _)| contact.clone());
        let ended: Vec<_> = ended.collect();
        if ended.is_empty() || site.rows.pending() > 0 {
            return;
        }
        let mut contact = ended[site.core.random.index(ended.len())].as_ref().clone();
        let wall = self.wall(site);
        let changes = BTreeMap::from([("late".to_owned(), site.core.now().as_millis().to_string())]);
        if contact.set_late_attributes(wall, changes).is_ok() {
            site.rows.write(Write { contact: Arc::new(contact), stage: Stage::Changed, write: None });
        }
    }

    /// A client begins to read a stream that is captured to.
    fn follow(&self, site: &mut Site) {
        let streams = self.captured_streams();
        if !streams.is_empty() {
            let stream = &streams[site.core.random.index(streams.len())];
            let outcome = site.watches.live.follow(&self.store, stream);
            site.core.check(live::NAME, &stream.name(), outcome);
        }
    }

    /// Clients read what there is.
    pub(super) fn read_live(&self, site: &mut Site) {
        match site.watches.live.read() {
            Ok(fragments) => site.core.tally.live_fragments += fragments,
            Err(what) => site.core.broken(live::NAME, &"reader", &what),
        }
    }
}
