//! The index of a fragment that came without one, or whose index is damaged: made of what it holds.

use tympan_client::media::Sound;
use tympan_mkv::Limits;
use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink, Track};
use tympan_telephony::audio::pcm;
use tympan_telephony::index::{IndexBuilder, read_all};

/// The numbers of a capture's tracks in an index, whatever they are in its document.
pub(super) const FROM_CUSTOMER: u8 = 1;
pub(super) const TO_CUSTOMER: u8 = 2;
const TO_CUSTOMER_NAME: &str = "AUDIO_TO_CUSTOMER";

/// Whether these bytes are an index that can be read.
pub(super) fn is_whole(index: Option<&[u8]>) -> bool {
    index.is_some_and(|index| read_all(index).is_ok_and(|tracks| !tracks.is_empty()))
}

/// The index of a fragment; `None` where its tracks hold nothing that can be listened to here.
pub(super) fn index(head: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let mut reader = FragmentReader::new(Limits::default());
    let mut listener = Listener::default();
    let read = reader
        .push(head, &mut listener)
        .and_then(|()| reader.push(body, &mut listener))
        .and_then(|()| reader.finish(&mut listener));
    if let Err(error) = read {
        tracing::debug!(%error, "a fragment is indexed as far as it can be read");
    }
    let mut index = Vec::new();
    for heard in &mut listener.tracks {
        heard.builder.finish_fragment_into(&mut index);
    }
    (!index.is_empty()).then_some(index)
}

#[derive(Default)]
struct Listener {
    tracks: Vec<Heard>,
}

struct Heard {
    number: u64,
    sound: Sound,
    builder: IndexBuilder,
    /// The byte of a sample that a cut fell into.
    odd: Option<u8>,
}

impl FragmentSink for Listener {
    fn tracks(&mut self, tracks: &[Track]) {
        let heard = |track: &Track| {
            let to_customer = track.name.as_deref() == Some(TO_CUSTOMER_NAME);
            let number = if to_customer { TO_CUSTOMER } else { FROM_CUSTOMER };
            let builder = IndexBuilder::from_audio(number);
            Some(Heard { number: track.number, sound: Sound::of(track)?, builder, odd: None })
        };
        self.tracks = tracks.iter().filter_map(heard).collect();
        self.tracks.dedup_by_key(|heard| heard.number);
    }

    fn block(&mut self, block: BlockHeader, payload: &[u8], _last: bool) {
        let Some(heard) = self.tracks.iter_mut().find(|heard| heard.number == block.track) else { return };
        match heard.sound {
            Sound::G711(law) => heard.builder.companded(law, payload),
            Sound::L16 => {
                let mut bytes: Vec<u8> = heard.odd.take().into_iter().collect();
                bytes.extend_from_slice(payload);
                if !bytes.len().is_multiple_of(2) {
                    heard.odd = bytes.pop();
                }
                let samples: Vec<i16> = pcm::from_le_bytes(&bytes).collect();
                heard.builder.pcm(&samples);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_mkv::write::{self, DocumentHead, TrackHead};
    use tympan_telephony::audio::tone::sine;

    fn fragment(tracks: &[(u8, &str, Vec<i16>)]) -> (Vec<u8>, Vec<u8>) {
        let heads: Vec<TrackHead<'_>> =
            tracks.iter().map(|(number, name, _)| TrackHead::connect(*number, name)).collect();
        let (mut head, mut body) = (Vec::new(), Vec::new());
        DocumentHead::connect([7; 16], &heads).write(&mut head);
        write::cluster_start(&mut body, 1_000);
        for (number, _, samples) in tracks {
            for (at, block) in samples.chunks(160).enumerate() {
                let mut payload = Vec::new();
                pcm::extend_le_bytes(&mut payload, block);
                let at_ms = i16::try_from(20 * at).unwrap();
                write::simple_block(&mut body, *number, at_ms, write::FLAG_KEYFRAME, &payload);
            }
        }
        (head, body)
    }

    #[test]
    fn an_index_made_from_audio_is_that_of_the_capture_but_for_what_only_the_capture_knew() {
        let samples = sine(440.0, 9_000.0, 8_000);
        let mut builder = IndexBuilder::new(FROM_CUSTOMER);
        builder.pcm(&samples);
        let captured = builder.finish_fragment();
        let (head, body) = fragment(&[(1, "AUDIO_FROM_CUSTOMER", samples)]);
        let made = index(&head, &body).unwrap();
        // The flags, and with them the checksum.
        assert_eq!((&made[..4], &made[8..14]), (&captured[..4], &captured[8..14]));
        assert_eq!(made[15..], captured[15..]);
        assert!(read_all(&made).unwrap()[0].is_from_audio());
    }

    #[test]
    fn what_the_customer_hears_is_track_2_however_its_document_counts() {
        let (head, body) = fragment(&[(1, "AUDIO_TO_CUSTOMER", sine(440.0, 9_000.0, 800))]);
        let made = index(&head, &body).unwrap();
        assert_eq!(read_all(&made).unwrap()[0].track(), TO_CUSTOMER);
    }

    #[test]
    fn what_cannot_be_listened_to_has_no_index() {
        assert_eq!(index(b"", b""), None);
        assert_eq!(index(b"no document", b"at all"), None);
        assert!(!is_whole(None) && !is_whole(Some(b"")) && !is_whole(Some(b"garbage")));
    }
}
