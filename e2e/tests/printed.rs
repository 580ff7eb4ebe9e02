//! The first five minutes: what README, greeting, docs/clients.md, docs/emulator.md and the pytest recipe print works as
//! it is printed, with boto3 and both versions of the AWS CLI.
//!
//! `TYMPAN_E2E_AWS_CLI_1` and `TYMPAN_E2E_AWS_CLI_2` name the CLIs; `cargo xtask test` installs and sets them.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use tympan_e2e::printed::{Desktop, script};

/// A sample that is as loud as speech.
const LOUD: u16 = 2_000;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The program that a variable names.
fn program(variable: &str) -> anyhow::Result<PathBuf> {
    let program = std::env::var_os(variable).map(PathBuf::from);
    program
        .with_context(|| format!("{variable} is not set: cargo xtask test installs the program and sets it"))
}

/// A desktop with boto3 and the CLI of that version.
fn desktop(version: u8) -> anyhow::Result<Desktop> {
    let python = program("TYMPAN_E2E_PYTHON")?;
    let folder = python.parent().context("the interpreter of boto3 is in no folder")?;
    Desktop::with(folder, &program(&format!("TYMPAN_E2E_AWS_CLI_{version}"))?)
}

/// Whether a WAV file of 16-bit samples has speech in it.
fn is_heard(wav: &Path) -> anyhow::Result<bool> {
    let bytes = std::fs::read(wav).with_context(|| format!("{}", wav.display()))?;
    let samples = bytes.chunks_exact(2).skip(22).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    Ok(samples.filter(|sample| sample.unsigned_abs() > LOUD).count() > 1_000)
}

#[test]
fn the_readme_leads_to_a_callers_voice() -> anyhow::Result<()> {
    let desktop = desktop(1)?;
    let (script, blocks) = script(&page("README.md"))?;
    ensure!(blocks >= 6, "only {blocks} blocks were found");
    desktop.run(&script)?;
    for wav in ["caller.wav", "hello.wav"] {
        assert!(is_heard(&desktop.file(wav))?, "{wav} is silent");
    }
    assert!(desktop.file("hello.mkv").metadata()?.len() > 50_000);
    Ok(())
}

#[test]
fn the_greeting_leads_to_a_callers_voice() -> anyhow::Result<()> {
    let desktop = desktop(2)?;
    // It is for terminals, so `script` makes one. What is indented is what can be typed.
    desktop.run(
        "script -qfc 'exec tympan serve --dev --ready-file ready.json' greeting.txt > /dev/null &\n\
         until test -e ready.json && grep -q listen greeting.txt; do sleep 0.1; done\n\
         tr -d '\\r' < greeting.txt | grep '^  ' > typed.sh\n\
         cat typed.sh\n\
         sh -ex typed.sh\n\
         kill $(python3 -c 'import json; print(json.load(open(\"ready.json\"))[\"pid\"])')\n",
    )?;
    assert!(is_heard(&desktop.file("caller.wav"))?, "caller.wav is silent");
    Ok(())
}

/// The page of clients, and what it says of the CLI's versions.
fn clients_page(version: u8) -> anyhow::Result<()> {
    let desktop = desktop(version)?;
    let (script, blocks) = script(&page("docs/clients.md"))?;
    ensure!(blocks >= 3, "only {blocks} blocks were found");
    let with_it =
        "tympan serve --dev &\nuntil curl -sf http://127.0.0.1:8600/readyz; do kill -0 $!; sleep 0.1; done\n";
    // The page says which versions read AWS_ENDPOINT_URL and which do not; those find nothing in this network.
    let reads = "case $(aws --version 2>&1) in aws-cli/1.*|aws-cli/2.1[3-9].*|aws-cli/2.[2-9][0-9].*) true;; *) false;; esac";
    let plain = format!("if {reads}; then {{ASK}}; else ! {{ASK}} && echo as-the-page-says; fi\n")
        .replace("{ASK}", "aws kinesisvideo list-streams");
    let services = "python3 - <<'PYTHON'\nimport boto3\n\
        for name in ['kinesisvideo', 'kinesis-video-media', 'kinesis-video-archived-media', 'connect', 'kms', 'sts']:\n\
        \x20   url = boto3.client(name).meta.endpoint_url\n\
        \x20   assert url == 'http://127.0.0.1:8600', f'{name} goes to {url}'\n\
        assert 'amazonaws' in boto3.client('s3').meta.endpoint_url\n\
        assert boto3.client('kinesisvideo').list_streams()['StreamInfoList']\nPYTHON\n";
    let (variables, rest) = script.split_once("kvs()").context("the page has no function of the CLI")?;
    desktop.run(&format!("{with_it}{variables}{plain}kvs(){rest}{services}"))?;
    assert!(desktop.file("hello.mkv").metadata()?.len() > 50_000);
    Ok(())
}

#[test]
fn what_the_page_of_clients_says_holds_for_version_1_of_the_cli() -> anyhow::Result<()> {
    clients_page(1)
}

#[test]
fn what_the_page_of_clients_says_holds_for_version_2_of_the_cli() -> anyhow::Result<()> {
    clients_page(2)
}

#[test]
fn the_page_of_the_emulator_and_its_recipe_work() -> anyhow::Result<()> {
    let (script, blocks) = script(&page("docs/emulator.md"))?;
    ensure!(blocks >= 6, "only {blocks} blocks were found");
    let said = desktop(1)?.run(&script)?;
    assert!(said.contains(" passed") && !said.contains(" failed"), "{said}");
    Ok(())
}

#[test]
fn wherever_one_region_variable_is_printed_the_other_one_is() {
    let pages = ["README.md", "docs/clients.md", "docs/emulator.md", "docs/recipes/compose.yml"];
    let sources = ["docs/recipes/pytest/conftest.py", "xtask/src/demo.rs", "crates/server/src/serve/dev.rs"];
    for name in pages.iter().chain(&sources).chain(&["crates/client/src/credentials.rs"]) {
        let text = page(name);
        let count = |text: &str, assignments: [&str; 2]| -> usize {
            assignments.iter().map(|assignment| text.matches(assignment).count()).sum()
        };
        let one = count(&text, ["AWS_REGION=us-west-2", "AWS_REGION: us-west-2"]);
        let other = count(&text, ["AWS_DEFAULT_REGION=us-west-2", "AWS_DEFAULT_REGION: us-west-2"]);
        assert_eq!(one, other, "{name} prints one of them alone");
    }
}
