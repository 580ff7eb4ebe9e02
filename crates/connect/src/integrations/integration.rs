use crate::error::ConnectError;
use crate::named::{Named, Scene, Spec, Verbs, Words, rows};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tympan_db::Kind;
use tympan_types::ResourceId;

/// Another service that an instance works with, by its ARN, which is the name of the resource; kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// What it is, by the word of the API.
    pub integration_type: String,
    /// The page of an application.
    pub source_url: Option<String>,
    /// The name of an application.
    pub source_name: Option<String>,
    /// Whose application it is, by the word of the API.
    pub source_type: Option<String>,
    /// What it is used for.
    pub use_cases: Vec<UseCase>,
}

/// What an integration is used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseCase {
    /// Its id.
    pub id: ResourceId,
    /// What it is, by the word of the API.
    pub use_case_type: String,
}

/// The words for what can be integrated.
const TYPES: [&str; 15] = [
    "EVENT",
    "VOICE_ID",
    "PINPOINT_APP",
    "WISDOM_ASSISTANT",
    "WISDOM_KNOWLEDGE_BASE",
    "WISDOM_QUICK_RESPONSES",
    "Q_MESSAGE_TEMPLATES",
    "CASES_DOMAIN",
    "APPLICATION",
    "FILE_SCANNER",
    "SES_IDENTITY",
    "ANALYTICS_CONNECTOR",
    "CALL_TRANSFER_CONNECTOR",
    "COGNITO_USER_POOL",
    "MESSAGE_PROCESSOR",
];

/// Checks the word for what is integrated.
pub(super) fn check_type(word: &str) -> Result<(), ConnectError> {
    match TYPES.contains(&word) {
        true => Ok(()),
        false => Err(ConnectError::request(format!("IntegrationType must be one of {}", TYPES.join(", ")))),
    }
}

impl Spec for Integration {
    const KIND: &'static Kind = &rows("connect-integration");
    const WORDS: &'static Words = &Words {
        noun: "integration association",
        arn: "integration-association",
        label: "IntegrationAssociationId",
        name: "IntegrationArn",
        created: ("IntegrationAssociationId", "IntegrationAssociationArn"),
        shown: ("IntegrationAssociation", "IntegrationAssociationId", "IntegrationAssociationArn"),
        is_dated: true,
        operations: Verbs { describe: "", list: "", search: "", delete: "DeleteIntegrationAssociation" },
        summaries: "IntegrationAssociationSummaryList",
        found: ("IntegrationAssociations", 100),
        longest: (2048, 250),
    };

    fn show(named: &Named<Self>, _: &Scene<'_>, shown: &mut Map<String, Value>) {
        let integration = &named.spec;
        let mut add = |member: &str, value: &str| drop(shown.insert(member.to_owned(), value.into()));
        add("InstanceId", &named.instance.to_string());
        add("IntegrationType", &integration.integration_type);
        integration.source_url.iter().for_each(|text| add("SourceApplicationUrl", text));
        integration.source_name.iter().for_each(|text| add("SourceApplicationName", text));
        integration.source_type.iter().for_each(|text| add("SourceType", text));
    }
}
