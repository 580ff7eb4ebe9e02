use crate::error::ConnectError;
use crate::named::{Named, Scene, Spec, Verbs, Words, described, rows};
use crate::users::User;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use tympan_db::Kind;

/// What users may do; kept and shown, for those who sign in elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityProfile {
    /// Permissions by the words of the service, and words that it does not have.
    pub permissions: BTreeSet<String>,
    /// Everything else that was set, under the names of the API.
    pub restrictions: Map<String, Value>,
}

/// The members of requests that stand beside the permissions, each with whether descriptions show it.
const RESTRICTIONS: &[(&str, bool)] = &[
    ("AllowedAccessControlTags", true),
    ("TagRestrictedResources", true),
    ("HierarchyRestrictedResources", true),
    ("AllowedAccessControlHierarchyGroupId", true),
    ("GranularAccessControlConfiguration", true),
    ("Applications", false),
    ("AllowedFlowModules", false),
    ("AllowedAIAgents", false),
];

/// What requests set.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(rename = "Permissions")]
    permissions: Option<BTreeSet<String>>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Wanted {
    /// Sets what is given; what is not stays.
    pub(super) fn apply(self, profile: &mut SecurityProfile) -> Result<(), ConnectError> {
        if let Some(permissions) = self.permissions {
            let fits = |word: &String| (1..=128).contains(&word.chars().count());
            if permissions.len() > 500 || !permissions.iter().all(fits) {
                return Err(ConnectError::parameter(
                    "Permissions has at most 500 entries of 1 to 128 characters",
                ));
            }
            profile.permissions = permissions;
        }
        for (member, most) in
            [("AllowedAccessControlTags", 4), ("TagRestrictedResources", 10), ("Applications", 10)]
        {
            let count = self.others.get(member).map_or(0, |value| match value {
                Value::Array(items) => items.len(),
                Value::Object(members) => members.len(),
                _ => 0,
            });
            if count > most {
                return Err(ConnectError::parameter(format!("{member} has at most {most} entries")));
            }
        }
        let known = |member: &str| RESTRICTIONS.iter().any(|(known, _)| *known == member);
        profile.restrictions.extend(self.others.into_iter().filter(|(member, _)| known(member)));
        Ok(())
    }
}

impl SecurityProfile {
    /// The entries of a list that was set, in their order.
    pub(super) fn restricted_to(&self, list: &str) -> impl Iterator<Item = (String, Value)> {
        let entries = self.restrictions.get(list).and_then(Value::as_array).into_iter().flatten();
        entries.enumerate().map(|(at, entry)| (format!("{at:04}"), entry.clone()))
    }
}

impl Spec for SecurityProfile {
    const KIND: &'static Kind = &rows("connect-security-profile");
    const WORDS: &'static Words = &Words {
        noun: "security profile",
        arn: "security-profile",
        label: "SecurityProfileId",
        name: "SecurityProfileName",
        created: ("SecurityProfileId", "SecurityProfileArn"),
        shown: ("SecurityProfile", "Id", "Arn"),
        is_dated: true,
        operations: Verbs {
            describe: "DescribeSecurityProfile",
            list: "ListSecurityProfiles",
            search: "SearchSecurityProfiles",
            delete: "DeleteSecurityProfile",
        },
        summaries: "SecurityProfileSummaryList",
        found: ("SecurityProfiles", 100),
        longest: (127, 250),
    };

    fn show(named: &Named<Self>, _: &Scene<'_>, shown: &mut Map<String, Value>) {
        shown.insert("OrganizationResourceId".to_owned(), named.instance.to_string().into());
        for (member, _) in RESTRICTIONS.iter().filter(|(_, is_shown)| *is_shown) {
            if let Some(value) = named.spec.restrictions.get(*member) {
                shown.insert((*member).to_owned(), value.clone());
            }
        }
        shown.insert("Type".to_owned(), "CUSTOMER_MANAGED".into());
    }

    fn summarise(_: &Named<Self>, shown: &mut Map<String, Value>) {
        shown.insert("Type".to_owned(), "CUSTOMER_MANAGED".into());
    }

    fn found(named: &Named<Self>, scene: &Scene<'_>) -> Map<String, Value> {
        let mut shown = described(named, scene);
        shown.retain(|member, _| {
            !member.starts_with("LastModified") && !RESTRICTIONS.iter().any(|(known, _)| known == member)
        });
        shown
    }

    fn used_by(named: &Named<Self>, scene: &Scene<'_>) -> Option<String> {
        let user = scene.all::<User>().find(|user| user.spec.security_profiles.contains(&named.id));
        user.map(|user| format!("user {:?}", user.name))
    }
}
