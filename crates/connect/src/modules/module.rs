use crate::directory::Edit;
use crate::error::ConnectError;
use crate::flows::{FlowState, MAX_CONTENT_CHARS, content_sha256};
use crate::named::{Named, Scene, Spec, Verbs, Words, rows};
use crate::versions::{self, Alias, Aliased};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::{Arc, OnceLock};
use tympan_db::Kind;
use tympan_flow::Flow;

/// A part that flows have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Whether it is put away.
    pub state: FlowState,
    /// The content that flows run.
    pub published: String,
    /// Content that was saved and not published since.
    pub saved: Option<String>,
    /// What it takes and gives, as it was sent.
    pub settings: Option<String>,
    /// Whether others than flows may run it; kept and shown.
    pub external_invocation: Option<bool>,
    /// Names for its versions.
    pub aliases: Vec<Alias>,
    /// The highest number that a version of it was given.
    pub last_version: u32,
    /// Of the request that made it, where that had a token to be repeated under.
    #[serde(default)]
    pub made_by: Option<MadeBy>,
    /// The published content, parsed at its first use.
    #[serde(skip)]
    pub(crate) parsed: Parsed,
}

/// What a request that made something is recognised by when it comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeBy {
    /// Its `ClientToken`.
    pub client_token: String,
    /// The SHA-256 of its members beside name, description and tags.
    pub members_sha256: String,
}

/// A content that is parsed at its first use. Two of them are equal: what they hold follows from the content.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parsed(OnceLock<Option<Arc<Flow>>>);

impl PartialEq for Parsed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Parsed {}

impl Module {
    /// The aliases of one, and what they are of.
    pub(crate) fn aliased<'a>(scene: &Scene<'_>, named: &'a Named<Self>) -> Aliased<'a> {
        let (id, arn) = (named.id, scene.arn::<Self>(named.id));
        Aliased { id, arn, member: "ContactFlowModule", aliases: &named.spec.aliases }
    }

    /// The published content, ready to run; `None` where this build does not read it.
    pub(crate) fn runnable(&self) -> Option<Arc<Flow>> {
        let parse = || match Flow::parse(&self.published) {
            Ok(flow) => Some(Arc::new(flow)),
            Err(error) => {
                tracing::error!(%error, "a stored flow module does not parse, no flow runs it");
                None
            }
        };
        self.parsed.0.get_or_init(parse).clone()
    }
}

/// Checks content that is to be published.
pub(super) fn check(content: &str) -> Result<(), ConnectError> {
    check_length(content)?;
    let flow = Flow::parse(content).map_err(|error| ConnectError::invalid_module(vec![error.to_string()]))?;
    let problems: Vec<String> =
        flow.problems_as(tympan_flow::FlowType::Module).iter().map(ToString::to_string).collect();
    if problems.is_empty() { Ok(()) } else { Err(ConnectError::invalid_module(problems)) }
}

/// Checks the bounds of content.
pub(super) fn check_length(content: &str) -> Result<(), ConnectError> {
    if (1..=MAX_CONTENT_CHARS).contains(&content.chars().count()) {
        return Ok(());
    }
    Err(ConnectError::request(format!("Content must have 1 to {MAX_CONTENT_CHARS} characters")))
}

impl Spec for Module {
    const KIND: &'static Kind = &rows("connect-module");
    const WORDS: &'static Words = &Words {
        noun: "flow module",
        arn: "flow-module",
        label: "ContactFlowModuleId",
        name: "Name",
        created: ("Id", "Arn"),
        shown: ("ContactFlowModule", "Id", "Arn"),
        is_dated: false,
        operations: Verbs {
            describe: "DescribeContactFlowModule",
            list: "ListContactFlowModules",
            search: "SearchContactFlowModules",
            delete: "DeleteContactFlowModule",
        },
        summaries: "ContactFlowModulesSummaryList",
        found: ("ContactFlowModules", 100),
        longest: (127, 500),
    };
    const TYPES: &'static [&'static str] = &["ACTIVE", "ARCHIVED"];
    const IS_QUALIFIED: bool = true;

    fn type_word(&self) -> &'static str {
        self.state.as_str()
    }

    fn show(named: &Named<Self>, _: &Scene<'_>, shown: &mut Map<String, Value>) {
        let module = &named.spec;
        let mut add = |member: &str, value: Value| drop(shown.insert(member.to_owned(), value));
        add("Content", module.published.as_str().into());
        add("FlowModuleContentSha256", content_sha256(&module.published).into());
        add("State", module.state.as_str().into());
        add("Status", "PUBLISHED".into());
        module.settings.iter().for_each(|text| add("Settings", text.as_str().into()));
        let external = module.external_invocation;
        external
            .iter()
            .for_each(|enabled| add("ExternalInvocationConfiguration", json!({ "Enabled": enabled })));
    }

    /// Another content than the published one: what was saved, a version, or the one that an alias is of.
    fn show_qualified(
        named: &Named<Self>,
        scene: &Scene<'_>,
        qualifier: &str,
        shown: &mut Map<String, Value>,
    ) -> Result<(), ConnectError> {
        let module = &named.spec;
        let mut show = |content: &str, status: &str| {
            shown.insert("Content".to_owned(), content.into());
            shown.insert("FlowModuleContentSha256".to_owned(), content_sha256(content).into());
            shown.insert("Status".to_owned(), status.into());
        };
        match qualifier {
            "$LATEST" => {}
            "$SAVED" => module.saved.iter().for_each(|saved| show(saved, "SAVED")),
            other => {
                let number = Self::aliased(scene, named).version(other);
                let version = versions::get(scene, named.id, &number)?;
                show(&version.spec.content, "PUBLISHED");
                shown.insert("Version".to_owned(), version.spec.number.into());
                if let Some(text) = &version.description {
                    shown.insert("VersionDescription".to_owned(), text.as_str().into());
                }
            }
        }
        Ok(())
    }

    fn summarise(named: &Named<Self>, shown: &mut Map<String, Value>) {
        shown.insert("State".to_owned(), named.spec.state.as_str().into());
    }

    fn remove_beside(edit: &mut Edit, named: &Named<Self>) {
        versions::remove_all(edit, named.instance, named.id);
    }
}
