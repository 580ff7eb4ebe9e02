//! What flows ask of an instance while calls are up: whether it is open, which queue, which prompt.

use crate::directory::Directory;
use crate::hours::{self, HoursOfOperation};
use crate::instances::Instance;
use crate::named::{Named, Scene, Spec};
use crate::reference;
use crate::service::ConnectService;
use std::sync::Arc;
use tympan_flow::ResourceRef;
use tympan_types::{InstanceId, WallTime};

impl ConnectService {
    /// Whether hours of operation are open; `None` where the instance has none of that id. Where there are none of the id, the name
    /// decides.
    pub fn are_open(&self, instance: InstanceId, hours: &ResourceRef, now: WallTime) -> Option<bool> {
        let directory = self.directory();
        let instance = directory.instance(instance)?;
        let named = find::<HoursOfOperation>(&directory, instance, hours)?;
        Some(hours::is_open(named, &Scene { directory: &directory, instance, now }))
    }
}

fn find<'a, S: Spec>(
    directory: &'a Directory,
    instance: &Instance,
    resource: &ResourceRef,
) -> Option<&'a Arc<Named<S>>> {
    let table = S::table(&directory.resources);
    let by_id = reference::resource(instance, S::WORDS.arn, &resource.id);
    let by_name = || {
        let name = resource.name.as_deref()?;
        table.of(instance.id).find(|named| named.name == name)
    };
    by_id.and_then(|id| table.get(instance.id, id)).or_else(by_name)
}
