//! By which telephones agents are reached.

use crate::named::Scene;
use crate::service::ConnectService;
use crate::users::{PhoneType, User};
use tympan_contact::routing::AgentKey;
use tympan_types::WallTime;

/// A user, as his telephones know him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentTelephone {
    /// The user.
    pub agent: AgentKey,
    /// The alias of his instance.
    pub alias: String,
    /// His user name.
    pub user_name: String,
    /// The number of his telephone where he has one that does not register, in E.164.
    pub desk_phone: Option<String>,
}

impl ConnectService {
    /// The users of all instances, with their telephones.
    pub fn telephones(&self) -> Vec<AgentTelephone> {
        let directory = self.directory();
        let mut telephones = Vec::new();
        for instance in directory.instances() {
            let now = WallTime::from_unix_ms(0);
            let scene = Scene { service: self, directory: &directory, instance, now };
            telephones.extend(scene.all::<User>().map(|user| {
                let phone = &user.spec.phone;
                let number = phone.desk_phone_number.as_ref().filter(|number| !number.is_empty());
                AgentTelephone {
                    agent: AgentKey { instance: instance.id, user: user.id },
                    alias: instance.alias.to_string(),
                    user_name: user.name.clone(),
                    desk_phone: number.filter(|_| phone.phone_type == PhoneType::DeskPhone).cloned(),
                }
            }));
        }
        telephones
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::Bench;
    use serde_json::json;

    #[test]
    fn a_desk_phone_is_its_users_and_a_number_that_is_not_in_use_is_none() {
        let bench = Bench::with(|options| options.default_resources = true);
        let instance = bench.instance("demo");
        let user = bench.agent(&instance, "agent1");
        let set = |phone_type: &str| {
            let phone =
                json!({ "PhoneConfig": { "PhoneType": phone_type, "DeskPhoneNumber": "+12065550100" } });
            bench.call("POST", &format!("/users/{instance}/{user}/phone-config"), phone).unwrap();
            let [telephone] = bench.service.telephones().try_into().unwrap();
            assert_eq!(telephone.user_name, "agent1");
            telephone.desk_phone
        };
        assert_eq!(set("DESK_PHONE").as_deref(), Some("+12065550100"));
        assert_eq!(set("SOFT_PHONE"), None);
    }
}
