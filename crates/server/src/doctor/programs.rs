//! Programs and files that the configuration names.

use super::Finding;
use crate::config::{Config, sip_trunks};
use crate::lex::read_bot;
use crate::serve::SAMPLE_FLOW_FILE;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const SPEECH: &str = "speech";
const FLOWS: &str = "flows";
const LAMBDA: &str = "lambda";
const LEX: &str = "lex";
const SIP: &str = "sip";

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![speech(config)];
    for function in config.lambda.functions.iter().filter(|function| !function.command.is_empty()) {
        let program = function.command.first().map(String::as_str).unwrap_or_default();
        if find_program(program).is_none() {
            findings.push(Finding::problem(
                LAMBDA,
                format!("{program} is not there to answer for {}", function.arn),
                "Invoke blocks take their error branch",
                "install it, or correct lambda.functions",
            ));
        }
    }
    if let Some(program) = config.lex.speech_command.first()
        && find_program(program).is_none()
    {
        findings.push(Finding::problem(
            LEX,
            format!("{program} is not there to turn speech into text"),
            "bots understand keys and no speech",
            "install it, or correct lex.speech_command",
        ));
    }
    for bot in &config.lex.bots {
        if let Err(error) = read_bot(&bot.file) {
            findings.push(Finding::problem(
                LEX,
                format!("{} is no bot: {error:#}", bot.file.display()),
                "the server cannot start",
                "correct lex.bots.file, or the file",
            ));
        }
    }
    if let Err(error) = sip_trunks(&config.sip.trunks) {
        findings.push(Finding::problem(
            SIP,
            format!("the trunks cannot be used: {error}"),
            "the server cannot start",
            "correct sip.trunks, or the file of a password and its permissions",
        ));
    }
    let files = config.connect.instances.iter().flat_map(|instance| &instance.flows).map(|flow| &flow.file);
    for file in files {
        // The sample flow of a development server is built in.
        if file != Path::new(SAMPLE_FLOW_FILE)
            && let Err(error) = std::fs::read(file)
        {
            findings.push(Finding::problem(
                FLOWS,
                format!("{} cannot be read: {error}", file.display()),
                "the server cannot start",
                "correct connect.instances.flows.file, or the file's permissions",
            ));
        }
    }
    findings
}

fn speech(config: &Config) -> Finding {
    if let Some(endpoint) = &config.speech.endpoint {
        return Finding::ok(SPEECH, format!("text prompts are spoken by {endpoint}"));
    }
    let Some(program) = config.speech.command.first() else {
        return Finding::ok(SPEECH, "no command: text prompts are silence of their reading time");
    };
    match find_program(program) {
        Some(path) => Finding::ok(SPEECH, format!("text prompts are spoken by {}", path.display())),
        None => Finding::warning(
            SPEECH,
            format!("{program} is not there"),
            "text prompts are silence of their reading time",
            format!("`apt-get install {program}`, or set speech.command"),
        ),
    }
}

/// A program as a shell would find it.
pub(crate) fn find_program(program: &str) -> Option<PathBuf> {
    let runs = |path: &Path| {
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| runs(path));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| runs(path))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_password_that_cannot_be_read_is_told() {
        let user = crate::config::SipUser {
            name: "pbx".into(),
            password_file: Some("/no/such/file".into()),
            ..crate::config::SipUser::default()
        };
        let trunk = crate::config::SipTrunk {
            name: "pbx".into(),
            networks: vec!["192.0.2.1".into()],
            users: vec![user],
            ..crate::config::SipTrunk::default()
        };
        let mut config = Config::default();
        let is_told = |config: &Config| examine(config).iter().any(|finding| finding.check == SIP);
        assert!(!is_told(&config));
        config.sip.trunks.push(trunk);
        assert!(is_told(&config));
    }

    #[test]
    fn a_command_is_found_as_a_shell_would_or_its_absence_is_told() {
        let mut config = Config::default();
        config.speech.command = vec!["sh".into()];
        assert_eq!(speech(&config).state, State::Ok);
        config.speech.command = vec!["no-such-program-anywhere".into()];
        assert_eq!(speech(&config).state, State::Warning);
        config.speech.endpoint = "http://127.0.0.1:9002".parse().ok();
        assert_eq!(speech(&config).state, State::Ok);
        config.speech.endpoint = None;
        config.speech.command.clear();
        assert_eq!(speech(&config).state, State::Ok);
        assert!(find_program("/etc/passwd").is_none(), "it does not run");
    }
}
