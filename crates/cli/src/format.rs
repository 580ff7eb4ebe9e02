use std::path::Path;
use tympan_client::ClientError;
use tympan_client::media::Format;

/// What a recording is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OutputFormat {
    /// The frames of the track one after the other, as they are; of a call: 16-bit signed little-endian, 8 kHz, mono
    Raw,
    /// The same samples in a WAV file
    Wav,
    /// Everything that GetMedia sent, byte for byte
    Mkv,
}

impl OutputFormat {
    /// The format that was asked for, else the one that the file's name says.
    pub(crate) fn choose(asked: Option<Self>, output: &Path) -> Result<Format, ClientError> {
        match asked {
            Some(Self::Raw) => Ok(Format::Raw),
            Some(Self::Wav) => Ok(Format::Wav),
            Some(Self::Mkv) => Ok(Format::Mkv),
            None => Format::of(output),
        }
    }
}
