//! Voices: those that Amazon Polly names, and what stands in for them on this machine.

use tympan_contact::PromptVoice;

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Voice {
    /// Its name at Amazon Polly: `Joanna`.
    pub name: String,
    /// `standard`, `neural`, `long-form`, `generative`; `None`: standard.
    pub engine: Option<String>,
    /// The language of the contact, where one was set: `en-AU`.
    pub language: Option<String>,
}

impl Default for Voice {
    /// The voice of a contact for which no flow has set one.
    fn default() -> Self {
        Self { name: "Joanna".to_owned(), engine: None, language: None }
    }
}

impl Voice {
    /// What a contact has of it.
    pub(crate) fn of(voice: Option<PromptVoice>, language: Option<String>) -> Self {
        match voice {
            Some(PromptVoice { name, engine, .. }) => Self { name, engine, language },
            None => Self { language, ..Self::default() },
        }
    }

    /// The language that the voice speaks: its own, else that of the contact, else American English.
    pub(super) fn language(&self) -> &str {
        self.known().map(|(_, language, _)| *language).or(self.language.as_deref()).unwrap_or("en-US")
    }

    /// The contact's language, where the voice has a choice. Amazon Polly refuses a language that a voice does not speak.
    pub(super) fn language_to_ask_for(&self) -> Option<&str> {
        let has_choice = self.known().is_none_or(|(name, ..)| BILINGUAL.contains(name));
        self.language.as_deref().filter(|_| has_choice)
    }

    /// The engine by the name that Amazon Polly has for it.
    pub(super) fn engine(&self) -> String {
        self.engine.as_deref().unwrap_or("standard").to_ascii_lowercase()
    }

    /// The `-v` of espeak-ng: language first, sex second. Only names of our own tables get here.
    pub(super) fn espeak(&self) -> String {
        let language = self.language().to_ascii_lowercase();
        let primary = language.split('-').next().unwrap_or_default();
        let espeak = match (language.as_str(), primary) {
            ("en-us", _) => "en-us",
            (_, "en") => "en-gb",
            ("es-es", _) => "es",
            (_, "es") => "es-419",
            ("fr-be", _) => "fr-be",
            ("fr-ch", _) => "fr-ch",
            (_, "fr") => "fr-fr",
            ("pt-br", _) => "pt-br",
            (_, "arb" | "ar") => "ar",
            ("zh-cn", _) | (_, "cmn") => "cmn",
            (_, "no" | "nb") => "nb",
            (_, primary) => {
                SPOKEN_BY_ESPEAK.iter().copied().find(|known| *known == primary).unwrap_or("en-us")
            }
        };
        let sex = match self.known() {
            Some((.., 'm')) => "+m3",
            _ => "+f3",
        };
        format!("{espeak}{sex}")
    }

    fn known(&self) -> Option<&'static (&'static str, &'static str, char)> {
        VOICES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&self.name))
    }
}

/// Voices of Indian English and Hindi.
const BILINGUAL: &[&str] = &["Aditi", "Kajal"];

/// Languages that espeak-ng calls by their primary tag.
const SPOKEN_BY_ESPEAK: &[&str] = &[
    "ca", "cs", "cy", "da", "de", "el", "et", "fi", "he", "hi", "hr", "hu", "id", "is", "it", "ja", "ko",
    "lt", "lv", "ms", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "th", "tr", "uk", "vi", "yue",
];

/// Name, language, sex. Source: Amazon Polly, "Available voices".
#[rustfmt::skip]
const VOICES: &[(&str, &str, char)] = &[
    ("Joanna", "en-US", 'f'), ("Danielle", "en-US", 'f'), ("Gregory", "en-US", 'm'), ("Ivy", "en-US", 'f'), ("Joey", "en-US", 'm'),
    ("Justin", "en-US", 'm'), ("Kendra", "en-US", 'f'), ("Kevin", "en-US", 'm'), ("Kimberly", "en-US", 'f'), ("Matthew", "en-US", 'm'),
    ("Patrick", "en-US", 'm'), ("Ruth", "en-US", 'f'), ("Salli", "en-US", 'f'), ("Stephen", "en-US", 'm'), ("Amy", "en-GB", 'f'),
    ("Arthur", "en-GB", 'm'), ("Brian", "en-GB", 'm'), ("Emma", "en-GB", 'f'), ("Nicole", "en-AU", 'f'), ("Olivia", "en-AU", 'f'),
    ("Russell", "en-AU", 'm'), ("Aditi", "en-IN", 'f'), ("Kajal", "en-IN", 'f'), ("Raveena", "en-IN", 'f'), ("Niamh", "en-IE", 'f'),
    ("Aria", "en-NZ", 'f'), ("Ayanda", "en-ZA", 'f'), ("Jasmine", "en-SG", 'f'), ("Geraint", "en-GB-WLS", 'm'), ("Gwyneth", "cy-GB", 'f'),
    ("Lupe", "es-US", 'f'), ("Penelope", "es-US", 'f'), ("Miguel", "es-US", 'm'), ("Pedro", "es-US", 'm'), ("Mia", "es-MX", 'f'),
    ("Andres", "es-MX", 'm'), ("Conchita", "es-ES", 'f'), ("Lucia", "es-ES", 'f'), ("Enrique", "es-ES", 'm'), ("Sergio", "es-ES", 'm'),
    ("Celine", "fr-FR", 'f'), ("Lea", "fr-FR", 'f'), ("Mathieu", "fr-FR", 'm'), ("Remi", "fr-FR", 'm'), ("Chantal", "fr-CA", 'f'),
    ("Gabrielle", "fr-CA", 'f'), ("Liam", "fr-CA", 'm'), ("Isabelle", "fr-BE", 'f'), ("Marlene", "de-DE", 'f'), ("Vicki", "de-DE", 'f'),
    ("Daniel", "de-DE", 'm'), ("Hans", "de-DE", 'm'), ("Hannah", "de-AT", 'f'), ("Sabrina", "de-CH", 'f'), ("Bianca", "it-IT", 'f'),
    ("Carla", "it-IT", 'f'), ("Adriano", "it-IT", 'm'), ("Giorgio", "it-IT", 'm'), ("Camila", "pt-BR", 'f'), ("Vitoria", "pt-BR", 'f'),
    ("Ricardo", "pt-BR", 'm'), ("Thiago", "pt-BR", 'm'), ("Ines", "pt-PT", 'f'), ("Cristiano", "pt-PT", 'm'), ("Kazuha", "ja-JP", 'f'),
    ("Mizuki", "ja-JP", 'f'), ("Tomoko", "ja-JP", 'f'), ("Takumi", "ja-JP", 'm'), ("Seoyeon", "ko-KR", 'f'), ("Jihye", "ko-KR", 'f'),
    ("Zhiyu", "cmn-CN", 'f'), ("Hiujin", "yue-CN", 'f'), ("Laura", "nl-NL", 'f'), ("Lotte", "nl-NL", 'f'), ("Ruben", "nl-NL", 'm'),
    ("Lisa", "nl-BE", 'f'), ("Ewa", "pl-PL", 'f'), ("Maja", "pl-PL", 'f'), ("Ola", "pl-PL", 'f'), ("Jacek", "pl-PL", 'm'), ("Jan", "pl-PL", 'm'),
    ("Tatyana", "ru-RU", 'f'), ("Maxim", "ru-RU", 'm'), ("Astrid", "sv-SE", 'f'), ("Elin", "sv-SE", 'f'), ("Naja", "da-DK", 'f'),
    ("Sofie", "da-DK", 'f'), ("Mads", "da-DK", 'm'), ("Ida", "nb-NO", 'f'), ("Liv", "nb-NO", 'f'), ("Dora", "is-IS", 'f'), ("Karl", "is-IS", 'm'),
    ("Carmen", "ro-RO", 'f'), ("Burcu", "tr-TR", 'f'), ("Filiz", "tr-TR", 'f'), ("Zeina", "arb", 'f'), ("Hala", "ar-AE", 'f'),
    ("Zayd", "ar-AE", 'm'), ("Arlet", "ca-ES", 'f'), ("Suvi", "fi-FI", 'f'), ("Jitka", "cs-CZ", 'f'),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(name: &str, language: Option<&str>) -> Voice {
        Voice { name: name.to_owned(), engine: None, language: language.map(str::to_owned) }
    }

    #[test]
    fn a_voice_is_stood_in_for_by_language_first_and_sex_second() {
        for (name, language, espeak) in [
            ("Joanna", None, "en-us+f3"),
            ("matthew", None, "en-us+m3"),
            ("Olivia", Some("fr-FR"), "en-gb+f3"),
            ("Miguel", None, "es-419+m3"),
            ("Seoyeon", None, "ko+f3"),
            ("Zeina", None, "ar+f3"),
            ("Unheard", Some("de-AT"), "de+f3"),
            ("Unheard", Some("xx; rm"), "en-us+f3"),
            ("Unheard", None, "en-us+f3"),
        ] {
            assert_eq!(voice(name, language).espeak(), espeak, "{name}");
        }
    }

    #[test]
    fn a_language_is_asked_for_where_the_voice_has_a_choice() {
        for (name, language, asked) in [
            ("Kajal", Some("hi-IN"), Some("hi-IN")),
            ("Joanna", Some("es-US"), None),
            ("Unheard", Some("en-AU"), Some("en-AU")),
            ("Unheard", None, None),
        ] {
            assert_eq!(voice(name, language).language_to_ask_for(), asked, "{name}");
        }
    }

    #[test]
    fn an_engine_is_named_as_polly_names_it() {
        assert_eq!(Voice::default().engine(), "standard");
        assert_eq!(Voice { engine: Some("Neural".to_owned()), ..Voice::default() }.engine(), "neural");
    }
}
