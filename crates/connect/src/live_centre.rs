//! What the API needs to know of queues and agents while calls are up.

use tympan_contact::Now;
use tympan_contact::routing::Routing;
use tympan_types::{Mono, WallTime};

/// The queues and agents as routing has them; the server implements it over the one machine that it has.
pub trait LiveCentre: Send + Sync {
    /// Whether contacts are routed at all.
    fn is_offered(&self) -> bool {
        true
    }

    /// Looks at routing as it is now. It is called once, and returns when the look is over; what is looked at waits meanwhile.
    fn look(&self, look: &mut dyn FnMut(&Routing, Now));

    /// Changes routing, and has others do what comes of it: telephones ring, statuses are written. The same promises.
    fn change(&self, change: &mut dyn FnMut(&mut Routing, Now));
}

/// No queues and no agents: for tests and for servers that route nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCentre;

impl LiveCentre for NoCentre {
    fn is_offered(&self) -> bool {
        false
    }

    fn look(&self, look: &mut dyn FnMut(&Routing, Now)) {
        look(&Routing::default(), Now { mono: Mono::default(), wall: WallTime::from_unix_ms(0) });
    }

    fn change(&self, change: &mut dyn FnMut(&mut Routing, Now)) {
        let now = Now { mono: Mono::default(), wall: WallTime::from_unix_ms(0) };
        change(&mut Routing::default(), now);
    }
}
