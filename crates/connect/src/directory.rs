//! Everything that is configured, as one value: instances, flows and numbers.
//!
//! Readers hold a snapshot and never wait. A change is an [`Edit`] of a copy that also collects the documents
//! to write; the service writes them before anyone sees the copy.

use crate::error::ConnectError;
use crate::flows::{ContactFlow, FlowReference};
use crate::instances::{Instance, InstanceAlias};
use crate::named::{Named, Resource, Spec, Tables};
use crate::phone_numbers::{DialledNumber, PhoneNumber};
use crate::settings::{Document, Write};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tympan_types::{Caller, ContactFlowId, InstanceId, PhoneNumberId};

/// The configuration at one moment. Cloning shares the entries.
#[derive(Clone, Default)]
pub(crate) struct Directory {
    /// Grows with each change.
    pub(crate) revision: u64,
    instances: BTreeMap<InstanceId, Arc<Instance>>,
    flows: BTreeMap<ContactFlowId, Arc<ContactFlow>>,
    phone_numbers: BTreeMap<PhoneNumberId, Arc<PhoneNumber>>,
    by_number: BTreeMap<DialledNumber, PhoneNumberId>,
    pub(crate) resources: Tables,
}

impl Directory {
    /// Takes over the stored documents. The second value removes those that belong to an instance that is gone: a
    /// deletion was cut short, and the caller writes it.
    pub(crate) fn load(documents: Vec<Document>) -> (Self, Vec<Write>) {
        let mut directory = Self::default();
        for document in documents {
            match document {
                Document::Instance(instance) => directory.add_instance(instance),
                Document::Flow(mut flow) => {
                    flow.prepare();
                    directory.add_flow(flow);
                }
                Document::PhoneNumber(number) => directory.add_phone_number(number),
                Document::Resource(resource) => directory.resources.add(resource),
            }
        }
        let known: BTreeSet<InstanceId> = directory.instances.keys().copied().collect();
        let mut edit = Edit { directory, writes: Vec::new() };
        edit.retain(|instance| known.contains(&instance));
        (edit.directory, edit.writes)
    }

    /// An instance of any account.
    pub(crate) fn instance(&self, id: InstanceId) -> Option<&Arc<Instance>> {
        self.instances.get(&id)
    }

    /// All instances.
    pub(crate) fn instances(&self) -> impl Iterator<Item = &Arc<Instance>> {
        self.instances.values()
    }

    /// The instances of a caller's account and region.
    pub(crate) fn instances_of<'a>(
        &'a self,
        caller: &'a Caller,
    ) -> impl Iterator<Item = &'a Arc<Instance>> + 'a {
        self.instances.values().filter(|instance| instance.belongs_to(caller))
    }

    /// The instance that has an alias, in whatever case it is written.
    pub(crate) fn instance_named(&self, alias: &InstanceAlias) -> Option<&Arc<Instance>> {
        self.instances.values().find(|instance| instance.alias.clashes_with(alias))
    }

    /// How many instances there are.
    pub(crate) fn instance_count(&self) -> usize {
        self.instances.len()
    }

    /// The flows of an instance.
    pub(crate) fn flows_of(&self, instance: InstanceId) -> impl Iterator<Item = &Arc<ContactFlow>> {
        self.flows.values().filter(move |flow| flow.instance == instance)
    }

    /// A flow of an instance by its id, as a reference names it; an ARN has to be that of the flow.
    pub(crate) fn flow(
        &self,
        instance: &Instance,
        reference: &FlowReference<'_>,
    ) -> Option<&Arc<ContactFlow>> {
        let flow = self.flows.get(&reference.id?).filter(|flow| flow.instance == instance.id)?;
        reference.arn.is_none_or(|arn| arn == instance.flow_arn(flow.id)).then_some(flow)
    }

    /// A flow of any account by its id.
    pub(crate) fn flow_by_id(&self, id: ContactFlowId) -> Option<&Arc<ContactFlow>> {
        self.flows.get(&id)
    }

    /// A number of any account by its id.
    pub(crate) fn phone_number(&self, id: PhoneNumberId) -> Option<&Arc<PhoneNumber>> {
        self.phone_numbers.get(&id)
    }

    /// All numbers, by what is dialled.
    pub(crate) fn phone_numbers(&self) -> impl Iterator<Item = &Arc<PhoneNumber>> {
        self.by_number.values().filter_map(|id| self.phone_numbers.get(id))
    }

    /// How many numbers there are.
    pub(crate) fn phone_number_count(&self) -> usize {
        self.phone_numbers.len()
    }

    /// The number that a caller dialled.
    pub(crate) fn dialled(&self, number: &DialledNumber) -> Option<&Arc<PhoneNumber>> {
        self.phone_numbers.get(self.by_number.get(number)?)
    }

    fn add_instance(&mut self, instance: Instance) {
        self.instances.insert(instance.id, Arc::new(instance));
    }

    fn add_flow(&mut self, flow: ContactFlow) {
        self.flows.insert(flow.id, Arc::new(flow));
    }

    fn add_phone_number(&mut self, number: PhoneNumber) {
        self.by_number.insert(number.number.clone(), number.id);
        self.phone_numbers.insert(number.id, Arc::new(number));
    }
}

/// A change in the making: a copy of the directory, and the documents that make the change last.
pub(crate) struct Edit {
    pub(crate) directory: Directory,
    pub(crate) writes: Vec<Write>,
}

impl Edit {
    /// The instance that was granted to a request, as it is now.
    ///
    /// # Errors
    /// ResourceNotFound: it was deleted meanwhile, whatever has taken its alias.
    pub(crate) fn instance(&self, granted: &Instance) -> Result<Instance, ConnectError> {
        let now = self.directory.instance(granted.id);
        now.map(|instance| instance.as_ref().clone())
            .ok_or_else(|| ConnectError::no_instance(&granted.id, &granted.account, &granted.region))
    }

    /// The flow that was granted to a request, as it is now.
    ///
    /// # Errors
    /// ResourceNotFound: it was deleted meanwhile, whatever has taken its name.
    pub(crate) fn flow(&self, granted: &ContactFlow) -> Result<ContactFlow, ConnectError> {
        let now = self.directory.flows.get(&granted.id);
        now.map(|flow| flow.as_ref().clone())
            .ok_or_else(|| ConnectError::no_flow(&granted.id, granted.instance))
    }

    /// The claimed number that was granted to a request, as it is now.
    ///
    /// # Errors
    /// ResourceNotFound: it was released meanwhile, also if it was claimed again.
    pub(crate) fn phone_number(&self, granted: &PhoneNumber) -> Result<PhoneNumber, ConnectError> {
        let now = self.directory.phone_number(granted.id);
        now.map(|number| number.as_ref().clone()).ok_or_else(|| ConnectError::no_phone_number(&granted.id))
    }

    /// Creates or replaces an instance.
    pub(crate) fn put_instance(&mut self, instance: Instance) -> Result<(), ConnectError> {
        self.writes.push(Write::Put(Box::new(Document::Instance(instance.clone()))));
        self.directory.add_instance(instance);
        Ok(())
    }

    /// Removes an instance with all that belongs to it.
    pub(crate) fn remove_instance(&mut self, id: InstanceId) {
        self.directory.instances.remove(&id);
        self.writes.push(Write::RemoveInstance(id));
        self.retain(|instance| instance != id);
    }

    /// Creates or replaces a flow.
    pub(crate) fn put_flow(&mut self, flow: ContactFlow) -> Result<(), ConnectError> {
        self.writes.push(Write::Put(Box::new(Document::Flow(flow.clone()))));
        self.directory.add_flow(flow);
        Ok(())
    }

    /// Removes a flow.
    pub(crate) fn remove_flow(&mut self, id: ContactFlowId) {
        self.directory.flows.remove(&id);
        self.writes.push(Write::RemoveFlow(id));
    }

    /// Creates or replaces a number; what is dialled never changes.
    pub(crate) fn put_phone_number(&mut self, number: PhoneNumber) -> Result<(), ConnectError> {
        self.writes.push(Write::Put(Box::new(Document::PhoneNumber(number.clone()))));
        self.directory.add_phone_number(number);
        Ok(())
    }

    /// Removes a number.
    pub(crate) fn remove_phone_number(&mut self, id: PhoneNumberId) {
        if let Some(number) = self.directory.phone_numbers.remove(&id) {
            self.directory.by_number.remove(&number.number);
        }
        self.writes.push(Write::RemovePhoneNumber(id));
    }

    /// The named resource that was granted to a request, as it is now.
    ///
    /// # Errors
    /// ResourceNotFound: it was deleted meanwhile, whatever has taken its name.
    pub(crate) fn named<S: Spec>(&self, granted: &Named<S>) -> Result<Named<S>, ConnectError> {
        let now = S::table(&self.directory.resources).get(granted.instance, granted.id);
        now.map(|named| named.as_ref().clone()).ok_or_else(|| {
            let (noun, id) = (S::WORDS.noun, granted.id);
            ConnectError::not_found(format!("there is no {noun} {id} in instance {}", granted.instance))
        })
    }

    /// Creates or replaces a named resource.
    pub(crate) fn put_named<S: Spec>(&mut self, named: Named<S>) {
        self.put_resource(S::wrapped(named));
    }

    /// The same of any kind.
    pub(crate) fn put_resource(&mut self, resource: Resource) {
        self.writes.push(Write::Put(Box::new(Document::Resource(resource.clone()))));
        self.directory.resources.add(resource);
    }

    /// Removes a named resource.
    pub(crate) fn remove_named<S: Spec>(&mut self, named: &Named<S>) {
        S::table_mut(&mut self.directory.resources).remove(named.instance, named.id);
        self.writes.push(Write::RemoveResource(S::kind(), named.id));
    }

    /// Removes what belongs to the instances that are not wanted.
    fn retain(&mut self, wanted: impl Fn(InstanceId) -> bool) {
        let directory = &self.directory;
        let flows: Vec<ContactFlowId> =
            directory.flows.values().filter(|flow| !wanted(flow.instance)).map(|flow| flow.id).collect();
        let numbers: Vec<PhoneNumberId> = directory
            .phone_numbers
            .values()
            .filter(|number| !wanted(number.instance))
            .map(|number| number.id)
            .collect();
        flows.into_iter().for_each(|id| self.remove_flow(id));
        numbers.into_iter().for_each(|id| self.remove_phone_number(id));
        self.writes.extend(self.directory.resources.retain(&wanted));
    }
}
