//! A reset: every component is cleared, in order.

use anyhow::Context;
use async_trait::async_trait;
use tokio::sync::oneshot;

/// Asks for a reset; the answer comes when it is done.
pub struct ResetRequest(pub oneshot::Sender<anyhow::Result<()>>);

/// A part of the server that a reset empties.
#[async_trait]
pub trait Component: Send {
    /// What a failure calls it.
    fn name(&self) -> &'static str;

    /// Ends what it does and forgets what it holds.
    ///
    /// # Errors
    /// What cannot be forgotten: a reset that goes on would give the next life something of this one.
    async fn clear(&mut self) -> anyhow::Result<()>;
}

/// Clears one after the other, what feeds first: calls before what they are captured into, files after what writes them.
///
/// # Errors
/// The first that cannot be cleared, by its name. Those behind it are left as they are.
pub async fn clear_all(components: &mut [&mut dyn Component]) -> anyhow::Result<()> {
    for component in components {
        component.clear().await.with_context(|| format!("{} cannot be cleared", component.name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    struct Part(&'static str, bool, Arc<Mutex<Vec<&'static str>>>);

    #[async_trait]
    impl Component for Part {
        fn name(&self) -> &'static str {
            self.0
        }

        async fn clear(&mut self) -> anyhow::Result<()> {
            anyhow::ensure!(self.1, "a disk is full");
            self.2.lock().unwrap().push(self.0);
            Ok(())
        }
    }

    #[tokio::test]
    async fn components_are_cleared_in_order_up_to_one_that_cannot_be() {
        let log = Arc::default();
        let [mut calls, mut store, mut files] = [("calls", true), ("store", false), ("files", true)]
            .map(|(name, works)| Part(name, works, Arc::clone(&log)));
        let failed = clear_all(&mut [&mut calls, &mut store, &mut files]).await.unwrap_err();
        assert_eq!(format!("{failed:#}"), "store cannot be cleared: a disk is full");
        assert_eq!(*log.lock().unwrap(), ["calls"]);
        store.1 = true;
        clear_all(&mut [&mut calls, &mut store, &mut files]).await.unwrap();
        assert_eq!(*log.lock().unwrap(), ["calls", "calls", "store", "files"]);
    }
}
