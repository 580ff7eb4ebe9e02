//! Writes `fixtures/mkv`, its README and the seeds of the fuzz target `ebml`:
//! `cargo run -p tympan-mkv --example make_fixtures`.

#[path = "../tests/streams/hand_made.rs"]
mod hand_made;

use hand_made::Verdict;
use std::fmt::Write;
use std::path::Path;

const PREFACE: &str = "\
# Hand-made Matroska streams

Made by `cargo run -p tympan-mkv --example make_fixtures` (source: `crates/mkv/tests/streams/hand_made.rs`), under the
licence of this project. A test compares the files with their generator, and what a reader makes of them with this
table. The same files are seeds of the fuzz target `ebml`.

A frame is one byte value 16 times, `A0` + 16 x fragment + frame.

| file | what it is | what a reader must make of it |
|---|---|---|
";

fn main() -> std::io::Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut readme = PREFACE.to_owned();
    for made in hand_made::all() {
        for folder in ["fixtures/mkv", "fuzz/corpus/ebml"] {
            let folder = workspace.join(folder);
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join(made.name), &made.bytes)?;
        }
        let verdict = match made.verdict {
            Verdict::Read(documents, clusters, blocks) => {
                format!("documents {documents}, Clusters {clusters}, blocks {blocks}")
            }
            Verdict::Cut(blocks) => format!("blocks {blocks}, then: the input ends inside an element"),
            Verdict::Refused(Some(id), offset) => format!("refused: {id} at byte {offset}"),
            Verdict::Refused(None, offset) => format!("refused at byte {offset}"),
        };
        let _ = writeln!(readme, "| `{}` | {} | {verdict} |", made.name, made.what);
    }
    std::fs::write(workspace.join("fixtures/mkv/README.md"), readme)
}
