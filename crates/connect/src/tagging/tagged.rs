use crate::directory::{Directory, Edit};
use crate::error::ConnectError;
use crate::flows::ContactFlow;
use crate::instances::Instance;
use crate::named::Resource;
use crate::phone_numbers::PhoneNumber;
use crate::reference::{self, shown};
use crate::resources::{Granted, Resources};
use crate::target::{Context, find_instance};
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_aws::{Asks, Target};
use tympan_types::{Caller, ResourceId};

/// A resource that may have tags.
pub(crate) struct TaggedTarget {
    granted: Granted,
    pub(super) found: Result<Tagged, ConnectError>,
}

/// One that exists.
pub(crate) enum Tagged {
    Instance(Arc<Instance>),
    Flow(Arc<ContactFlow>),
    PhoneNumber(Arc<PhoneNumber>),
    Resource(Arc<Instance>, Box<Resource>, &'static str),
}

impl TaggedTarget {
    pub(super) fn of(cx: &Context<'_>, arn: &str) -> Self {
        let directory = cx.service.directory();
        let nothing = || ConnectError::not_found(format!("there is no resource {}", shown(arn)));
        let parts = Parts::of(cx.caller, arn);
        let granted = Resources::new(cx.caller);
        let granted = match &parts {
            Some(Parts::PhoneNumber(id)) => granted.phone_number(Some(id)),
            Some(Parts::Instance(id)) => granted.instance(Some(id)),
            Some(Parts::Within(instance, word, id)) => granted.within(instance, word, id),
            None => granted,
        };
        let found =
            parts.ok_or_else(nothing).and_then(|parts| parts.find(&directory, cx.caller).ok_or_else(nothing));
        Self { granted: granted.granted(), found }
    }
}

impl Target for TaggedTarget {
    fn asks(&self, asks: &mut Asks) {
        self.granted.ask(asks);
    }
}

/// What stands in an ARN.
enum Parts<'t> {
    PhoneNumber(&'t str),
    Instance(&'t str),
    Within(&'t str, &'t str, &'t str),
}

impl<'t> Parts<'t> {
    fn of(caller: &Caller, arn: &'t str) -> Option<Self> {
        let resource = arn.strip_prefix(&reference::root(caller))?;
        if let Some(id) = resource.strip_prefix("phone-number/") {
            return Some(Self::PhoneNumber(id));
        }
        match resource.strip_prefix("instance/")?.split_once('/') {
            None => Some(Self::Instance(resource.strip_prefix("instance/")?)),
            Some((instance, rest)) => {
                let (word, id) = rest.split_once('/')?;
                Some(Self::Within(instance, word, id))
            }
        }
    }

    fn find(self, directory: &Directory, caller: &Caller) -> Option<Tagged> {
        match self {
            Self::PhoneNumber(text) => {
                let number = directory.phone_number(text.parse().ok()?)?;
                let is_callers = number.account == caller.account && number.region == caller.region;
                is_callers.then(|| Tagged::PhoneNumber(number.clone()))
            }
            Self::Instance(text) => find_instance(directory, caller, text).ok().map(Tagged::Instance),
            Self::Within(instance, word, text) => {
                let instance = find_instance(directory, caller, instance).ok()?;
                if word == "contact-flow" {
                    let flow = directory.flow_by_id(text.parse().ok()?)?;
                    return (flow.instance == instance.id).then(|| Tagged::Flow(flow.clone()));
                }
                let id: ResourceId = text.parse().ok()?;
                let (resource, word) = directory.resources.find(instance.id, word, id)?;
                Some(Tagged::Resource(instance, Box::new(resource), word))
            }
        }
    }
}

impl Tagged {
    pub(super) fn tags(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Instance(instance) => &instance.tags,
            Self::Flow(flow) => &flow.tags,
            Self::PhoneNumber(number) => &number.tags,
            Self::Resource(_, resource, _) => resource.tags(),
        }
    }

    /// Changes the tags of what was granted.
    pub(super) fn change(
        self,
        edit: &mut Edit,
        change: impl FnOnce(&mut BTreeMap<String, String>) -> Result<(), ConnectError>,
    ) -> Result<(), ConnectError> {
        match self {
            Self::Instance(instance) => {
                let mut instance = edit.instance(&instance)?;
                change(&mut instance.tags)?;
                edit.put_instance(instance)
            }
            Self::Flow(flow) => {
                let mut flow = edit.flow(&flow)?;
                change(&mut flow.tags)?;
                edit.put_flow(flow)
            }
            Self::PhoneNumber(number) => {
                let mut number = edit.phone_number(&number)?;
                change(&mut number.tags)?;
                edit.put_phone_number(number)
            }
            Self::Resource(instance, resource, word) => {
                let (_, id) = resource.key();
                let now = edit.directory.resources.find(instance.id, word, id);
                let (mut resource, _) =
                    now.ok_or_else(|| ConnectError::not_found(format!("there is no {word} {id} any more")))?;
                change(resource.tags_mut())?;
                edit.put_resource(resource);
                Ok(())
            }
        }
    }
}
