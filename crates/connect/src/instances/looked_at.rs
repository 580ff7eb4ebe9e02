use crate::error::ConnectError;
use crate::named::{Members, Scene};
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use std::marker::PhantomData;
use tympan_aws::{Operation, Output};

/// An operation that shows something of an instance.
pub(crate) trait InstanceView: Send + Sync + 'static {
    /// The operation.
    const NAME: &'static str;
    /// The query parameters that are members.
    const QUERY: &'static [&'static str] = &[];

    /// What is answered.
    fn of(cx: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError>;
}

/// Shows something of an instance: ListBots and the like.
///
/// Errors: those of the view, ResourceNotFound.
pub(crate) struct LookedAt<V>(PhantomData<V>);

impl<V: InstanceView> Operation for LookedAt<V> {
    type Service = ConnectService;
    type Input = Members;
    type Target = InstanceTarget;
    const NAME: &'static str = V::NAME;
    const QUERY: &'static [&'static str] = V::QUERY;

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, input.instance()))
    }

    async fn call(cx: &Context<'_>, input: Members, target: InstanceTarget) -> Result<Output, ConnectError> {
        let instance = target.instance?;
        let directory = cx.service.directory();
        V::of(
            cx,
            input,
            &Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now },
        )
    }
}
