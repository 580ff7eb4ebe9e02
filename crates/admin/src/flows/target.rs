//! What requests about flows name: an instance, a flow of it.

use crate::error::{AdminError, ErrorCode};
use crate::service::Context;
use std::sync::Arc;
use tympan_aws::{Asks, Resource, Target};
use tympan_connect::instances::Instance;
use tympan_types::InstanceId;

/// An instance. A text that is no id or ARN of one names nothing.
pub(crate) struct InstanceTarget {
    resource: Resource,
    found: Option<Arc<Instance>>,
}

impl InstanceTarget {
    /// By id or ARN. One of another account or region is not found.
    pub(crate) fn of(cx: &Context<'_>, named: &str) -> Self {
        match instance(cx, named) {
            Some((arn, found)) => Self { resource: Resource::new(arn), found },
            None => Self { resource: Resource::any(), found: None },
        }
    }

    /// The instance.
    pub(crate) fn known(self) -> Result<Arc<Instance>, AdminError> {
        self.found.ok_or_else(|| AdminError::new(ErrorCode::NotFound, "There is no such instance."))
    }
}

impl Target for InstanceTarget {
    fn asks(&self, asks: &mut Asks) {
        asks.on(self.resource.clone());
    }
}

/// A flow or a module of an instance.
pub(crate) struct FlowTarget {
    resource: Resource,
    /// Its ARN.
    found: Option<String>,
}

impl FlowTarget {
    /// By ids or ARNs.
    pub(crate) fn of(cx: &Context<'_>, named_instance: &str, flow: &str) -> Self {
        let Some((root, found)) = instance(cx, named_instance) else {
            return Self { resource: Resource::any(), found: None };
        };
        let arn = found.and_then(|instance| cx.service.parts().connect.flow_arn(instance.id, flow));
        let id = flow.rsplit('/').next().unwrap_or_default();
        let resource = arn.clone().unwrap_or_else(|| format!("{root}/contact-flow/{id}"));
        Self { resource: Resource::new(resource), found: arn }
    }

    /// Its ARN.
    pub(crate) fn known(self) -> Result<String, AdminError> {
        self.found
            .ok_or_else(|| AdminError::new(ErrorCode::NotFound, "There is no such flow in the instance."))
    }
}

impl Target for FlowTarget {
    fn asks(&self, asks: &mut Asks) {
        asks.on(self.resource.clone());
    }
}

/// The ARN that a text names as an instance of the caller, and that instance if there is one.
pub(crate) fn instance(cx: &Context<'_>, named: &str) -> Option<(String, Option<Arc<Instance>>)> {
    let (region, account) = (&cx.caller.region, &cx.caller.account);
    let root = format!("arn:aws:connect:{region}:{account}:instance/");
    let id = InstanceId::parse(named.strip_prefix(&root).unwrap_or(named)).ok()?;
    let found = cx.service.parts().connect.instance(id).filter(|instance| instance.belongs_to(cx.caller));
    Some((format!("{root}{id}"), found))
}
