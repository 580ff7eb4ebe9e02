use super::{Members, Named, NamedTarget, Scene, Spec};
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::Context;
use std::marker::PhantomData;
use tympan_aws::{Operation, Output};

/// An operation that shows something of a resource.
pub(crate) trait View: Send + Sync + 'static {
    /// Of which kind.
    type Spec: Spec;
    /// The operation.
    const NAME: &'static str;
    /// The query parameters that are members.
    const QUERY: &'static [&'static str] = &[];

    /// What is answered.
    fn of(
        cx: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        named: &Named<Self::Spec>,
    ) -> Result<Output, ConnectError>;
}

/// Shows something of a resource: ListQueueQuickConnects and the like.
///
/// Errors: those of the view, ResourceNotFound.
pub(crate) struct Viewed<V>(PhantomData<V>);

impl<V: View> Operation for Viewed<V> {
    type Service = ConnectService;
    type Input = Members;
    type Target = NamedTarget<V::Spec>;
    const NAME: &'static str = V::NAME;
    const QUERY: &'static [&'static str] = V::QUERY;

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<NamedTarget<V::Spec>, ConnectError> {
        Ok(NamedTarget::of(cx, input.instance(), input.text(V::Spec::WORDS.label)))
    }

    async fn call(
        cx: &Context<'_>,
        input: Members,
        target: NamedTarget<V::Spec>,
    ) -> Result<Output, ConnectError> {
        let (instance, named) = target.found?;
        let directory = cx.service.directory();
        let scene = Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now };
        V::of(cx, &input, &scene, &named)
    }
}
