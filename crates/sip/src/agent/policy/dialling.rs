//! Which places may be dialled: the rule against toll fraud.
//!
//! What a peer asks us to call (REFER), what a flow names and what an API names is a wish. Nothing may be dialled that no rule
//! names: an empty list allows nothing.

use crate::wire::{Number, Text, Uri};

/// A place that may be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialPlace {
    /// A number or name that is ours to route: of a `tel` URI, or of a `sip` URI at this server.
    Number(String),
    /// A `sip` URI elsewhere.
    Elsewhere {
        /// User part, unescaped; empty where there is none.
        user: String,
        /// Host in lower case, without brackets.
        host: String,
    },
}

impl DialPlace {
    /// What a URI names; `is_ours` says whether a host means this server. `None` for schemes that SIP does not call.
    pub fn of(uri: &Uri, is_ours: impl Fn(&str) -> bool) -> Option<Self> {
        let number = uri.number();
        let user = |number: Option<Number>| number.map(|number| number.text).unwrap_or_default();
        match uri.scheme() {
            crate::wire::Scheme::Tel => Some(Self::Number(user(number))),
            // `maddr` leads past the host that is looked at here.
            crate::wire::Scheme::Sip | crate::wire::Scheme::Sips if uri.param("maddr").is_some() => None,
            crate::wire::Scheme::Sip | crate::wire::Scheme::Sips if is_ours(uri.host()) => {
                Some(Self::Number(user(number)))
            }
            crate::wire::Scheme::Sip | crate::wire::Scheme::Sips => {
                Some(Self::Elsewhere { user: user(number), host: uri.host().to_ascii_lowercase() })
            }
            crate::wire::Scheme::Other(_) => None,
        }
    }

    /// The same of text; text that is no URI is a number or name.
    pub fn parse(text: &str, is_ours: impl Fn(&str) -> bool) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        match Uri::parse(&Text::from(text)) {
            Some(uri) => Self::of(&uri, is_ours),
            // `+1 (206) 555-0100` is read as the user part of a URI reads it.
            None if !text.contains([':', '@', '/', '<', '>', '"']) => {
                let uri = Uri::parse(&Text::from(format!("sip:{}@ours", text.replace(' ', "-")).as_str()))?;
                uri.number().map(|number| Self::Number(number.text))
            }
            None => None,
        }
    }
}

/// One rule, as it is written: a number (`+18005550100`), the beginning of numbers (`+1206*`), a URI (`sip:desk@pbx.example`), all
/// users of a host (`sip:*@pbx.example`), or everything (`*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialRule {
    /// `*`
    All,
    /// This number or name.
    Number(String),
    /// Numbers that begin so; with `+`, so that `1*` takes no international number.
    Beginning(String),
    /// Users of a host; `None`: all.
    At {
        /// The user.
        user: Option<String>,
        /// The host, in lower case.
        host: String,
    },
}

impl DialRule {
    /// Reads a rule; `None` where it is none of the forms.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        if let Some(rest) = text.strip_prefix("sip:") {
            let (user, host) = rest.split_once('@')?;
            let is_host = !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
            let is_user = !user.is_empty() && (user == "*" || !user.contains('*'));
            return (is_host && is_user).then(|| Self::At {
                user: Some(user).filter(|user| *user != "*").map(str::to_owned),
                host: host.to_ascii_lowercase(),
            });
        }
        let (begin, is_beginning) = text.strip_suffix('*').map_or((text, false), |begin| (begin, true));
        let is_plain = !begin.is_empty()
            && begin.chars().all(|char| char.is_ascii_alphanumeric() || "+-_.#".contains(char));
        match is_plain {
            false => None,
            true if is_beginning => Some(Self::Beginning(begin.to_owned())),
            true => Some(Self::Number(begin.to_owned())),
        }
    }

    fn allows(&self, place: &DialPlace) -> bool {
        match (self, place) {
            (Self::All, _) => true,
            (Self::Number(number), DialPlace::Number(dialled)) => number == dialled,
            (Self::Beginning(begin), DialPlace::Number(dialled)) => dialled.starts_with(begin.as_str()),
            (Self::At { user, host }, DialPlace::Elsewhere { user: dialled, host: at }) => {
                host == at && user.as_ref().is_none_or(|user| user == dialled)
            }
            (Self::Number(_) | Self::Beginning(_) | Self::At { .. }, _) => false,
        }
    }
}

/// What may be dialled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DialRules(Vec<DialRule>);

impl DialRules {
    /// Reads rules.
    ///
    /// # Errors
    /// The text of the first that is none.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        let rule = |text: &String| DialRule::parse(text).ok_or_else(|| text.clone());
        texts.iter().map(rule).collect::<Result<_, _>>().map(Self)
    }

    /// True where a rule names the place.
    pub fn allow(&self, place: &DialPlace) -> bool {
        self.0.iter().any(|rule| rule.allows(place))
    }

    /// True where nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> DialRules {
        DialRules::parse(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn place(text: &str) -> Option<DialPlace> {
        DialPlace::parse(text, |host| host == "192.0.2.9")
    }

    #[test]
    fn no_rule_allows_nothing() {
        for text in ["1001", "+12065550100", "sip:desk@pbx.example"] {
            assert!(!rules(&[]).allow(&place(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn a_rule_allows_what_it_names_and_nothing_beside_it() {
        for (rule, allowed, refused) in [
            (
                "+12065550100",
                vec![
                    "+12065550100",
                    "tel:+1-206-555-0100",
                    "sip:+12065550100@192.0.2.9",
                    "+1 (206) 555-0100",
                ],
                vec!["+120655501001", "12065550100", "sip:+12065550100@evil.example"],
            ),
            ("+1206*", vec!["+12065550100", "+1206"], vec!["+1207", "1206", "sip:+12065550100@evil.example"]),
            ("1*", vec!["1001"], vec!["+1001", "2001"]),
            (
                "sip:*@pbx.example",
                vec!["sip:desk@PBX.example", "sip:pbx.example", "sips:desk@pbx.example"],
                vec!["sip:desk@pbx.example.evil", "sip:desk@192.0.2.9", "desk"],
            ),
            (
                "sip:desk@pbx.example",
                vec!["sip:desk@pbx.example", "sip:%64esk@pbx.example"],
                vec!["sip:other@pbx.example"],
            ),
            ("*", vec!["+1900", "sip:a@b.example"], vec![]),
        ] {
            for text in allowed {
                assert!(rules(&[rule]).allow(&place(text).unwrap()), "{rule} allows {text}");
            }
            for text in refused {
                assert!(!rules(&[rule]).allow(&place(text).unwrap()), "{rule} refuses {text}");
            }
        }
    }

    #[test]
    fn what_is_no_place_for_sip_and_what_leads_past_its_host_is_none() {
        for text in [
            "",
            " ",
            "http://pbx.example",
            "urn:service:sos",
            "sip:1@192.0.2.9;maddr=203.0.113.7",
            "<1>",
            "a@b",
        ] {
            assert_eq!(place(text), None, "{text}");
        }
    }

    #[test]
    fn a_rule_of_another_form_is_refused_with_its_text() {
        for text in ["", "+1*206", "sip:pbx.example", "sip:de*@pbx.example", "sip:@pbx", "a b", "**"] {
            assert_eq!(DialRules::parse(&[text.to_owned()]), Err(text.to_owned()), "{text}");
        }
    }
}
