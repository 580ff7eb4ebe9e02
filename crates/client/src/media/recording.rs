use super::reader::MediaItem;
use super::track::{Sound, TrackChoice};
use super::{Destination, Tally};
use crate::ClientError;
use std::path::Path;
use tympan_mkv::consume::Frame;
use tympan_telephony::audio::wav::{self, WavLength};

/// What a recording is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The frames of the track one after the other, as they are; of a call: 16-bit signed little-endian, 8 kHz, mono
    Raw,
    /// The same samples in a WAV file
    Wav,
    /// Everything that GetMedia sent, byte for byte
    Mkv,
}

impl Format {
    /// The format that a file's name asks for; standard output gets raw samples.
    pub fn of(path: &Path) -> Result<Self, ClientError> {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            _ if path == Path::new("-") => Ok(Self::Raw),
            "raw" | "pcm" | "l16" => Ok(Self::Raw),
            "wav" => Ok(Self::Wav),
            "mkv" | "webm" => Ok(Self::Mkv),
            "flac" => Err(ClientError::Usage(
                "FLAC is not written yet: write a .wav and convert it, e.g. `flac out.wav` or `sox out.wav out.flac`".to_owned(),
            )),
            _ => Err(ClientError::Usage(format!(
                "{} says no format: name it .raw, .wav or .mkv, or add --format",
                path.display()
            ))),
        }
    }
}

/// Writes one track of a stream, or all of it as Matroska, and counts.
#[derive(Debug)]
pub struct Recording {
    destination: Destination,
    format: Format,
    choice: TrackChoice,
    /// The track of the open fragment.
    track: Option<Selected>,
    /// Samples that are converted before they are written.
    converted: Vec<u8>,
    tally: Tally,
}

#[derive(Debug, Clone, Copy)]
struct Selected {
    number: u64,
    sound: Option<Sound>,
}

impl Recording {
    /// Begins a recording.
    pub fn begin(
        mut destination: Destination,
        format: Format,
        choice: TrackChoice,
    ) -> Result<Self, ClientError> {
        if format == Format::Wav {
            // Until its end is known, so that what is there can be played.
            destination.write(&wav::header(WavLength::Unknown))?;
        }
        Ok(Self { destination, format, choice, track: None, converted: Vec::new(), tally: Tally::default() })
    }

    /// Takes the next item of the stream.
    pub fn push(&mut self, item: &MediaItem) -> Result<(), ClientError> {
        match item {
            MediaItem::Start(head) => {
                let track = self.choice.pick(&head.tracks);
                let track = match (track, self.format) {
                    // Everything is written, so nothing has to be chosen.
                    (Err(_), Format::Mkv) => None,
                    (track, _) => Some(track?),
                };
                let sound = track.and_then(Sound::of);
                if let (Some(track), None, Format::Wav) = (track, sound, self.format) {
                    return Err(ClientError::Media(format!(
                        "track {} holds {}, which does not go into a WAV file: write .raw or .mkv instead",
                        track.number, track.codec_id
                    )));
                }
                self.track = track.map(|track| Selected { number: track.number, sound });
                self.tally.start(head);
                Ok(())
            }
            MediaItem::Frame(frame) => self.frame(frame),
            MediaItem::End { document, complete, .. } => {
                self.track = None;
                self.tally.incomplete_fragments += u64::from(!complete);
                if let (Format::Mkv, Some(document)) = (self.format, document) {
                    self.tally.bytes += document.len() as u64;
                    self.destination.write(document)?;
                }
                self.destination.flush()
            }
        }
    }

    /// Completes the file.
    pub fn finish(mut self) -> Result<Tally, ClientError> {
        if self.format == Format::Wav {
            let length = u32::try_from(self.tally.samples).map_or(WavLength::Unknown, WavLength::Samples);
            self.destination.rewrite_start(&wav::header(length))?;
        }
        self.destination.flush()?;
        Ok(self.tally)
    }

    /// What was written so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    fn frame(&mut self, frame: &Frame) -> Result<(), ClientError> {
        let Some(track) = self.track.filter(|track| track.number == frame.track) else { return Ok(()) };
        self.tally.frame(frame, track.sound.map_or(0, |sound| sound.samples(&frame.data)));
        let bytes = match (self.format, track.sound) {
            (Format::Mkv, _) => return Ok(()),
            (Format::Raw, _) | (Format::Wav, None | Some(Sound::L16)) => &frame.data[..],
            (Format::Wav, Some(sound)) => {
                self.converted.clear();
                sound.extend_l16(&frame.data, &mut self.converted);
                &self.converted
            }
        };
        self.tally.bytes += bytes.len() as u64;
        self.destination.write(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::reader::GetMediaReader;
    use crate::media::reader::tests::{drain, fragment, number, recording};
    use bytes::Bytes;

    fn record(body: &[u8], name: &str) -> (Result<Tally, ClientError>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let format = Format::of(&path).unwrap();
        let mut reader = GetMediaReader::new(format == Format::Mkv);
        reader.push(Bytes::copy_from_slice(body)).unwrap();
        reader.end_body().unwrap();
        reader.finish();
        let mut recording =
            Recording::begin(Destination::open(&path).unwrap(), format, TrackChoice::Customer).unwrap();
        let pushed = drain(&mut reader).iter().try_for_each(|item| recording.push(item));
        let tally = pushed.and_then(|()| recording.finish());
        (tally, std::fs::read(&path).unwrap())
    }

    fn call() -> Vec<u8> {
        [
            fragment(1, 980, &[&[0; 320]]),
            fragment(2, 1_000, &[&[1; 320], &[2; 320]]),
            fragment(3, 1_540, &[&[3; 320]]),
        ]
        .concat()
    }

    #[test]
    fn raw_is_every_frame_one_after_the_other() {
        let (tally, file) = record(&call(), "out.raw");
        let tally = tally.unwrap();
        assert_eq!(file, [[0u8; 320], [1; 320], [2; 320], [3; 320]].concat());
        assert_eq!((tally.fragments, tally.samples, tally.bytes), (3, 640, 1_280));
        assert_eq!(tally.gaps, [super::super::Gap { before_fragment: number(3), milliseconds: 500 }]);
        assert_eq!((tally.first_fragment, tally.last_fragment), (Some(number(1)), Some(number(3))));
    }

    #[test]
    fn wav_is_the_same_behind_a_header_with_the_right_length() {
        let (_, raw) = record(&call(), "out.raw");
        let (_, wav_file) = record(&call(), "out.wav");
        assert_eq!(wav_file[..44], wav::header(WavLength::Samples(640)));
        assert_eq!(wav_file[44..], raw);
        assert_eq!(wav::read(&wav_file).unwrap().len(), 640);
    }

    #[test]
    fn mkv_is_the_body() {
        assert_eq!(record(&call(), "out.mkv").1, call());
    }

    #[test]
    fn an_empty_stream_makes_an_empty_recording() {
        let (tally, file) = record(&[], "out.wav");
        assert_eq!((tally.unwrap().fragments, file), (0, wav::header(WavLength::Samples(0)).to_vec()));
    }

    #[test]
    fn video_goes_into_mkv_and_raw_but_not_into_wav() {
        let Some(body) = recording("output_get_media_sparse_fragments.mkv") else { return };
        let (outcome, _) = record(&body, "out.wav");
        assert!(matches!(outcome, Err(ClientError::Media(_))), "{outcome:?}");
        assert_eq!(record(&body, "out.mkv").1, body);
        assert!(record(&body, "out.raw").0.unwrap().bytes > 0);
    }

    #[test]
    fn the_name_says_the_format() {
        for (name, format) in
            [("a.raw", Format::Raw), ("a.WAV", Format::Wav), ("a.mkv", Format::Mkv), ("-", Format::Raw)]
        {
            assert_eq!(Format::of(Path::new(name)).unwrap(), format);
        }
        for name in ["a.flac", "a", "a.mp3"] {
            assert_eq!(Format::of(Path::new(name)).unwrap_err().exit(), crate::Exit::Usage, "{name}");
        }
    }
}
