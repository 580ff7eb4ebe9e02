//! What requests are about: instances, flows, numbers and contacts, each looked up once.
//!
//! That there is no such thing is kept in the target: the operation says so at its own place, after the policies have been
//! asked. A change finds by its id what was granted ([`Edit::instance`](crate::directory::Edit::instance) and its like); no
//! text of the request is looked up a second time.

use crate::directory::Directory;
use crate::error::ConnectError;
use crate::flows::ContactFlow;
use crate::instances::Instance;
use crate::phone_numbers::PhoneNumber;
use crate::reference::{self, shown};
use crate::resources::{Granted, Resources};
use crate::service::ConnectService;
use std::sync::Arc;
use tympan_aws::{Asks, Cx, KeyUse, Target};
use tympan_contact::Contact;
use tympan_types::Caller;

pub(crate) type Context<'a> = Cx<'a, ConnectService>;

/// A member of the body that must be there. It is missed after the policies have been asked.
pub(crate) fn required<T>(cx: &Context<'_>, value: Option<T>, member: &str) -> Result<T, ConnectError> {
    value.ok_or_else(|| missing(cx, member))
}

pub(crate) fn missing(cx: &Context<'_>, member: &str) -> ConnectError {
    ConnectError::request(format!("the body is not what {} takes: missing field `{member}`", cx.operation))
}

/// An instance.
pub(crate) struct InstanceTarget {
    granted: Granted,
    pub(crate) instance: Result<Arc<Instance>, ConnectError>,
    /// The key that the request would have streams encrypted under.
    key: Option<KeyUse>,
}

impl InstanceTarget {
    pub(crate) fn of(cx: &Context<'_>, id_or_arn: &str) -> Self {
        let granted = Resources::new(cx.caller).instance(Some(id_or_arn)).granted();
        let instance = find_instance(&cx.service.directory(), cx.caller, id_or_arn);
        Self { granted, instance, key: None }
    }

    /// The same of a request that names a flow or a contact of the instance, which then have to be granted.
    pub(crate) fn about(cx: &Context<'_>, id_or_arn: &str, flows: &[&str], contacts: &[&str]) -> Self {
        let granted = Resources::new(cx.caller).of_instance(Some(id_or_arn), flows, contacts).granted();
        Self { granted, ..Self::of(cx, id_or_arn) }
    }

    /// The same of a request that names a master key.
    pub(crate) async fn with_key(
        cx: &Context<'_>,
        id_or_arn: &str,
        key: Option<&str>,
    ) -> Result<Self, ConnectError> {
        let key = match key {
            Some(key) => cx.key_to_use(key).await?,
            None => None,
        };
        Ok(Self { key, ..Self::of(cx, id_or_arn) })
    }
}

impl Target for InstanceTarget {
    fn asks(&self, asks: &mut Asks) {
        self.granted.ask(asks);
        if let Some(key) = &self.key {
            asks.uses(key);
        }
    }
}

/// The instance that a body names by `TargetArn` or `InstanceId`, if it does. Both must be granted.
pub(crate) struct NamedInstance {
    granted: Granted,
    pub(crate) instance: Result<Option<Arc<Instance>>, ConnectError>,
}

impl NamedInstance {
    pub(crate) fn of(cx: &Context<'_>, target_arn: Option<&str>, instance_id: Option<&str>) -> Self {
        let granted = Resources::new(cx.caller).instance(target_arn).instance(instance_id).granted();
        let directory = cx.service.directory();
        let instance = if target_arn.is_some_and(|arn| arn.contains("traffic-distribution-group")) {
            Err(ConnectError::parameter(
                "TargetArn must be that of an instance: there are no traffic distribution groups here",
            ))
        } else {
            let named = target_arn.or(instance_id);
            named.map(|text| find_instance(&directory, cx.caller, text)).transpose()
        };
        Self { granted, instance }
    }
}

impl Target for NamedInstance {
    fn asks(&self, asks: &mut Asks) {
        self.granted.ask(asks);
    }
}

/// A flow of an instance.
pub(crate) struct FlowTarget {
    granted: Granted,
    pub(crate) found: Result<FoundFlow, ConnectError>,
}

/// A flow that exists, and which content of it is meant.
pub(crate) struct FoundFlow {
    pub(crate) instance: Arc<Instance>,
    pub(crate) flow: Arc<ContactFlow>,
    /// What follows the id after a colon.
    pub(crate) qualifier: Option<String>,
}

impl FlowTarget {
    pub(crate) fn of(cx: &Context<'_>, instance: &str, flow: &str) -> Self {
        let granted = Resources::new(cx.caller).of_instance(Some(instance), &[flow], &[]).granted();
        let directory = cx.service.directory();
        let found = find_instance(&directory, cx.caller, instance)
            .and_then(|instance| find_flow(&directory, cx.caller, instance, flow));
        Self { granted, found }
    }
}

impl Target for FlowTarget {
    fn asks(&self, asks: &mut Asks) {
        self.granted.ask(asks);
    }
}

/// A claimed number.
pub(crate) struct NumberTarget {
    granted: Granted,
    pub(crate) number: Result<Arc<PhoneNumber>, ConnectError>,
}

impl NumberTarget {
    pub(crate) fn of(cx: &Context<'_>, number: &str) -> Self {
        let granted = Resources::new(cx.caller).phone_number(Some(number)).granted();
        Self { granted, number: find_number(&cx.service.directory(), cx.caller, number) }
    }
}

impl Target for NumberTarget {
    fn asks(&self, asks: &mut Asks) {
        self.granted.ask(asks);
    }
}

/// A claimed number, and the instance that a body names for it. Both must be granted.
pub(crate) struct NumberAndInstance {
    granted: Granted,
    pub(crate) number: Result<Arc<PhoneNumber>, ConnectError>,
    pub(crate) instance: Result<Option<Arc<Instance>>, ConnectError>,
}

impl NumberAndInstance {
    pub(crate) fn of(
        cx: &Context<'_>,
        number: &str,
        target_arn: Option<&str>,
        instance_id: Option<&str>,
    ) -> Self {
        let granted = Resources::new(cx.caller).phone_number(Some(number));
        let granted = granted.instance(target_arn).instance(instance_id).granted();
        let instance = NamedInstance::of(cx, target_arn, instance_id).instance;
        Self { granted, number: find_number(&cx.service.directory(), cx.caller, number), instance }
    }
}

impl Target for NumberAndInstance {
    fn asks(&self, asks: &mut Asks) {
        self.granted.ask(asks);
    }
}

/// A claimed number and the instance that the request has beside it, with the flow that is to answer.
pub(crate) struct NumbersFlow {
    granted: Granted,
    pub(crate) number: Result<Arc<PhoneNumber>, ConnectError>,
    /// `None` where the request names no instance.
    pub(crate) instance: Option<Result<Arc<Instance>, ConnectError>>,
    /// `None` where it names no flow, or the instance is not there.
    pub(crate) flow: Option<Result<FoundFlow, ConnectError>>,
}

impl NumbersFlow {
    /// Of several instances the first is meant; all must be granted.
    pub(crate) fn of<'t>(
        cx: &Context<'_>,
        number: &str,
        instances: impl IntoIterator<Item = &'t str>,
        flow: Option<&str>,
    ) -> Self {
        let instances: Vec<&str> = instances.into_iter().collect();
        let flows: Vec<&str> = flow.into_iter().collect();
        let resources = Resources::new(cx.caller).phone_number(Some(number));
        let granted = instances
            .iter()
            .fold(resources, |resources, instance| resources.of_instance(Some(instance), &flows, &[]))
            .granted();
        let directory = cx.service.directory();
        let instance = instances.first().map(|text| find_instance(&directory, cx.caller, text));
        let known = instance.as_ref().and_then(|found| found.as_ref().ok());
        let flow = known.zip(flow).map(|(known, text)| find_flow(&directory, cx.caller, known.clone(), text));
        Self { granted, number: find_number(&directory, cx.caller, number), instance, flow }
    }
}

impl Target for NumbersFlow {
    fn asks(&self, asks: &mut Asks) {
        self.granted.ask(asks);
    }
}

/// A contact of an instance.
pub(crate) struct ContactTarget {
    granted: Granted,
    pub(crate) instance: Result<Arc<Instance>, ConnectError>,
    /// `None` where there is no such contact, or the instance is not there.
    contact: Option<Contact>,
    named: String,
}

impl ContactTarget {
    /// As the call has it while it is up, else as the history has it. `beside` is another contact that the request names.
    pub(crate) fn of(
        cx: &Context<'_>,
        instance: &str,
        contact: &str,
        beside: Option<&str>,
    ) -> Result<Self, ConnectError> {
        let mut target = Self::live(cx, instance, contact);
        if let Some(beside) = beside {
            let contacts = [beside, contact];
            target.granted = Resources::new(cx.caller).of_instance(Some(instance), &[], &contacts).granted();
        }
        let Ok(instance) = &target.instance else { return Ok(target) };
        let Some(id) = reference::contact(cx.caller, instance.id, contact) else { return Ok(target) };
        if target.contact.is_none() {
            let found = cx.service.history().find(id).map_err(|error| ConnectError::internal(&error))?;
            target.contact = found.filter(|contact| contact.instance.id == instance.id);
        }
        Ok(target)
    }

    /// A contact whose call is up.
    pub(crate) fn live(cx: &Context<'_>, instance: &str, contact: &str) -> Self {
        let granted = Resources::new(cx.caller).of_instance(Some(instance), &[], &[contact]).granted();
        let instance = find_instance(&cx.service.directory(), cx.caller, instance);
        let up = instance.as_ref().ok().and_then(|instance| {
            let found = cx.service.live().contact(reference::contact(cx.caller, instance.id, contact)?);
            found.filter(|contact| contact.instance.id == instance.id)
        });
        Self { granted, instance, contact: up, named: shown(contact) }
    }

    /// The contact and its instance; `missing` words that there is no such contact in the instance.
    pub(crate) fn found(
        self,
        missing: impl FnOnce(&str, &Instance) -> ConnectError,
    ) -> Result<(Arc<Instance>, Contact), ConnectError> {
        let instance = self.instance?;
        match self.contact {
            Some(contact) => Ok((instance, contact)),
            None => Err(missing(&self.named, &instance)),
        }
    }

    /// The same, of operations that answer so with ResourceNotFound.
    pub(crate) fn known(self) -> Result<(Arc<Instance>, Contact), ConnectError> {
        self.found(|named, instance| {
            ConnectError::not_found(format!("there is no contact {named} in instance {}", instance.id))
        })
    }
}

impl Target for ContactTarget {
    fn asks(&self, asks: &mut Asks) {
        self.granted.ask(asks);
    }
}

/// What a request names, to be asked for and not to be acted on.
impl Target for Granted {
    fn asks(&self, asks: &mut Asks) {
        self.ask(asks);
    }
}

pub(crate) fn find_instance(
    directory: &Directory,
    caller: &Caller,
    id_or_arn: &str,
) -> Result<Arc<Instance>, ConnectError> {
    reference::instance(caller, id_or_arn)
        .and_then(|id| directory.instance(id))
        .filter(|instance| instance.belongs_to(caller))
        .cloned()
        .ok_or_else(|| ConnectError::no_instance(&shown(id_or_arn), &caller.account, &caller.region))
}

fn find_flow(
    directory: &Directory,
    caller: &Caller,
    instance: Arc<Instance>,
    id_or_arn: &str,
) -> Result<FoundFlow, ConnectError> {
    let reference = reference::flow(caller, instance.id, id_or_arn);
    let found =
        reference.and_then(|reference| Some((directory.flow(&instance, &reference)?.clone(), reference)));
    let Some((flow, reference)) = found else {
        return Err(ConnectError::no_flow(&shown(id_or_arn), instance.id));
    };
    Ok(FoundFlow { instance, flow, qualifier: reference.qualifier.map(str::to_owned) })
}

fn find_number(
    directory: &Directory,
    caller: &Caller,
    id_or_arn: &str,
) -> Result<Arc<PhoneNumber>, ConnectError> {
    reference::phone_number(caller, id_or_arn)
        .and_then(|id| directory.phone_number(id))
        .filter(|number| number.account == caller.account && number.region == caller.region)
        .cloned()
        .ok_or_else(|| ConnectError::no_phone_number(&shown(id_or_arn)))
}
