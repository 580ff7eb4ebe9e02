//! Contacts whose server died in mid-call get their record at the next start.

use crate::clock::SystemClock;
use crate::persist::Interrupted;
use tympan_contact::{Contact, History, close_earlier, close_interrupted};
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
        close_all_earlier(history, &closed);
    }
}

/// The contacts before it in its conversation have ended, and may say that the capture that it went on with runs.
fn close_all_earlier(history: &dyn History, closed: &Contact) {
    let mut previous = closed.previous_contact_id;
    while let Some(id) = previous {
        let Ok(Some(earlier)) = history.find(id) else { return };
        if earlier.disconnect_timestamp.is_none() {
            // It is closed by itself.
            return;
        }
        previous = earlier.previous_contact_id;
        let Some(earlier) = close_earlier(earlier, closed, SystemClock.wall_now()) else { return };
        if let Err(error) = history.close(&earlier) {
            tracing::warn!(contact_id = %id, %error, "the end of a capture waits to be written into an earlier contact");
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

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_contact::{CustomerAudio, MemoryHistory};
    use tympan_types::{ContactId, WallTime};

    #[test]
    fn all_earlier_contacts_of_an_interrupted_conversation_say_where_its_capture_ended() {
        let at = WallTime::from_unix_ms(1_706_238_461_123);
        let id = |number: u8| ContactId::from_random([number; 16]);
        let number: FragmentNumber = "91343852333181432392682062607743920146159169392".parse().unwrap();
        let audio = CustomerAudio {
            stream_arn: "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo/1700000000000"
                .parse()
                .unwrap(),
            start_timestamp: at,
            stop_timestamp: None,
            start_fragment_number: number,
            stop_fragment_number: None,
            ledger: None,
        };
        let contact = |one: u8| {
            let mut contact = Contact { id: id(one), ..tympan_contact::fixtures::contact() };
            contact.previous_contact_id = (one > 1).then(|| id(one - 1));
            contact.captures = vec![audio.clone()];
            contact.disconnect_timestamp = (one < 3).then_some(at);
            contact
        };
        let history = MemoryHistory::default();
        for one in [1, 2] {
            history.close(&contact(one)).unwrap();
        }
        let closed = close_interrupted(contact(3), None, at.plus_ms(9));
        close_all_earlier(&history, &closed);
        for one in [1, 2] {
            let found = history.find(id(one)).unwrap().unwrap();
            assert_eq!(found.captures[0].stop_fragment_number, Some(number), "contact {one}");
        }
    }
}
