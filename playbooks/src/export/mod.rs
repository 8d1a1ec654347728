//! A playbook as a file for other tools: a `.reg` file, or a `registry.pol` for group policy.
//!
//! Neither form knows conditions, order, read-back or undo, so only what it can say exactly is exported; everything else
//! is refused by step and line, all of it at once. Pure: files and journals are the caller's business. `reg.rs` and
//! `pol.rs` write the bytes.

mod pol;
mod reg;

use std::collections::HashMap;

use crate::change::{Change, Desired};
use crate::playbook::Playbook;
use crate::preview::{Applies, Missing, PreviewStep};
use crate::registry::{RawValue, Target};
use crate::rules::lowers_security;
use crate::step::Step;
use crate::winhttp::{WinHttpMarker, WinHttpSettings};

pub use pol::registry_pol;
pub use reg::reg_file;

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportForm {
    /// A `.reg` file. `WinHttpSettings` has to be built then, with a marker that somebody chose.
    Reg(WinHttpMarker),
    /// A `registry.pol`.
    Gpo,
}

/// What the operator decided about single steps.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExportChoice<'a> {
    /// Steps that are exported although their condition asks for a host or its facts.
    pub with: &'a [String],
    /// Steps that are left out.
    pub without: &'a [String],
}

/// One value of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportValue {
    /// Name of its step.
    pub step: String,
    /// What the playbook wants.
    pub change: Change,
    /// What the file holds: type and bytes; `None` deletes the value.
    pub data: Option<RawValue>,
    /// Which checks it switches off, where it lowers security.
    pub lowers_security: Option<String>,
}

/// Everything that the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// In the order of the playbook.
    pub values: Vec<ExportValue>,
    /// Steps that are not in it, and why.
    pub left_out: Vec<(String, String)>,
    /// What a person has to know, lower case, without full stop.
    pub warnings: Vec<String>,
}

/// Something that the form cannot say, or that somebody has to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRefusal {
    /// The step's name.
    pub step: String,
    /// Where it stands in the playbook.
    pub line: u32,
    /// Why. Lower case, without full stop.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Playbook {
    /// What the file will hold, from steps that were resolved without facts: for hosts that all get the same
    /// ([`Self::preview`]), or for none in particular ([`Self::preview_without_host`]).
    ///
    /// # Errors
    /// Every step that cannot be exported.
    pub fn export(
        &self,
        steps: &[PreviewStep],
        form: ExportForm,
        choice: ExportChoice<'_>,
    ) -> Result<Export, Vec<ExportRefusal>> {
        let mut export = Export::default();
        let mut refused = Vec::new();
        let mut wanted = HashMap::new();
        for (step, resolved) in self.steps.iter().zip(steps) {
            let name = &step.name;
            if choice.without.contains(name) {
                let why = "left out as asked for".to_owned();
                export.left_out.push((name.clone(), why));
                continue;
            }
            if resolved.applies == Applies::No {
                let why = format!("condition is false: {}", step.when().unwrap_or_default());
                export.left_out.push((name.clone(), why));
                continue;
            }
            let values = self.step_values(step, resolved, form, choice);
            match values.and_then(|values| agreed(&mut wanted, step, values)) {
                Ok(values) => {
                    export.warnings.extend(unjudged(resolved));
                    export.values.extend(values);
                }
                Err((message, hint)) => refused.push(ExportRefusal {
                    step: name.clone(),
                    line: step.line,
                    message,
                    hint,
                }),
            }
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        if let ExportForm::Reg(marker) = form {
            let built = |value: &&ExportValue| is_winhttp(&value.change);
            if export.values.iter().any(|value| built(&value)) {
                export.warnings.push(format!(
                    "WinHttpSettings is built with header marker {marker}: it differs between machines, nothing checks it, \
                     and netsh would have written the machine's own; prefer the playbook, or netsh, for this value"
                ));
            }
        }
        let lowering = export.values.iter().filter_map(|value| {
            Some(format!(
                "{} {}",
                value.change.target,
                value.lowers_security.as_ref()?
            ))
        });
        let lowering: Vec<String> = lowering.collect();
        export.warnings.extend(lowering);
        Ok(export)
    }

    fn step_values(
        &self,
        step: &Step,
        resolved: &PreviewStep,
        form: ExportForm,
        choice: ExportChoice<'_>,
    ) -> Result<Vec<ExportValue>, (String, String)> {
        let no = |message: &str, hint: &str| Err((message.to_owned(), hint.to_owned()));
        let decides = format!(
            "the file applies to every machine that gets it: --with-step '{0}' exports the step all the same, --without-step '{0}' leaves it out",
            step.name
        );
        let open = resolved.open.as_deref().unwrap_or_default();
        let chosen = choice.with.contains(&step.name);
        match resolved.applies {
            Applies::ByFacts if !chosen => {
                let message = format!("its condition asks for facts of a host: {open}");
                return Err((message, decides));
            }
            Applies::ByHost if !chosen => {
                let hint = format!(
                    "-i INVENTORY -l SELECTOR judge it for hosts that all get the same values; {decides}"
                );
                return Err((
                    format!("its condition asks for the host, and there is none: {open}"),
                    hint,
                ));
            }
            _ => {}
        }
        match resolved.missing {
            Some(Missing::Host) => {
                return no(
                    "its data ask for the host, and there is none",
                    "-i INVENTORY -l SELECTOR resolve it for hosts that all get the same values; --without-step leaves it out",
                );
            }
            Some(Missing::Facts) => {
                return no(
                    "its data ask for facts of a host",
                    "--without-step leaves it out",
                );
            }
            None => {}
        }
        resolved
            .changes
            .iter()
            .map(|change| {
                let data = data(change, form)?;
                if form == ExportForm::Gpo {
                    below_policies(change)?;
                    plain_name(change)?;
                    carried_out(change, data.as_ref())?;
                }
                Ok(ExportValue {
                    step: step.name.clone(),
                    change: change.clone(),
                    lowers_security: data
                        .as_ref()
                        .and_then(|data| lowers_security(&change.target, data)),
                    data,
                })
            })
            .collect()
    }
}

/// What the steps so far want of each value, and which step wants it: a file that says two things of one value leaves
/// the outcome to whoever reads it.
fn agreed<'s>(
    wanted: &mut HashMap<Target, (&'s Step, Desired)>,
    step: &'s Step,
    values: Vec<ExportValue>,
) -> Result<Vec<ExportValue>, (String, String)> {
    for value in &values {
        let change = &value.change;
        let (earlier, desired) = wanted
            .entry(change.target.clone())
            .or_insert_with(|| (step, change.desired.clone()));
        if *desired != change.desired {
            return Err((
                format!(
                    "{} is wanted as '{}' here and as '{}' by step '{}' (line {})",
                    change.target,
                    change.desired.text(),
                    desired.text(),
                    earlier.name,
                    earlier.line,
                ),
                format!(
                    "a file holds one of them: --without-step '{}' or --without-step '{}' leaves the other one out",
                    earlier.name, step.name
                ),
            ));
        }
    }
    Ok(values)
}

/// What is lost of a step that was chosen although its condition could not be judged.
fn unjudged(step: &PreviewStep) -> Option<String> {
    let open = step.open.as_ref()?;
    let what = match step.applies {
        Applies::ByHost => "the host",
        _ => "facts of the host",
    };
    Some(format!(
        "step '{}' applies to every machine that gets the file, whether it should or not: its condition asks for {what}, \
         and a file judges none ({open})",
        step.name
    ))
}

fn is_winhttp(change: &Change) -> bool {
    matches!(change.desired, Desired::WinHttp(_) | Desired::WinHttpDirect)
}

fn data(change: &Change, form: ExportForm) -> Result<Option<RawValue>, (String, String)> {
    if change.target.is_av_preference() {
        return Err((
            "a preference of Antivirus is no registry value".to_owned(),
            "--without-step leaves it out; 'store: policy' can be exported".to_owned(),
        ));
    }
    let settings = match &change.desired {
        Desired::Value(value) => return Ok(Some(value.clone())),
        Desired::Absent => return Ok(None),
        Desired::WinHttp(proxy) => Some(proxy),
        Desired::WinHttpDirect => None,
    };
    match form {
        ExportForm::Reg(marker) => Ok(Some(WinHttpSettings::build(settings, marker))),
        ExportForm::Gpo => Err((
            "no administrative template writes WinHttpSettings: it is not below Policies, and would stay when the policy goes"
                .to_owned(),
            "--without-step leaves it out; --to reg can hold it, or set it by 'netsh winhttp'".to_owned(),
        )),
    }
}

/// Group policy takes a value back when the policy goes only below these keys.
fn below_policies(change: &Change) -> Result<(), (String, String)> {
    if change.target.is_policy() {
        return Ok(());
    }
    Err((
        format!(
            "{} is not below Policies: it would stay when the policy goes",
            change.target
        ),
        "--without-step leaves it out; --to reg can hold it".to_owned(),
    ))
}

/// In a `registry.pol`, names that begin with these two characters are instructions and not names: `**delvals.` deletes
/// all values of its key ([MS-GPREG] 3.2.5.1).
fn plain_name(change: &Change) -> Result<(), (String, String)> {
    if !change.target.value.starts_with("**") {
        return Ok(());
    }
    Err((
        format!(
            "the name of {} begins with '**': in a registry.pol that is an instruction, not a name",
            change.target
        ),
        "--without-step leaves it out; --to reg can hold it".to_owned(),
    ))
}

/// Where the name, the type, the size or the data of a record are missing or zero, group policy only makes its key
/// (Microsoft's description of the format, "Registry Policy File Format").
fn carried_out(change: &Change, data: Option<&RawValue>) -> Result<(), (String, String)> {
    let target = &change.target;
    let message = match data {
        _ if target.value.is_empty() => format!(
            "{target} is a key's default value: group policy takes a record without a name for the key alone"
        ),
        Some(data) if data.bytes.is_empty() => {
            format!("{target} has no data: group policy takes a record of size 0 for the key alone")
        }
        _ => return Ok(()),
    };
    Err((
        message,
        "--without-step leaves it out; --to reg can hold it".to_owned(),
    ))
}
