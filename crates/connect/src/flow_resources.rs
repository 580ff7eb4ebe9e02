//! What flows ask of an instance while calls are up: whether it is open, which queue, which module, which prompt.
//!
//! A flow names a resource by id or ARN, and most exports have its name beside that. Where the id is not here, the name
//! decides: the ARNs of an export are those of its publisher.

use crate::directory::Directory;
use crate::hours::{self, HoursOfOperation};
use crate::instances::Instance;
use crate::modules::Module;
use crate::named::{Named, Scene, Spec};
use crate::prompts::{Prompt, Sound};
use crate::queues::Queue;
use crate::reference;
use crate::service::ConnectService;
use crate::users::User;
use crate::versions;
use std::sync::Arc;
use tympan_contact::RoutedFlow;
use tympan_flow::{Flow, FlowIdentity};
use tympan_types::{InstanceId, WallTime};

/// A queue as flows see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowQueue {
    /// Its ARN; that of the agent where it is an agent's own.
    pub arn: String,
    /// Its name; empty where it is an agent's own.
    pub name: String,
    /// Its hours of operation, by ARN; none where it is an agent's own.
    pub hours_arn: Option<String>,
    /// The number that its calls show.
    pub outbound_caller_id: Option<String>,
    /// Whether it is the own queue of an agent.
    pub is_agents: bool,
}

impl ConnectService {
    /// Whether hours of operation are open; `None` where the instance has no such hours.
    pub fn are_open(
        &self,
        instance: InstanceId,
        id_or_arn: &str,
        name: Option<&str>,
        now: WallTime,
    ) -> Option<bool> {
        self.seen(instance, now, |scene| {
            let named = find::<HoursOfOperation>(scene, id_or_arn, name)?;
            Some(hours::is_open(named, scene))
        })
    }

    /// A queue of the instance.
    pub fn queue(&self, instance: InstanceId, id_or_arn: &str, name: Option<&str>) -> Option<FlowQueue> {
        self.seen(instance, WallTime::from_unix_ms(0), |scene| {
            let queue = find::<Queue>(scene, id_or_arn, name)?;
            let number = queue.spec.outbound_caller.number.and_then(|id| scene.directory.phone_number(id));
            Some(FlowQueue {
                arn: scene.arn::<Queue>(queue.id),
                name: queue.name.clone(),
                hours_arn: Some(scene.arn::<HoursOfOperation>(queue.spec.hours)),
                outbound_caller_id: number.map(|number| number.number.to_string()),
                is_agents: false,
            })
        })
    }

    /// The own queue of an agent, whom a flow names by id, ARN or user name.
    pub fn agent_queue(&self, instance: InstanceId, agent: &str, name: Option<&str>) -> Option<FlowQueue> {
        self.seen(instance, WallTime::from_unix_ms(0), |scene| {
            let user = find::<User>(scene, agent, name)?;
            Some(FlowQueue {
                arn: scene.arn::<User>(user.id),
                name: String::new(),
                hours_arn: None,
                outbound_caller_id: None,
                is_agents: true,
            })
        })
    }

    /// A module of the instance. Its id may end with `:` and `$LATEST`, an alias or the number of a version.
    pub fn module(&self, instance: InstanceId, id_or_arn: &str, name: Option<&str>) -> Option<RoutedFlow> {
        self.seen(instance, WallTime::from_unix_ms(0), |scene| {
            let (id_or_arn, qualifier) = reference::qualified(id_or_arn);
            let module = find::<Module>(scene, id_or_arn, name)?;
            let arn = scene.arn::<Module>(module.id);
            let identity = FlowIdentity { arn, name: module.name.clone() };
            let flow = match qualifier {
                None | Some("$LATEST") => module.spec.runnable()?,
                Some(qualifier) => {
                    let alias = module.spec.aliases.iter().find(|alias| alias.name == qualifier);
                    let number =
                        alias.map_or_else(|| qualifier.to_owned(), |alias| alias.version.to_string());
                    let version = versions::get(scene, module.id, &number).ok()?;
                    Arc::new(Flow::parse(&version.spec.content).ok()?)
                }
            };
            Some(RoutedFlow { flow, identity })
        })
    }

    /// What is to be played of a prompt of the instance.
    pub fn prompt(&self, instance: InstanceId, id_or_arn: &str, name: Option<&str>) -> Option<Sound> {
        self.seen(instance, WallTime::from_unix_ms(0), |scene| {
            Some(find::<Prompt>(scene, id_or_arn, name)?.spec.sound())
        })
    }

    /// A published flow of the instance that has a name: where its id or ARN is not found.
    pub fn flow_named(&self, instance: InstanceId, name: &str) -> Option<RoutedFlow> {
        let directory = self.directory();
        let instance = directory.instance(instance)?;
        let (flow, identity) =
            directory.flows_of(instance.id).find(|flow| flow.name == name)?.runnable(instance)?;
        Some(RoutedFlow { flow, identity })
    }

    fn seen<T>(
        &self,
        instance: InstanceId,
        now: WallTime,
        look: impl FnOnce(&Scene<'_>) -> Option<T>,
    ) -> Option<T> {
        let directory: Arc<Directory> = self.directory();
        let instance: &Arc<Instance> = directory.instance(instance)?;
        look(&Scene { service: self, directory: &directory, instance, now })
    }
}

/// By id or ARN, else by name; a text that is no ARN may be a name itself.
fn find<'a, S: Spec>(scene: &'a Scene<'_>, id_or_arn: &str, name: Option<&str>) -> Option<&'a Arc<Named<S>>> {
    let known =
        reference::resource(scene.instance, S::WORDS.arn, id_or_arn).and_then(|id| scene.get::<S>(id));
    let name = name.or(Some(id_or_arn).filter(|text| !text.starts_with("arn:")));
    known.or_else(|| scene.named::<S>(name?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Bench, FLOW, NOW, text};
    use serde_json::json;

    const FOREIGN: &str =
        "arn:aws:connect:us-east-1:999999999999:instance/4a573372-1f28-4e26-b97b-0123456789ab";

    #[test]
    fn a_foreign_arn_leads_to_the_resource_of_the_name_and_a_known_one_to_its_own() {
        let bench = Bench::with(|options| options.default_resources = true);
        let instance = bench.instance("demo");
        let id: InstanceId = instance.parse().unwrap();
        let service = &bench.service;
        let queue = service.queue(id, &format!("{FOREIGN}/queue/x"), Some("BasicQueue")).unwrap();
        assert_eq!(queue.name, "BasicQueue");
        assert_eq!(service.queue(id, &queue.arn, Some("Other")), Some(queue.clone()));
        assert_eq!(service.queue(id, &format!("{FOREIGN}/queue/x"), Some("Other")), None);
        assert_eq!(service.queue(id, &format!("{FOREIGN}/queue/x"), None), None);
        assert_eq!(service.are_open(id, queue.hours_arn.as_deref().unwrap(), None, NOW), Some(true));
        assert_eq!(service.are_open(id, "", Some("Basic Hours"), NOW), Some(true));
        let sound = service.prompt(id, &format!("{FOREIGN}/prompt/x"), Some("Beep.wav")).unwrap();
        assert!(matches!(sound, Sound::Wav(wav) if wav.len() > 4000));
        assert!(service.prompt(id, "Beep.wav", None).is_some());
        assert!(service.flow_named(id, "Default customer hold").is_some());
    }

    #[test]
    fn a_module_runs_as_it_is_published_or_as_a_version_or_an_alias_of_it_was() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let id: InstanceId = instance.parse().unwrap();
        let path = format!("/contact-flow-modules/{instance}");
        let made = bench.call("PUT", &path, json!({ "Name": "Greeting", "Content": FLOW })).unwrap();
        let (module, path) = (text(&made["Id"]), format!("{path}/{}", text(&made["Id"])));
        bench.call("PUT", &format!("{path}/version"), json!({})).unwrap();
        bench
            .call(
                "PUT",
                &format!("{path}/alias"),
                json!({ "AliasName": "old", "ContactFlowModuleVersion": 1 }),
            )
            .unwrap();
        bench
            .call(
                "POST",
                &format!("{path}/content"),
                json!({ "Content": FLOW.replace("\"end\"", "\"bye\"") }),
            )
            .unwrap();
        let first = |reference: &str, name: Option<&str>| {
            let module = bench.service.module(id, reference, name)?;
            Some(module.flow.blocks().first()?.identifier().to_owned())
        };
        assert_eq!(first(&module, None).as_deref(), Some("bye"));
        assert_eq!(first(&format!("{FOREIGN}/flow-module/x"), Some("Greeting")).as_deref(), Some("bye"));
        for old in [":1", ":old"] {
            assert_eq!(first(&format!("{module}{old}"), None).as_deref(), Some("end"), "{old}");
        }
        assert_eq!(first(&format!("{module}:2"), None), None);
    }
}
