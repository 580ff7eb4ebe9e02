use crate::global::Global;
use crate::table::{count, harmless, table};
use crate::terminal;
use serde::Serialize;
use std::io::{BufRead, IsTerminal};
use tympan_client::kms::{Alias, Key, Kms, Rotation, RotationStatus};
use tympan_client::{ClientError, Exit};

/// What follows `tympan keys`.
#[derive(Debug, clap::Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    verb: KeysVerb,
}

#[derive(Debug, clap::Subcommand)]
enum KeysVerb {
    /// List the keys
    Ls,
    /// Show one key: its state, aliases and rotations
    Show {
        /// Its id, ARN or alias
        key: String,
    },
    /// Make a key
    Create {
        /// A name for it, such as alias/calls
        #[arg(long, value_name = "ALIAS")]
        alias: Option<String>,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
    },
    /// Switch a key on again
    Enable {
        /// Its id, ARN or alias
        key: String,
    },
    /// Switch a key off: its streams can be neither written nor read until it is switched on again
    Disable {
        /// Its id, ARN or alias
        key: String,
    },
    /// Give a key new material for what is encrypted from now on; older media stays readable
    Rotate {
        /// Its id, ARN or alias
        key: String,
    },
    /// Let a key be destroyed in some days: what was encrypted under it is lost for ever then
    #[command(
        after_long_help = "The key cannot be used from now on. Until its day has come, `tympan keys cancel-deletion` calls
the deletion off. Streams whose key it is answer with KMS_KEY_INVALID_STATE (4505) meanwhile, and with
KMS_KEY_NOT_FOUND (4506) for ever afterwards: nobody can read their media again, not even from a back-up, unless the
keyring is in it. To make media unreadable for a while, use `tympan keys disable`."
    )]
    ScheduleDeletion {
        /// Its id, ARN or alias
        key: String,
        /// How long it waits
        #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(7..=30))]
        days: u32,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Call a deletion off; the key is disabled then
    CancelDeletion {
        /// Its id, ARN or alias
        key: String,
    },
    /// Name keys
    Alias {
        #[command(subcommand)]
        verb: AliasVerb,
    },
}

#[derive(Debug, clap::Subcommand)]
enum AliasVerb {
    /// List the aliases
    Ls,
    /// Point an alias to a key, away from the key that had it; older media stays readable
    Set {
        /// Such as alias/calls
        alias: String,
        /// The key's id, ARN or another alias
        key: String,
    },
    /// Take an alias away
    Rm {
        /// Such as alias/calls
        alias: String,
    },
}

/// A key with all that there is to say of it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    #[serde(flatten)]
    key: Key,
    aliases: Vec<String>,
    rotation: RotationStatus,
    rotations: Vec<Rotation>,
}

pub(crate) async fn run(arguments: KeysArgs, global: &Global) -> Result<Exit, ClientError> {
    let kms = global.kms()?;
    match arguments.verb {
        KeysVerb::Ls => {
            let (keys, aliases) = (all(&kms).await?, kms.aliases().await?);
            if global.json {
                terminal::print_json(&keys)?;
            } else if keys.is_empty() {
                terminal::note(global, "no keys");
            } else {
                terminal::print(&list(&keys, &aliases))?;
            }
        }
        KeysVerb::Show { key } => show(&kms, global, &key).await?,
        KeysVerb::Create { alias, description } => {
            let key = kms.create_key(&description).await?;
            if let Some(alias) = alias
                && let Err(error) = kms.create_alias(&alias, &key.key_id).await
            {
                terminal::note(global, &format!("key {} was made, but got no alias", key.key_id));
                return Err(error);
            }
            show(&kms, global, &key.key_id).await?;
        }
        KeysVerb::Enable { key } => {
            let id = resolve(&kms, &key).await?;
            kms.enable_key(&id).await?;
            show(&kms, global, &id).await?;
        }
        KeysVerb::Disable { key } => {
            let id = resolve(&kms, &key).await?;
            kms.disable_key(&id).await?;
            show(&kms, global, &id).await?;
        }
        KeysVerb::Rotate { key } => {
            let id = resolve(&kms, &key).await?;
            kms.rotate_key(&id).await?;
            show(&kms, global, &id).await?;
        }
        KeysVerb::ScheduleDeletion { key, days, yes } => {
            return schedule_deletion(&kms, global, &key, days, yes).await;
        }
        KeysVerb::CancelDeletion { key } => {
            let id = resolve(&kms, &key).await?;
            kms.cancel_key_deletion(&id).await?;
            terminal::note(global, &format!("the key is disabled; `tympan keys enable {id}` switches it on"));
            show(&kms, global, &id).await?;
        }
        KeysVerb::Alias { verb } => alias(&kms, global, verb).await?,
    }
    Ok(Exit::Ok)
}

async fn alias(kms: &Kms, global: &Global, verb: AliasVerb) -> Result<(), ClientError> {
    match verb {
        AliasVerb::Ls => {
            let aliases = kms.aliases().await?;
            if global.json {
                terminal::print_json(&aliases)
            } else {
                terminal::print(&list_aliases(&aliases))
            }
        }
        AliasVerb::Set { alias, key } => {
            let id = resolve(kms, &key).await?;
            let known = kms.aliases().await?.iter().any(|known| known.alias_name == alias);
            if known { kms.update_alias(&alias, &id).await } else { kms.create_alias(&alias, &id).await }
        }
        AliasVerb::Rm { alias } => kms.delete_alias(&alias).await,
    }
}

async fn all(kms: &Kms) -> Result<Vec<Key>, ClientError> {
    let mut keys = Vec::new();
    for id in kms.key_ids().await? {
        match kms.describe_key(&id).await {
            Ok(key) => keys.push(key),
            // Its day came between the two requests.
            Err(error) if error.exit() == Exit::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    keys.sort_by(|one, other| one.creation_date.total_cmp(&other.creation_date));
    Ok(keys)
}

async fn show(kms: &Kms, global: &Global, key: &str) -> Result<(), ClientError> {
    let key = kms.describe_key(key).await?;
    let id = key.key_id.clone();
    let described = Described {
        key,
        aliases: kms.aliases_of(&id).await?.into_iter().map(|alias| alias.alias_name).collect(),
        rotation: kms.rotation_status(&id).await?,
        rotations: kms.rotations(&id).await?,
    };
    if global.json { terminal::print_json(&described) } else { terminal::print(&describe(&described)) }
}

/// The id of a key; the operations that manage keys take no aliases.
async fn resolve(kms: &Kms, key: &str) -> Result<String, ClientError> {
    if key.starts_with("alias/") || key.contains(":alias/") {
        return Ok(kms.describe_key(key).await?.key_id);
    }
    Ok(key.to_owned())
}

async fn schedule_deletion(
    kms: &Kms,
    global: &Global,
    key: &str,
    days: u32,
    yes: bool,
) -> Result<Exit, ClientError> {
    let key = kms.describe_key(key).await?;
    if !yes {
        let streams = streams_of(kms, global, &key).await;
        terminal::note(global, &warning(&key, days, streams.as_deref()));
        if !std::io::stdin().is_terminal() {
            return Err(ClientError::Usage(
                "nothing was changed: add --yes to let the key be destroyed".into(),
            ));
        }
        terminal::note(global, "Type the key's id to go on:");
        let mut line = String::new();
        // Whatever keeps the line from being read, it is not the id then.
        let _ = std::io::stdin().lock().read_line(&mut line);
        if line.trim() != key.key_id {
            return Err(ClientError::Usage("nothing was changed: that was not the key's id".into()));
        }
    }
    let scheduled = kms.schedule_key_deletion(&key.key_id, days).await?;
    if global.json {
        terminal::print_json(&scheduled)?;
    } else {
        terminal::print(&format!("{} is destroyed after {}", key.arn, scheduled.at()))?;
        terminal::note(
            global,
            &format!("`tympan keys cancel-deletion {}` calls it off until then", key.key_id),
        );
    }
    Ok(Exit::Ok)
}

/// The streams that name a key in any of its ways; `None` where that cannot be found out.
async fn streams_of(kms: &Kms, global: &Global, key: &Key) -> Option<Vec<String>> {
    let aliases = kms.aliases_of(&key.key_id).await.ok()?;
    let streams = global.kvs().ok()?.list_streams(None).await.ok()?;
    let names = |text: &str| {
        text == key.key_id
            || text == key.arn
            || aliases.iter().any(|alias| text == alias.alias_name || text == alias.alias_arn)
    };
    let of_key = streams.into_iter().filter(|stream| stream.kms_key_id.as_deref().is_some_and(names));
    Some(of_key.map(|stream| stream.stream_name.to_string()).collect())
}

fn warning(key: &Key, days: u32, streams: Option<&[String]>) -> String {
    let whose = match streams {
        None => "The streams that use it cannot be listed here.".to_owned(),
        Some([]) => {
            "No stream names it now; media that was written under it before is lost as well.".to_owned()
        }
        Some(streams) => {
            let shown: Vec<String> = streams.iter().take(10).map(|name| harmless(name)).collect();
            let more = if streams.len() > shown.len() { ", ..." } else { "" };
            let streams = count(u64::try_from(streams.len()).unwrap_or(u64::MAX), "stream");
            format!("{streams} would be lost: {}{more}.", shown.join(", "))
        }
    };
    format!(
        "Key {} would be unusable from now on, and be destroyed in {days} days.\n{whose}\n\
         Until then its streams answer with KMS_KEY_INVALID_STATE (4505), afterwards with KMS_KEY_NOT_FOUND (4506): \
         what was encrypted under the key can never be read again.",
        key.arn
    )
}

fn list(keys: &[Key], aliases: &[Alias]) -> String {
    let of = |key: &Key| {
        let names = aliases.iter().filter(|alias| alias.target_key_id.as_deref() == Some(&key.key_id));
        names.map(|alias| harmless(&alias.alias_name)).collect::<Vec<_>>().join(" ")
    };
    let rows: Vec<[String; 5]> = keys
        .iter()
        .map(|key| {
            [
                harmless(&key.key_id),
                state(key),
                harmless(&key.key_manager),
                key.created().rfc3339_seconds(),
                of(key),
            ]
        })
        .collect();
    table(["KEY", "STATE", "MANAGER", "CREATED", "ALIASES"], &rows)
}

fn list_aliases(aliases: &[Alias]) -> String {
    let rows: Vec<[String; 2]> = aliases
        .iter()
        .map(|alias| {
            [harmless(&alias.alias_name), harmless(alias.target_key_id.as_deref().unwrap_or_default())]
        })
        .collect();
    table(["ALIAS", "KEY"], &rows)
}

fn describe(described: &Described) -> String {
    let key = &described.key;
    let rotation = match (described.rotation.key_rotation_enabled, described.rotation.next()) {
        (true, Some(next)) => format!(
            "every {} days, next {}",
            described.rotation.rotation_period_in_days.unwrap_or_default(),
            next.rfc3339_seconds()
        ),
        _ => "on demand only".to_owned(),
    };
    let rotated = match described.rotations.last() {
        Some(last) => format!("{} ({})", last.at().rfc3339_seconds(), harmless(&last.rotation_type)),
        None => "-".to_owned(),
    };
    let aliases: Vec<String> = described.aliases.iter().map(|alias| harmless(alias)).collect();
    let rows = [
        ("key", harmless(&key.key_id)),
        ("arn", harmless(&key.arn)),
        ("aliases", if aliases.is_empty() { "-".to_owned() } else { aliases.join(" ") }),
        ("about", if key.description.is_empty() { "-".to_owned() } else { harmless(&key.description) }),
        ("state", state(key)),
        ("manager", harmless(&key.key_manager)),
        ("created", key.created().to_string()),
        ("rotation", rotation),
        ("rotated", rotated),
    ];
    rows.map(|(name, value)| format!("{name:<10}{value}")).join("\n")
}

fn state(key: &Key) -> String {
    match key.deletion() {
        Some(at) => format!("{} {}", harmless(&key.key_state), at.rfc3339_seconds()),
        None => harmless(&key.key_state),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            key_id: "1234abcd".into(),
            arn: "arn:aws:kms:us-west-2:111122223333:key/1234abcd".into(),
            key_state: "Enabled".into(),
            key_manager: "CUSTOMER".into(),
            description: String::new(),
            creation_date: 1_711_124_585.823,
            deletion_date: None,
        }
    }

    #[test]
    fn a_key_takes_one_line() {
        let alias = Alias {
            alias_name: "alias/calls".into(),
            alias_arn: String::new(),
            target_key_id: Some("1234abcd".into()),
        };
        assert_eq!(
            list(&[key()], &[alias]),
            "KEY       STATE    MANAGER   CREATED               ALIASES\n\
             1234abcd  Enabled  CUSTOMER  2024-03-22T16:23:05Z  alias/calls"
        );
        let pending =
            Key { key_state: "PendingDeletion".into(), deletion_date: Some(1_711_729_385.0), ..key() };
        assert!(
            list(&[pending], &[])
                .ends_with("PendingDeletion 2024-03-29T16:23:05Z  CUSTOMER  2024-03-22T16:23:05Z  -")
        );
    }

    #[test]
    fn the_warning_names_what_would_be_lost_and_for_how_long() {
        let text = warning(&key(), 7, Some(&["a".into(), "b".into()]));
        for part in ["in 7 days", "2 streams would be lost: a, b.", "4505", "4506", "never be read again"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(warning(&key(), 7, Some(&[])).contains("No stream names it now"));
        assert!(warning(&key(), 7, None).contains("cannot be listed"));
    }
}
