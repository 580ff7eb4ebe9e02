//! `[[sip.phones]]`: telephones that register, or that stand here with their address; and how numbers are dialled.

use super::choices::DigestAlgorithm;
use super::error::Wrong;
use super::secret::read_secret;
use super::sip::Sip;
use super::trunk::{SipTrunk, network};
use super::values::Secret;
use super::written::path_or_empty;
use crate::sip::{AgentPhone, Outbound, OutboundTrunk};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tympan_sip::agent::{Credentials, DialRules, Phone, PhoneSecret, Phones, TrunkId};
use tympan_sip::wire::{Text, Uri};

/// One telephone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipPhone {
    /// Its name: of its address-of-record, of From, and of its digest answers.
    pub user: String,
    /// Its password, in the clear; prefer `password_file` or the hashes.
    pub password: Secret,
    /// A file that holds the password; refused when others can read it.
    #[serde(with = "path_or_empty")]
    pub password_file: Option<PathBuf>,
    /// In place of the password: MD5 of `user:realm:password`, 32 hexadecimal digits.
    pub ha1_md5: Secret,
    /// In place of the password: SHA-256 of `user:realm:password`, 64 hexadecimal digits.
    pub ha1_sha256: Secret,
    /// Where it is called when it is not registered: a `sip` URI; empty: nowhere.
    pub contact: String,
    /// Addresses and networks that it may come from; empty: any.
    pub networks: Vec<String>,
    /// Whether its calls are challenged, not its registrations alone.
    pub challenge_calls: bool,
    /// Whether it is asked to answer by itself.
    pub auto_answer: bool,
    /// The name of the agent whose telephone it is; empty: no agent's.
    pub agent: String,
    /// The alias of the agent's instance.
    pub instance: String,
}

impl Default for SipPhone {
    fn default() -> Self {
        Self {
            user: String::new(),
            password: Secret::default(),
            password_file: None,
            ha1_md5: Secret::default(),
            ha1_sha256: Secret::default(),
            contact: String::new(),
            networks: Vec::new(),
            challenge_calls: true,
            auto_answer: false,
            agent: String::new(),
            instance: String::new(),
        }
    }
}

/// Checks telephones and what is dialled; the files of passwords are not read.
pub(super) fn check(sip: &Sip) -> Result<(), Wrong> {
    if sip.phone_algorithms.is_empty() {
        return Err(Wrong::new("sip.phone_algorithms", "it is empty: name MD5, SHA-256, or both"));
    }
    if sip.registration_min_s > sip.registration_max_s {
        return Err(Wrong::new("sip.registration_max_s", "it is below sip.registration_min_s"));
    }
    phones(sip, |phone| {
        let is_named = phone.password_file.is_some() || !phone.password.is_empty();
        Ok(if is_named { "x".to_owned() } else { String::new() })
    })?;
    outbound(sip, |trunk| {
        let has_password = !trunk.dial_password.is_empty() || trunk.dial_password_file.is_some();
        if !trunk.dial_user.is_empty() && !has_password {
            return Err(trunk.wrong("dial_password", "dial_user needs it, or dial_password_file"));
        }
        Ok(String::new())
    })
    .map(drop)
}

/// The telephones for the SIP agent.
///
/// # Errors
/// What does not fit, and a file of a password that cannot be used.
pub(crate) fn sip_phones(sip: &Sip) -> anyhow::Result<Phones> {
    phones(sip, |phone| {
        let key = format!("sip.phones {:?}: password", phone.user);
        Ok(read_secret(&key, &phone.password, phone.password_file.as_deref())?)
    })
}

/// Whose telephones they are.
pub(crate) fn sip_agents(sip: &Sip) -> Vec<AgentPhone> {
    let of_agent = |phone: &SipPhone| AgentPhone {
        phone: phone.user.as_str().into(),
        agent: Some((phone.instance.clone(), phone.agent.clone())).filter(|(_, agent)| !agent.is_empty()),
        auto_answer: phone.auto_answer,
    };
    sip.phones.iter().map(of_agent).collect()
}

/// How numbers are dialled, with the passwords of the trunks.
///
/// # Errors
/// What does not fit, and a file of a password that cannot be used.
pub(crate) fn sip_outbound(sip: &Sip) -> anyhow::Result<Outbound> {
    outbound(sip, |trunk| {
        let key = format!("sip.trunks {:?}: dial_password", trunk.name);
        Ok(read_secret(&key, &trunk.dial_password, trunk.dial_password_file.as_deref())?)
    })
}

fn phones<E: From<Wrong>>(sip: &Sip, password: impl Fn(&SipPhone) -> Result<String, E>) -> Result<Phones, E> {
    let mut phones = Vec::new();
    for (index, phone) in sip.phones.iter().enumerate() {
        let within = |wrong: Wrong| wrong.within(&format!("sip.phones[{index}]"));
        let secret = phone.secret(sip, password(phone)?).map_err(within)?;
        let network = |text: &String| {
            let why = || format!("{text:?} is no address and no network such as 10.0.0.0/8 or 2001:db8::/32");
            network(text).ok_or_else(|| phone.wrong("networks", &why()))
        };
        if phone.agent.is_empty() != phone.instance.is_empty() {
            return Err(within(phone.wrong("agent", "agent and instance stand together")).into());
        }
        phones.push(Phone {
            user: phone.user.as_str().into(),
            secret,
            contact: Some(phone.contact.clone()).filter(|contact| !contact.is_empty()),
            networks: phone.networks.iter().map(network).collect::<Result<_, _>>().map_err(within)?,
            challenges_calls: phone.challenge_calls,
        });
    }
    Ok(Phones::new(&sip.phone_realm, phones).map_err(|error| Wrong::new("sip.phones", error.to_string()))?)
}

fn outbound<E: From<Wrong>>(
    sip: &Sip,
    password: impl Fn(&SipTrunk) -> Result<String, E>,
) -> Result<Outbound, E> {
    let rules = |texts: &[String]| {
        DialRules::parse(texts).map_err(|text| {
            format!("{text:?} is no number, no beginning such as +1206*, no URI such as sip:*@pbx.example")
        })
    };
    let mut trunks = Vec::new();
    for (index, trunk) in sip.trunks.iter().enumerate() {
        let within = |wrong: Wrong| wrong.within(&format!("sip.trunks[{index}]"));
        let allow = rules(&trunk.dial_allow).map_err(|why| within(trunk.wrong("dial_allow", &why)))?;
        let password = password(trunk)?;
        if trunk.dial.is_empty() {
            let idle = [!trunk.dial_prefixes.is_empty(), !allow.is_empty(), !trunk.dial_user.is_empty()];
            if idle.contains(&true) {
                return Err(
                    within(trunk.wrong("dial", "dial_prefixes, dial_allow and dial_user need it")).into()
                );
            }
            continue;
        }
        let uri = Uri::parse(&Text::from(format!("sip:number@{}", trunk.dial).as_str()));
        if uri.is_none_or(|uri| uri.user() != Some("number") || uri.has_headers()) {
            let why = format!("{:?} is no host such as sbc.example:5060;transport=tcp", trunk.dial);
            return Err(within(trunk.wrong("dial", &why)).into());
        }
        trunks.push(OutboundTrunk {
            id: TrunkId(trunk.name.as_str().into()),
            host: trunk.dial.clone(),
            prefixes: trunk.dial_prefixes.clone(),
            allow,
            credentials: Some(Credentials { username: trunk.dial_user.clone(), password: password.into() })
                .filter(|credentials| !credentials.username.is_empty()),
            asserts: trunk.dial_assert_identity,
        });
    }
    let uris = rules(&sip.dial_allow).map_err(|why| Wrong::new("sip.dial_allow", why))?;
    Ok(Outbound { trunks, uris })
}

impl SipPhone {
    fn secret(&self, sip: &Sip, password: String) -> Result<Option<PhoneSecret>, Wrong> {
        let hash = |secret: &Secret| Some(secret.expose().to_owned()).filter(|hash| !hash.is_empty());
        let hashes = (hash(&self.ha1_md5), hash(&self.ha1_sha256));
        match hashes {
            (None, None) if password.is_empty() => Ok(None),
            (None, None) => {
                let both = PhoneSecret::of_password(&self.user, &sip.phone_realm, &password);
                let offers = |algorithm| sip.phone_algorithms.contains(&algorithm);
                Ok(Some(PhoneSecret {
                    md5: both.md5.filter(|_| offers(DigestAlgorithm::Md5)),
                    sha256: both.sha256.filter(|_| offers(DigestAlgorithm::Sha256)),
                }))
            }
            _ if !password.is_empty() => {
                Err(self.wrong("password", "ha1_md5 or ha1_sha256 is set too: keep one of them"))
            }
            (md5, sha256) => {
                Ok(Some(PhoneSecret { md5: md5.map(Into::into), sha256: sha256.map(Into::into) }))
            }
        }
    }

    fn wrong(&self, key: &str, why: &str) -> Wrong {
        Wrong::new(key, format!("{why} (telephone {:?})", self.user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(phones: Vec<SipPhone>, trunks: Vec<SipTrunk>) -> Sip {
        Sip { phones, trunks, ..Sip::default() }
    }

    fn phone(change: impl FnOnce(&mut SipPhone)) -> SipPhone {
        let mut phone = SipPhone { user: "anna".into(), password: "hush".into(), ..SipPhone::default() };
        change(&mut phone);
        phone
    }

    fn trunk(change: impl FnOnce(&mut SipTrunk)) -> SipTrunk {
        let mut trunk = SipTrunk {
            name: "carrier".into(),
            networks: vec!["192.0.2.0/24".into()],
            dial: "192.0.2.1:5070;transport=tcp".into(),
            dial_prefixes: vec!["+1".into()],
            dial_allow: vec!["+1206*".into()],
            ..SipTrunk::default()
        };
        change(&mut trunk);
        trunk
    }

    #[test]
    fn a_phone_of_the_configuration_is_one_of_the_agent_and_its_password_is_kept_as_hashes() {
        let anna = phone(|p| {
            p.networks = vec!["10.0.0.0/8".into()];
            p.agent = "anna.b".into();
            p.instance = "support".into();
            p.auto_answer = true;
        });
        let sip = with(vec![anna], Vec::new());
        check(&sip).unwrap();
        let phones = sip_phones(&sip).unwrap();
        let anna = phones.get("anna").unwrap();
        let secret = anna.secret.as_ref().unwrap();
        assert_eq!(
            (secret.md5.is_some(), secret.sha256.is_some(), anna.challenges_calls),
            (true, false, true)
        );
        let phone_algorithms = vec![DigestAlgorithm::Md5, DigestAlgorithm::Sha256];
        let both = sip_phones(&Sip { phone_algorithms, ..sip.clone() }).unwrap();
        assert!(both.get("anna").unwrap().secret.as_ref().unwrap().sha256.is_some());
        assert!(phones.may_come_from("anna", "10.1.2.3".parse().unwrap()));
        assert!(!phones.may_come_from("anna", "192.0.2.1".parse().unwrap()));
        let agents = sip_agents(&sip);
        assert_eq!(agents[0].agent, Some(("support".to_owned(), "anna.b".to_owned())));
        assert!(agents[0].auto_answer);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_phone_and_the_key() {
        for (wrong, said) in [
            (phone(|p| p.networks = vec!["10.0.0.0/33".into()]), "networks: \"10.0.0.0/33\" is no address"),
            (
                phone(|p| p.ha1_md5 = "a".repeat(32).as_str().into()),
                "password: ha1_md5 or ha1_sha256 is set too",
            ),
            (phone(|p| p.agent = "anna".into()), "agent: agent and instance stand together"),
            (phone(|p| p.password = "".into()), "has neither a password to register with nor a contact"),
            (phone(|p| p.contact = "tel:+1".into()), "is no sip URI"),
            (
                phone(|p| {
                    p.password = "".into();
                    p.ha1_md5 = "abc".into();
                }),
                "is not 32 (MD5) or 64 (SHA-256)",
            ),
        ] {
            let error = check(&with(vec![wrong], Vec::new())).unwrap_err().to_string();
            assert!(error.contains("sip.phones") && error.contains(said), "{error}");
        }
        let late = Sip { registration_min_s: 4_000, ..Sip::default() };
        assert!(check(&late).unwrap_err().to_string().contains("registration_max_s"));
    }

    #[test]
    fn a_trunk_that_dials_has_a_host_rules_and_a_password() {
        let dials = trunk(|t| {
            t.dial_user = "us".into();
            t.dial_password = "hush".into();
        });
        let found = sip_outbound(&with(Vec::new(), vec![dials])).unwrap();
        assert_eq!(found.trunks[0].credentials.as_ref().unwrap().username, "us");
        for (wrong, said) in [
            (trunk(|t| t.dial = "a b".into()), "dial: \"a b\" is no host"),
            (trunk(|t| t.dial = "x@sbc.example".into()), "is no host"),
            (trunk(|t| t.dial = "".into()), "dial: dial_prefixes, dial_allow and dial_user need it"),
            (trunk(|t| t.dial_allow = vec!["+1*2".into()]), "dial_allow: \"+1*2\" is no number"),
            (trunk(|t| t.dial_user = "us".into()), "dial_password: dial_user needs it"),
        ] {
            let error = check(&with(Vec::new(), vec![wrong])).unwrap_err().to_string();
            assert!(error.contains("\"carrier\"") && error.contains(said), "{error}");
        }
    }
}
