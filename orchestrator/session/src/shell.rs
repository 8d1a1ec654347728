//! The registry through `reg.exe` in the host's one shell, for hosts where WMI does not work and for texts that
//! WMI does not show exactly.
//!
//! `reg.exe` ends with 1 for every kind of failure, in the host's language. So nothing is concluded from one failed
//! command: a value is absent where its key can be listed, a key is absent where an ancestor can be listed and does
//! not name it, and what is named but cannot be listed is denied. Several questions travel in one command line
//! (`chain.rs`); quoting is in `quote.rs`, reading in `reg_output.rs`.

mod chain;
mod line;
mod quote;
mod reg_output;

use std::collections::{BTreeMap, BTreeSet};

use playbooks::registry::REG_MULTI_SZ;
use playbooks::{KeyPath, Observed, RawValue, Target, Typed};
use rollout::Reason;
use wsman::{Client, CommandOutput};

use crate::error::Trouble;
use chain::Ran;
pub(crate) use line::{SHOW_ADVPROXY, netsh, showing_advproxy};
pub(crate) use quote::argument;

/// Separators of the second opinion on multi strings, see [`reg_output::merge_separators`].
const SEPARATORS: (char, char) = ('#', '|');

/// Reads the targets exactly, or says per target why not.
pub(crate) async fn observe(
    client: &mut Client,
    targets: &[Target],
) -> Result<Vec<Observed>, Trouble> {
    let mut lines = Vec::with_capacity(targets.len() + 1);
    for target in targets {
        lines.push(line::query_value(target).map_err(unquotable)?);
    }
    lines.push(line::query_specimen());
    let mut ran = chain::run_all(client, &lines).await?;
    let tail = tail(ran.pop());
    let mut observed: Vec<Option<Observed>> = Vec::with_capacity(targets.len());
    for (target, ran) in targets.iter().zip(&ran) {
        observed.push(if ran.ok {
            Some(present(client, target, ran, &tail).await?)
        } else {
            None
        });
    }
    let failed: BTreeSet<&KeyPath> = targets
        .iter()
        .zip(&observed)
        .filter(|(_, found)| found.is_none())
        .map(|(target, _)| &target.key)
        .collect();
    let absences = absences(client, &failed).await?;
    Ok(targets
        .iter()
        .zip(observed)
        .map(|(target, found)| match found {
            Some(found) => found,
            None => absences
                .get(&target.key)
                .cloned()
                .unwrap_or(Observed::ValueAbsent),
        })
        .collect())
}

/// Reads values and runs other commands that only read, all in one command line. A value that is not shown is `None`:
/// absent or denied. Then what each of the other commands printed. `receives`: one command has to do, with so many at most;
/// `None` where it did not.
pub(crate) async fn ask_all(
    client: &mut Client,
    targets: &[Target],
    others: &[String],
    receives: Option<u32>,
) -> Result<Option<(Vec<Option<Observed>>, Vec<String>)>, Trouble> {
    let mut lines = Vec::with_capacity(targets.len() + others.len());
    for target in targets {
        lines.push(line::query_value(target).map_err(unquotable)?);
    }
    lines.extend_from_slice(others);
    let ran = match receives {
        Some(most) => chain::run_within(client, &lines, most).await?,
        None => Some(chain::run_all(client, &lines).await?),
    };
    let Some(ran) = ran else {
        return Ok(None);
    };
    let mut ran = ran.into_iter();
    let values = targets
        .iter()
        .zip(ran.by_ref())
        .map(|(target, ran)| {
            let shown = reg_output::value_line(&ran.out, &target.value).filter(|_| ran.ok);
            shown.map(|(value, _)| reg_output::observed(&value, "\\0"))
        })
        .collect();
    Ok(Some((values, ran.map(|ran| ran.out).collect())))
}

/// Writes a value and makes its key where that is missing. The caller reads back.
pub(crate) async fn set(
    client: &mut Client,
    target: &Target,
    raw: &RawValue,
) -> Result<(), Trouble> {
    let line = line::add_value(target, raw)?;
    run(client, &line).await.map(drop)
}

/// Deletes a value. The caller reads back.
pub(crate) async fn delete_value(client: &mut Client, target: &Target) -> Result<(), Trouble> {
    let line = line::delete_value(target).map_err(unquotable)?;
    run(client, &line).await.map(drop)
}

/// Whether the key is there without values and without subkeys; `None` where it is not there.
pub(crate) async fn key_is_empty(
    client: &mut Client,
    key: &KeyPath,
) -> Result<Option<bool>, Trouble> {
    let line = line::query_key(Some(key)).map_err(unquotable)?;
    let ran = chain::run_one(client, &line).await?;
    if !ran.ok {
        let absent = absences(client, &BTreeSet::from([key])).await?;
        return Ok(match absent.get(key) {
            Some(Observed::KeyAbsent { .. }) => None,
            _ => Some(false),
        });
    }
    let listing = reg_output::key_listing(&ran.out, Some(key));
    Ok(Some(listing.subkeys.is_empty() && !listing.other))
}

/// Deletes a key that was found empty right before: `reg delete` knows no other form than the recursive one.
pub(crate) async fn delete_empty_key(client: &mut Client, key: &KeyPath) -> Result<(), Trouble> {
    let line = line::delete_key(key).map_err(unquotable)?;
    run(client, &line).await.map(drop)
}

/// Runs one command that writes.
pub(crate) async fn run(client: &mut Client, line: &str) -> Result<CommandOutput, Trouble> {
    Ok(client.run(line, None).await?)
}

/// Where only the shell can write, a value that `reg add` cannot write back exactly is not restorable.
pub(crate) fn only_if_writable(target: &Target, found: Observed) -> Observed {
    match &found {
        Observed::Present(raw) if line::add_value(target, raw).is_err() => Observed::Opaque {
            kind: raw.kind,
            why: "reg.exe cannot write this value back exactly".to_owned(),
        },
        _ => found,
    }
}

/// Whether [`observe`] would show this value exactly, or why not.
pub(crate) fn shows(target: &Target, raw: &RawValue) -> Result<(), &'static str> {
    let typed = raw
        .to_typed()
        .ok_or("its bytes are not those of its type")?;
    match &typed {
        Typed::Sz(text) | Typed::ExpandSz(text) => {
            reg_output::text(text)?;
            if target.value.is_empty() && looks_unset(text) {
                return Err(UNSET);
            }
        }
        Typed::MultiSz(items) => {
            if let Observed::Opaque { .. } = reg_output::observed_items(items.clone()) {
                return Err("reg query does not show such a list exactly");
            }
        }
        Typed::Binary(_) | Typed::Dword(_) | Typed::Qword(_) => {}
    }
    Ok(())
}

const UNSET: &str =
    "reg query does not tell an unset default value from one with text in parentheses";

/// The unset default value is printed like a set one with a localised text in parentheses.
fn looks_unset(data: &str) -> bool {
    data.starts_with('(') && data.ends_with(')')
}

/// A text of chance that no program prints by itself.
pub(crate) fn mark() -> String {
    format!("wf{}", &uuid::Uuid::new_v4().simple().to_string()[..12])
}

/// What was printed before and after the line that holds the mark; `None` without such a line.
pub(crate) fn parted(output: &CommandOutput, mark: &str) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(&output.stdout);
    let (before, after) = text.split_once(mark)?;
    Some((before.to_owned(), after.to_owned()))
}

/// The words of a program's output for a message: the first line that says something.
pub(crate) fn said(output: &CommandOutput) -> String {
    let text =
        [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let line = text
        .iter()
        .flat_map(|text| text.lines())
        .map(str::trim)
        .find(|line| !line.is_empty());
    line.unwrap_or_default().chars().take(200).collect()
}

/// What this host's `reg.exe` prints behind the data: taken from a value that is known to end without a line break, so
/// that line breaks at the end of other values are seen.
fn tail(specimen: Option<Ran>) -> String {
    let printed = specimen.filter(|ran| ran.ok);
    let found = printed
        .as_ref()
        .and_then(|ran| reg_output::value_line(&ran.out, line::SPECIMEN.1));
    match found {
        Some((_, tail)) => tail.to_owned(),
        None => reg_output::USUAL_TAIL.to_owned(),
    }
}

async fn present(
    client: &mut Client,
    target: &Target,
    ran: &Ran,
    tail: &str,
) -> Result<Observed, Trouble> {
    let found = reg_output::value_line(&ran.out, &target.value);
    let Some((value, _)) = found.filter(|(_, found)| *found == tail) else {
        let why =
            "reg.exe does not show it as it is, for example because of line breaks".to_owned();
        return Ok(Observed::Opaque {
            kind: line::type_hint(&ran.out),
            why,
        });
    };
    if target.value.is_empty() && looks_unset(&value.data) {
        return Ok(Observed::Opaque {
            kind: value.kind,
            why: UNSET.to_owned(),
        });
    }
    if value.kind == REG_MULTI_SZ && value.data.contains("\\0") {
        return multi(client, target, tail).await;
    }
    Ok(reg_output::observed(&value, "\\0"))
}

/// A text with `\0` in it may be two items, or one item that holds those two characters: printed twice with other
/// separators it cannot be mistaken.
async fn multi(client: &mut Client, target: &Target, tail: &str) -> Result<Observed, Trouble> {
    let mut printed = Vec::new();
    for separator in [SEPARATORS.0, SEPARATORS.1] {
        printed.push(line::query_separated(target, separator).map_err(unquotable)?);
    }
    let ran = chain::run_all(client, &printed).await?;
    let data: Vec<String> = ran
        .iter()
        .filter(|ran| ran.ok)
        .filter_map(|ran| reg_output::value_line(&ran.out, &target.value))
        .filter(|(_, found)| *found == tail)
        .map(|(value, _)| value.data)
        .collect();
    let items = match data.as_slice() {
        [first, second] => reg_output::merge_separators(first, second, SEPARATORS),
        _ => None,
    };
    Ok(match items {
        Some(items) => reg_output::observed_items(items),
        None => Observed::Opaque {
            kind: REG_MULTI_SZ,
            why: "reg query does not show where the items of the multi string end".to_owned(),
        },
    })
}

/// For keys in which a value was not found: is it the value or the key that is missing? Denied access is an error.
async fn absences(
    client: &mut Client,
    keys: &BTreeSet<&KeyPath>,
) -> Result<BTreeMap<KeyPath, Observed>, Trouble> {
    let mut lines = Vec::with_capacity(keys.len());
    for key in keys {
        lines.push(line::query_key(Some(key)).map_err(unquotable)?);
    }
    let ran = chain::run_all(client, &lines).await?;
    let mut found = BTreeMap::new();
    for (key, ran) in keys.iter().zip(ran) {
        let absence = if ran.ok {
            Observed::ValueAbsent
        } else {
            Observed::KeyAbsent {
                first_missing: first_missing(client, key).await?,
            }
        };
        found.insert((*key).clone(), absence);
    }
    Ok(found)
}

/// The highest missing key on the way to `key`, which could not be listed.
async fn first_missing(client: &mut Client, key: &KeyPath) -> Result<KeyPath, Trouble> {
    // From the hive down: each parent must list the next key, the first that does not is the place.
    let mut path: Vec<KeyPath> = key.self_and_ancestors().collect();
    path.reverse();
    let parents: Vec<Option<&KeyPath>> = std::iter::once(None)
        .chain(path.iter().map(Some))
        .take(path.len())
        .collect();
    let mut lines = Vec::with_capacity(parents.len());
    for parent in &parents {
        lines.push(line::query_key(*parent).map_err(unquotable)?);
    }
    let ran = chain::run_all(client, &lines).await?;
    for ((parent, ran), child) in parents.iter().zip(&ran).zip(&path) {
        if !ran.ok {
            break;
        }
        let listing = reg_output::key_listing(&ran.out, *parent);
        let leaf = child.leaf().to_lowercase();
        if !listing
            .subkeys
            .iter()
            .any(|name| name.to_lowercase() == leaf)
        {
            return Ok(child.clone());
        }
    }
    Err(Trouble::Refused(
        Reason::AccessDenied,
        format!("{key} is there or its parent cannot be listed: reg.exe may not read it"),
    ))
}

fn unquotable(error: quote::Unquotable) -> Trouble {
    Trouble::Refused(
        Reason::Fault,
        format!("cannot be asked through reg.exe: {error}"),
    )
}
