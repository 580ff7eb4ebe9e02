//! The resources of a request in the words of policies.
//!
//! The innermost resource of an instance that is named: its flows and contacts, and the instance where there are none of them.

use crate::reference;
use std::fmt::Display;
use tympan_aws::{Asks, Resource};
use tympan_types::{Caller, ContactFlowId, ContactId};

/// What a request names, by canonical ARNs. A text that can name nothing adds nothing.
#[derive(Debug)]
pub(crate) struct Resources<'a> {
    caller: &'a Caller,
    list: Vec<Resource>,
}

impl<'a> Resources<'a> {
    pub(crate) fn new(caller: &'a Caller) -> Self {
        Self { caller, list: Vec::new() }
    }

    /// Adds a number.
    #[must_use]
    pub(crate) fn phone_number(mut self, text: Option<&str>) -> Self {
        if let Some(id) = text.and_then(|text| reference::phone_number(self.caller, text)) {
            self.add(format_args!("phone-number/{id}"));
        }
        self
    }

    /// Adds an instance.
    #[must_use]
    pub(crate) fn instance(self, text: Option<&str>) -> Self {
        self.of_instance(text, &[], &[])
    }

    /// Adds the flows and contacts of an instance that these texts name, or the instance where they name none.
    #[must_use]
    pub(crate) fn of_instance(mut self, text: Option<&str>, flows: &[&str], contacts: &[&str]) -> Self {
        let Some(instance) = text.and_then(|text| reference::instance(self.caller, text)) else {
            return self;
        };
        let flows: Vec<ContactFlowId> =
            flows.iter().filter_map(|text| reference::flow(self.caller, instance, text)?.id).collect();
        let contacts: Vec<ContactId> =
            contacts.iter().filter_map(|text| reference::contact(self.caller, instance, text)).collect();
        for id in &flows {
            self.add(format_args!("instance/{instance}/contact-flow/{id}"));
        }
        for id in &contacts {
            self.add(format_args!("instance/{instance}/contact/{id}"));
        }
        if flows.is_empty() && contacts.is_empty() {
            self.add(format_args!("instance/{instance}"));
        }
        self
    }

    /// Adds a named resource of an instance, or the instance where the text names none.
    #[must_use]
    pub(crate) fn within(mut self, instance: &str, word: &str, text: &str) -> Self {
        let Some(id) = reference::instance(self.caller, instance) else { return self };
        match reference::resource_of(self.caller, id, word, text) {
            Some(resource) => self.add(format_args!("instance/{id}/{word}/{resource}")),
            None => self.add(format_args!("instance/{id}")),
        }
        self
    }

    /// All that was added.
    pub(crate) fn granted(self) -> Granted {
        Granted(self.list)
    }

    fn add(&mut self, resource: impl Display) {
        self.list.push(Resource::new(format!("{}{resource}", reference::root(self.caller))));
    }
}

/// What must be granted before an operation is performed.
#[derive(Debug)]
pub(crate) struct Granted(Vec<Resource>);

impl Granted {
    pub(crate) fn ask(&self, asks: &mut Asks) {
        if self.0.is_empty() {
            asks.on(Resource::any());
        }
        self.0.iter().for_each(|resource| asks.on(resource.clone()));
    }
}
