//! `-l` with tests of facts: reads the hosts on which the tests decide, then selects. Read-only, by the types it gets
//! (`look.rs`).

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use document::Diagnostics;
use inventory::{FactSelector, Host, Inventory, SelectorError};
use playbooks::{DEFAULT_MAX_PARALLEL, FactSet, FactTest, Facts};
use report::text::{counted, examples, neutral};
use rollout::{AskFacts, HostError, Reading, Reason, Severity};

use crate::args::Global;
use crate::command::facts::spec_of;
use crate::failure::{Failure, Outcome, Sent};
use crate::{exit_code, files, look, out};

/// Hosts named in a note.
const SHOWN_HOSTS: usize = 3;

/// `-l`, or all, before any host was read.
pub(crate) struct Limit<'a> {
    inventory: &'a Inventory,
    /// Of `-l` as it was written.
    text: Option<&'a str>,
    /// Tests of facts and the selector that they stand in; `None` where everything is settled by names.
    tests: Option<(FactSelector, BTreeMap<String, FactTest>)>,
    candidates: Vec<&'a Host>,
}

/// The hosts that were selected, and what is known of those of which it could not be told.
pub(crate) struct Selected<'a> {
    /// In the order of the inventory; never empty.
    pub hosts: Vec<&'a Host>,
    /// What became of the rest.
    pub unread: Unread,
}

/// Hosts that are neither selected nor left out by their facts, because these could not be read: they were named, and
/// the exit code tells of them.
#[derive(Default)]
#[must_use]
pub(crate) struct Unread {
    severities: Vec<Severity>,
    /// Hosts were read for `-l`, with whatever result.
    asked: bool,
}

impl<'a> Limit<'a> {
    /// Judges the text of `-l`.
    ///
    /// # Errors
    /// A mistake in it (1), or nobody is left whatever the facts say (10).
    pub(crate) fn parse(global: &'a Global, inventory: &'a Inventory) -> Result<Self, Failure> {
        let text = global.limit.as_deref();
        let selector = match text {
            None => None,
            Some(text) => {
                let parsed = FactSelector::parse(text, &files::read_list);
                Some(parsed.map_err(|error| misplaced(text, error))?)
            }
        };
        let Some((text, selector)) = text.zip(selector).filter(|(_, s)| !s.tests().is_empty())
        else {
            let candidates = files::select(inventory, text)?;
            return Ok(Self {
                inventory,
                text,
                tests: None,
                candidates,
            });
        };
        let mut tests = BTreeMap::new();
        let mut mistakes = selector.names_unknown(inventory);
        for (test, column) in selector.tests() {
            match FactTest::parse(test) {
                Ok(parsed) => {
                    tests.insert(test.to_owned(), parsed);
                }
                Err(error) => mistakes.push(SelectorError {
                    column,
                    found: test.to_owned(),
                    message: error.message,
                    expected: error.expected,
                    hint: host_called(inventory, test).or(error.hint),
                }),
            }
        }
        let diagnostic = |error| files::diagnostic(text, "--limit", error);
        if !mistakes.is_empty() {
            return Err(Diagnostics(mistakes.into_iter().map(diagnostic).collect()).into());
        }
        for missing in selector.hosts_unknown(inventory) {
            out::note(&format!("warning: {}", diagnostic(missing)));
        }
        let hosts = inventory.hosts.iter();
        let possible = |host: &&Host| selector.meant(host, &|_| None) != Some(false);
        let candidates = files::some(hosts.filter(possible).collect(), inventory, Some(text))?;
        Ok(Self {
            inventory,
            text: Some(text),
            tests: Some((selector, tests)),
            candidates,
        })
    }

    /// Everybody who may turn out to be selected. All that can be judged of them is judged before one of them is read.
    pub(crate) fn candidates(&self) -> &[&'a Host] {
        &self.candidates
    }

    /// Reads the hosts on which facts decide, once each, and selects.
    ///
    /// # Errors
    /// A password was refused (9), the operator interrupted it (130), or nobody is selected.
    pub(crate) fn settle(self, global: &Global) -> Result<Selected<'a>, Failure> {
        let Some((selector, tests)) = &self.tests else {
            return Ok(Selected {
                hosts: self.candidates,
                unread: Unread::default(),
            });
        };
        let open = |host: &&&Host| selector.meant(host, &|_| None).is_none();
        let asked: Vec<&Host> = self.candidates.iter().filter(open).copied().collect();
        let mut wanted = FactSet::default();
        for test in tests.values() {
            wanted.extend(test.facts().iter());
        }
        let read = read(global, self.inventory, &asked, wanted)?;
        let mut unread = Unread {
            severities: Vec::new(),
            asked: !asked.is_empty(),
        };
        let mut causes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let mut hosts = Vec::new();
        for host in &self.candidates {
            let facts = read.get(host.name.as_str());
            let cause = Cell::new(None);
            let passes = |test: &str| match judged(tests.get(test)?, facts?) {
                Ok(passes) => Some(passes),
                Err(why) => {
                    cause.set(Some(why));
                    None
                }
            };
            match selector.meant(host, &passes) {
                Some(true) => hosts.push(*host),
                Some(false) => {}
                None => {
                    let (severity, why) = cause
                        .take()
                        .unwrap_or((Severity::Failed, "it was not asked".to_owned()));
                    unread.severities.push(severity);
                    causes.entry(why).or_default().push(host.name.as_str());
                }
            }
        }
        for (why, hosts) in &causes {
            out::note(&format!(
                "not selected, because the facts of {} could not be read: {}: {}",
                counted(hosts.len(), "host"),
                examples(hosts.iter().copied(), SHOWN_HOSTS),
                neutral(why),
            ));
        }
        if hosts.is_empty() && !unread.severities.is_empty() {
            let text = self.text.unwrap_or_default();
            let count = counted(unread.severities.len(), "host");
            let failure = Failure::coded(
                unread.in_code(exit_code::DONE),
                format!(
                    "no host is known to match '{text}': of {count} the facts could not be read"
                ),
            );
            return Err(failure.sent(Sent::OnlyRead));
        }
        let hosts = files::some(hosts, self.inventory, self.text)
            .map_err(|failure| failure.sent(Sent::OnlyRead))?;
        Ok(Selected { hosts, unread })
    }
}

impl Unread {
    /// The result of the verb, with what it does not know of: hosts that were read for `-l`, and hosts left aside.
    pub(crate) fn told(self, outcome: Outcome) -> Outcome {
        match outcome {
            Ok(code) => Ok(self.in_code(code)),
            Err(failure) if self.asked => Err(failure.at_least_read()),
            failure => failure,
        }
    }

    /// Only where everything else went well or less weighs.
    fn in_code(&self, code: u8) -> u8 {
        match code {
            exit_code::DONE | exit_code::CHANGES_PENDING | exit_code::HOSTS_UNREACHABLE => {
                look::code(|severity| self.severities.contains(&severity), code)
            }
            heavier => heavier,
        }
    }
}

/// The hosts of `-l`, for verbs that have nothing else to judge before they read.
pub(crate) fn select<'a>(
    global: &'a Global,
    inventory: &'a Inventory,
) -> Result<Selected<'a>, Failure> {
    Limit::parse(global, inventory)?.settle(global)
}

/// How a host is selected whose name reads like a test.
fn host_called(inventory: &Inventory, test: &str) -> Option<String> {
    let mut hosts = inventory.hosts.iter().map(|host| host.name.as_str());
    let name = hosts.find(|name| name.eq_ignore_ascii_case(test))?;
    let rest = name.get(1..)?;
    Some(format!("a host is called so: '?{rest}' selects it"))
}

fn misplaced(text: &str, error: SelectorError) -> Failure {
    Diagnostics::from(files::diagnostic(text, "--limit", error)).into()
}

type Known = Result<Facts, (Severity, String)>;

/// Each host with its facts, or why it has none.
fn read(
    global: &Global,
    inventory: &Inventory,
    asked: &[&Host],
    wanted: FactSet,
) -> Result<HashMap<String, Known>, Failure> {
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let spec = Arc::new(spec_of(inventory, asked)?);
    let Some(readings) = look::read(global, &spec, AskFacts(wanted), DEFAULT_MAX_PARALLEL)? else {
        let headline = "interrupted while hosts were read for --limit";
        return Err(Failure::coded(exit_code::INTERRUPTED, headline).sent(Sent::OnlyRead));
    };
    if let Some(error) = not_to_be_tried_again(asked, &readings) {
        let headline = "a password was refused while hosts were read for --limit";
        let failure = Failure::coded(exit_code::CREDENTIAL_GUARD, headline).because(&error.detail);
        return Err(failure
            .hint("winfleet credential test tries the password on one host")
            .sent(Sent::OnlyRead));
    }
    let names = asked.iter().map(|host| host.name.as_str().to_owned());
    let facts = readings.into_iter().map(|reading| match reading {
        Reading::Read { answer, .. } => Ok(answer),
        Reading::Unread(error) => {
            let why = format!("{}: {}", error.reason, error.detail);
            Err((error.severity, why))
        }
    });
    Ok(names.zip(facts).collect())
}

/// The credential guard tripped, or a host refused a credential that no other host has proved: what follows would begin
/// to count its attempts anew.
fn not_to_be_tried_again<'r>(
    asked: &[&Host],
    readings: &'r [Reading<Facts>],
) -> Option<&'r HostError> {
    let credential = |host: &Host| host.settings.credential.value.clone();
    let all = || asked.iter().zip(readings);
    let proved: HashSet<Option<String>> = all()
        .filter(|(_, reading)| reading.error().is_none())
        .map(|(host, _)| credential(host))
        .collect();
    let errors = all().filter_map(|(host, reading)| Some((host, reading.error()?)));
    let mut bad = errors.filter(|(host, error)| match error.severity {
        Severity::Guarded => true,
        _ => error.reason == Reason::LogonRefused && !proved.contains(&credential(host)),
    });
    bad.next().map(|(_, error)| error)
}

fn judged(test: &FactTest, facts: &Known) -> Result<bool, (Severity, String)> {
    let facts = facts.as_ref().map_err(Clone::clone)?;
    test.holds(facts).map_err(|why| (Severity::Failed, why))
}
