//! What the pages print for people, run as it is printed: on the printed ports, in a network of its own, by a shell
//! that has nothing set.

use anyhow::{Context, ensure};
use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Commands of the pages that no test runs, and why. A page's command that is not among them is run.
const UNRUN: &[(&str, &str)] = &[
    ("cargo xtask demo", "`cargo xtask test` ends with it"),
    ("cargo xtask test", "it is what runs this test"),
    ("tympan listen latest | ffplay", "it wants loudspeakers"),
];

/// The server of a page, which a person leaves running in a terminal of its own.
const SERVE: &str = "tympan serve --dev";

/// A code block of a page.
struct Block {
    language: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else { continue };
        let indent = line.len() - line.trim_start().len();
        let inside = lines.by_ref().take_while(|line| line.trim() != "```");
        let text = inside.map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect();
        blocks.push(Block { language: language.trim().to_owned(), text });
    }
    blocks
}

/// A page's commands as one script, and how many blocks it has.
///
/// # Errors
/// A block in a language that no test runs.
pub fn script(page: &str) -> anyhow::Result<(String, usize)> {
    let (mut script, mut count) = (String::new(), 0);
    for Block { language, text } in blocks(page) {
        match language.as_str() {
            "sh" => text.lines().for_each(|line| push(&mut script, line)),
            "sh-session" => text
                .lines()
                .for_each(|line| push(&mut script, line.strip_prefix("$ ").unwrap_or("# its output"))),
            "python" => write!(script, "python3 - <<'PYTHON'\n{text}PYTHON\n")?,
            // `cargo xtask dist --prove` runs what is about the package, as a person who may become root.
            "sh package" | "python package" => continue,
            // The program out of it, by the command that the rest of the page begins with.
            "sh bare" => continue,
            // What the others show is not run.
            "json" | "toml" => continue,
            other => anyhow::bail!("a block is {other:?}: say in e2e/src/printed.rs how it is run"),
        }
        count += 1;
    }
    Ok((script, count))
}

fn push(script: &mut String, line: &str) {
    if UNRUN.iter().any(|(command, _)| line.starts_with(command)) {
        return;
    }
    script.push_str(line);
    script.push('\n');
    if line == SERVE {
        // Another terminal would do without the &.
        script.truncate(script.len() - 1);
        script.push_str(" &\n");
        script.push_str(&until_ready());
    }
}

/// Waits for the server on the printed port.
fn until_ready() -> String {
    "until curl -sf http://127.0.0.1:8600/readyz; do kill -0 $!; sleep 0.1; done\n".to_owned()
}

/// A person's computer: a folder with a clone of the project, an empty home, a network without anyone else in it.
pub struct Desktop {
    folder: tempfile::TempDir,
    path: OsString,
}

impl Desktop {
    /// One that has the Python of that folder and that `aws` beside Debian's own programs.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn with(python: &Path, aws: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let bin = folder.path().join("bin");
        for name in ["bin", "home", "clone"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        std::os::unix::fs::symlink(tympan_testkit::binary()?, bin.join("tympan"))?;
        std::os::unix::fs::symlink(aws, bin.join("aws"))?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for name in ["docs", "fixtures"] {
            let copied = Command::new("cp")
                .arg("-r")
                .arg(root.join(name))
                .arg(folder.path().join("clone"))
                .status()?;
            ensure!(copied.success(), "cannot copy {name}");
        }
        let debian = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(Path::new);
        let path = std::env::join_paths([bin.as_path(), python].iter().chain(&debian))?;
        Ok(Self { folder, path })
    }

    /// A file in the clone.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("clone").join(name)
    }

    /// Runs a script by sh, and gives what it has printed. What it has begun last in the background is ended.
    ///
    /// # Errors
    /// A command of it that fails, with all that was printed.
    pub fn run(&self, script: &str) -> anyhow::Result<String> {
        let file = self.folder.path().join("script.sh");
        std::fs::write(&file, format!("trap 'kill $! || true; wait' EXIT\nset -ex\n{script}"))?;
        let output = Command::new("unshare")
            .args(["--net", "--map-root-user", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"])
            .args(["env", "-i"])
            .arg(pair("PATH", &self.path))
            .arg(pair("HOME", self.folder.path().join("home").as_os_str()))
            .arg("sh")
            .arg(&file)
            .current_dir(self.folder.path().join("clone"))
            .stdin(Stdio::null())
            .output()
            .context("unshare (util-linux) gives a test the printed ports to itself: cannot run it")?;
        let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat();
        ensure!(output.status.success(), "{} in\n{script}\nwhich printed\n{said}", output.status);
        Ok(said)
    }
}

fn pair(name: &str, value: &std::ffi::OsStr) -> OsString {
    let mut pair = OsString::from(name);
    pair.push("=");
    pair.push(value);
    pair
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_becomes_a_script_without_what_cannot_be_run() {
        let page = "text\n\n```sh\ncargo xtask test    # all\necho one\n```\n\n* item\n\n  ```sh-session\n  $ echo two\n  \
                    two\n  ```\n\n```python\nprint(3)\n```\n\n```json\n{}\n```\n";
        let (script, count) = script(page).unwrap();
        assert_eq!(script, "echo one\necho two\n# its output\npython3 - <<'PYTHON'\nprint(3)\nPYTHON\n");
        assert_eq!(count, 3);
        assert!(super::script("```ruby\nputs 1\n```\n").is_err());
    }
}
