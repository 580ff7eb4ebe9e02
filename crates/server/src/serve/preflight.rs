//! What would keep a server from starting, beyond what a configuration says of itself: the files that it names.

use super::dev::SAMPLE_FLOW_FILE;
use super::{access, listening};
use crate::config::{Config, KeyKeeper, sip_trunks};
use crate::kms;
use std::path::Path;
use tympan_flow::Flow;

/// Reads the files that a configuration names, and changes nothing. One line for each that cannot be used.
pub fn preflight(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    let mut judge = |outcome: anyhow::Result<()>| {
        problems.extend(outcome.err().map(|error| format!("{error:#}")));
    };
    judge(access::check(config));
    judge(sip_trunks(&config.sip.trunks).map(drop));
    judge(listening::tls(config).map(drop));
    if config.kms.provider == KeyKeeper::External {
        judge(kms::check_external(config));
    }
    let flows = config.connect.instances.iter().flat_map(|instance| &instance.flows);
    for flow in flows.filter(|flow| flow.file != Path::new(SAMPLE_FLOW_FILE)) {
        judge(check_flow(&flow.file));
    }
    problems
}

fn check_flow(file: &Path) -> anyhow::Result<()> {
    let key = "connect.instances.flows.file";
    let content = std::fs::read_to_string(file)
        .map_err(|error| anyhow::anyhow!("{key}: cannot read {}: {error}", file.display()))?;
    let flow = Flow::parse(&content)
        .map_err(|error| anyhow::anyhow!("{key}: {} is not a contact flow: {error}", file.display()))?;
    match flow.problems().first() {
        None => Ok(()),
        Some(problem) => Err(anyhow::anyhow!("{key}: {} cannot be published: {problem}", file.display())),
    }
}
