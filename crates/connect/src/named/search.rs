use super::{Members, Scene, Spec};
use crate::error::ConnectError;
use crate::paging;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use tympan_aws::{Operation, Output};

/// Searches the resources of a kind: SearchQueues and the like.
///
/// Errors: InvalidParameter (criteria, paging), ResourceNotFound.
pub(crate) struct Search<S>(PhantomData<S>);

impl<S: Spec> Operation for Search<S> {
    type Service = ConnectService;
    type Input = Members;
    type Target = InstanceTarget;
    const NAME: &'static str = S::WORDS.operations.search;

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, input.instance()))
    }

    async fn call(cx: &Context<'_>, input: Members, target: InstanceTarget) -> Result<Output, ConnectError> {
        let (list, most) = S::WORDS.found;
        let wanted = Wanted::of(cx, input, most)?;
        let instance = target.instance?;
        let directory = cx.service.directory();
        let scene = Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now };
        let mut found = Vec::new();
        for named in scene.all::<S>() {
            let item = Item { name: &named.name, shown: S::found(named, &scene), tags: &named.tags };
            if wanted.fits(&item, &|condition, value| S::meets(named, &scene, condition, value))? {
                found.push((named.name.clone(), Value::Object(item.shown)));
            }
        }
        Ok(wanted.answer(list, found))
    }
}

/// What a condition is looked up in.
pub(crate) struct Item<'a> {
    pub(crate) name: &'a str,
    pub(crate) shown: Map<String, Value>,
    pub(crate) tags: &'a BTreeMap<String, String>,
}

/// What a search asks for.
pub(crate) struct Wanted {
    page: tympan_aws::Page,
    criteria: Option<Value>,
    filter: Option<Value>,
}

impl Wanted {
    pub(crate) fn of(cx: &Context<'_>, mut input: Members, most: usize) -> Result<Self, ConnectError> {
        let criteria: Option<Value> = input.take(cx, "SearchCriteria")?;
        let filter: Option<Value> = input.take(cx, "SearchFilter")?;
        let (token, size) = (input.take::<String>(cx, "NextToken")?, input.take::<i64>(cx, "MaxResults")?);
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
        let instance = input.instance().to_ascii_lowercase();
        let tokens = cx.tokens([instance.as_str(), &text(&criteria), &text(&filter)]);
        let page = paging::page(tokens, token.as_deref(), size, most)?;
        Ok(Self { page, criteria, filter })
    }

    /// Whether an item is wanted; `own` judges the conditions that only its kind has.
    pub(crate) fn fits(
        &self,
        item: &Item<'_>,
        own: &dyn Fn(&str, &Value) -> Option<bool>,
    ) -> Result<bool, ConnectError> {
        let tagged = match self.filter.as_ref() {
            Some(filter) => is_tagged(item, filter.get("TagFilter").unwrap_or(&Value::Null))?,
            None => true,
        };
        let fits = self.criteria.as_ref().map_or(Ok(true), |criteria| meets(item, criteria, own))?;
        Ok(tagged && fits)
    }

    /// Has every condition of a name checked, wherever in the criteria it stands.
    pub(crate) fn each_condition(
        &self,
        name: &str,
        check: &dyn Fn(&Value) -> Result<(), ConnectError>,
    ) -> Result<(), ConnectError> {
        fn walk(
            value: &Value,
            name: &str,
            check: &dyn Fn(&Value) -> Result<(), ConnectError>,
        ) -> Result<(), ConnectError> {
            match value {
                Value::Array(list) => list.iter().try_for_each(|one| walk(one, name, check)),
                Value::Object(members) => members.iter().try_for_each(|(member, value)| {
                    if member == name && !value.is_null() { check(value) } else { walk(value, name, check) }
                }),
                _ => Ok(()),
            }
        }
        self.criteria.iter().try_for_each(|criteria| walk(criteria, name, check))
    }

    /// The page of what was found.
    pub(crate) fn answer(&self, list: &str, found: Vec<(String, Value)>) -> Output {
        let total = found.len();
        let (page, token) = self.page.cut(found);
        let mut answer = json!({ list: page, "ApproximateTotalCount": total });
        if let Some(token) = token {
            answer["NextToken"] = token.into();
        }
        Output::json(&answer)
    }
}

/// Whether an item meets criteria: any of `OrConditions`, all of `AndConditions`, and every other condition.
fn meets(
    item: &Item<'_>,
    criteria: &Value,
    own: &dyn Fn(&str, &Value) -> Option<bool>,
) -> Result<bool, ConnectError> {
    let Some(criteria) = criteria.as_object() else {
        return Err(ConnectError::parameter("SearchCriteria and its conditions are objects"));
    };
    for (condition, value) in criteria.iter().filter(|(_, value)| !value.is_null()) {
        let list = || {
            value
                .as_array()
                .ok_or_else(|| ConnectError::parameter(format!("{condition} is a list of conditions")))
        };
        let met = match condition.as_str() {
            "OrConditions" => any(list()?, |one| meets(item, one, own))?,
            "AndConditions" => !any(list()?, |one| Ok(!meets(item, one, own)?))?,
            "StringCondition" => text_fits(item, value)?,
            other => match own(other, value) {
                Some(met) => met,
                None => is_of(item, other, value)?,
            },
        };
        if !met {
            return Ok(false);
        }
    }
    Ok(true)
}

fn any(
    conditions: &[Value],
    met: impl Fn(&Value) -> Result<bool, ConnectError>,
) -> Result<bool, ConnectError> {
    // Each of them is judged, so that a bad one is an error wherever it stands.
    conditions.iter().try_fold(false, |known, one| Ok(met(one)? || known))
}

/// `StateCondition`, `TypeCondition` and the like: the member of that name has this value.
fn is_of(item: &Item<'_>, condition: &str, value: &Value) -> Result<bool, ConnectError> {
    let member = condition.strip_suffix("Condition").and_then(|member| item.shown.get(member));
    member
        .map(|member| member == value)
        .ok_or_else(|| ConnectError::parameter(format!("there is no condition {condition} here")))
}

/// A condition on a text; the service does not mind its case.
fn text_fits(item: &Item<'_>, condition: &Value) -> Result<bool, ConnectError> {
    let text = |member: &str| condition.get(member).and_then(Value::as_str).unwrap_or_default();
    let (field, wanted) = (text("FieldName").to_lowercase(), text("Value").to_lowercase());
    let known = match field.as_str() {
        "name" | "username" | "securityprofilename" => Some(item.name),
        "resourceid" => {
            item.shown.iter().find(|(name, _)| name.ends_with("Id")).and_then(|(_, id)| id.as_str())
        }
        "description" => Some(item.shown.get("Description").and_then(Value::as_str).unwrap_or_default()),
        field => member(&item.shown, field),
    };
    let known = known.ok_or_else(|| {
        ConnectError::parameter(format!("FieldName {:?} is none that can be searched by", text("FieldName")))
    })?;
    let known = known.to_lowercase();
    match text("ComparisonType") {
        "STARTS_WITH" => Ok(known.starts_with(&wanted)),
        "CONTAINS" => Ok(known.contains(&wanted)),
        "EXACT" => Ok(known == wanted),
        _ => Err(ConnectError::parameter("ComparisonType must be STARTS_WITH, CONTAINS or EXACT")),
    }
}

/// A text of what is shown, at the top or one level below, under a name in small letters.
fn member<'t>(shown: &'t Map<String, Value>, field: &str) -> Option<&'t str> {
    let below = shown.values().filter_map(Value::as_object).flatten();
    shown
        .iter()
        .chain(below)
        .find(|(name, _)| name.to_lowercase() == field)
        .and_then(|(_, value)| value.as_str())
}

/// Whether the tags are those of a filter: its list of alternatives, each of which has to be met whole, or all of a list, or one.
fn is_tagged(item: &Item<'_>, filter: &Value) -> Result<bool, ConnectError> {
    let has = |tag: &Value| {
        let text = |member: &str| tag.get(member).and_then(Value::as_str);
        let known = text("TagKey").and_then(|key| item.tags.get(key));
        known.is_some_and(|value| text("TagValue").is_none_or(|wanted| wanted == value))
    };
    let empty = Vec::new();
    let list = |value: &'_ Value| value.as_array().cloned();
    if let Some(alternatives) = filter.get("OrConditions").and_then(Value::as_array) {
        let all = |tags: &Value| list(tags).unwrap_or_default().iter().all(has);
        if !alternatives.iter().any(all) {
            return Ok(false);
        }
    }
    let all = filter.get("AndConditions").and_then(Value::as_array).unwrap_or(&empty);
    let one = filter.get("TagCondition").filter(|tag| !tag.is_null());
    if filter.is_null() || filter.is_object() {
        Ok(all.iter().all(has) && one.is_none_or(has))
    } else {
        Err(ConnectError::parameter("TagFilter is an object"))
    }
}
