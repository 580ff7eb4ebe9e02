//! `cargo xtask demo`: one whole call, for real, and what it leaves behind in the folder `demo` of the target folder.

use crate::command::{RunLoudly, target_folder};
use crate::compat;
use crate::prerequisites::{self, AWS_CLI_2, ESPEAK};
use anyhow::{Context, bail, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const NUMBER: &str = "+18005550100";
const FUNCTION: &str = "arn:aws:lambda:us-west-2:111122223333:function:tympan-demo";
/// As long as the greeting and what follows the Start block.
const PAUSE_S: usize = 9;
const SENTENCE: &str = "Hello. My parcel has not arrived, and I would like to know where it is. Thank you.";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let afterwards = match arguments {
        [] => Afterwards::Stop,
        [flag] if flag == "--keep" => Afterwards::Keep,
        [flag] if flag == "--try" => Afterwards::Try,
        _ => bail!("demo takes no argument but --keep or --try"),
    };
    if let Err(error) = prerequisites::debian(&[ESPEAK]) {
        eprintln!("without espeak-ng the caller hums and prompts are silent: {error:#}");
    }
    let tympan = compat::tympan()?;

    let folder = target_folder()?.join("demo");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let speech = folder.join("what-the-caller-says.wav");
    speak(&speech)?;

    let server = Server::start(tympan, &folder)?;
    say(&format!("The server is up: HTTP at {}, SIP at {}.", server.http, server.sip));

    say(&format!("A caller dials {NUMBER} and says: \"{SENTENCE}\""));
    let heard = folder.join("what-the-caller-heard.wav");
    let target = format!("sip:{NUMBER}@{}", server.sip);
    server.tympan(&[
        "call",
        &target,
        "--from",
        "+12065550123",
        "--audio",
        path(&speech)?,
        "--record",
        path(&heard)?,
    ])?;

    let contacts: Value = serde_json::from_str(&server.tympan(&["contacts", "ls", "--json"])?)?;
    let contact = contacts[0]["ContactId"].as_str().context("the call left no contact")?.to_owned();
    let record = server.tympan(&["contacts", "show", &contact, "--json"])?;
    std::fs::write(folder.join("contact-record.json"), &record)?;
    let record: Value = serde_json::from_str(&record)?;
    std::fs::write(folder.join("attributes.json"), serde_json::to_string_pretty(&record["Attributes"])?)?;

    let recording = &record["Recordings"][0];
    let field =
        |name: &str| recording[name].as_str().with_context(|| format!("the record has no {name}: {record}"));
    let (stream, start, stop) =
        (field("Location")?, field("FragmentStartNumber")?, field("FragmentStopNumber")?);
    let (raw, wav) = (folder.join("caller.raw"), folder.join("caller.wav"));
    server.tympan(&["consume", "--stream", stream, "--after", start, "-o", path(&raw)?])?;
    server.tympan(&["consume", "--stream", stream, "--after", start, "-o", path(&wav)?])?;

    let samples = std::fs::metadata(&raw)?.len() / 2;
    ensure!(samples > 8_000, "only {samples} samples came back");
    let event = std::fs::read_to_string(folder.join("lambda-event.json"))
        .context("the Lambda function was not called")?;
    let event: Value = serde_json::from_str(&event)?;
    let told = &event["Details"]["ContactData"]["MediaStreams"]["Customer"]["Audio"]["StartFragmentNumber"];
    ensure!(told == start, "the function was told {told}, the record says {start}");

    say(&format!(
        "The call is contact {contact}. Its flow started media streaming, told a Lambda function where the"
    ));
    say(
        "audio is, stopped streaming and hung up. The caller's side of it, and nothing else, is in the stream",
    );
    say(&format!("  {stream}"));
    say(&format!("from fragment {start}\nto fragment   {stop}."));
    say(&format!(
        "{:.1} s of it came back through GetMedia. In {} you find",
        samples as f64 / 8_000.0,
        folder.display()
    ));
    for (file, what) in [
        ("caller.wav", "what the stream holds: listen to it"),
        ("caller.raw", "the same as 16-bit signed mono PCM at 8 kHz, as the seed's LMSDemo writes it"),
        ("what-the-caller-says.wav", "what was spoken into the phone"),
        ("what-the-caller-heard.wav", "the prompts, which are not in the stream"),
        ("lambda-event.json", "the event that the Lambda function received"),
        ("attributes.json", "the attributes that the flow set"),
        ("contact-record.json", "the contact record"),
    ] {
        ensure!(folder.join(file).is_file(), "{file} is missing");
        say(&format!("  {file:<27}{what}"));
    }
    match afterwards {
        Afterwards::Stop => server.stop(),
        Afterwards::Keep => server.explain_and_wait(),
        Afterwards::Try => {
            server.try_what_is_explained()?;
            server.stop()
        }
    }
}

/// What becomes of the server once its call is over.
enum Afterwards {
    Stop,
    /// It stays, with a text on how to use it.
    Keep,
    /// The commands of that text are run.
    Try,
}

/// The caller's words, by espeak-ng, else a tune. A caller hears the greeting out first, so a pause comes before.
fn speak(file: &Path) -> anyhow::Result<()> {
    const HEADER_BYTES: usize = 44;
    let spoken =
        Command::new("espeak-ng").args(["-s", "150", "--stdout", SENTENCE]).stderr(Stdio::null()).output();
    let (rate_hz, audio) = match spoken {
        Ok(output) if output.status.success() && output.stdout.len() > HEADER_BYTES => {
            let (header, audio) = output.stdout.split_at(HEADER_BYTES);
            (u32::from_le_bytes([header[24], header[25], header[26], header[27]]), audio.to_vec())
        }
        _ => (8_000, tune()),
    };
    std::fs::write(file, wav(rate_hz, &audio))?;
    Ok(())
}

/// Five seconds of a rising scale at 8 kHz: recognisable by ear, made without any program.
fn tune() -> Vec<u8> {
    let sample = |n: u32| {
        let pitch_hz = 262.0 * 2_f64.powf(f64::from(n / 5_000) * 2.0 / 12.0);
        (8_000.0 * (f64::from(n) / 8_000.0 * pitch_hz * std::f64::consts::TAU).sin()) as i16
    };
    (0..40_000).flat_map(|n| sample(n).to_le_bytes()).collect()
}

/// A WAV file of 16-bit mono samples, with the caller's pause before them.
fn wav(rate_hz: u32, audio: &[u8]) -> Vec<u8> {
    let silence = vec![0; rate_hz as usize * 2 * PAUSE_S];
    let bytes = (silence.len() + audio.len()) as u32;
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(rate_hz.to_le_bytes());
    wav.extend((rate_hz * 2).to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend(bytes.to_le_bytes());
    wav.extend(silence);
    wav.extend(audio);
    wav
}

fn say(text: &str) {
    println!("{text}");
}

fn path(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("the path is not UTF-8")
}

/// `tympan serve --dev`, killed when dropped.
struct Server {
    child: Child,
    binary: PathBuf,
    http: String,
    sip: String,
}

impl Server {
    fn start(binary: PathBuf, folder: &Path) -> anyhow::Result<Self> {
        let ready_file = folder.join("ready.json");
        let event_file = folder.join("lambda-event.json");
        let script = format!("cat > '{}'; echo '{{\"lambdaResult\":\"Success\"}}'", path(&event_file)?);
        let functions = format!("[{{ arn = {FUNCTION:?}, command = [\"sh\", \"-c\", {script:?}] }}]");
        let log = std::fs::File::create(folder.join("server.log"))?;
        let child = Command::new(&binary)
            .args([
                "serve",
                "--dev",
                "--data-dir",
                path(&folder.join("data"))?,
                "--ready-file",
                path(&ready_file)?,
            ])
            .env("TYMPAN_HTTP__LISTEN", "127.0.0.1:0")
            .env("TYMPAN_CONSOLE__LISTEN", "127.0.0.1:0")
            .env("TYMPAN_SIP__LISTEN", "127.0.0.1:0")
            .env("TYMPAN_RTP__PORT_FIRST", "0")
            .env("TYMPAN_LAMBDA__FUNCTIONS", functions)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut server = Self { child, binary, http: String::new(), sip: String::new() };
        let begun = Instant::now();
        let ready: Value = loop {
            if let Ok(bytes) = std::fs::read(&ready_file) {
                break serde_json::from_slice(&bytes)?;
            }
            let ended = server.child.try_wait()?.is_some() || begun.elapsed() > Duration::from_secs(60);
            ensure!(!ended, "the server did not start; see {}", folder.join("server.log").display());
            std::thread::sleep(Duration::from_millis(10));
        };
        server.http = ready["http"].as_str().context("no http in the ready file")?.to_owned();
        server.sip = ready["sip"].as_str().context("no sip in the ready file")?.to_owned();
        Ok(server)
    }

    /// Runs a verb of the command line against this server and gives its standard output.
    fn tympan(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .env("AWS_ENDPOINT_URL", &self.http)
            .env("AWS_ACCESS_KEY_ID", "TYMPANDEV")
            .env("AWS_SECRET_ACCESS_KEY", "tympandevsecret")
            .env("AWS_REGION", "us-west-2")
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "tympan {} failed ({})", arguments.join(" "), output.status);
        Ok(String::from_utf8(output.stdout)?)
    }

    fn stop(mut self) -> anyhow::Result<()> {
        // The shell's own: a minimal Debian has no kill program.
        Command::new("sh").args(["-c", &format!("kill {}", self.child.id())]).status()?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    fn explain_and_wait(mut self) -> anyhow::Result<()> {
        say("\nThe server goes on until you press Ctrl-C. In another terminal:\n");
        self.commands().iter().for_each(|command| say(&format!("  {command}")));
        say(&format!(
            "\nand with a softphone (PCMU or PCMA, no registration): call sip:{NUMBER}@{}",
            self.sip
        ));
        self.child.wait()?;
        Ok(())
    }

    /// What a person can type to use the server.
    fn commands(&self) -> [String; 6] {
        let tympan = self.binary.display();
        [
            format!("export AWS_ENDPOINT_URL={}", self.http),
            "export AWS_REGION=us-west-2 AWS_DEFAULT_REGION=us-west-2".to_owned(),
            "export AWS_ACCESS_KEY_ID=TYMPANDEV AWS_SECRET_ACCESS_KEY=tympandevsecret".to_owned(),
            "python3 -c \"import boto3; print(boto3.client('kinesisvideo').list_streams())\"".to_owned(),
            format!("aws --endpoint-url {} kinesisvideo list-streams", self.http),
            format!("'{tympan}' call sip:{NUMBER}@{} --hello && '{tympan}' contacts show latest", self.sip),
        ]
    }

    /// Runs those commands by a shell that has nothing else set, with each version of the AWS CLI.
    fn try_what_is_explained(&self) -> anyhow::Result<()> {
        let python = prerequisites::python()?;
        let aws_cli_1 = prerequisites::aws_cli_1()?;
        prerequisites::debian(&[AWS_CLI_2])?;
        for aws in [aws_cli_1.as_path(), Path::new(AWS_CLI_2.program)] {
            let script = format!("aws() {{ '{}' \"$@\"; }}\n{}", path(aws)?, self.commands().join("\n"));
            let folder = python.parent().context("the interpreter of boto3 is in no folder")?;
            Command::new("env")
                .args(["-i", "HOME=/nonexistent", &format!("PATH={}:/usr/bin:/bin", path(folder)?)])
                .args(["sh", "-ex", "-c", &script])
                .run_loudly()?;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
