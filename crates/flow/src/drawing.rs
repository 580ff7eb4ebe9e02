//! A flow as a picture: Graphviz DOT and Mermaid text.

use std::fmt::Write;

use crate::graph::{Exit, Flow, FlowBlock};

impl Flow {
    /// The graph in the DOT language of Graphviz. Blocks that are not performed are dashed.
    pub fn to_dot(&self) -> String {
        let mut dot =
            String::from("digraph flow {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
        dot.push_str("  start [shape=circle, label=\"\"];\n");
        if let Some(start) = self.start() {
            line(&mut dot, format_args!("  start -> b{start};"));
        }
        for (index, block) in self.blocks().iter().enumerate() {
            let label = quoted_for_dot(&title(block, "\n"));
            let style = if block.is_supported() { "" } else { ", style=dashed" };
            line(&mut dot, format_args!("  b{index} [label={label}{style}];"));
        }
        for (index, block) in self.blocks().iter().enumerate() {
            for (place, exit) in block.exits().iter().enumerate() {
                let to = node_name(index, place, exit);
                if exit.index.is_none() {
                    let label = quoted_for_dot(exit.to);
                    line(&mut dot, format_args!("  {to} [label={label}, color=red, style=dotted];"));
                }
                match &exit.label {
                    Some(label) => {
                        line(&mut dot, format_args!("  b{index} -> {to} [label={}];", quoted_for_dot(label)));
                    }
                    None => line(&mut dot, format_args!("  b{index} -> {to};")),
                }
            }
        }
        dot.push_str("}\n");
        dot
    }

    /// The graph as a Mermaid flowchart. Blocks that are not performed are dashed.
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n  start(( ))\n");
        if let Some(start) = self.start() {
            line(&mut text, format_args!("  start --> b{start}"));
        }
        for (index, block) in self.blocks().iter().enumerate() {
            line(&mut text, format_args!("  b{index}[{}]", quoted_for_mermaid(&title(block, "<br/>"))));
            if !block.is_supported() {
                line(&mut text, format_args!("  style b{index} stroke-dasharray: 4 4"));
            }
        }
        for (index, block) in self.blocks().iter().enumerate() {
            for (place, exit) in block.exits().iter().enumerate() {
                let to = node_name(index, place, exit);
                if exit.index.is_none() {
                    let label = quoted_for_mermaid(&escaped_for_mermaid(exit.to));
                    line(&mut text, format_args!("  {to}[{label}]"));
                    line(&mut text, format_args!("  style {to} stroke:red"));
                }
                match &exit.label {
                    Some(label) => {
                        let label = quoted_for_mermaid(&escaped_for_mermaid(label));
                        line(&mut text, format_args!("  b{index} -->|{label}| {to}"));
                    }
                    None => line(&mut text, format_args!("  b{index} --> {to}")),
                }
            }
        }
        text
    }
}

/// The node that an exit leads to; one of its own where the flow has no such block.
fn node_name(block: usize, place: usize, exit: &Exit<'_>) -> String {
    exit.index.map_or_else(|| format!("missing{block}x{place}"), |index| format!("b{index}"))
}

fn title(block: &FlowBlock, line_break: &str) -> String {
    if line_break == "\n" {
        format!("{}\n{}", block.identifier(), block.type_name())
    } else {
        let [identifier, type_name] = [block.identifier(), block.type_name()].map(escaped_for_mermaid);
        format!("{identifier}{line_break}{type_name}")
    }
}

fn quoted_for_dot(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n").replace('\r', ""))
}

fn quoted_for_mermaid(escaped: &str) -> String {
    format!("\"{escaped}\"")
}

/// Mermaid knows entities by number in `#...;`. Line breaks would end the statement.
fn escaped_for_mermaid(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '#' => "#35;".to_owned(),
            '"' => "#34;".to_owned(),
            '<' => "#60;".to_owned(),
            '>' => "#62;".to_owned(),
            '&' => "#38;".to_owned(),
            character if character.is_control() => " ".to_owned(),
            character => character.to_string(),
        })
        .collect()
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{arguments}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Flow {
        Flow::parse(
            r##"{"Version":"2019-10-30","StartAction":"Say \"hi\"","Actions":[
              {"Identifier":"Say \"hi\"","Type":"GetParticipantInput",
               "Parameters":{"Text":"Hello","InputTimeLimitSeconds":"5"},
               "Transitions":{"NextAction":"bye","Conditions":[{"NextAction":"bye",
                 "Condition":{"Operator":"Equals","Operands":["#"]}}],
                 "Errors":[{"ErrorType":"NoMatchingError","NextAction":"gone"}]}},
              {"Identifier":"bye","Type":"Wait"}]}"##,
        )
        .unwrap()
    }

    #[test]
    fn draws_dot() {
        assert_eq!(
            flow().to_dot(),
            r#"digraph flow {
  rankdir=LR;
  node [shape=box, fontname="sans-serif"];
  start [shape=circle, label=""];
  start -> b0;
  b0 [label="Say \"hi\"\nGetParticipantInput"];
  b1 [label="bye\nWait", style=dashed];
  b0 -> b1;
  b0 -> b1 [label="\#"];
  missing0x2 [label="gone", color=red, style=dotted];
  b0 -> missing0x2 [label="NoMatchingError"];
}
"#
            .replace("\\#", "#")
        );
    }

    #[test]
    fn draws_mermaid() {
        assert_eq!(
            flow().to_mermaid(),
            r##"flowchart LR
  start(( ))
  start --> b0
  b0["Say #34;hi#34;<br/>GetParticipantInput"]
  b1["bye<br/>Wait"]
  style b1 stroke-dasharray: 4 4
  b0 --> b1
  b0 -->|"#35;"| b1
  missing0x2["gone"]
  style missing0x2 stroke:red
  b0 -->|"NoMatchingError"| missing0x2
"##
        );
    }
}
