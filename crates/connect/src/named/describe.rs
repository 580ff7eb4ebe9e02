use super::{Members, Named, Scene, Spec, View};
use crate::error::ConnectError;
use crate::reference;
use crate::target::Context;
use crate::timestamp::epoch_seconds;
use serde_json::{Map, Value, json};
use std::marker::PhantomData;
use tympan_aws::Output;

/// Describes a resource: DescribeQueue and the like.
///
/// Errors: ResourceNotFound.
pub(crate) struct Describe<S>(PhantomData<S>);

impl<S: Spec> View for Describe<S> {
    type Spec = S;
    const NAME: &'static str = S::WORDS.operations.describe;

    fn of(
        _: &Context<'_>,
        input: &Members,
        scene: &Scene<'_>,
        named: &Named<S>,
    ) -> Result<Output, ConnectError> {
        let mut shown = described(named, scene);
        if let Some(qualifier) =
            reference::qualified(input.text(S::WORDS.label)).1.filter(|_| S::IS_QUALIFIED)
        {
            S::show_qualified(named, scene, qualifier, &mut shown)?;
        }
        Ok(Output::json(&json!({ S::WORDS.shown.0: shown })))
    }
}

/// A resource as descriptions and searches show it.
pub(crate) fn described<S: Spec>(named: &Named<S>, scene: &Scene<'_>) -> Map<String, Value> {
    let words = S::WORDS;
    let (_, id, arn) = words.shown;
    let mut shown = Map::new();
    shown.insert(id.to_owned(), named.id.to_string().into());
    shown.insert(arn.to_owned(), scene.arn::<S>(named.id).into());
    shown.insert(words.name.to_owned(), named.name.as_str().into());
    if let Some(text) = &named.description {
        shown.insert("Description".to_owned(), text.as_str().into());
    }
    S::show(named, scene, &mut shown);
    shown.insert("Tags".to_owned(), json!(named.tags));
    if words.is_dated {
        date(&mut shown, named, scene);
    }
    shown
}

/// Says when something changed last, and where.
pub(super) fn date<S: Spec>(shown: &mut Map<String, Value>, named: &Named<S>, scene: &Scene<'_>) {
    shown.insert("LastModifiedTime".to_owned(), epoch_seconds(named.modified));
    shown.insert("LastModifiedRegion".to_owned(), scene.instance.region.to_string().into());
}
