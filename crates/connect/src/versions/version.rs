use crate::directory::Edit;
use crate::error::{ConnectError, ErrorCode};
use crate::flows::content_sha256;
use crate::instances::Instance;
use crate::named::{Named, Scene, Spec, Verbs, Words, rows};
use crate::paging;
use crate::reference::shown;
use crate::service::Limits;
use crate::target::Context;
use crate::timestamp::epoch_seconds;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_aws::{Output, Page};
use tympan_db::Kind;
use tympan_types::{InstanceId, ResourceId};

/// The most versions of one flow or module.
const MOST: usize = 100;

/// A content of a flow or of a module that never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The flow or module.
    pub of: ResourceId,
    /// Its number, from 1; none is given twice.
    pub number: u32,
    /// The content.
    pub content: String,
    /// The settings of a module.
    pub settings: Option<String>,
}

/// What a version is made of.
pub(super) struct Draft {
    pub(super) of: ResourceId,
    pub(super) last: u32,
    pub(super) content: String,
    pub(super) settings: Option<String>,
    pub(super) description: Option<String>,
    /// The hash of the content that is meant, where the request has it.
    pub(super) sha256: Option<String>,
}

/// Adds a version; its number.
pub(super) fn add(
    cx: &Context<'_>,
    edit: &mut Edit,
    instance: &Instance,
    draft: Draft,
) -> Result<u32, ConnectError> {
    let Draft { of, last, content, settings, description, sha256 } = draft;
    if sha256.is_some_and(|sha256| !sha256.eq_ignore_ascii_case(&content_sha256(&content))) {
        return Err(ConnectError::parameter(
            "the SHA-256 of the request is not that of the published content",
        ));
    }
    if description.as_ref().is_some_and(|text| text.chars().count() > 500) {
        return Err(ConnectError::parameter("Description has at most 500 characters"));
    }
    let scene = Scene { service: cx.service, directory: &edit.directory, instance, now: cx.now };
    let count = all(&scene, of).count();
    Limits::check(count, MOST, ErrorCode::LimitExceeded, "versions")?;
    let number = last.saturating_add(1);
    edit.put_named(Named {
        id: ResourceId::from_random(cx.service.random()),
        instance: instance.id,
        name: format!("{of}:{number}"),
        description: description.filter(|text| !text.is_empty()),
        tags: BTreeMap::new(),
        modified: cx.now,
        spec: Version { of, number, content, settings },
    });
    Ok(number)
}

/// The versions of a flow or module.
pub(super) fn all<'a>(scene: &'a Scene<'_>, of: ResourceId) -> impl Iterator<Item = &'a Arc<Named<Version>>> {
    scene.all::<Version>().filter(move |version| version.spec.of == of)
}

/// The version of a number, as requests name it.
///
/// # Errors
/// ResourceNotFound.
pub(crate) fn get<'a>(
    scene: &'a Scene<'_>,
    of: ResourceId,
    number: &str,
) -> Result<&'a Arc<Named<Version>>, ConnectError> {
    let known = number
        .parse::<u32>()
        .ok()
        .and_then(|number| all(scene, of).find(|version| version.spec.number == number));
    known.ok_or_else(|| ConnectError::not_found(format!("{of} has no version {}", shown(number))))
}

/// Removes the versions of a flow or module that is deleted.
pub(crate) fn remove_all(edit: &mut Edit, instance: InstanceId, of: ResourceId) {
    let known = <Version as crate::named::Tabled>::table(&edit.directory.resources).of(instance);
    let gone: Vec<Arc<Named<Version>>> = known.filter(|version| version.spec.of == of).cloned().collect();
    gone.iter().for_each(|version| edit.remove_named(version));
}

/// The page of a list of versions.
pub(super) fn list(
    page: &Page,
    list: &str,
    scene: &Scene<'_>,
    of: ResourceId,
    arn: &str,
    is_dated: bool,
) -> Output {
    let items = all(scene, of).map(|version| {
        let number = version.spec.number;
        let mut item = json!({ "Arn": format!("{arn}:{number}"), "Version": number });
        if let Some(text) = &version.description {
            item["VersionDescription"] = text.as_str().into();
        }
        if is_dated {
            item["LastModifiedTime"] = epoch_seconds(version.modified);
            item["LastModifiedRegion"] = scene.instance.region.to_string().into();
        }
        (format!("{number:010}"), item)
    });
    paging::list(page, list, items)
}

impl Spec for Version {
    const KIND: &'static Kind = &rows("connect-version");
    const WORDS: &'static Words = &Words {
        noun: "version",
        arn: "version",
        label: "Version",
        name: "Name",
        created: ("Id", "Arn"),
        shown: ("Version", "Id", "Arn"),
        is_dated: true,
        operations: Verbs { describe: "", list: "", search: "", delete: "" },
        summaries: "",
        found: ("", 1),
        longest: (127, 500),
    };

    fn show(_: &Named<Self>, _: &Scene<'_>, _: &mut Map<String, Value>) {}
}
