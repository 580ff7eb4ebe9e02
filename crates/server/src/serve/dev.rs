//! `--dev`: a working set-up out of nothing.

use super::ready_file::Addresses;
use crate::config::{Config, Credential, Flow, Instance, LambdaFunction, MediaStreaming};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The sample flow, built in.
pub(super) const SAMPLE_FLOW: &str = include_str!("../../../../fixtures/flows/seed.json");
/// What the sample flow is called in the configuration that `--dev` makes up.
pub(super) const SAMPLE_FLOW_FILE: &str = "(sample flow)";
const NUMBER: &str = "+18005550100";
const FUNCTION: &str = "arn:aws:lambda:us-west-2:111122223333:function:tympan-demo";
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
            url: String::new(),
        });
    }
    config.connect.instances.push(Instance {
        alias: "demo".into(),
        media_streaming: Some(MediaStreaming {
            prefix: "demo".into(),
            kms_key: "alias/aws/kinesisvideo".into(),
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

/// Tells a person what to do next. A program reads the ready file instead.
pub(super) fn greet(addresses: &Addresses) {
    use std::io::{IsTerminal, Write};
    let mut terminal = std::io::stderr();
    if !terminal.is_terminal() {
        return;
    }
    // Nobody is harmed by a greeting that cannot be written.
    let _ = writeln!(
        terminal,
        "\n  export AWS_ENDPOINT_URL={} AWS_REGION=us-west-2\n  export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET}\n\n  \
         tympan call sip:{NUMBER}@{} --audio hello.wav\n",
        addresses.http, addresses.sip
    );
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
