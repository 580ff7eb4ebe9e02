//! What flows ask of an instance while calls are up: whether it is open, which queue, which module, which prompt.
//!
//! A flow names a resource by id or ARN, and most exports have its name beside that. Where the id is not here, the name
//! decides: the ARNs of an export are those of its publisher.

use crate::directory::Directory;
use crate::hours::{self, HoursOfOperation};
use crate::instances::Instance;
use crate::modules::Module;
use crate::named::{Named, Scene, Spec};
use crate::prompts::Prompt;
use crate::queues::Queue;
use crate::reference;
use crate::service::ConnectService;
use crate::users::User;
use crate::versions;
use std::sync::Arc;
use tympan_contact::{QueueRef, Recording};
use tympan_flow::{Flow, FlowIdentity, FlowType, ResourceRef, RoutedFlow};
use tympan_types::{InstanceId, WallTime};

impl ConnectService {
    /// Whether hours of operation are open; `None` where the instance has no such hours.
    pub fn are_open(&self, instance: InstanceId, hours: &ResourceRef, now: WallTime) -> Option<bool> {
        self.seen(instance, now, |scene| {
            let named = find::<HoursOfOperation>(scene, hours)?;
            Some(hours::is_open(named, scene))
        })
    }

    /// A queue of the instance.
    pub fn queue(&self, instance: InstanceId, queue: &ResourceRef) -> Option<QueueRef> {
        self.seen(instance, WallTime::from_unix_ms(0), |scene| {
            let queue = find::<Queue>(scene, queue)?;
            let number = queue.spec.outbound_caller.number.and_then(|id| scene.directory.phone_number(id));
            Some(QueueRef {
                arn: scene.arn::<Queue>(queue.id),
                name: queue.name.clone(),
                hours_arn: Some(scene.arn::<HoursOfOperation>(queue.spec.hours)),
                outbound_caller_id: number.map(|number| number.number.to_string()),
                is_agents: false,
            })
        })
    }

    /// The own queue of an agent, whom a flow names by id, ARN or user name.
    pub fn agent_queue(&self, instance: InstanceId, agent: &ResourceRef) -> Option<QueueRef> {
        self.seen(instance, WallTime::from_unix_ms(0), |scene| {
            let user = find::<User>(scene, agent)?;
            Some(QueueRef {
                arn: scene.arn::<User>(user.id),
                name: String::new(),
                hours_arn: None,
                outbound_caller_id: None,
                is_agents: true,
            })
        })
    }

    /// A module of the instance. Its id may end with `:` and `$LATEST`, an alias or the number of a version.
    pub fn module(&self, instance: InstanceId, module: &ResourceRef) -> Option<RoutedFlow> {
        self.seen(instance, WallTime::from_unix_ms(0), |scene| {
            let (id, qualifier) = reference::qualified(&module.id);
            let named = ResourceRef { id: id.to_owned(), name: module.name.clone() };
            let module = find::<Module>(scene, &named)?;
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
            Some(RoutedFlow { flow, identity, flow_type: FlowType::Module })
        })
    }

    /// What is to be played of a prompt of the instance.
    pub fn prompt(&self, instance: InstanceId, prompt: &ResourceRef) -> Option<Recording> {
        self.seen(instance, WallTime::from_unix_ms(0), |scene| {
            Some(Prompt::recording(find::<Prompt>(scene, prompt)?))
        })
    }

    pub(crate) fn seen<T>(
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
pub(crate) fn find<'a, S: Spec>(scene: &'a Scene<'_>, resource: &ResourceRef) -> Option<&'a Arc<Named<S>>> {
    let ResourceRef { id, name } = resource;
    let known = reference::resource(scene.instance, S::WORDS.arn, id).and_then(|id| scene.get::<S>(id));
    let name = name.as_deref().or(Some(id.as_str()).filter(|text| !text.starts_with("arn:")));
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
        let named =
            |id: &str, name: Option<&str>| ResourceRef { id: id.to_owned(), name: name.map(str::to_owned) };
        let queue = service.queue(id, &named(&format!("{FOREIGN}/queue/x"), Some("BasicQueue"))).unwrap();
        assert_eq!(queue.name, "BasicQueue");
        assert_eq!(service.queue(id, &named(&queue.arn, Some("Other"))), Some(queue.clone()));
        assert_eq!(service.queue(id, &named(&format!("{FOREIGN}/queue/x"), Some("Other"))), None);
        assert_eq!(service.queue(id, &named(&format!("{FOREIGN}/queue/x"), None)), None);
        assert_eq!(service.are_open(id, &named(queue.hours_arn.as_deref().unwrap(), None), NOW), Some(true));
        assert_eq!(service.are_open(id, &named("", Some("Basic Hours")), NOW), Some(true));
        let sound = service.prompt(id, &named(&format!("{FOREIGN}/prompt/x"), Some("Beep.wav"))).unwrap();
        assert!(matches!(sound, Recording::Wav(wav) if wav.len() > 4000));
        assert!(service.prompt(id, &named("Beep.wav", None)).is_some());
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
            let module = ResourceRef { id: reference.to_owned(), name: name.map(str::to_owned) };
            let module = bench.service.module(id, &module)?;
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
