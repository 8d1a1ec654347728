//! `export --to reg|gpo`: a playbook's values as a file for other tools. Contacts nobody.

use std::collections::BTreeMap;

use document::{Document, nearest};
use playbooks::{
    Examples, Export, ExportChoice, ExportForm, ExportRefusal, HostScope, Playbook, PreviewStep,
    WinHttpMarker, reg_file, registry_pol,
};
use report::text::{counted, neutral};
use sha2::{Digest, Sha256};

use crate::args::{self, ExportTo, Global};
use crate::failure::{Failure, Outcome};
use crate::{exit_code, files, out, prepare};

mod proof;

/// Writes the file and says what is in it.
pub(crate) fn run(global: &Global, wanted: &args::Export) -> Outcome {
    let playbook = files::playbook(global)?;
    known_steps(&playbook, &wanted.with_step)?;
    known_steps(&playbook, &wanted.without_step)?;
    one_wish(&wanted.with_step, &wanted.without_step)?;
    let form = form(wanted)?;
    let (steps, whom) = resolved(global, &playbook)?;
    let choice = ExportChoice {
        with: &wanted.with_step,
        without: &wanted.without_step,
    };
    let export = playbook
        .export(&steps, form, choice)
        .map_err(|refused| refusals(&playbook, &refused))?;
    if export.values.is_empty() {
        return Err(Failure::new("no value is left to export").hint(
            "winfleet check shows the steps; a condition may be false with these variables",
        ));
    }
    let proof = match &wanted.proved_by {
        Some(run) => proof::by_run(global, run, &playbook, &export)?,
        None => "Not proved: no run is named (--proved-by RUN)".to_owned(),
    };
    let header = header(&playbook, whom, proof, &export);
    let bytes = match form {
        ExportForm::Reg(_) => reg_file(&export, &header),
        ExportForm::Gpo => registry_pol(&export),
    };
    out::file(&wanted.out, &bytes)?;
    if !global.quiet {
        for warning in &export.warnings {
            out::note(&format!("warning: {}", neutral(warning)));
        }
    }
    out::result(&summary(wanted, &header, &export, &bytes))?;
    Ok(exit_code::DONE)
}

/// The steps with their data. Without an inventory for no host in particular; with one for all selected hosts, which then
/// have to get the same.
fn resolved(global: &Global, playbook: &Playbook) -> Result<(Vec<PreviewStep>, String), Failure> {
    if global.inventory.is_empty() {
        if global.limit.is_some() {
            return Err(Failure::new("-l selects hosts of an inventory (-i)"));
        }
        let vars = prepare::command_line_only(global, playbook, Examples::Refuse)?;
        let steps = playbook
            .preview_without_host(&vars)
            .map_err(|error| document::Diagnostics::from(*error.diagnostic))?;
        let whom = "Resolved for no host in particular: by -e and the defaults of the playbook; no inventory was asked";
        return Ok((steps, whom.to_owned()));
    }
    let inventory = files::inventory(global)?;
    let hosts = files::select(&inventory, global.limit.as_deref())?;
    let prepared = prepare::prepare(playbook, &inventory, &hosts, global, Examples::Refuse)?;
    let mut kinds: BTreeMap<String, (Vec<PreviewStep>, Vec<&str>)> = BTreeMap::new();
    for host in &prepared {
        let ring = playbook.strategy.rings.get(host.ring);
        let scope = HostScope {
            name: host.host.name.as_str(),
            short: host.host.name.short(),
            ring: ring.map(|ring| ring.name.as_str()),
            groups: &host.host.groups,
            vars: &host.vars,
        };
        // It was resolved once by `prepare`, which complains with the hosts.
        let steps = playbook
            .preview(&scope)
            .map_err(|error| Failure::block(error.diagnostic.to_string()))?;
        let entry = kinds.entry(format!("{steps:?}"));
        let (_, names) = entry.or_insert_with(|| (steps, Vec::new()));
        names.push(host.host.name.as_str());
    }
    let mut kinds = kinds.into_values();
    match (kinds.next(), kinds.next()) {
        (Some((steps, names)), None) => {
            let whom = format!(
                "Resolved for {}: {}",
                counted(names.len(), "host"),
                report::text::examples(names, 3)
            );
            Ok((steps, whom))
        }
        (Some((_, some)), Some((_, others))) => Err(Failure::new(format!(
            "one file cannot hold different values: {} and {} do not get the same",
            report::text::examples(some, 2),
            report::text::examples(others, 2),
        ))
        .hint("-l SELECTOR chooses hosts that do, such as the group of one site")),
        (None, _) => Err(Failure::no_hosts("no host is selected")),
    }
}

/// The form of the file. Only a `.reg` file can hold WinHttpSettings.
///
/// # Errors
/// A marker for a file that has no place for it.
fn form(wanted: &args::Export) -> Result<ExportForm, Failure> {
    match (wanted.to, wanted.winhttp_marker) {
        (ExportTo::Reg, None | Some(args::WinHttpMarker::Hex18)) => {
            Ok(ExportForm::Reg(WinHttpMarker::Article))
        }
        (ExportTo::Reg, Some(args::WinHttpMarker::Hex28)) => {
            Ok(ExportForm::Reg(WinHttpMarker::Newer))
        }
        (ExportTo::Gpo, None) => Ok(ExportForm::Gpo),
        (ExportTo::Gpo, Some(_)) => Err(Failure::new(
            "--winhttp-marker says how a .reg file begins WinHttpSettings: --to gpo cannot hold that value",
        )
        .hint("leave --winhttp-marker out, or write a .reg file with --to reg")),
    }
}

/// A step cannot be wanted and left out.
fn one_wish(with: &[String], without: &[String]) -> Result<(), Failure> {
    match with.iter().find(|step| without.contains(step)) {
        None => Ok(()),
        Some(step) => Err(Failure::new(format!(
            "step '{step}' is named by --with-step and by --without-step"
        ))
        .hint("--with-step exports it, --without-step leaves it out: name it once")),
    }
}

fn known_steps(playbook: &Playbook, names: &[String]) -> Result<(), Failure> {
    let known = || playbook.steps.iter().map(|step| step.name.as_str());
    let Some(unknown) = names.iter().find(|name| !known().any(|step| step == *name)) else {
        return Ok(());
    };
    let failure = Failure::new(format!("the playbook has no step '{unknown}'"));
    Err(match nearest(unknown, known()) {
        Some(near) => failure.hint(format!("did you mean '{near}'?")),
        None => failure.hint(format!("it has {}", known().collect::<Vec<_>>().join(", "))),
    })
}

/// Every step that cannot be exported, with its place.
fn refusals(playbook: &Playbook, refused: &[ExportRefusal]) -> Failure {
    let document = Document {
        name: playbook.file.clone(),
        text: playbook.text.clone(),
    };
    let blocks: Vec<String> = refused
        .iter()
        .map(|refusal| {
            let message = format!(
                "step '{}' cannot be exported: {}",
                refusal.step, refusal.message
            );
            let mut diagnostic = document.diagnostic(refusal.line, 1, "", message);
            diagnostic.hint = Some(refusal.hint.clone());
            diagnostic.to_string()
        })
        .collect();
    Failure::block(blocks.join("\n"))
}

/// What stands on top of the file, or is said of it where it has no room for words.
fn header(playbook: &Playbook, whom: String, proof: String, export: &Export) -> Vec<String> {
    let mut lines = vec![
        format!("Playbook {}, sha256 {}", playbook.name, playbook.digest()),
        whom,
        proof,
        "A file keeps no prior values, checks no machine and undoes nothing: winfleet push does"
            .to_owned(),
    ];
    lines.extend(
        export
            .warnings
            .iter()
            .map(|warning| format!("WARNING: {warning}")),
    );
    lines
}

fn summary(wanted: &args::Export, header: &[String], export: &Export, bytes: &[u8]) -> String {
    let mut text = format!(
        "{}: {}, sha256 {}\n",
        wanted.out.display(),
        counted(export.values.len(), "value"),
        hex::encode(Sha256::digest(bytes))
    );
    for line in header {
        text.push_str(&format!("  {}\n", neutral(line)));
    }
    for value in &export.values {
        let data = value
            .data
            .as_ref()
            .map_or_else(|| "deleted".to_owned(), playbooks::RawValue::text);
        text.push_str(&format!(
            "  {} = {}\n",
            neutral(&value.change.target.to_string()),
            neutral(&data)
        ));
    }
    for (step, why) in &export.left_out {
        text.push_str(&format!(
            "  not in it: {} ({})\n",
            neutral(step),
            neutral(why)
        ));
    }
    text
}
