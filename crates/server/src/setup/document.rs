//! The configuration file of a new set-up.

use super::{FLOW_NAME, Made, SetUp};
use std::path::Path;
use toml::Value;

/// A text as TOML.
fn text(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn path(path: &Path) -> String {
    text(&path.display().to_string())
}

/// What a server reads: what differs from the defaults, and where it listens.
pub(super) fn configuration(set_up: &SetUp, made: &Made) -> String {
    let SetUp { account, region, http, sip, alias, retention_hours, number, .. } = set_up;
    let numbers = number.as_deref().map(text).unwrap_or_default();
    format!(
        "# Written by `tympan init`. `tympan config show` lists every key, its value and where that came from.

# Folder of streams, settings and records.
data_dir = {data_dir}

[account]
# The account number and the region that ARNs carry.
id = {account}
region = {region}

[http]
# Address and port of the APIs, health and metrics.
listen = {http}

[sip]
# Address and port for UDP and TCP.
listen = {sip}

[kms]
# Folder of the master keys: without them nothing that is stored can be heard. Back it up apart from the data.
keyring_dir = {keyring_dir}

# The first access key, which may do everything. docs/access.md shows keys that may do less.
[[credentials]]
access_key_id = {access_key_id}
secret_access_key_file = {secret_file}
user = \"admin\"
policies = [\"full-access\"]

[[connect.instances]]
alias = {alias}

# Live media streaming: the names of streams begin with the prefix; the key is a local one, in the keyring.
[connect.instances.media_streaming]
prefix = {alias}
kms_key = \"alias/aws/kinesisvideo\"
retention_hours = {retention_hours}

# A flow that captures its caller, and the numbers that ring it.
[[connect.instances.flows]]
name = {flow_name}
file = {flow_file}
numbers = [{numbers}]
",
        data_dir = path(&made.data_dir),
        account = text(account.as_str()),
        region = text(region.as_str()),
        http = text(http.as_str()),
        sip = text(&sip.to_string()),
        keyring_dir = path(&made.keyring_dir),
        access_key_id = text(&made.access_key_id),
        secret_file = path(&made.secret_file),
        alias = text(alias),
        flow_name = text(FLOW_NAME),
        flow_file = path(&made.flow_file),
    )
}
