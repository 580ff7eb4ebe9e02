//! `tympan streams verify-deletion`.

use crate::data_args::DataArgs;
use crate::failure::Failure;
use crate::global::Global;
use crate::progress::Bar;
use crate::terminal::print_json;
use std::io::Write;
use tympan_client::Exit;
use tympan_server::SystemClock;
use tympan_store::FragmentRange;
use tympan_store::embedded::{AtRest, DeletionProof, GenerationProof, Subject, Verdict};
use tympan_types::FragmentNumber;

/// Arguments of `tympan streams verify-deletion`.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyDeletionArgs {
    /// The stream's name, ARN or id; a name stands for every stream that was deleted under it
    stream: String,
    /// Of a stream that exists, ask only about what has expired by now
    #[arg(long)]
    expired: bool,
    /// Of a stream that exists, ask only about the fragments from FIRST to LAST
    #[arg(long, value_names = ["FIRST", "LAST"], num_args = 2, conflicts_with = "expired")]
    fragments: Option<Vec<FragmentNumber>>,
    #[command(flatten)]
    data: DataArgs,
}

impl VerifyDeletionArgs {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let data = self.data.resolve()?;
        let at_rest = AtRest::open(&data.directory)?;
        let expired_at = self.expired.then(|| SystemClock.wall_now());
        let fragments = match self.fragments.as_deref() {
            Some([first, last]) => Some(FragmentRange { first: *first, last: *last }),
            _ => None,
        };
        let subject = Subject { stream: &self.stream, expired_at, fragments };
        let bar = Bar::new(global, "searching");
        let proof = at_rest
            .prove_deletion(subject, data.keyring.as_ref(), &mut |progress| bar.show(progress))
            .await?;
        drop(bar);
        if global.json {
            print_json(&proof)?;
        } else {
            write!(std::io::stdout().lock(), "{}", words(&proof))?;
        }
        Ok(match proof.verdict {
            Verdict::Gone => Exit::Ok,
            Verdict::Locked => Exit::Denied,
            Verdict::Keyed | Verdict::Readable => Exit::Failed,
        })
    }
}

fn words(proof: &DeletionProof) -> String {
    let mut lines = vec![format!(
        "searched {} files, {} bytes; tried {} data keys of other streams and every wrapped key that was found",
        proof.files, proof.bytes, proof.data_keys
    )];
    for generation in &proof.generations {
        lines.extend(generation_words(generation));
    }
    lines.extend(proof.notes.iter().map(|note| format!("note: {note}")));
    lines.push(match proof.verdict {
        Verdict::Gone => "GONE: no key that is left opens anything of it".to_owned(),
        Verdict::Locked => {
            "LOCKED: nothing opens now, but a key that is switched off would open it".to_owned()
        }
        Verdict::Keyed => "KEY LEFT: no bytes of it are here, but a key that opens them is".to_owned(),
        Verdict::Readable => "STILL READABLE".to_owned(),
    });
    lines.push(String::new());
    lines.join("\n")
}

fn generation_words(generation: &GenerationProof) -> Vec<String> {
    let name = generation.arn.as_deref().unwrap_or("a stream of which only the id is known");
    let fate = match (&generation.deleted, generation.exists) {
        (Some(deleted), _) => format!("deleted {deleted}"),
        (None, true) => "exists".to_owned(),
        (None, false) => "in neither the streams nor the log of deletions".to_owned(),
    };
    let mut lines = vec![
        format!("{name} ({}): {fate}", generation.id),
        format!(
            "  keys: {} wrapped in the catalogue; {} found in any file that open, {} that are refused; its id stands in {} places of the catalogue",
            generation.wrapped_keys,
            generation.wrapped_keys_opened,
            generation.wrapped_keys_refused,
            generation.id_places
        ),
        format!(
            "  records: {} ({} bytes), indexes: {}; {} attempts to decrypt, {} of them decrypted",
            generation.records,
            generation.record_bytes,
            generation.indexes,
            generation.attempts,
            generation.decrypted
        ),
    ];
    lines.extend(generation.places.iter().map(|place| format!("  {place}")));
    lines
}
