//! Contacts whose server died in mid-call get their record at the next start.

use crate::clock::SystemClock;
use crate::persist::Interrupted;
use tympan_contact::{Contact, History, close_interrupted};
use tympan_store::{MediaStore, StreamRef, TimeAxis};
use tympan_types::FragmentNumber;

/// Fragments that are listed at a time.
const PAGE: usize = 1_000;

/// Closes each contact with the last fragment that its capture left behind.
pub(super) async fn close(history: &dyn History, store: &MediaStore, contacts: Vec<Interrupted>) {
    for contact in contacts {
        let contact_id = contact.id;
        let last = last_fragment(store, &contact).await;
        let closed = close_interrupted(contact, last, SystemClock.wall_now());
        // What could not be written waits for room on the disk.
        match history.close(&closed) {
            Ok(()) => {
                tracing::warn!(%contact_id, "a contact was cut off when the server stopped; its record is closed now")
            }
            Err(error) => {
                tracing::warn!(%contact_id, %error, "a contact was cut off when the server stopped; its record waits")
            }
        }
    }
}

/// The last durable fragment of the running capture. All calls ended with the old process, and no new one has begun:
/// whatever follows the capture's first fragment in its stream is the capture's own.
async fn last_fragment(store: &MediaStore, contact: &Contact) -> Option<FragmentNumber> {
    let audio = contact.customer_audio().filter(|audio| audio.is_running())?;
    let stream = store.stream(StreamRef::Arn(&audio.stream_arn)).await.ok()?;
    let from_ms = audio.start_fragment_number.server_time().unix_ms();
    let mut last = None;
    loop {
        let page =
            store.list_fragments(stream.id, TimeAxis::Server, from_ms, i64::MAX, last, PAGE).await.ok()?;
        let Some(fragment) = page.last() else { return last };
        last = Some(fragment.number);
    }
}
