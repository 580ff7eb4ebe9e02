use super::describe::date;
use super::{Named, Scene, Spec};
use crate::error::ConnectError;
use crate::paging;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::marker::PhantomData;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    #[serde(rename = "nextToken")]
    next_token: Option<String>,
    #[serde(rename = "maxResults")]
    max_results: Option<String>,
    #[serde(
        alias = "queueTypes",
        alias = "QuickConnectTypes",
        alias = "AgentStatusTypes",
        alias = "state",
        default
    )]
    types: Vec<String>,
}

/// Something in a list.
pub(crate) struct Entry {
    /// By what it is sorted.
    pub(crate) key: String,
    /// Its type, of those by which the list is narrowed.
    pub(crate) type_word: &'static str,
    /// What is shown.
    pub(crate) summary: Value,
}

/// Lists the resources of a kind by name, of all types or of those asked for: ListQueues and the like.
///
/// Errors: InvalidParameter (a type, paging), ResourceNotFound.
pub(crate) struct List<S>(PhantomData<S>);

impl<S: Spec> Operation for List<S> {
    type Service = ConnectService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = S::WORDS.operations.list;
    const QUERY: &'static [&'static str] =
        &["queueTypes", "QuickConnectTypes", "AgentStatusTypes", "state", "nextToken", "maxResults"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: InstanceTarget) -> Result<Output, ConnectError> {
        let (token, size) = (input.next_token.as_deref(), input.max_results.as_deref());
        let page = paging::of_query(cx, token, size, 1000)?;
        if let Some(unknown) = input.types.iter().find(|word| !S::TYPES.contains(&word.as_str())) {
            return Err(ConnectError::parameter(format!(
                "{unknown:?} is no type of a {}: {}",
                S::WORDS.noun,
                S::TYPES.join(", ")
            )));
        }
        let instance = target.instance?;
        let directory = cx.service.directory();
        let scene = Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now };
        let named = scene.all::<S>().map(|named| Entry {
            key: named.name.clone(),
            type_word: named.spec.type_word(),
            summary: summary(named, &scene),
        });
        let entries = named.chain(S::listed_beside(&scene));
        let wanted = entries
            .filter(|entry| input.types.is_empty() || input.types.iter().any(|word| word == entry.type_word));
        Ok(paging::list(&page, S::WORDS.summaries, wanted.map(|entry| (entry.key, entry.summary))))
    }
}

/// A resource as lists show it.
pub(crate) fn summary<S: Spec>(named: &Named<S>, scene: &Scene<'_>) -> Value {
    let mut shown = Map::new();
    shown.insert("Id".to_owned(), named.id.to_string().into());
    shown.insert("Arn".to_owned(), scene.arn::<S>(named.id).into());
    let name = if S::WORDS.name == "Username" { "Username" } else { "Name" };
    shown.insert(name.to_owned(), named.name.as_str().into());
    S::summarise(named, &mut shown);
    if S::WORDS.is_dated {
        date(&mut shown, named, scene);
    }
    Value::Object(shown)
}
