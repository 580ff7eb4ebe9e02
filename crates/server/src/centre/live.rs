//! How the API looks at queues and agents, and changes something about them.

use super::{Centre, Inner};
use std::sync::{Arc, Weak};
use tympan_connect::live_centre::{LiveCentre, NoCentre};

use tympan_contact::Now;
use tympan_contact::routing::Routing;

/// The centre for those whom it asks itself: they do not keep it.
pub(crate) struct AskedCentre(Weak<Inner>);

impl Centre {
    /// For the service of which the centre learns its instances: neither keeps the other alive.
    pub(crate) fn asked(&self) -> AskedCentre {
        AskedCentre(Arc::downgrade(&self.0))
    }
}

impl LiveCentre for AskedCentre {
    fn is_offered(&self) -> bool {
        self.0.strong_count() > 0
    }

    fn look(&self, look: &mut dyn FnMut(&Routing, Now)) {
        match self.0.upgrade() {
            Some(inner) => Centre(inner).look(look),
            None => NoCentre.look(look),
        }
    }

    fn change(&self, change: &mut dyn FnMut(&mut Routing, Now)) {
        match self.0.upgrade() {
            Some(inner) => Centre(inner).change(change),
            None => NoCentre.change(change),
        }
    }
}

impl LiveCentre for Centre {
    fn look(&self, look: &mut dyn FnMut(&Routing, Now)) {
        let now = self.now();
        look(&self.state().routing, now);
    }

    fn change(&self, change: &mut dyn FnMut(&mut Routing, Now)) {
        let now = self.now();
        change(&mut self.state().routing, now);
        self.wake();
    }
}
