//! The task that takes invitations until it is closed, and then hands over those that still wait.

use crate::call::Admission;
use crate::sip::Invitation;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Admission at work.
pub(super) struct AdmissionTask {
    closing: CancellationToken,
    task: JoinHandle<mpsc::Receiver<Invitation>>,
}

impl AdmissionTask {
    /// Takes calls from now on.
    pub(super) fn open(admission: Arc<Admission>, mut invitations: mpsc::Receiver<Invitation>) -> Self {
        let closing = CancellationToken::new();
        let closed = closing.clone();
        let task = tokio::spawn(async move {
            tokio::select! {
                () = closed.cancelled() => {}
                () = admission.serve(&mut invitations) => {}
            }
            invitations
        });
        Self { closing, task }
    }

    /// Takes no more calls. Those that come meanwhile wait in what this returns.
    pub(super) async fn close(self) -> anyhow::Result<mpsc::Receiver<Invitation>> {
        self.closing.cancel();
        Ok(self.task.await?)
    }
}
