//! `verify FILE|RUN`: is a record what was written when it happened?

use std::io::BufReader;
use std::path::Path;

use report::text::neutral;
use rollout::{RunId, Verdict};
use serde_json::json;

use super::runs;
use crate::args::{Global, Output, Verify};
use crate::failure::{Failure, Outcome};
use crate::{exit_code, journal, out};

/// Checks the chain.
///
/// # Errors
/// Refused (8) where a record was altered, or the head is another one.
pub(crate) fn run(global: &Global, verify: &Verify) -> Outcome {
    let path = Path::new(&verify.what);
    let (name, verdict) = if path.is_file() {
        of_file(path)?
    } else {
        // Not the run's record: what was altered may not make one any more.
        let (journal, id) = journal::named(global, &verify.what)?;
        let verdict = journal
            .verify(&id)
            .map_err(|error| journal::failure(&error))?;
        (format!("run {id}"), verdict)
    };
    match verdict {
        Verdict::Altered { record } => Err(Failure::refused(format!("{name} was altered: {}", neutral(&record)))
            .hint("nothing from this record on can be trusted; compare with an export or a report made earlier")),
        Verdict::Unchained => Err(Failure::refused(format!(
            "{name} was recorded by a version without a chain of hashes: it cannot be verified"
        ))),
        Verdict::Intact { head, .. } if verify.head.as_ref().is_some_and(|wanted| !wanted.eq_ignore_ascii_case(&head)) => {
            Err(Failure::refused(format!("{name} ends with {head}, not with the given head"))
                .hint("records were added or taken away at the end since that report"))
        }
        Verdict::Intact { events, head } => {
            let text = match global.output {
                Output::Json | Output::Jsonl => report::json::line(&json!({
                    "schema": report::json::SCHEMA, "what": name, "intact": true, "events": events, "chain_head": head,
                })),
                Output::Table | Output::Csv => {
                    format!("{name} is intact: {events} events, chain head {head}\n")
                }
            };
            out::result(&text)?;
            Ok(exit_code::DONE)
        }
    }
}

fn of_file(path: &Path) -> Result<(String, Verdict), Failure> {
    let file = runs::open(path)?;
    let (id, verdict) = rollout::verify_export(&mut BufReader::new(file))
        .map_err(|error| runs::failure(&error, path))?;
    let name = if id == RunId::from_text("") {
        path.display().to_string()
    } else {
        format!("run {id} in {}", path.display())
    };
    Ok((name, verdict))
}
