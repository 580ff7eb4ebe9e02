//! `[[sip.trunks]]`: what holds for the peers of one carrier, SBC or PBX.

use super::error::Wrong;
use super::secret::read_secret;
use super::trunk_media::{self, SipMediaTrust, SipSilence};
use super::values::Secret;
use super::written::path_or_empty;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::PathBuf;
use tympan_sip::agent::{DigitSource, Identity, NumberRules, Trunk, TrunkId, TrunkMatch, Trunks};
use tympan_sip::dialog::TimerRules;
use tympan_sip::wire::Transport;
use tympan_types::Redacted;

/// The name of the trunk that takes what no other one does.
const DEFAULT: &str = "default";

/// One trunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipTrunk {
    /// Its name; `default` takes what no other trunk does.
    pub name: String,
    /// Addresses and networks that requests come from; empty: any.
    pub networks: Vec<String>,
    /// By which transport they come.
    pub transport: SipTransport,
    /// The user part of the request URI; empty: any.
    pub user: String,
    /// Whether responses by UDP go to the source port also where Via has no `rport`.
    pub force_rport: bool,
    /// Put before national numbers, such as `+1`; empty: nothing.
    pub country_code: String,
    /// Dropped where a number begins with one of them.
    pub strip_prefixes: Vec<String>,
    /// Replaced by `+` where a number begins with one of them.
    pub international_prefixes: Vec<String>,
    /// Whether a `+` is put before numbers that begin with the country code's digits and have none.
    pub add_plus: bool,
    /// Which headers say who calls.
    pub identity: SipIdentity,
    /// Where digits come from.
    pub digits: SipDigits,
    /// Whose packets a call takes.
    pub media_trust: SipMediaTrust,
    /// How long after the answer the first comer may come, in milliseconds.
    pub media_first_comer_ms: u32,
    /// How long a caller in conversation may send no media before its call is ended, in seconds; 0: for as long as it likes.
    pub media_timeout_s: u32,
    /// What a call sends while there is nothing to say.
    pub send_silence: SipSilence,
    /// The packet time to send, in milliseconds, from 10 to 60; 0: what is agreed.
    pub ptime_ms: u32,
    /// The session interval that we ask for, in seconds; 0: we ask for none.
    pub session_expires_s: u32,
    /// The least session interval that we take, in seconds.
    pub min_se_s: u32,
    /// The longest call, in seconds; 0: no limit.
    pub longest_call_s: u32,
    /// Calls at once; 0: no limit of this trunk.
    pub calls_max: u32,
    /// New calls per second; 0: no limit of this trunk.
    pub calls_per_s: u32,
    /// The realm of challenges.
    pub realm: String,
    /// Who may call, by digest; empty: requests are not challenged.
    pub users: Vec<SipUser>,
    /// Where calls by this trunk go: `host`, `host:port`, with `;transport=tcp` where it is not UDP; empty: none go by it.
    pub dial: String,
    /// Numbers that begin with one of these go by it; the longest of all trunks wins.
    pub dial_prefixes: Vec<String>,
    /// Numbers that may be dialled by it; empty: none.
    pub dial_allow: Vec<String>,
    /// The user name for its challenges; empty: they are not answered.
    pub dial_user: String,
    /// The password for its challenges; prefer `dial_password_file`.
    pub dial_password: Secret,
    /// A file that holds it; refused when others can read it.
    #[serde(with = "path_or_empty")]
    pub dial_password_file: Option<PathBuf>,
    /// Whether calls carry P-Asserted-Identity.
    pub dial_assert_identity: bool,
}

/// How requests of a trunk come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SipTransport {
    /// By any.
    #[default]
    #[serde(rename = "")]
    Any,
    /// By UDP.
    Udp,
    /// By TCP.
    Tcp,
}

/// Which headers say who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SipIdentity {
    /// P-Asserted-Identity, else Remote-Party-ID, else From.
    #[default]
    Asserted,
    /// From alone.
    From,
}

/// Where digits come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SipDigits {
    /// RTP events once a call had one, else INFO.
    #[default]
    Both,
    /// RTP events alone.
    Rtp,
    /// INFO alone.
    Info,
}

/// A user of a trunk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipUser {
    /// The user name.
    pub name: String,
    /// The password, in the clear; prefer `password_file`.
    pub password: Secret,
    /// A file that holds the password; refused when others can read it.
    #[serde(with = "path_or_empty")]
    pub password_file: Option<PathBuf>,
}

impl Default for SipTrunk {
    fn default() -> Self {
        Self {
            name: String::new(),
            networks: Vec::new(),
            transport: SipTransport::default(),
            user: String::new(),
            force_rport: false,
            country_code: String::new(),
            strip_prefixes: Vec::new(),
            international_prefixes: Vec::new(),
            add_plus: false,
            identity: SipIdentity::default(),
            digits: SipDigits::default(),
            media_trust: SipMediaTrust::default(),
            media_first_comer_ms: 5_000,
            media_timeout_s: 1_800,
            send_silence: SipSilence::default(),
            ptime_ms: 0,
            session_expires_s: 0,
            min_se_s: 90,
            longest_call_s: 0,
            calls_max: 0,
            calls_per_s: 0,
            realm: "tympan".into(),
            users: Vec::new(),
            dial: String::new(),
            dial_prefixes: Vec::new(),
            dial_allow: Vec::new(),
            dial_user: String::new(),
            dial_password: Secret::default(),
            dial_password_file: None,
            dial_assert_identity: true,
        }
    }
}

/// The users of a trunk, by name and password.
type Users = Vec<(String, Redacted<String>)>;

/// Checks the trunks; the files of passwords are not read.
pub(super) fn check(configured: &[SipTrunk]) -> Result<(), Wrong> {
    let names = |trunk: &SipTrunk| -> Result<Users, Wrong> {
        if let Some(user) = trunk.users.iter().find(|u| u.password.is_empty() && u.password_file.is_none()) {
            let why = format!("{:?} has neither password nor password_file", user.name);
            return Err(trunk.wrong("users", &why));
        }
        Ok(trunk.users.iter().map(|user| (user.name.clone(), String::new().into())).collect())
    };
    build(configured, names).map(drop)
}

/// The trunks for the SIP agent, with the passwords of their users.
///
/// # Errors
/// What does not fit, and a file of a password that cannot be used.
pub fn sip_trunks(configured: &[SipTrunk]) -> anyhow::Result<Trunks> {
    build(configured, |trunk| {
        let read = |user: &SipUser| {
            let key = format!("sip.trunks {:?}: users {:?}: password", trunk.name, user.name);
            Ok((user.name.clone(), read_secret(&key, &user.password, user.password_file.as_deref())?.into()))
        };
        trunk.users.iter().map(read).collect()
    })
}

fn build<E: From<Wrong>>(
    configured: &[SipTrunk],
    users: impl Fn(&SipTrunk) -> Result<Users, E>,
) -> Result<Trunks, E> {
    let mut default = None;
    let mut trunks = Vec::new();
    for (index, trunk) in configured.iter().enumerate() {
        let within = |wrong: Wrong| wrong.within(&format!("sip.trunks[{index}]"));
        let read = trunk.read(users(trunk)?).map_err(within)?;
        // A second one of that name is refused among the others.
        if trunk.name == DEFAULT && default.is_none() {
            default = Some(read);
        } else {
            trunks.push(read);
        }
    }
    let default = default.unwrap_or_else(|| Trunk::new(DEFAULT));
    Ok(Trunks::new(trunks, default).map_err(|error| Wrong::new("sip.trunks", error.to_string()))?)
}

impl SipTrunk {
    fn read(&self, users: Users) -> Result<Trunk, Wrong> {
        trunk_media::check(self)?;
        let at_most = |limit: u32| Some(limit).filter(|limit| *limit > 0);
        let named = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let network = |text: &String| {
            let why = || format!("{text:?} is no address and no network such as 10.0.0.0/8 or 2001:db8::/32");
            network(text).ok_or_else(|| self.wrong("networks", &why()))
        };
        Ok(Trunk {
            id: TrunkId(self.name.as_str().into()),
            matches: TrunkMatch {
                networks: self.networks.iter().map(network).collect::<Result<_, _>>()?,
                transport: match self.transport {
                    SipTransport::Any => None,
                    SipTransport::Udp => Some(Transport::Udp),
                    SipTransport::Tcp => Some(Transport::Tcp),
                },
                user: named(&self.user),
            },
            force_rport: self.force_rport,
            numbers: NumberRules {
                country_code: named(&self.country_code),
                strip_prefixes: self.strip_prefixes.clone(),
                international_prefixes: self.international_prefixes.clone(),
                add_plus: self.add_plus,
            },
            identity: match self.identity {
                SipIdentity::Asserted => Identity::Asserted,
                SipIdentity::From => Identity::From,
            },
            digits: match self.digits {
                SipDigits::Both => DigitSource::Both,
                SipDigits::Rtp => DigitSource::Rtp,
                SipDigits::Info => DigitSource::Info,
            },
            timers: TimerRules {
                session_expires_s: at_most(self.session_expires_s),
                min_se_s: self.min_se_s,
            },
            longest_call_s: at_most(self.longest_call_s),
            calls_max: at_most(self.calls_max),
            calls_per_s: at_most(self.calls_per_s),
            realm: self.realm.clone(),
            users,
        })
    }

    pub(super) fn wrong(&self, key: &str, why: &str) -> Wrong {
        Wrong::new(key, format!("{why} (trunk {:?})", self.name))
    }
}

pub(super) fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    match prefix {
        None => Some((address, longest)),
        Some(prefix) => {
            prefix.parse().ok().filter(|prefix| *prefix <= longest).map(|prefix| (address, prefix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(change: impl FnOnce(&mut SipTrunk)) -> SipTrunk {
        let mut trunk =
            SipTrunk { name: "carrier".into(), networks: vec!["192.0.2.0/24".into()], ..SipTrunk::default() };
        change(&mut trunk);
        trunk
    }

    fn user(name: &str, password: &str) -> SipUser {
        SipUser { name: name.into(), password: password.into(), ..SipUser::default() }
    }

    #[test]
    fn what_is_configured_is_what_the_agent_has_and_zero_is_no_limit() {
        let carrier = trunk(|t| {
            t.networks.push("2001:db8::7".into());
            t.transport = SipTransport::Tcp;
            t.digits = SipDigits::Info;
            t.identity = SipIdentity::From;
            t.session_expires_s = 1_800;
            t.calls_max = 5;
            t.users = vec![user("pbx", "hush")];
        });
        let trunks = sip_trunks(&[carrier]).unwrap();
        let read = trunks.get(&TrunkId("carrier".into())).unwrap();
        let networks: Vec<(IpAddr, u8)> =
            vec![("192.0.2.0".parse().unwrap(), 24), ("2001:db8::7".parse().unwrap(), 128)];
        assert_eq!((&read.matches.networks, read.matches.transport), (&networks, Some(Transport::Tcp)));
        assert_eq!((read.digits, read.identity), (DigitSource::Info, Identity::From));
        assert_eq!(
            (read.timers.session_expires_s, read.calls_max, read.longest_call_s),
            (Some(1_800), Some(5), None)
        );
        assert_eq!(read.users[0].1.expose(), "hush");
        assert!(trunks.get(&TrunkId("default".into())).is_some());
    }

    #[test]
    fn the_trunk_default_takes_the_place_of_the_built_in_one() {
        let default = SipTrunk { name: "default".into(), force_rport: true, ..SipTrunk::default() };
        let trunks = sip_trunks(&[default.clone(), trunk(|_| ())]).unwrap();
        assert!(trunks.get(&TrunkId("default".into())).unwrap().force_rport);
        assert!(check(&[default.clone(), default]).is_err());
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_trunk_and_the_key() {
        for (wrong, said) in [
            (trunk(|t| t.networks = vec!["192.0.2.0/33".into()]), "networks: \"192.0.2.0/33\" is no address"),
            (trunk(|t| t.networks = vec!["sbc.example".into()]), "networks: \"sbc.example\" is no address"),
            (trunk(|t| t.country_code = "1".into()), "country_code"),
            (trunk(|t| t.min_se_s = 60), "min_se_s"),
            (trunk(|t| t.ptime_ms = 5), "ptime_ms: 5 is not 0 and not from 10 to 60"),
            (trunk(|t| t.ptime_ms = 61), "ptime_ms"),
            (trunk(|t| t.users = vec![user("pbx", "")]), "\"pbx\" has neither password nor password_file"),
            (trunk(|t| t.networks.clear()), "only the default trunk takes all"),
        ] {
            let error = check(&[wrong]).unwrap_err().to_string();
            assert!(error.contains("\"carrier\"") && error.contains(said), "{error}");
        }
        assert!(check(&[trunk(|t| t.name.clear())]).unwrap_err().to_string().contains("no name"));
        assert!(check(&[trunk(|_| ()), trunk(|_| ())]).unwrap_err().to_string().contains("two trunks"));
    }

    #[test]
    fn a_password_is_read_from_its_file_and_never_printed() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pbx.secret");
        std::fs::write(&path, "hush\n").unwrap();
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let file = path.to_str().unwrap().to_owned();
        let carrier = trunk(|t| {
            t.users =
                vec![SipUser { name: "pbx".into(), password_file: Some(file.into()), ..SipUser::default() }];
        });
        mode(0o644);
        check(std::slice::from_ref(&carrier)).unwrap();
        let refused = sip_trunks(std::slice::from_ref(&carrier)).unwrap_err().to_string();
        assert!(refused.contains("others can read it"), "{refused}");
        mode(0o600);
        let trunks = sip_trunks(&[carrier]).unwrap();
        assert_eq!(trunks.get(&TrunkId("carrier".into())).unwrap().users[0].1.expose(), "hush");
        let shown = format!("{:?} {trunks:?}", trunk(|t| t.users = vec![user("pbx", "hush")]));
        assert!(!shown.contains("hush"), "{shown}");
    }
}
