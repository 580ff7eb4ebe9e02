//! The desk at work: takes invitations until it is closed, and then hands over those that still wait.

use crate::call::Desk;
use crate::sip::Invitation;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A desk that takes calls.
pub(super) struct Reception {
    closing: CancellationToken,
    desk: JoinHandle<mpsc::Receiver<Invitation>>,
}

impl Reception {
    /// Takes calls from now on.
    pub(super) fn open(desk: Desk, mut invitations: mpsc::Receiver<Invitation>) -> Self {
        let closing = CancellationToken::new();
        let closed = closing.clone();
        let desk = tokio::spawn(async move {
            tokio::select! {
                () = closed.cancelled() => {}
                () = desk.serve(&mut invitations) => {}
            }
            invitations
        });
        Self { closing, desk }
    }

    /// Takes no more calls. Whoever calls meanwhile waits in what this returns.
    pub(super) async fn close(self) -> anyhow::Result<mpsc::Receiver<Invitation>> {
        self.closing.cancel();
        Ok(self.desk.await?)
    }
}
