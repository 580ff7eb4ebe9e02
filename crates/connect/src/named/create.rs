use super::scene::description_of;
use super::{Members, Named, Scene, Spec};
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::tags;
use crate::target::{Context, InstanceTarget, missing};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::marker::PhantomData;
use tympan_aws::{BodyRule, Operation, Output};
use tympan_types::ResourceId;

/// An operation that creates a resource.
pub(crate) trait Creation: Send + Sync + 'static {
    /// Of which kind.
    type Spec: Spec;
    /// The members beside name, description and tags.
    type Members: DeserializeOwned + Send;
    /// The operation.
    const NAME: &'static str;
    /// What its body is.
    const BODY: BodyRule = BodyRule::USUAL;

    /// What this very request has made before, by its token.
    fn made_before(
        _: &Scene<'_>,
        _name: &str,
        _: &Self::Members,
    ) -> Result<Option<ResourceId>, ConnectError> {
        Ok(None)
    }

    /// What the new resource has of its kind.
    fn spec(scene: &Scene<'_>, members: Self::Members) -> Result<Self::Spec, ConnectError>;
}

/// Creates a resource: CreateQueue and the like.
///
/// Errors: DuplicateResource (the name), InvalidRequest, InvalidParameter, LimitExceeded, ResourceNotFound.
pub(crate) struct Create<C>(PhantomData<C>);

impl<C: Creation> Operation for Create<C> {
    type Service = ConnectService;
    type Input = Members;
    type Target = InstanceTarget;
    const NAME: &'static str = C::NAME;
    const BODY: BodyRule = C::BODY;

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, input.instance()))
    }

    async fn call(
        cx: &Context<'_>,
        mut input: Members,
        target: InstanceTarget,
    ) -> Result<Output, ConnectError> {
        let words = C::Spec::WORDS;
        let name: String = input.take(cx, words.name)?.ok_or_else(|| missing(cx, words.name))?;
        let description = description_of::<C::Spec>(input.take(cx, "Description")?)?;
        let tags = tags::check(input.take(cx, "Tags")?)?;
        let members: C::Members = input.read(cx)?;
        let instance = target.instance?;
        cx.service.change(|edit| {
            let instance = edit.instance(&instance)?;
            let scene =
                Scene { service: cx.service, directory: &edit.directory, instance: &instance, now: cx.now };
            let (shown_id, shown_arn) = words.created;
            let answer = |id| json!({ shown_id: id, shown_arn: scene.arn::<C::Spec>(id) });
            if let Some(made) = C::made_before(&scene, &name, &members)? {
                return Ok(Output::json(&answer(made)));
            }
            scene.check_new::<C::Spec>(&name)?;
            let spec = C::spec(&scene, members)?;
            let id = ResourceId::from_random(cx.service.random());
            let answer = answer(id);
            edit.put_named(Named {
                id,
                instance: instance.id,
                name,
                description,
                tags,
                modified: cx.now,
                spec,
            });
            Ok(Output::json(&answer))
        })
    }
}
