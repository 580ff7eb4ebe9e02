use super::{Members, Named, NamedTarget, Scene, Spec};
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::Context;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use tympan_aws::{BodyRule, Operation, Output};

/// An operation that changes a resource.
pub(crate) trait Change: Send + Sync + 'static {
    /// Of which kind.
    type Spec: Spec;
    /// Its members beside what names the resource.
    type Members: DeserializeOwned + Send;
    /// The operation.
    const NAME: &'static str;
    /// The query parameters that are members.
    const QUERY: &'static [&'static str] = &[];
    /// What its body is.
    const BODY: BodyRule = BodyRule::USUAL;

    /// Changes it.
    fn apply(
        scene: &Scene<'_>,
        members: Self::Members,
        named: &mut Named<Self::Spec>,
    ) -> Result<(), ConnectError>;

    /// What is answered.
    fn answer(_: &Scene<'_>, _: &Named<Self::Spec>) -> Output {
        Output::empty()
    }
}

/// Changes a resource: UpdateQueueName and the like.
///
/// Errors: those of the change, ResourceNotFound.
pub(crate) struct Changed<C>(PhantomData<C>);

impl<C: Change> Operation for Changed<C> {
    type Service = ConnectService;
    type Input = Members;
    type Target = NamedTarget<C::Spec>;
    const NAME: &'static str = C::NAME;
    const QUERY: &'static [&'static str] = C::QUERY;
    const BODY: BodyRule = C::BODY;

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<NamedTarget<C::Spec>, ConnectError> {
        Ok(NamedTarget::of(cx, input.instance(), input.text(C::Spec::WORDS.label)))
    }

    async fn call(
        cx: &Context<'_>,
        input: Members,
        target: NamedTarget<C::Spec>,
    ) -> Result<Output, ConnectError> {
        let members: C::Members = input.read(cx)?;
        let (instance, named) = target.found?;
        cx.service.change(|edit| {
            let mut named = edit.named(&named)?;
            let instance = edit.instance(&instance)?;
            let scene =
                Scene { service: cx.service, directory: &edit.directory, instance: &instance, now: cx.now };
            C::apply(&scene, members, &mut named)?;
            let answer = C::answer(&scene, &named);
            named.modified = cx.now;
            edit.put_named(named);
            Ok(answer)
        })
    }
}
