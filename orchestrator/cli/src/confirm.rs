//! The question before anything is sent: what will be done, to how many, under which limits.

use playbooks::{Limits, Playbook};
use report::plan::Plan as View;
use report::text::{counted, neutral};
use rollout::{Journal, PlanFile, RunId, RunSpec, Verb};

use crate::args::Global;
use crate::credential::Prompter;
use crate::failure::Failure;
use crate::{journal, out};

/// Before a push, or a rollback in its delete form.
pub(crate) fn push(global: &Global, spec: &RunSpec, playbook: &Playbook) -> Result<(), Failure> {
    if global.yes {
        return Ok(());
    }
    let mut text = format!(
        "{} '{}' on {}:\n",
        spec.verb,
        neutral(&playbook.name),
        counted(spec.hosts.len(), "host")
    );
    for step in &playbook.steps {
        text.push_str(&format!("  step  {}\n", neutral(&step.name)));
    }
    text += &rings(spec);
    if let Some(untried) = report::untried::of_spec(spec, playbook) {
        text.push_str(&format!("  warning: {}\n", neutral(&untried)));
    }
    ask(global, text)
}

/// Before a plan is carried out: its own numbers.
pub(crate) fn plan(global: &Global, plan: &PlanFile, view: &View<'_>) -> Result<(), Failure> {
    let text = format!(
        "carry out the plan '{}' of {}, made by {}:\n{}\n{}plan sha256 {}\n",
        neutral(&plan.spec.playbook.name),
        plan.created.strftime("%Y-%m-%d %H:%M UTC"),
        neutral(&plan.spec.operator),
        view.headline(),
        view.conditions(),
        plan.hash,
    );
    ask(global, text)
}

/// Before a rollback.
pub(crate) fn rollback(global: &Global, spec: &RunSpec, source: &str) -> Result<(), Failure> {
    let text = format!(
        "take back run {source} on {}:\n",
        counted(spec.hosts.len(), "host")
    );
    ask(global, text + &rings(spec))
}

/// Before a resume.
pub(crate) fn resume(global: &Global, open: &Journal, id: &RunId) -> Result<(), Failure> {
    let record = open.run(id).map_err(|error| journal::failure(&error))?;
    ask(
        global,
        format!(
            "go on with this run:\n{}",
            report::summary::heading(&record)
        ),
    )
}

fn rings(spec: &RunSpec) -> String {
    let mut text = String::new();
    for ring in spec.rings.iter().filter(|ring| ring.hosts > 0) {
        let hosts = counted(ring.hosts as usize, "host");
        let limits = limits(&ring.limits);
        let gates: String = ring
            .gates
            .words()
            .iter()
            .map(|gate| format!(", {gate}"))
            .collect();
        text.push_str(&format!(
            "  ring  {}: {hosts}, {} at once{limits}{gates}\n",
            neutral(&ring.name),
            ring.max_parallel
        ));
    }
    for (group, cap) in &spec.groups {
        text.push_str(&format!("  group {}: {cap} at once\n", neutral(group)));
    }
    // A rollback of some hosts or rings leaves the others empty on purpose, and has no gates.
    let empty = spec.rings.iter().filter(|ring| ring.hosts == 0);
    for ring in empty.filter(|_| spec.verb != Verb::Rollback) {
        let gates = ring.gates.words();
        let lost = match gates.as_slice() {
            [] => String::new(),
            gates => format!(", so its gates are not waited for ({})", gates.join(", ")),
        };
        text.push_str(&format!(
            "  warning: ring {} has no host{lost}\n",
            neutral(&ring.name)
        ));
    }
    let run_wide = limits(&spec.limits);
    if !run_wide.is_empty() {
        text.push_str(&format!("  run-wide{run_wide}\n"));
    }
    text
}

fn limits(limits: &Limits) -> String {
    let named = [
        ("max_failed", limits.max_failed),
        ("max_unreachable", limits.max_unreachable),
        ("max_indeterminate", limits.max_indeterminate),
    ];
    named
        .into_iter()
        .filter_map(|(name, limit)| limit.map(|limit| format!(", {name} {limit}")))
        .collect()
}

fn ask(global: &Global, text: String) -> Result<(), Failure> {
    if global.yes {
        return Ok(());
    }
    let prompter = Prompter::new(global.no_input);
    if prompter.interactive() {
        out::message(&text);
    }
    match prompter.confirm("go on?") {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::refused("not confirmed")),
        None => Err(
            Failure::refused("there is no terminal to ask for confirmation")
                .hint("--yes goes on without asking"),
        ),
    }
}
