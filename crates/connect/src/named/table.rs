use super::Named;
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_types::{InstanceId, ResourceId};

/// All resources of one kind, by instance. Cloning shares the entries.
#[derive(Clone)]
pub(crate) struct Table<S>(BTreeMap<(InstanceId, ResourceId), Arc<Named<S>>>);

impl<S> Default for Table<S> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<S> Table<S> {
    /// Those of an instance, by id.
    pub(crate) fn of(&self, instance: InstanceId) -> impl Iterator<Item = &Arc<Named<S>>> {
        let least = ResourceId::LEAST;
        self.0
            .range((instance, least)..)
            .take_while(move |((owner, _), _)| *owner == instance)
            .map(|(_, named)| named)
    }

    pub(crate) fn get(&self, instance: InstanceId, id: ResourceId) -> Option<&Arc<Named<S>>> {
        self.0.get(&(instance, id))
    }

    pub(crate) fn add(&mut self, named: Named<S>) {
        self.0.insert((named.instance, named.id), Arc::new(named));
    }

    pub(crate) fn remove(&mut self, instance: InstanceId, id: ResourceId) {
        self.0.remove(&(instance, id));
    }

    /// Takes out what belongs to other instances than those that are wanted; their ids.
    pub(crate) fn retain(&mut self, wanted: &dyn Fn(InstanceId) -> bool) -> Vec<ResourceId> {
        let mut gone = Vec::new();
        self.0.retain(|(instance, id), _| {
            let stays = wanted(*instance);
            if !stays {
                gone.push(*id);
            }
            stays
        });
        gone
    }
}
