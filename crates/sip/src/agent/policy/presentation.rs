//! How a call that we place presents itself: who calls, and whether the telephone answers by itself.

use crate::wire::Name;

/// What a telephone gets to know of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presentation {
    /// P-Asserted-Identity (RFC 3325): a URI such as `sip:+12065550100@192.0.2.9`. Only for peers that we trust with it.
    pub asserted: Option<String>,
    /// The display name beside it.
    pub display_name: Option<String>,
    /// True: the telephone is asked to answer at once. No header does for all makes, so that three stand beside each other:
    /// Answer-Mode (RFC 5373), Call-Info with `answer-after` (Snom, Polycom, Grandstream, Yealink) and Alert-Info (Cisco, Aastra).
    pub auto_answer: bool,
}

impl Presentation {
    /// The headers for [`crate::agent::Command::Dial`].
    pub fn headers(&self) -> Vec<(Name, String)> {
        let mut headers = Vec::new();
        if let Some(uri) = &self.asserted {
            let name = self.display_name.as_deref().map(quoted).unwrap_or_default();
            headers.push((Name::PAssertedIdentity, format!("{name}<{uri}>")));
        }
        if self.auto_answer {
            headers.push((Name::AnswerMode, "Auto".to_owned()));
            headers.push((Name::CallInfo, "<sip:localhost>;answer-after=0".to_owned()));
            headers.push((Name::AlertInfo, "<http://localhost>;info=alert-autoanswer;delay=0".to_owned()));
        }
        headers
    }
}

/// A display name in quotes, with the space after it.
pub(in crate::agent) fn quoted(name: &str) -> String {
    format!("\"{}\" ", name.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_is_to_be_answered_at_once_says_so_in_three_ways() {
        let presentation = Presentation {
            asserted: Some("sip:+12065550100@192.0.2.9".to_owned()),
            display_name: Some("A \"B\"".to_owned()),
            auto_answer: true,
        };
        let headers = presentation.headers();
        let text: Vec<String> =
            headers.iter().map(|(name, value)| format!("{}: {value}", name.as_str())).collect();
        assert_eq!(
            text,
            [
                "P-Asserted-Identity: \"A \\\"B\\\"\" <sip:+12065550100@192.0.2.9>",
                "Answer-Mode: Auto",
                "Call-Info: <sip:localhost>;answer-after=0",
                "Alert-Info: <http://localhost>;info=alert-autoanswer;delay=0",
            ]
        );
        assert!(Presentation::default().headers().is_empty());
    }
}
