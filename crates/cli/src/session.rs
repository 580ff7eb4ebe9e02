use crate::global::Global;
use crate::terminal;
use std::path::PathBuf;
use tympan_client::sts::{AssumeRole, SessionCredentials, Sts};
use tympan_client::{ClientError, Exit};

/// What follows `tympan session`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
    eval \"$(tympan session --duration 1h)\"
    tympan session --role transcriber --policy only-demo.json --json")]
pub(crate) struct SessionArgs {
    /// How long it lasts: 15m to 36h, of a role no longer than the role allows [default: 12h, of a role 1h]
    #[arg(long, value_name = "TIME", value_parser = duration_s)]
    duration: Option<u32>,
    /// Assume this role, by name or ARN
    #[arg(long)]
    role: Option<String>,
    /// What the session of a role is called in ARNs and in the audit file
    #[arg(long, value_name = "NAME", requires = "role", default_value = "tympan")]
    name: String,
    /// A file with a policy: the session of a role may do no more than it allows
    #[arg(long, value_name = "FILE", requires = "role")]
    policy: Option<PathBuf>,
}

pub(crate) async fn run(arguments: SessionArgs, global: &Global) -> Result<Exit, ClientError> {
    let (http, endpoint) = global.http()?;
    let sts = Sts::new(http, endpoint);
    let credentials = match &arguments.role {
        None => sts.session_token(arguments.duration).await?,
        Some(role) => {
            let role_arn = match role.starts_with("arn:") {
                true => role.clone(),
                false => format!("arn:aws:iam::{}:role/{role}", sts.account().await?),
            };
            let read = |path: &PathBuf| {
                std::fs::read_to_string(path).map_err(|error| ClientError::File { path: path.clone(), error })
            };
            let policy = arguments.policy.as_ref().map(read).transpose()?;
            let role =
                AssumeRole { role_arn: &role_arn, session_name: &arguments.name, policy: policy.as_deref() };
            sts.assume_role(&role, arguments.duration).await?
        }
    };
    if global.json {
        terminal::print_json(&credentials)?;
    } else {
        terminal::print(&exports(&credentials))?;
        terminal::note(global, &format!("good until {}", credentials.expiration));
    }
    Ok(Exit::Ok)
}

fn exports(credentials: &SessionCredentials) -> String {
    [
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
        ("AWS_SESSION_TOKEN", &credentials.session_token),
    ]
    .map(|(name, value)| format!("export {name}='{value}'"))
    .join("\n")
}

/// `90m`, `1h`, `3600` or `3600s`.
fn duration_s(text: &str) -> Result<u32, String> {
    let (number, unit_s) = match text.as_bytes().last() {
        Some(b'h') => (&text[..text.len() - 1], 3_600),
        Some(b'm') => (&text[..text.len() - 1], 60),
        Some(b's') => (&text[..text.len() - 1], 1),
        _ => (text, 1),
    };
    let seconds = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit_s));
    seconds.ok_or_else(|| "write it as 1h, 90m or 3600s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_do() {
        assert_eq!(["1h", "90m", "3600", "900s"].map(duration_s), [Ok(3_600), Ok(5_400), Ok(3_600), Ok(900)]);
        for text in ["", "h", "1d", "-1h", "1.5h", "4294967295h", "é"] {
            assert!(duration_s(text).is_err(), "{text}");
        }
    }
}
