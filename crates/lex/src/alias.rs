//! Which bot is meant.

use std::fmt;
use tympan_types::{AccountId, Region};

/// An alias of a bot, by the ids of both.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BotAlias {
    /// The bot: 10 letters and digits.
    pub bot_id: String,
    /// The alias: 10 letters and digits.
    pub alias_id: String,
}

impl BotAlias {
    /// The ids, if they are ids.
    pub fn new(bot_id: &str, alias_id: &str) -> Option<Self> {
        let is_id = |text: &str| text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let both = is_id(bot_id) && is_id(alias_id);
        both.then(|| Self { bot_id: bot_id.to_owned(), alias_id: alias_id.to_owned() })
    }

    /// Out of `arn:aws:lex:REGION:ACCOUNT:bot-alias/BOT/ALIAS`.
    pub fn from_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let begins = parts.next() == Some("arn")
            && parts.next().is_some_and(|partition| partition.starts_with("aws"))
            && parts.next() == Some("lex");
        let resource = parts.nth(2).filter(|_| begins)?;
        let (bot_id, alias_id) = resource.strip_prefix("bot-alias/")?.split_once('/')?;
        Self::new(bot_id, alias_id)
    }

    /// Its ARN.
    pub fn arn(&self, region: &Region, account: &AccountId) -> String {
        format!("arn:aws:lex:{region}:{account}:bot-alias/{}/{}", self.bot_id, self.alias_id)
    }
}

impl fmt::Display for BotAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bot_id, self.alias_id)
    }
}

/// A conversation with a bot: alias, language and session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Conversation {
    /// The bot.
    pub alias: BotAlias,
    /// `en_US`
    pub locale: String,
    /// The session: 2 to 100 letters, digits and `._:-`.
    pub session_id: String,
}

impl Conversation {
    /// With a locale as Lex writes it; Connect's language codes have a hyphen.
    pub fn new(alias: BotAlias, language: &str, session_id: &str) -> Self {
        Self { alias, locale: language.replace('-', "_"), session_id: session_id.to_owned() }
    }

    /// The path of an operation on it; `last` is `/text`, `/utterance` or empty.
    pub fn path(&self, last: &str) -> String {
        let segment = tympan_aws::outgoing::segment;
        let BotAlias { bot_id, alias_id } = &self.alias;
        let (locale, session) = (segment(&self.locale), segment(&self.session_id));
        format!("/bots/{bot_id}/botAliases/{alias_id}/botLocales/{locale}/sessions/{session}{last}")
    }
}

/// Whether a text may be the id of a session.
pub fn is_session_id(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    (2..=100).contains(&text.len()) && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_of_an_alias_names_bot_and_alias() {
        let arn = "arn:aws:lex:us-west-2:111122223333:bot-alias/ABCDEFGHIJ/TSTALIASID";
        let alias = BotAlias::from_arn(arn).unwrap();
        assert_eq!(alias.to_string(), "ABCDEFGHIJ/TSTALIASID");
        let (region, account) =
            (Region::parse("us-west-2").unwrap(), AccountId::parse("111122223333").unwrap());
        assert_eq!(alias.arn(&region, &account), arn);
        for other in [
            "",
            "arn:aws:lex:us-west-2:111122223333:bot/ABCDEFGHIJ",
            "arn:aws:lex:us-west-2:111122223333:bot-alias/ABCDEFGHIJ",
            "arn:aws:lex:us-west-2:111122223333:bot-alias/ABCDEFGHIJ/../x",
            "arn:aws:lambda:us-west-2:111122223333:bot-alias/ABCDEFGHIJ/TSTALIASID",
            "arn:aws:lex:us-west-2:111122223333:bot-alias/ABCDEFGHI/TSTALIASID",
        ] {
            assert_eq!(BotAlias::from_arn(other), None, "{other}");
        }
    }

    #[test]
    fn a_path_has_its_locale_with_an_underscore_and_its_parts_encoded() {
        let alias = BotAlias::new("ABCDEFGHIJ", "TSTALIASID").unwrap();
        let conversation = Conversation::new(alias, "en-US", "a:b/c");
        let path = "/bots/ABCDEFGHIJ/botAliases/TSTALIASID/botLocales/en_US/sessions/a%3Ab%2Fc/text";
        assert_eq!(conversation.path("/text"), path);
        assert!(is_session_id("4a573372-1f28-4e26-b97b-0123456789ab") && is_session_id("a:b.c_d-"));
        assert!(!is_session_id("a") && !is_session_id("a/b") && !is_session_id(&"a".repeat(101)));
    }
}
