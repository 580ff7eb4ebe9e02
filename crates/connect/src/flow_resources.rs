//! What flows ask of an instance while calls are up: whether it is open, which queue, which prompt.

use crate::directory::Directory;
use crate::hours::{self, HoursOfOperation};
use crate::instances::Instance;
use crate::named::{Named, Scene, Spec};
use crate::reference;
use crate::service::ConnectService;
use std::sync::Arc;
use tympan_types::{InstanceId, WallTime};

impl ConnectService {
    /// Whether hours of operation, by id or ARN, are open; `None` where the instance has none of that id.
    pub fn is_open(&self, instance: InstanceId, hours_id_or_arn: &str, now: WallTime) -> Option<bool> {
        let directory = self.directory();
        let instance = directory.instance(instance)?;
        let named = find::<HoursOfOperation>(&directory, instance, hours_id_or_arn)?;
        Some(hours::is_open(named, &Scene { directory: &directory, instance, now }))
    }
}

fn find<'a, S: Spec>(
    directory: &'a Directory,
    instance: &Instance,
    id_or_arn: &str,
) -> Option<&'a Arc<Named<S>>> {
    let id = reference::resource(instance, S::WORDS.arn, id_or_arn)?;
    S::table(&directory.resources).get(instance.id, id)
}
