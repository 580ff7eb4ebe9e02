//! The ways in which a request may write an id: some are taken for what they mean, the others name nothing.

use super::random::Random;

pub(super) const ROOT: &str = "us-west-2:111122223333:";

/// A text of a request, and whether it names the id that it was made of.
#[derive(Debug, Clone)]
pub(super) struct Spelled {
    pub(super) text: String,
    pub(super) is_meant: bool,
}

/// A UUID, by itself or in one of these ARNs, of which `{}` stands for it.
pub(super) fn uuid(random: &mut Random, id: &str, arns: &[String]) -> Spelled {
    let cased = any_case(random, id);
    let in_arn = |random: &mut Random, id: &str| match arns {
        [] => id.to_owned(),
        arns => random.one_of(arns).replace("{}", id),
    };
    if random.percent(70) {
        let text = if random.percent(60) { cased } else { in_arn(random, &cased) };
        return Spelled { text, is_meant: true };
    }
    let text = match random.below(9) {
        0 => format!("{{{cased}}}"),
        1 => cased.replace('-', ""),
        2 => format!("urn:uuid:{cased}"),
        3 => format!("{cased}/"),
        4 => format!(" {cased}"),
        5 => in_arn(random, &format!("{{{cased}}}")),
        6 => format!("{}/", in_arn(random, &cased)),
        7 => format!("x/{cased}"),
        _ => in_arn(random, &cased).replace("arn:aws:", "ARN:AWS:") + "x",
    };
    Spelled { text, is_meant: false }
}

/// A name of which the case matters, by itself or in an ARN.
pub(super) fn any_case(random: &mut Random, id: &str) -> String {
    let style = random.below(3);
    let flip = |c: char, random: &mut Random| match style {
        0 => c,
        1 => c.to_ascii_uppercase(),
        _ if random.percent(50) => c.to_ascii_uppercase(),
        _ => c,
    };
    id.chars().map(|c| flip(c, random)).collect()
}

/// A label of a path: what must be encoded is, and of the rest whatever chance picks.
pub(super) fn in_path(random: &mut Random, text: &str) -> String {
    let often = *random.one_of(&[0, 0, 10, 100]);
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() && !random.percent(often) || byte == b'-' {
            encoded.push(char::from(byte));
        } else if random.percent(50) {
            encoded.push_str(&format!("%{byte:02X}"));
        } else {
            encoded.push_str(&format!("%{byte:02x}"));
        }
    }
    encoded
}

/// A JSON text, with as many escapes as chance picks.
pub(super) fn in_json(random: &mut Random, text: &str) -> String {
    let often = *random.one_of(&[0, 0, 10, 100]);
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if c == '"' || c == '\\' || random.percent(often) {
            quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            quoted.push(c);
        }
    }
    quoted.push('"');
    quoted
}
