//! Which of `-i`, `-p`, `-l` and `-e` a verb takes. The parser accepts them with every verb, so that they can stand before
//! it; one that would be ignored is refused here, for all verbs at one place. A playbook beside verbs that only look at hosts
//! does no harm: it is said that it changes nothing.

use crate::args::{Cli, Credential, Global, Mode, Verb};
use crate::failure::Failure;
use crate::out;

/// What a verb takes of the four, and what it goes by instead of the rest.
struct Takes {
    verb: &'static str,
    options: &'static [&'static str],
    why: &'static str,
    hint: Option<&'static str>,
    /// What it does not take is only told.
    lenient: bool,
}

const INVENTORY: &str = "-i";
const PLAYBOOK: &str = "-p";
const LIMIT: &str = "-l";
const VARS: &str = "-e";
const ALL: &[&str] = &[INVENTORY, PLAYBOOK, LIMIT, VARS];

/// Refuses what the verb would ignore.
///
/// # Errors
/// A usage error (1) that names the verb and the options.
pub(super) fn check(cli: &Cli) -> Result<(), Failure> {
    let takes = takes(&cli.verb);
    let ignored: Vec<&str> = given(&cli.global)
        .filter(|option| !takes.options.contains(option))
        .collect();
    if ignored.is_empty() {
        return Ok(());
    }
    if takes.lenient {
        if !cli.global.quiet {
            let ignored = ignored.join(" and ");
            out::note(&format!(
                "warning: {ignored} of no effect on {}: {}",
                takes.verb, takes.why
            ));
        }
        return Ok(());
    }
    let failure = Failure::new(format!(
        "{} takes no {}: {}",
        takes.verb,
        ignored.join(", no "),
        takes.why
    ));
    Err(match takes.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    })
}

fn given(global: &Global) -> impl Iterator<Item = &'static str> {
    [
        (INVENTORY, !global.inventory.is_empty()),
        (PLAYBOOK, global.playbook.is_some()),
        (LIMIT, global.limit.is_some()),
        (VARS, !global.vars.is_empty()),
    ]
    .into_iter()
    .filter_map(|(option, given)| given.then_some(option))
}

/// Every verb is decided about: there is no default.
fn takes(verb: &Verb) -> Takes {
    match verb {
        Verb::Check(_) => everything("check"),
        Verb::Plan(_) => everything("plan"),
        Verb::Push(push) if push.plan.is_some() => Takes {
            hint: Some("make another plan with: winfleet plan --out FILE"),
            ..nothing("push --plan", "the plan says it all")
        },
        Verb::Push(_) => everything("push"),
        Verb::Export(_) => everything("export"),
        #[cfg(feature = "rehearse")]
        Verb::Rehearse(_) => everything("rehearse"),
        #[cfg(feature = "rehearse")]
        Verb::Simulate => everything("simulate"),

        Verb::Hosts => looking(
            "hosts",
            "it shows the inventory; plan shows rings of a playbook",
        ),
        Verb::Ping(ping) if ping.replay.is_some() => {
            nothing("ping --replay", "the file holds the hosts")
        }
        Verb::Ping(_) => looking("ping", "it reads no playbook"),
        Verb::Facts(facts) if facts.list => nothing("facts --list", "it asks no host"),
        Verb::Facts(_) => looking("facts", "it reads no playbook"),
        Verb::Explain(_) => looking("explain", "it reads no playbook"),

        Verb::Audit(audit) if audit.against.is_some() => Takes {
            hint: Some("-i may name other addresses or credentials, -l limits the hosts"),
            ..hosts("audit --against", "the journal holds what the run left")
        },
        Verb::Audit(_) => everything("audit"),
        // Without a run the verb itself says what is missing.
        Verb::Rollback(rollback) if rollback.mode == Mode::Delete || rollback.run.is_none() => {
            everything("rollback")
        }
        Verb::Rollback(_) => hosts("rollback RUN", "the journal holds the playbook"),
        Verb::CatchUp(_) => hosts("catch-up", "the journal holds what the run is"),
        Verb::Resume(_) => Takes {
            options: &[INVENTORY],
            hint: Some("--only names outcomes; -i may name other addresses or credentials"),
            ..nothing("resume", "the journal holds what the run is")
        },

        Verb::Report(_) => Takes {
            hint: Some("report --host NAME shows one host; -o csv or jsonl has a line for each"),
            ..of_run("report")
        },
        Verb::Status(_) => Takes {
            hint: Some("winfleet report RUN --host NAME shows one host"),
            ..of_run("status")
        },
        Verb::Pause(_) => of_run("pause"),
        Verb::Approve(_) => of_run("approve"),
        Verb::Abort(_) => of_run("abort"),
        Verb::Runs(_) => nothing("runs", "it shows and moves whole runs of the journal"),
        Verb::Verify(_) => nothing("verify", "a chain of hashes is checked as a whole"),

        Verb::Credential(Credential::Test { .. }) => Takes {
            options: &[INVENTORY],
            ..nothing(
                "credential test",
                "a credential has a name; --on names a host",
            )
        },
        Verb::Credential(_) => nothing("credential", "it is about the keyring alone"),
        Verb::Completions { .. } => nothing("completions", "it prints a script"),
        Verb::Schema { .. } => nothing("schema", "it prints a schema"),
        Verb::Man { .. } => nothing("man", "it prints the manual"),
    }
}

fn everything(verb: &'static str) -> Takes {
    Takes {
        options: ALL,
        ..nothing(verb, "")
    }
}

/// Hosts of an inventory, or of a run with addresses of an inventory.
fn hosts(verb: &'static str, why: &'static str) -> Takes {
    Takes {
        options: &[INVENTORY, LIMIT],
        ..nothing(verb, why)
    }
}

/// Hosts of an inventory, of which nothing is wanted.
fn looking(verb: &'static str, why: &'static str) -> Takes {
    Takes {
        lenient: true,
        ..hosts(verb, why)
    }
}

/// A whole run of the journal.
fn of_run(verb: &'static str) -> Takes {
    nothing(
        verb,
        "it is about the whole run, and the journal holds that",
    )
}

fn nothing(verb: &'static str, why: &'static str) -> Takes {
    Takes {
        verb,
        options: &[],
        why,
        hint: None,
        lenient: false,
    }
}
