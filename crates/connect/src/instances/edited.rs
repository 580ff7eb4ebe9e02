use super::Instance;
use crate::error::ConnectError;
use crate::named::{Members, Scene};
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use tympan_aws::{Operation, Output};

/// An operation that changes what is set on an instance.
pub(crate) trait InstanceEdit: Send + Sync + 'static {
    /// Its members beside the instance.
    type Members: DeserializeOwned + Send;
    /// The operation.
    const NAME: &'static str;
    /// The query parameters that are members.
    const QUERY: &'static [&'static str] = &[];

    /// Changes it; `scene` is how everything was before.
    fn apply(scene: &Scene<'_>, members: Self::Members, instance: &mut Instance) -> Result<(), ConnectError>;
}

/// Changes what is set on an instance: UpdateInstanceAttribute and the like.
///
/// Errors: those of the change, ResourceNotFound.
pub(crate) struct Edited<C>(PhantomData<C>);

impl<C: InstanceEdit> Operation for Edited<C> {
    type Service = ConnectService;
    type Input = Members;
    type Target = InstanceTarget;
    const NAME: &'static str = C::NAME;
    const QUERY: &'static [&'static str] = C::QUERY;

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, input.instance()))
    }

    async fn call(cx: &Context<'_>, input: Members, target: InstanceTarget) -> Result<Output, ConnectError> {
        let members: C::Members = input.read(cx)?;
        let instance = target.instance?;
        cx.service.change(|edit| {
            let before = edit.instance(&instance)?;
            let mut instance = before.clone();
            let scene =
                Scene { service: cx.service, directory: &edit.directory, instance: &before, now: cx.now };
            C::apply(&scene, members, &mut instance)?;
            edit.put_instance(instance)?;
            Ok(Output::empty())
        })
    }
}
