//! Waveforms as the server's own service asks for them.

use super::{draw, indexes};
use serde_json::Value;
use tympan_admin::{AxisPart, WaveformError, Waveforms};
use tympan_aws::BoxFuture;
use tympan_contact::Contact;
use tympan_store::{ErrorKind, MediaStore};

/// Draws what a store has of contacts.
pub(crate) struct StoredWaveforms(pub(crate) MediaStore);

impl Waveforms for StoredWaveforms {
    fn draw<'a>(
        &'a self,
        contact: &'a Contact,
        columns: usize,
        part: AxisPart,
    ) -> BoxFuture<'a, Result<Value, WaveformError>> {
        Box::pin(async move {
            let captures = indexes(&self.0, contact).await.map_err(|error| match error.kind() {
                ErrorKind::Key(_) => WaveformError::Key(error.message().to_owned()),
                _ => WaveformError::Store(error.to_string()),
            })?;
            Ok(draw(&captures, columns, part, self.0.now()).to_json(&captures))
        })
    }
}
