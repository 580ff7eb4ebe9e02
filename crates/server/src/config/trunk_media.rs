//! What `[[sip.trunks]]` says of media.

use super::error::Wrong;
use super::trunk::SipTrunk;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;
use tympan_media::SilenceSending;
use tympan_sip::agent::TrunkId;
use tympan_telephony::rtp::latch::Trust;

/// Whose packets a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SipMediaTrust {
    /// Those of the hosts of the session description and of the signalling.
    #[default]
    KnownHosts,
    /// Those of the host of the signalling alone.
    Signalling,
    /// Those of known hosts, and for a while after the answer of whichever host writes first.
    FirstComer,
}

/// What a call sends while there is nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SipSilence {
    /// A packet every 15 s.
    Off,
    /// A packet of silence for each packet time.
    #[default]
    Silence,
    /// A packet of comfort noise for each packet time where the peer understands it, else silence.
    ComfortNoise,
}

/// The media rules of one trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrunkMedia {
    /// Whose packets are taken.
    pub(crate) trust: Trust,
    /// How long a caller in conversation may send nothing.
    pub(crate) media_timeout: Option<Duration>,
    /// What is sent while there is nothing to say.
    pub(crate) silence: SilenceSending,
    /// The packet time to send, whatever is agreed.
    pub(crate) ptime_ms: Option<u32>,
}

/// The media rules of all trunks.
#[derive(Debug, Clone)]
pub(crate) struct TrunkMediaRules {
    default: TrunkMedia,
    named: HashMap<TrunkId, TrunkMedia>,
}

impl TrunkMediaRules {
    /// Of the trunks of the configuration; a call of the built-in trunk has the defaults.
    pub(crate) fn new(configured: &[SipTrunk]) -> Self {
        let named = configured.iter().map(|trunk| (TrunkId(trunk.name.as_str().into()), of(trunk)));
        Self { default: of(&SipTrunk::default()), named: named.collect() }
    }

    /// The rules of a trunk.
    pub(crate) fn of(&self, trunk: &TrunkId) -> TrunkMedia {
        self.named.get(trunk).copied().unwrap_or(self.default)
    }
}

fn of(trunk: &SipTrunk) -> TrunkMedia {
    TrunkMedia {
        trust: match trunk.media_trust {
            SipMediaTrust::KnownHosts => Trust::KnownHosts,
            SipMediaTrust::Signalling => Trust::SignallingHost,
            SipMediaTrust::FirstComer => Trust::FirstComer { within_ms: trunk.media_first_comer_ms },
        },
        media_timeout: Some(trunk.media_timeout_s)
            .filter(|timeout_s| *timeout_s > 0)
            .map(|timeout_s| Duration::from_secs(timeout_s.into())),
        silence: match trunk.send_silence {
            SipSilence::Off => SilenceSending::Off,
            SipSilence::Silence => SilenceSending::Silence,
            SipSilence::ComfortNoise => SilenceSending::ComfortNoise,
        },
        ptime_ms: Some(trunk.ptime_ms).filter(|ptime_ms| *ptime_ms > 0),
    }
}

/// Checks the keys of one trunk.
pub(super) fn check(trunk: &SipTrunk) -> Result<(), Wrong> {
    if trunk.ptime_ms != 0 && !(10..=60).contains(&trunk.ptime_ms) {
        return Err(trunk.wrong("ptime_ms", &format!("{} is not 0 and not from 10 to 60", trunk.ptime_ms)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trunk_has_its_own_media_rules_and_a_call_of_no_trunk_the_defaults() {
        let carrier = SipTrunk {
            name: "carrier".into(),
            media_trust: SipMediaTrust::FirstComer,
            media_first_comer_ms: 700,
            media_timeout_s: 0,
            send_silence: SipSilence::Off,
            ptime_ms: 30,
            ..SipTrunk::default()
        };
        let rules = TrunkMediaRules::new(&[carrier]);
        let expected = TrunkMedia {
            trust: Trust::FirstComer { within_ms: 700 },
            media_timeout: None,
            silence: SilenceSending::Off,
            ptime_ms: Some(30),
        };
        assert_eq!(rules.of(&TrunkId("carrier".into())), expected);
        let expected = TrunkMedia {
            trust: Trust::KnownHosts,
            media_timeout: Some(Duration::from_secs(1_800)),
            silence: SilenceSending::Silence,
            ptime_ms: None,
        };
        assert_eq!(rules.of(&TrunkId("default".into())), expected);
    }

    #[test]
    fn the_names_of_the_choices_are_those_of_the_documented_configuration() {
        let read = |text: &str| toml::from_str::<SipTrunk>(text).map(|trunk| of(&trunk));
        let trust = |name: &str| read(&format!("media_trust = {name:?}")).unwrap().trust;
        assert_eq!(trust("known-hosts"), Trust::KnownHosts);
        assert_eq!(trust("signalling"), Trust::SignallingHost);
        assert_eq!(trust("first-comer"), Trust::FirstComer { within_ms: 5_000 });
        let silence = |name: &str| read(&format!("send_silence = {name:?}")).unwrap().silence;
        assert_eq!(silence("off"), SilenceSending::Off);
        assert_eq!(silence("silence"), SilenceSending::Silence);
        assert_eq!(silence("comfort-noise"), SilenceSending::ComfortNoise);
        assert!(read("media_trust = \"anyone\"").is_err());
    }
}
