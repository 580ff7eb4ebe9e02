//! How the API looks at queues and agents, and changes something about them.

use super::Centre;
use tympan_connect::live_centre::LiveCentre;
use tympan_contact::Now;
use tympan_contact::routing::Routing;

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
