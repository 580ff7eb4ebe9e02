//! Where registered telephones are: the table that the registrar fills.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tympan_sip::agent::{Binding, BindingEvent, BindingId};

/// The bindings of each telephone, by its user name. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Locations {
    table: Arc<Mutex<BTreeMap<Arc<str>, Vec<Binding>>>>,
    version: watch::Sender<u64>,
}

impl Default for Locations {
    fn default() -> Self {
        Self { table: Arc::default(), version: watch::Sender::new(0) }
    }
}

impl Locations {
    /// Takes in what the registrar says.
    pub(super) fn apply(&self, event: BindingEvent) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            BindingEvent::Registered(binding) | BindingEvent::Refreshed(binding) => {
                let bindings = table.entry(binding.user.clone()).or_default();
                match bindings.iter_mut().find(|known| known.id == binding.id) {
                    Some(known) => *known = binding,
                    None => bindings.push(binding),
                }
            }
            BindingEvent::Unregistered { user, binding, .. } => {
                if let Some(bindings) = table.get_mut(&user) {
                    bindings.retain(|known| known.id != binding);
                    if bindings.is_empty() {
                        table.remove(&user);
                    }
                }
            }
        }
        drop(table);
        self.version.send_modify(|version| *version = version.wrapping_add(1));
    }

    /// Changes with each change of the table. A reader that sees a change reads the table: it misses no state, though two changes
    /// may look like one.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Telephones that have a binding, by user name.
    pub(crate) fn registered(&self) -> Vec<Arc<str>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The devices of a telephone: the preferred one first, then the one that registered last.
    pub(crate) fn of(&self, user: &str) -> Vec<Binding> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bindings = table.get(user).cloned().unwrap_or_default();
        bindings.sort_by_key(|binding| std::cmp::Reverse((binding.q_thousandths, binding.id)));
        bindings
    }

    /// One device.
    pub(crate) fn get(&self, id: BindingId) -> Option<Binding> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.values().flatten().find(|binding| binding.id == id).cloned()
    }

    /// Bindings of all telephones.
    pub(crate) fn len(&self) -> usize {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).values().map(Vec::len).sum()
    }
}
