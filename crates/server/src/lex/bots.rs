//! The files of the bots.

use crate::config::LexBot;
use anyhow::Context;
use std::path::Path;
use tympan_lex::alias::BotAlias;
use tympan_lex::bot::Bot;

/// More than a thousand intents have.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// Reads them.
pub(super) fn read(bots: &[LexBot]) -> anyhow::Result<Vec<(BotAlias, Bot)>> {
    bots.iter()
        .map(|LexBot { id, alias_id, file }| {
            let alias =
                BotAlias::new(id, alias_id).context("lex.bots: an id is not 10 letters and digits")?;
            let bot = read_bot(file).with_context(|| format!("lex.bots: the bot {}", file.display()))?;
            Ok((alias, bot))
        })
        .collect()
}

/// One file; its ending says which form it has.
pub(crate) fn read_bot(file: &Path) -> anyhow::Result<Bot> {
    let length = std::fs::metadata(file)?.len();
    anyhow::ensure!(length <= FILE_MAX_BYTES, "it has {length} bytes, and may have {FILE_MAX_BYTES}");
    let text = std::fs::read_to_string(file)?;
    let is_json = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    Ok(if is_json { Bot::from_json(&text)? } else { Bot::from_toml(&text)? })
}
