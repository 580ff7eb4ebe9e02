//! `tympan init`.

use crate::failure::Failure;
use crate::global::Global;
use crate::terminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tympan_client::Exit;
use tympan_server::config::ListenAddress;
use tympan_server::setup::{FLOW_NAME, Made, SetUp};
use tympan_types::{AccountId, Region};

/// Arguments of `tympan init`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
    sudo -u tympan tympan init                                   as the user that the server runs as
    tympan init --config ./tympan.toml --data-dir ./data --number +18005550100

Nothing is overwritten. Everything that is made can be changed in the configuration file afterwards.")]
pub(crate) struct InitArgs {
    /// The configuration file; the secret of the access key and a flow are put beside it
    #[arg(long, value_name = "FILE", default_value = "/etc/tympan/tympan.toml")]
    config: PathBuf,
    /// The data directory
    #[arg(long, value_name = "DIR", default_value = "/var/lib/tympan")]
    data_dir: PathBuf,
    /// The folder of the master keys, best on another disk [default: `keyring` beside the configuration file]
    #[arg(long, value_name = "DIR")]
    keyring: Option<PathBuf>,
    /// The account number that ARNs carry
    #[arg(long, value_name = "ID", default_value = "111122223333")]
    account: AccountId,
    /// The region that ARNs carry
    #[arg(long, value_name = "REGION", default_value = "us-west-2")]
    region: Region,
    /// Where the APIs listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8600")]
    http: ListenAddress,
    /// Where SIP listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5060")]
    sip: SocketAddr,
    /// The alias of the instance, which is also the prefix of its streams
    #[arg(long, value_name = "ALIAS", default_value = "main")]
    instance: String,
    /// How long audio is kept
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=87_600))]
    retention: u32,
    /// The number that rings the flow, in E.164 [default: none; it is claimed later]
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// The user of this machine who is to own all of it; for root
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
}

/// What the systemd unit of the package serves.
const UNIT_CONFIG: &str = "/etc/tympan/tympan.toml";

impl InitArgs {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let set_up = SetUp {
            config: self.config,
            data_dir: self.data_dir,
            keyring_dir: self.keyring,
            account: self.account,
            region: self.region,
            http: self.http,
            sip: self.sip,
            alias: self.instance,
            retention_hours: self.retention,
            number: self.number,
            owner: self.owner,
        };
        let made = set_up.make()?;
        if global.json {
            terminal::print_json(&made)?;
        } else {
            terminal::print(&words(&set_up, &made))?;
        }
        Ok(Exit::Ok)
    }
}

/// What was made, and what to do next. What is indented by two can be typed.
fn words(set_up: &SetUp, made: &Made) -> String {
    let Made { config, data_dir, keyring_dir, secret_file, flow_file, access_key_id } = made;
    let (region, number) = (&set_up.region, set_up.number.as_deref().unwrap_or("+18005550100"));
    let (http, sip) = (here(set_up.http.as_str()), here(&set_up.sip.to_string()));
    let shown = |path: &PathBuf| quoted(&path.display().to_string());
    // The unit of the package serves this configuration as its own user.
    let start = match &set_up.owner {
        Some(_) if config == Path::new(UNIT_CONFIG) => "systemctl enable --now tympan".to_owned(),
        _ => format!("tympan serve --config {}", shown(config)),
    };
    let secret = shown(secret_file);
    let claim = match &set_up.number {
        Some(_) => String::new(),
        None => format!(
            "Claim a number, and let it ring the flow {FLOW_NAME:?}:

  CONNECT=\"aws connect --endpoint-url $AWS_ENDPOINT_URL\"
  TARGET=$($CONNECT list-instances --query 'InstanceSummaryList[0].Arn' --output text)
  FLOW=$($CONNECT list-contact-flows --instance-id ${{TARGET##*/}} --query \"ContactFlowSummaryList[?Name=='{FLOW_NAME}'].Id | [0]\" --output text)
  NUMBER=$($CONNECT claim-phone-number --target-arn $TARGET --phone-number {number} --query PhoneNumberId --output text)
  $CONNECT associate-phone-number-contact-flow --phone-number-id $NUMBER --instance-id ${{TARGET##*/}} --contact-flow-id $FLOW

"
        ),
    };
    format!(
        "Made:

    {}: the configuration
    {}: the secret of access key {access_key_id}
    {}: the master keys; back them up apart from the data
    {}: a flow that captures its caller
    {}: the data

Start the server:

  {start}

In another terminal:

  export AWS_ENDPOINT_URL=http://{http}
  export AWS_REGION={region} AWS_DEFAULT_REGION={region}
  export AWS_ACCESS_KEY_ID={access_key_id} AWS_SECRET_ACCESS_KEY=$(cat {secret})

{claim}Call it, and hear what was captured:

  tympan call sip:{number}@{sip} --hello --duration 10
  tympan contacts show latest
  tympan listen latest -o caller.wav",
        config.display(),
        secret_file.display(),
        keyring_dir.display(),
        flow_file.display(),
        data_dir.display(),
    )
}

/// A path as a word of a shell.
fn quoted(path: &str) -> String {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte));
    if is_plain { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

/// An address by which a client here reaches a server that listens on all addresses.
fn here(address: &str) -> String {
    address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(config: &str, owner: Option<&str>) -> String {
        let set_up = SetUp {
            config: config.into(),
            data_dir: "/var/lib/tympan".into(),
            keyring_dir: None,
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::parse("us-west-2").unwrap(),
            http: "127.0.0.1:8600".parse().unwrap(),
            sip: "127.0.0.1:5060".parse().unwrap(),
            alias: "main".to_owned(),
            retention_hours: 24,
            number: None,
            owner: owner.map(str::to_owned),
        };
        let made = Made {
            config: set_up.config.clone(),
            data_dir: set_up.data_dir.clone(),
            keyring_dir: "/etc/tympan/keyring".into(),
            secret_file: "/etc/tympan/admin.secret".into(),
            flow_file: "/etc/tympan/first-call.json".into(),
            access_key_id: "AKIATEST".to_owned(),
        };
        words(&set_up, &made)
    }

    #[test]
    fn the_set_up_of_the_package_is_started_by_its_unit_and_any_other_by_hand() {
        let of_the_package = said(UNIT_CONFIG, Some("tympan"));
        assert!(of_the_package.contains("  systemctl enable --now tympan\n"), "{of_the_package}");
        for (config, owner) in [(UNIT_CONFIG, None), ("/srv/t.toml", Some("tympan"))] {
            let by_hand = said(config, owner);
            assert!(by_hand.contains(&format!("  tympan serve --config {config}\n")), "{by_hand}");
        }
    }

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(quoted("/etc/tympan/tympan.toml"), "/etc/tympan/tympan.toml");
        assert_eq!(quoted("/a b/it's"), "'/a b/it'\\''s'");
    }
}
