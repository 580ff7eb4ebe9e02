//! Finds keys that nothing reads, and the known key that was probably meant.

use toml::Table;

/// The first key of `given` that `known` lacks, as a dotted path, with its nearest known neighbour.
///
/// Arrays of tables are compared with the shape in `known`'s first element, where it has one.
pub(super) fn unknown_key(given: &Table, known: &Table) -> Option<(String, Option<String>)> {
    for (key, value) in given {
        let Some(expected) = known.get(key) else {
            return Some((key.clone(), nearest(key, known.keys())));
        };
        let inner = match (value, expected) {
            (toml::Value::Table(given), toml::Value::Table(known)) => unknown_key(given, known),
            (toml::Value::Array(given), toml::Value::Array(known)) => {
                let known = known.first().and_then(toml::Value::as_table);
                given.iter().filter_map(toml::Value::as_table).find_map(|given| unknown_key(given, known?))
            }
            _ => None,
        };
        if let Some((path, hint)) = inner {
            return Some((format!("{key}.{path}"), hint.map(|hint| format!("{key}.{hint}"))));
        }
    }
    None
}

fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    known
        .map(|candidate| (distance(key, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= 2.max(candidate.len() / 3))
        .map(|(_, candidate)| candidate.clone())
}

/// Levenshtein distance over bytes; keys are short ASCII words.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(distance("listen", "listen"), 0);
        assert_eq!(distance("lisen", "listen"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn names_the_path_and_the_neighbour() {
        let known: Table = toml::from_str("[http]\nlisten = ''\n[[lambda.functions]]\narn = ''").unwrap();
        let given: Table = toml::from_str("[http]\nlisten = ''\nlisen = ''").unwrap();
        assert_eq!(unknown_key(&given, &known), Some(("http.lisen".into(), Some("http.listen".into()))));
        let given: Table = toml::from_str("[[lambda.functions]]\nanr = ''").unwrap();
        let found = unknown_key(&given, &known);
        assert_eq!(found, Some(("lambda.functions.anr".into(), Some("lambda.functions.arn".into()))));
        let given: Table = toml::from_str("something_else = 1").unwrap();
        assert_eq!(unknown_key(&given, &known), Some(("something_else".into(), None)));
    }
}
