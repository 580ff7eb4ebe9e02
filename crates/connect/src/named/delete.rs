use super::{Members, NamedTarget, Scene, Spec};
use crate::error::{ConnectError, ErrorCode};
use crate::service::ConnectService;
use crate::target::Context;
use std::marker::PhantomData;
use tympan_aws::{Operation, Output};

/// Deletes a resource that nothing refers to: DeleteQueue and the like.
///
/// Errors: ResourceInUse, ResourceNotFound.
pub(crate) struct Delete<S>(PhantomData<S>);

impl<S: Spec> Operation for Delete<S> {
    type Service = ConnectService;
    type Input = Members;
    type Target = NamedTarget<S>;
    const NAME: &'static str = S::WORDS.operations.delete;

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<NamedTarget<S>, ConnectError> {
        Ok(NamedTarget::of(cx, input.instance(), input.text(S::WORDS.label)))
    }

    async fn call(cx: &Context<'_>, _: Members, target: NamedTarget<S>) -> Result<Output, ConnectError> {
        let (instance, named) = target.found?;
        cx.service.change(|edit| {
            let named = edit.named(&named)?;
            let scene =
                Scene { service: cx.service, directory: &edit.directory, instance: &instance, now: cx.now };
            if let Some(user) = S::used_by(&named, &scene) {
                let message = format!("{} {:?} is used by {user}", S::WORDS.noun, named.name);
                return Err(ConnectError::new(ErrorCode::ResourceInUse, message));
            }
            edit.remove_named(&named);
            S::remove_beside(edit, &named);
            Ok(Output::empty())
        })
    }
}
