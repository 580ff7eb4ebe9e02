use crate::error::ConnectError;
use crate::hierarchy::HierarchyGroup;
use crate::named::{Named, Scene, Spec, Verbs, Words, described, rows};
use crate::phone_numbers::DialledNumber;
use crate::security_profiles::SecurityProfile;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tympan_db::Kind;
use tympan_types::ResourceId;

/// An agent or a supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Who it is.
    pub identity: IdentityInfo,
    /// By what calls reach him.
    pub phone: PhoneConfig,
    /// His id in a directory; kept and shown.
    pub directory_user_id: Option<String>,
    /// What he may do.
    pub security_profiles: Vec<ResourceId>,
    /// From which queues he is given contacts.
    pub routing_profile: ResourceId,
    /// Where he stands.
    pub hierarchy_group: Option<ResourceId>,
    /// What was set for single channels, under the names of the API; kept and shown.
    pub by_channel: Map<String, Value>,
}

/// Who a user is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the members of the API")]
pub struct IdentityInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secondary_email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
}

/// By what calls reach a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PhoneConfig {
    /// What he has.
    #[serde(default)]
    pub phone_type: PhoneType,
    /// Whether he is connected without being asked.
    #[serde(default)]
    pub auto_accept: bool,
    /// How long he has for a contact after its end; 0 is without limit.
    #[serde(rename = "AfterContactWorkTimeLimit", default)]
    pub after_contact_work_s: u32,
    /// The number of his telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk_phone_number: Option<String>,
    /// Whether his telephone stays connected between calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_connection: Option<bool>,
}

/// What a user has for calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PhoneType {
    /// A program.
    #[default]
    SoftPhone,
    /// A telephone.
    DeskPhone,
}

/// The members that are set for single channels.
pub(super) const BY_CHANNEL: [&str; 5] = [
    "AutoAcceptConfigs",
    "AfterContactWorkConfigs",
    "PhoneNumberConfigs",
    "PersistentConnectionConfigs",
    "VoiceEnhancementConfigs",
];

impl IdentityInfo {
    pub(super) fn checked(self) -> Result<Self, ConnectError> {
        let too_long =
            |text: &Option<String>, most| text.as_ref().is_some_and(|text| text.chars().count() > most);
        if too_long(&self.first_name, 255) || too_long(&self.last_name, 300) {
            return Err(ConnectError::parameter("FirstName has at most 255 characters, LastName 300"));
        }
        Ok(self)
    }
}

impl PhoneConfig {
    pub(super) fn checked(self) -> Result<Self, ConnectError> {
        let number = self.desk_phone_number.as_deref().filter(|number| !number.is_empty());
        if let Some(number) = number {
            DialledNumber::e164(number)
                .map_err(|error| ConnectError::parameter(format!("DeskPhoneNumber: {error}")))?;
        }
        if self.after_contact_work_s > 2_000_000 {
            return Err(ConnectError::parameter("AfterContactWorkTimeLimit must be 0 to 2000000"));
        }
        if self.phone_type == PhoneType::DeskPhone && number.is_none() {
            return Err(ConnectError::parameter("a PhoneType of DESK_PHONE has a DeskPhoneNumber"));
        }
        Ok(self)
    }
}

/// The security profiles that a request names, 1 to 10.
pub(super) fn security_profiles(
    scene: &Scene<'_>,
    named: &[String],
) -> Result<Vec<ResourceId>, ConnectError> {
    if !(1..=10).contains(&named.len()) {
        return Err(ConnectError::parameter("SecurityProfileIds has 1 to 10 entries"));
    }
    named.iter().map(|text| Ok(scene.find::<SecurityProfile>(text)?.id)).collect()
}

/// The group that a request names; an empty text is none.
pub(super) fn group(scene: &Scene<'_>, named: Option<String>) -> Result<Option<ResourceId>, ConnectError> {
    let named = named.filter(|text| !text.is_empty());
    named.map(|text| Ok(scene.find::<HierarchyGroup>(&text)?.id)).transpose()
}

impl User {
    /// How long he has for a call after its end; 0 is without limit.
    pub(crate) fn voice_after_contact_work_s(&self) -> u32 {
        let own = self.of_voice("AfterContactWorkConfigs");
        let own =
            own.and_then(|config| config["AfterContactWorkConfig"]["AfterContactWorkTimeLimit"].as_u64());
        own.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(self.phone.after_contact_work_s)
    }

    /// Whether he is connected with a call without being asked.
    pub(crate) fn voice_auto_accept(&self) -> bool {
        let own = self.of_voice("AutoAcceptConfigs").and_then(|config| config["AutoAccept"].as_bool());
        own.unwrap_or(self.phone.auto_accept)
    }

    /// What is set for voice alone.
    fn of_voice(&self, member: &str) -> Option<&Value> {
        self.by_channel.get(member)?.as_array()?.iter().find(|config| config["Channel"] == "VOICE")
    }
}

impl Spec for User {
    const KIND: &'static Kind = &rows("connect-user");
    const WORDS: &'static Words = &Words {
        noun: "user",
        arn: "agent",
        label: "UserId",
        name: "Username",
        created: ("UserId", "UserArn"),
        shown: ("User", "Id", "Arn"),
        is_dated: true,
        operations: Verbs {
            describe: "DescribeUser",
            list: "ListUsers",
            search: "SearchUsers",
            delete: "DeleteUser",
        },
        summaries: "UserSummaryList",
        found: ("Users", 500),
        longest: (100, 250),
    };

    fn show(named: &Named<Self>, _: &Scene<'_>, shown: &mut Map<String, Value>) {
        let user = &named.spec;
        let mut add = |member: &str, value: Value| drop(shown.insert(member.to_owned(), value));
        add("IdentityInfo", json!(user.identity));
        add("PhoneConfig", json!(user.phone));
        user.directory_user_id.iter().for_each(|id| add("DirectoryUserId", id.as_str().into()));
        add("SecurityProfileIds", json!(user.security_profiles));
        add("RoutingProfileId", json!(user.routing_profile));
        user.hierarchy_group.iter().for_each(|id| add("HierarchyGroupId", json!(id)));
        user.by_channel.iter().for_each(|(member, value)| add(member, value.clone()));
    }

    /// Searches show less of the identity, and the time after contacts in milliseconds.
    fn found(named: &Named<Self>, scene: &Scene<'_>) -> Map<String, Value> {
        let mut shown = described(named, scene);
        shown.retain(|member, _| !member.starts_with("LastModified"));
        let identity = &named.spec.identity;
        let name = IdentityInfo {
            first_name: identity.first_name.clone(),
            last_name: identity.last_name.clone(),
            ..IdentityInfo::default()
        };
        shown.insert("IdentityInfo".to_owned(), json!(name));
        let mut phone = json!(named.spec.phone);
        phone["AfterContactWorkTimeLimit"] = (u64::from(named.spec.phone.after_contact_work_s) * 1000).into();
        shown.insert("PhoneConfig".to_owned(), phone);
        shown
    }

    /// A group that a user stands in or below; proficiencies are none here.
    fn meets(named: &Named<Self>, scene: &Scene<'_>, condition: &str, value: &Value) -> Option<bool> {
        if condition == "ListCondition" {
            return Some(false);
        }
        if condition != "HierarchyGroupCondition" {
            return None;
        }
        let wanted = value.get("Value").and_then(Value::as_str).unwrap_or_default();
        let wanted = scene.find::<HierarchyGroup>(wanted).ok().map(|group| group.id);
        let with_children =
            value.get("HierarchyGroupMatchType").is_some_and(|word| word == "WITH_CHILD_GROUPS");
        let own = named.spec.hierarchy_group;
        let above = own.into_iter().flat_map(|id| crate::hierarchy::path(scene, id));
        Some(
            wanted.is_some()
                && (own == wanted
                    || (with_children && above.map(|group| Some(group.id)).any(|id| id == wanted))),
        )
    }
}
