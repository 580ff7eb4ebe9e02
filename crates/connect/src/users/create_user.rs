//! CreateUser: PUT /users/{InstanceId}.

use super::User;
use super::user::{BY_CHANNEL, group, security_profiles};
use super::{IdentityInfo, PhoneConfig};
use crate::error::ConnectError;
use crate::named::{Creation, Scene};
use crate::routing_profiles::RoutingProfile;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    password: Option<String>,
    identity_info: Option<IdentityInfo>,
    phone_config: Option<PhoneConfig>,
    directory_user_id: Option<String>,
    security_profile_ids: Vec<String>,
    routing_profile_id: String,
    hierarchy_group_id: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Creates a user. A password is checked and kept nowhere: there is nothing to sign in to.
pub(crate) struct CreateUser;

impl Creation for CreateUser {
    type Spec = User;
    type Members = Members;
    const NAME: &'static str = "CreateUser";

    fn spec(scene: &Scene<'_>, members: Members) -> Result<User, ConnectError> {
        if members.password.is_some_and(|password| !is_password(&password)) {
            return Err(ConnectError::parameter(
                "Password has 8 to 64 characters, with a small letter, a capital and a digit among them",
            ));
        }
        let mut by_channel = members.others;
        by_channel.retain(|member, value| BY_CHANNEL.contains(&member.as_str()) && value.is_array());
        Ok(User {
            identity: members.identity_info.unwrap_or_default().checked()?,
            phone: members.phone_config.unwrap_or_default().checked()?,
            directory_user_id: members.directory_user_id,
            security_profiles: security_profiles(scene, &members.security_profile_ids)?,
            routing_profile: scene.find::<RoutingProfile>(&members.routing_profile_id)?.id,
            hierarchy_group: group(scene, members.hierarchy_group_id)?,
            by_channel,
        })
    }
}

fn is_password(text: &str) -> bool {
    let has = |kind: fn(char) -> bool| text.chars().any(kind);
    (8..=64).contains(&text.chars().count())
        && has(|letter| letter.is_ascii_lowercase())
        && has(|letter| letter.is_ascii_uppercase())
        && has(|letter| letter.is_ascii_digit())
        && !has(char::is_whitespace)
}
