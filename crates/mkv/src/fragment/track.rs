use super::set_text;

/// A TrackEntry of the Tracks element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Track {
    /// TrackNumber: what blocks name their track by.
    pub number: u64,
    /// TrackUID.
    pub uid: u64,
    /// TrackType: 1 video, 2 audio.
    pub kind: u8,
    /// Name, where the entry has one.
    pub name: Option<String>,
    /// CodecID.
    pub codec_id: String,
    /// CodecPrivate; empty where the entry has none.
    pub codec_private: Vec<u8>,
}

impl Track {
    pub(super) fn set_name(&mut self, value: &[u8]) {
        set_text(self.name.get_or_insert_default(), value);
    }

    pub(super) fn set_codec_id(&mut self, value: &[u8]) {
        set_text(&mut self.codec_id, value);
    }
}
