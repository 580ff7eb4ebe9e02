use super::{Named, Scene, Spec};
use crate::error::ConnectError;
use crate::instances::Instance;
use crate::reference;
use crate::resources::{Granted, Resources};
use crate::target::{Context, find_instance};
use std::sync::Arc;
use tympan_aws::{Asks, Target};

/// A named resource of an instance.
pub(crate) struct NamedTarget<S> {
    granted: Granted,
    pub(crate) found: Result<(Arc<Instance>, Arc<Named<S>>), ConnectError>,
}

impl<S: Spec> NamedTarget<S> {
    pub(crate) fn of(cx: &Context<'_>, instance: &str, id_or_arn: &str) -> Self {
        let id_or_arn = match S::IS_QUALIFIED {
            true => reference::qualified(id_or_arn).0,
            false => id_or_arn,
        };
        let granted = Resources::new(cx.caller).within(instance, S::WORDS.arn, id_or_arn).granted();
        let directory = cx.service.directory();
        let found = find_instance(&directory, cx.caller, instance).and_then(|instance| {
            let scene =
                Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now };
            let named = scene.find::<S>(id_or_arn)?.clone();
            Ok((instance, named))
        });
        Self { granted, found }
    }
}

impl<S: Spec> Target for NamedTarget<S> {
    fn asks(&self, asks: &mut Asks) {
        self.granted.ask(asks);
    }
}
