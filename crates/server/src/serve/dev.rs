//! `--dev`: a working set-up out of nothing.

use super::ready_file::Addresses;
use crate::config::{Config, Credential, Flow, Instance, LambdaFunction, MediaStreaming};
use crate::doctor::find_program;
use crate::http::SignInCode;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use tokio::time::Instant;
use tympan_connect::phone_numbers::NumberRange;
use tympan_kms::KeyId;

/// The flag of the command line.
pub(super) const FLAG: &str = "--dev";

/// The sample flow, built in.
pub(super) const SAMPLE_FLOW: &str = include_str!("../../../../fixtures/flows/seed.json");
/// What the sample flow is called in the configuration that `--dev` makes up.
pub(crate) const SAMPLE_FLOW_FILE: &str = "(sample flow)";
const NUMBER: &str = "+18005550100";
const FUNCTION: &str = "arn:aws:lambda:us-west-2:111122223333:function:tympan-demo";
/// Numbers that no subscriber has, set aside for films and examples: of the United States, the United Kingdom, Australia, Germany
/// and France, and where there are such numbers also those that are free for the caller.
const NUMBER_RANGES: [&str; 7] = [
    "+18005550100-+18005550199",
    "+12065550100-+12065550199",
    "+442079460000-+442079460099",
    "+448081570000-+448081570099",
    "+61255501000-+61255501099",
    "+493023125000-+493023125099",
    "+33199000000-+33199000099",
];
const ACCESS_KEY: &str = "TYMPANDEV";
const SECRET: &str = "tympandevsecret";

/// Adds what a developer would have to set up; what is set already stays.
pub(super) fn apply(config: &mut Config) {
    config.credentials.push(Credential {
        access_key_id: ACCESS_KEY.into(),
        secret_access_key: SECRET.into(),
        ..Credential::default()
    });
    for key in config.credentials.iter_mut().filter(|key| key.policies.is_empty()) {
        key.policies.push("full-access".into());
    }
    if !config.lambda.functions.iter().any(|function| function.arn == FUNCTION) {
        // The function that goes with the sample flow: reads its event and answers as the console's own sample does.
        let script = "cat > /dev/null; echo '{\"lambdaResult\":\"Success\"}'";
        config.lambda.functions.push(LambdaFunction {
            arn: FUNCTION.into(),
            command: ["sh", "-c", script].map(String::from).to_vec(),
            url: None,
        });
    }
    if config.connect.number_ranges == [NumberRange::default()] {
        config.connect.number_ranges = NUMBER_RANGES.iter().filter_map(|range| range.parse().ok()).collect();
    }
    config.connect.instances.push(Instance {
        contacts_kept_days: None,
        alias: "demo".into(),
        media_streaming: Some(MediaStreaming {
            prefix: "demo".into(),
            kms_key: KeyId::default(),
            retention_hours: 24,
        }),
        lambda_functions: vec![FUNCTION.into()],
        flows: vec![Flow {
            name: "Sample".into(),
            file: SAMPLE_FLOW_FILE.into(),
            numbers: vec![NUMBER.into()],
        }],
    });
}

/// A link to the console that signs in as the user of the access key of `--dev`, once. The code is behind `#`: browsers send it to no
/// server, and log it nowhere.
pub(super) fn sign_in_link(addresses: &Addresses, code: &SignInCode) -> Option<String> {
    let console = on_this_machine(addresses.console.as_deref()?);
    let code = code.issue(Instant::now(), ACCESS_KEY)?;
    Some(format!("{console}/sign-in#code={}", code.expose()))
}

/// Shows a person what to do next. A program reads the ready file instead.
pub(super) fn greet(addresses: &Addresses, config: &Config) {
    use std::io::{IsTerminal, Write};
    let mut terminal = std::io::stderr();
    if !terminal.is_terminal() {
        return;
    }
    // A greeting that cannot be written harms nothing.
    let _ = write!(terminal, "{}", greeting(addresses, config));
}

fn greeting(addresses: &Addresses, config: &Config) -> String {
    let http = match &config.http.public_url {
        None => on_this_machine(&addresses.http),
        Some(url) => url.to_string(),
    };
    let sip = on_this_machine(&addresses.sip);
    let mut text = format!(
        "
In another terminal:

  export AWS_ENDPOINT_URL={http}
  export AWS_REGION=us-west-2 AWS_DEFAULT_REGION=us-west-2
  export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET}

  tympan call sip:{NUMBER}@{sip} --hello
  tympan contacts show latest
  tympan listen latest -o caller.wav

"
    );
    if let Some(link) = &addresses.console_sign_in {
        text.push_str(&format!("In a browser, once and within 10 minutes: {link}\n\n"));
    }
    if config.speech.endpoint.is_none()
        && let Some(program) = config.speech.command.first()
        && find_program(program).is_none()
    {
        text.push_str(&format!("{program} is not installed: prompts are silent.\n\n"));
    }
    text
}

/// An address by which a client here reaches a server that listens on all addresses.
fn on_this_machine(address: &str) -> String {
    address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")
}

/// A temporary folder that goes with the server.
pub(super) struct ScratchFolder(PathBuf);

impl ScratchFolder {
    pub(super) fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("tympan-dev-{}", uuid::Uuid::new_v4()));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "cannot remove the temporary folder");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(http: &str, sip: &str) -> Addresses {
        Addresses { http: http.into(), sip: sip.into(), console: None, console_sign_in: None, pid: 1 }
    }

    #[test]
    fn the_greeting_has_a_link_that_signs_in_to_the_console_of_this_machine() {
        let mut here = addresses("http://127.0.0.1:8600", "127.0.0.1:5060");
        assert_eq!(sign_in_link(&here, &SignInCode::default()), None);
        assert!(!greeting(&here, &Config::default()).contains("browser"));
        here.console = Some("http://0.0.0.0:8601".into());
        here.console_sign_in = sign_in_link(&here, &SignInCode::default());
        let text = greeting(&here, &Config::default());
        assert!(text.contains("10 minutes: http://127.0.0.1:8601/sign-in#code="), "{text}");
    }

    #[test]
    fn the_greeting_names_addresses_that_a_client_here_can_use() {
        let mut config = Config::default();
        let text = greeting(&addresses("http://0.0.0.0:8600", "0.0.0.0:5060"), &config);
        assert!(text.contains("AWS_ENDPOINT_URL=http://127.0.0.1:8600\n"), "{text}");
        assert!(text.contains("sip:+18005550100@127.0.0.1:5060 --hello\n"), "{text}");
        let text = greeting(&addresses("http://[::]:8600", "[::1]:5060"), &config);
        assert!(text.contains("AWS_ENDPOINT_URL=http://[::1]:8600\n"), "{text}");
        config.http.public_url = "https://kvs.example".parse().ok();
        let text = greeting(&addresses("https://127.0.0.1:8600", "127.0.0.1:5060"), &config);
        assert!(text.contains("AWS_ENDPOINT_URL=https://kvs.example\n"), "{text}");
    }

    #[test]
    fn numbers_of_several_countries_are_offered_free_ones_among_them() {
        let mut config = Config::default();
        apply(&mut config);
        let numbers: Vec<_> = config.connect.number_ranges.iter().flat_map(NumberRange::numbers).collect();
        let offered = |country: &str, kind: &str| {
            numbers.iter().any(|number| number.country() == Some(country) && number.kind().as_str() == kind)
        };
        assert!(["US", "GB", "AU", "DE", "FR"].iter().all(|country| offered(country, "DID")));
        assert!(["US", "GB"].iter().all(|country| offered(country, "TOLL_FREE")));
        assert_eq!(config.connect.number_ranges.len(), NUMBER_RANGES.len());
    }

    #[test]
    fn the_greeting_says_when_prompts_are_silent() {
        let mut config = Config::default();
        let here = addresses("http://127.0.0.1:8600", "127.0.0.1:5060");
        config.speech.command = vec!["no-such-program".into()];
        let says = "no-such-program is not installed: prompts are silent.";
        assert!(greeting(&here, &config).contains(says));
        config.speech.command = vec!["sh".into()];
        assert!(!greeting(&here, &config).contains("not installed"));
    }
}
