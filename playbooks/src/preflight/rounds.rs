//! In which order the preflight asks for its facts: what blocks a host or leaves a step out comes first, so that a host
//! that is blocked costs little. Never more than [`BUDGET`] requests; what would not fit is not asked, and is told
//! (`not_looked`).
//!
//! Only what bears on a value that would be written is asked (`wanted.rs`). A host on which everything is right is asked
//! one thing: whether group policy owns it.
//!
//! Requests are counted, not guessed: where a host's answers come in more pieces than usual, less is asked.

use std::collections::BTreeSet;

use super::wanted::{Wanted, decides};
use super::{Check, PreflightChange, PreflightFinding, PreflightGrade, PreflightSettings};
use crate::facts::{Fact, FactSet, Facts, OneCommand, Source};

/// Requests that the preflight adds to a host at most.
pub const BUDGET: u32 = 8;
/// A command in a shell that has to be opened and deleted for it.
const OWN_SHELL: u32 = 4;
/// A command in a shell that is opened anyway.
const SHARED_SHELL: u32 = 3;

/// One thing that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Owners,
    OwnersByName,
    Services,
    Network,
    Road,
    /// Programs, where what they show may block.
    BlockingPrograms,
    EdrProxy,
    Antivirus,
    Programs,
    Build,
    Revision,
    LastContact,
    WinHttp32,
}

/// In this order. The sensor's own proxy is asked for alone where no command will read it along; whether one will is known
/// for certain only behind it.
const ORDER: [Question; 14] = [
    Question::Owners,
    Question::OwnersByName,
    Question::Services,
    Question::Network,
    Question::Road,
    Question::BlockingPrograms,
    Question::EdrProxy,
    Question::Antivirus,
    Question::Programs,
    Question::EdrProxy,
    Question::Build,
    Question::Revision,
    Question::LastContact,
    Question::WinHttp32,
];

/// The questions to one host.
#[derive(Debug)]
pub struct Rounds<'a> {
    wanted: Wanted<'a>,
    /// How many of [`ORDER`] are behind.
    behind: usize,
    spent: u32,
    /// What the facts asked for last were to cost.
    estimate: u32,
    /// Requests that it will take after the answer: a shell is deleted at the end.
    later: u32,
    /// Requests by which one question was dearer than it should be: hosts answer queries in pages of their own size.
    surcharge: u32,
    /// Facts that there was no room for.
    left_out: BTreeSet<Fact>,
}

impl<'a> Rounds<'a> {
    /// For these changes. `writes`: they are carried out afterwards.
    pub fn new(
        settings: &'a PreflightSettings,
        changes: &'a [PreflightChange<'a>],
        writes: bool,
    ) -> Self {
        Self {
            wanted: Wanted {
                settings,
                changes,
                writes,
                skipped: BTreeSet::new(),
            },
            behind: 0,
            spent: 0,
            estimate: 0,
            later: 0,
            surcharge: 0,
            left_out: BTreeSet::new(),
        }
    }

    /// The next facts to ask for, given what is known and what was found so far; `None`: all is asked. Where a finding
    /// blocks the host, nothing but the name of the policy behind it is of interest; of a step that is left out, nothing.
    /// Whoever asks says what it cost ([`Self::took`]).
    pub fn next(
        &mut self,
        facts: &Facts,
        found: &[(Option<usize>, PreflightFinding)],
    ) -> Option<FactSet> {
        let blocked = found.iter().any(|(_, finding)| finding.blocks());
        let skipping = found.iter().filter(|(_, finding)| finding.skips());
        self.wanted.skipped = skipping.filter_map(|(step, _)| *step).collect();
        while let Some(question) = ORDER.get(self.behind).copied() {
            self.behind += 1;
            let named = matches!(question, Question::Owners | Question::OwnersByName);
            if blocked && !named {
                return None;
            }
            let Some(mut set) = self.asked(question, facts, blocked) else {
                continue;
            };
            self.estimate = cost(&set);
            let command = set.in_one_command.map(|command| command.requests);
            self.later = u32::from(command == Some(OWN_SHELL));
            set.requests = Some(BUDGET.saturating_sub(self.spent + self.later));
            self.spent += self.estimate;
            return Some(set);
        }
        None
    }

    /// What a question asks for, as far as there is room; `None`: nothing. What was decided without is remembered.
    fn asked(&mut self, question: Question, facts: &Facts, blocked: bool) -> Option<FactSet> {
        let set = match question {
            Question::Owners => self.wanted.owners(),
            Question::OwnersByName if blocked => self.wanted.owners_by_name(facts),
            Question::OwnersByName => return None,
            Question::Services => self.wanted.services(),
            Question::Network => self.wanted.network(),
            Question::Road => self.wanted.road(facts),
            Question::BlockingPrograms | Question::Programs => self.wanted.programs(facts),
            Question::EdrProxy => self.wanted.edr_proxy(),
            Question::Antivirus => self.wanted.antivirus(),
            Question::Build => self.wanted.build(),
            Question::Revision => self.wanted.revision(facts),
            Question::LastContact => self.wanted.last_contact(),
            Question::WinHttp32 => self.wanted.win_http_32(),
        };
        // What is known from conditions of the playbook, or from an earlier question, is not asked again.
        let unknown =
            |set: FactSet| set.without(|fact| facts.knows(fact) && fact != Fact::GpoSettings);
        let mut set = unknown(set);
        let programs = matches!(question, Question::BlockingPrograms | Question::Programs);
        if set.is_empty() && !(programs && self.values_by_command(facts)) {
            return None;
        }
        let need = match question {
            // Who owns a value comes first and always fits.
            Question::Owners | Question::OwnersByName => 0,
            Question::BlockingPrograms | Question::Programs => {
                let mut values = unknown(self.wanted.values());
                values.extend(set.iter());
                let blocking = values.contains(Fact::GpoLocal) || values.contains(Fact::ProxyEdr);
                let shared = self.wanted.opens_shell();
                if question == Question::BlockingPrograms && !(shared && blocking) {
                    return None;
                }
                set.extend(values.iter());
                let requests = if shared { SHARED_SHELL } else { OWN_SHELL };
                let left = BUDGET.saturating_sub(self.spent + requests);
                set.in_one_command = Some(OneCommand {
                    requests,
                    receives: 1 + left,
                });
                // A host that is blocked then opens no shell for a step: its deletion is this question's.
                if blocking { OWN_SHELL } else { cost(&set) }
            }
            // A build without its revision decides nothing.
            Question::Build => cost(&set) + u32::from(!facts.knows(Fact::OsUbr)),
            Question::EdrProxy if self.comes_along(facts) => return None,
            _ => cost(&set),
        };
        if self.room_for(need) {
            return Some(set);
        }
        match question {
            // Asked again later.
            Question::BlockingPrograms => {}
            Question::Programs => self.left_out.extend(self.wanted.programs(facts).iter()),
            _ => self.left_out.extend(set.iter()),
        }
        None
    }

    /// Whether a command reads the values for less than the single questions, although no program has to show anything.
    fn values_by_command(&self, facts: &Facts) -> bool {
        let values = self.wanted.values().without(|fact| facts.knows(fact));
        self.wanted.opens_shell() && cost(&values) > SHARED_SHELL
    }

    /// Whether a command that is still to come will read the sensor's own proxy.
    fn comes_along(&self, facts: &Facts) -> bool {
        let ahead = ORDER.get(self.behind..).unwrap_or_default();
        let antivirus = self.wanted.antivirus();
        let command = cost(&antivirus) + OWN_SHELL;
        ahead.contains(&Question::Programs)
            && (!self.wanted.programs(facts).is_empty() || self.values_by_command(facts))
            && self.room_for(command)
    }

    /// Corrects what the facts asked for last were thought to cost.
    pub fn took(&mut self, requests: u32) {
        // Where no program may be run, no shell was opened.
        let later = if requests == 0 { 0 } else { self.later };
        let real = requests + later;
        self.surcharge = self.surcharge.max(real.saturating_sub(self.estimate));
        self.spent = self.spent - self.estimate + real;
        self.estimate = real;
    }

    /// Facts that were wanted and not asked for, because there was no room.
    pub fn left_out(&self) -> impl Iterator<Item = Fact> {
        self.left_out.iter().copied()
    }

    /// What could not be judged for lack of room, once all is asked: what blocks or leaves a step out is a warning, the
    /// rest is good to know.
    pub fn not_looked(&self) -> Vec<PreflightFinding> {
        let settings = self.wanted.settings;
        if !settings.makes(Check::NotLooked) {
            return Vec::new();
        }
        let told = |grade: PreflightGrade| {
            let facts = self
                .left_out()
                .filter_map(|fact| Some((decides(fact)?, fact)));
            let facts = facts.filter(|(check, _)| weight(*check) == grade);
            let (checks, facts): (BTreeSet<Check>, BTreeSet<Fact>) = facts.unzip();
            let checks: Vec<&str> = checks.iter().map(|check| check.name()).collect();
            let facts: Vec<String> = facts
                .iter()
                .map(|fact| format!("facts.{}", fact.name()))
                .collect();
            (!checks.is_empty()).then(|| PreflightFinding {
                check: Check::NotLooked,
                grade,
                allowed: settings.allow.contains(&Check::NotLooked),
                step: None,
                detail: format!(
                    "{} not judged: the {BUDGET} requests of the preflight are used up, {} not asked for",
                    checks.join(", "),
                    facts.join(", ")
                ),
            })
        };
        let grades = [PreflightGrade::Warn, PreflightGrade::Note];
        grades.into_iter().filter_map(told).collect()
    }

    /// Requests that it took so far.
    pub fn spent(&self) -> u32 {
        self.spent
    }

    fn room_for(&self, more: u32) -> bool {
        self.spent + more + self.surcharge <= BUDGET
    }
}

/// How much it matters that a check could not be made.
fn weight(check: Check) -> PreflightGrade {
    let row = check.row();
    match row.grade == PreflightGrade::Block || row.skips {
        true => PreflightGrade::Warn,
        false => PreflightGrade::Note,
    }
}

/// Requests that these facts cost at most. Only sources that the preflight asks for are known.
fn cost(set: &FactSet) -> u32 {
    if let Some(command) = set.in_one_command {
        return command.requests;
    }
    let mut classes = BTreeSet::new();
    let mut requests = 0;
    for fact in set.closed().iter() {
        match fact.row().source {
            Source::Registry(..) => requests += 1,
            Source::Listed(..) => requests += 2,
            Source::Cim(class, _) => requests += u32::from(classes.insert(format!("{class:?}"))),
            Source::Service(_) | Source::ServiceExists(_) => {
                requests += u32::from(classes.insert("services".to_owned()));
            }
            Source::GroupPolicy => {
                // Names are asked for where there are rows, and whether there is a log at all where there are none.
                let more = !set.policy_ids_only || !set.policy_log_trusted;
                requests += 1 + u32::from(more);
            }
            _ => {}
        }
    }
    requests
}
