//! Conditions on a block's result: `{"Operator": "NumberLessThan", "Operands": ["5"]}`.

use crate::document::ConditionTransition;
use crate::parameters::scalar_text;
use crate::reference::Reference;
use crate::template::Template;

/// One comparison of a result with an operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    pub(crate) operand: Template,
}

/// How a result is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equals,
    TextStartsWith,
    TextEndsWith,
    TextContains,
    NumberGreaterThan,
    NumberGreaterOrEqualTo,
    NumberLessThan,
    NumberLessOrEqualTo,
    /// The result is a JSON object that has this member.
    KeyExists,
}

impl Condition {
    /// Whether `result` meets the condition. An unset result meets none.
    pub(crate) fn holds(
        &self,
        result: Option<&str>,
        value_of: impl Fn(&Reference) -> Option<String>,
    ) -> bool {
        let (Some(result), Some(operand)) = (result, self.operand.resolve_optional(value_of)) else {
            return false;
        };
        self.operator.compare(result, &operand)
    }

    /// The operand of a plain `Equals`.
    pub(crate) fn equals(&self) -> Option<&str> {
        if self.operator == Operator::Equals { self.operand.literal() } else { None }
    }
}

/// What is wrong with a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConditionFault {
    Operator,
    Operand(&'static str),
}

impl ConditionTransition {
    /// Understands the condition of a branch.
    pub(crate) fn condition(&self) -> Result<Condition, ConditionFault> {
        let operator = Operator::parse(&self.operator).ok_or(ConditionFault::Operator)?;
        let [operand] = self.operands.as_slice() else {
            return Err(ConditionFault::Operand("must be exactly one"));
        };
        let operand = scalar_text(operand).ok_or(ConditionFault::Operand("must be a string"))?;
        Ok(Condition { operator, operand: Template::parse(&operand) })
    }
}

impl Operator {
    /// Reads an operator in the spelling of either format; the documentation of 2019-10-30 itself has two
    /// for numbers.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let bare = name
            .strip_prefix("Text")
            .or_else(|| name.strip_prefix("Number"))
            .or_else(|| name.strip_prefix("Numeric"))
            .unwrap_or(name);
        Some(match bare {
            "Equals" => Self::Equals,
            "StartsWith" => Self::TextStartsWith,
            "EndsWith" => Self::TextEndsWith,
            "Contains" => Self::TextContains,
            "GreaterThan" => Self::NumberGreaterThan,
            "GreaterOrEqualTo" | "GreaterThanOrEqualTo" => Self::NumberGreaterOrEqualTo,
            "LessThan" => Self::NumberLessThan,
            "LessOrEqualTo" | "LessThanOrEqualTo" => Self::NumberLessOrEqualTo,
            "KeyExists" => Self::KeyExists,
            _ => return None,
        })
    }

    fn compare(self, result: &str, operand: &str) -> bool {
        match self {
            Self::Equals => result == operand,
            Self::TextStartsWith => result.starts_with(operand),
            Self::TextEndsWith => result.ends_with(operand),
            Self::TextContains => result.contains(operand),
            Self::NumberGreaterThan => numbers(result, operand).is_some_and(|(a, b)| a > b),
            Self::NumberGreaterOrEqualTo => numbers(result, operand).is_some_and(|(a, b)| a >= b),
            Self::NumberLessThan => numbers(result, operand).is_some_and(|(a, b)| a < b),
            Self::NumberLessOrEqualTo => numbers(result, operand).is_some_and(|(a, b)| a <= b),
            Self::KeyExists => serde_json::from_str::<serde_json::Value>(result)
                .is_ok_and(|value| value.get(operand).is_some()),
        }
    }
}

/// Both as numbers. A text that is no number is neither less nor greater than anything.
fn numbers(result: &str, operand: &str) -> Option<(f64, f64)> {
    Some((result.trim().parse().ok()?, operand.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(result: &str, operator: &str, operand: &str) -> bool {
        let condition =
            Condition { operator: Operator::parse(operator).unwrap(), operand: Template::parse(operand) };
        condition.holds(Some(result), |_| None)
    }

    #[test]
    fn every_operator_in_every_spelling() {
        let cases = [
            ("abc", "Equals", "abc", true),
            ("abc", "Equals", "ABC", false),
            ("abc", "TextStartsWith", "ab", true),
            ("abc", "StartsWith", "b", false),
            ("abc", "TextEndsWith", "bc", true),
            ("abc", "EndsWith", "ab", false),
            ("abc", "TextContains", "b", true),
            ("abc", "Contains", "d", false),
            ("10", "NumberGreaterThan", "9", true),
            ("9", "GreaterThan", "9", false),
            ("9", "NumberGreaterOrEqualTo", "9.0", true),
            ("8", "GreaterThanOrEqualTo", "9", false),
            ("8", "NumberLessThan", "9", true),
            ("8", "NumericLessThan", "9", true),
            ("9", "LessThan", "9", false),
            ("9", "NumberLessOrEqualTo", "9", true),
            ("10", "LessThanOrEqualTo", "9", false),
            ("ten", "NumberLessThan", "9", false),
            ("", "NumberLessThan", "9", false),
            (r#"{"a":1}"#, "KeyExists", "a", true),
            (r#"{"a":1}"#, "KeyExists", "b", false),
            ("a", "KeyExists", "a", false),
        ];
        for (result, operator, operand, expected) in cases {
            assert_eq!(holds(result, operator, operand), expected, "{result:?} {operator} {operand:?}");
        }
        assert_eq!(Operator::parse("Matches"), None);
    }

    #[test]
    fn an_unset_result_meets_no_condition() {
        for operator in ["Equals", "TextStartsWith", "TextContains", "NumberLessThan"] {
            let condition =
                Condition { operator: Operator::parse(operator).unwrap(), operand: Template::parse("") };
            assert!(!condition.holds(None, |_| None), "{operator}");
        }
    }

    #[test]
    fn an_operand_may_be_a_reference() {
        let condition =
            Condition { operator: Operator::Equals, operand: Template::parse("$.Attributes.expected") };
        assert!(condition.holds(Some("x"), |_| Some("x".to_owned())));
        assert!(!condition.holds(Some(""), |_| None));
    }
}
