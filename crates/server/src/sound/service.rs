//! The sound of contacts as the server's own service asks for it.

use super::{ListenerPlaces, Listening, SoundBody};
use crate::call::CallRegistry;
use crate::clock::ServiceClock;
use tympan_admin::{SoundError, SoundForm, SoundTrack, Sounds, WantedSound};
use tympan_aws::{BoxFuture, Output};
use tympan_contact::Contact;
use tympan_store::{ErrorKind, MediaStore, StoreError};

/// Reads what a store has of contacts, and follows those whose calls are up.
pub(crate) struct StoredSounds {
    pub(crate) store: MediaStore,
    pub(crate) clock: ServiceClock,
    pub(crate) calls: CallRegistry,
    pub(crate) places: ListenerPlaces,
}

impl Sounds for StoredSounds {
    fn read<'a>(
        &'a self,
        contact: &'a Contact,
        wanted: WantedSound,
    ) -> BoxFuture<'a, Result<Output, SoundError>> {
        Box::pin(async move {
            let body = SoundBody::open(&self.store, contact, wanted).await.map_err(error)?;
            let content_type = match wanted.form {
                SoundForm::Wav(_) => "audio/wav",
                SoundForm::Raw(_) => "application/octet-stream",
                SoundForm::Matroska => "video/x-matroska",
            };
            Ok(Output::stream(content_type, body))
        })
    }

    fn listen<'a>(
        &'a self,
        contact: &'a Contact,
        tracks: Vec<SoundTrack>,
    ) -> BoxFuture<'a, Result<Output, SoundError>> {
        Box::pin(async move {
            let live = self.calls.watch(contact.id).ok_or(SoundError::Ended)?;
            if live.borrow().disconnect_timestamp.is_some() {
                return Err(SoundError::Ended);
            }
            let place = self.places.take().ok_or(SoundError::Full { most: self.places.most() })?;
            let (store, clock) = (self.store.clone(), self.clock.clone());
            let listening = Listening::open(store, clock, live, tracks, place).await.map_err(error)?;
            Ok(Output::stream("application/json", listening))
        })
    }

    fn listeners(&self) -> u64 {
        self.places.counts().open
    }
}

fn error(error: StoreError) -> SoundError {
    match error.kind() {
        ErrorKind::Key(_) => SoundError::Key(error.message().to_owned()),
        _ => SoundError::Store(error.to_string()),
    }
}
