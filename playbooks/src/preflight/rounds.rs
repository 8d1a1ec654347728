//! Which facts the preflight asks for, and in which order: who blocks a host comes first, so that a host that is
//! blocked costs little. Never more than [`BUDGET`] requests; what would not fit is left out, warnings first.
//!
//! Only what bears on a value that would be written is asked. A host on which everything is right is asked one thing:
//! whether group policy owns it.
//!
//! Requests are counted, not guessed: where a host's answers come in more pieces than usual, less is asked, and what a
//! decision needed then is told (`not_looked`).

use super::judge::{Kind, kind_of, sets_proxy};
use super::{Check, PreflightChange, PreflightSettings};
use crate::facts::{Fact, FactSet, Facts, Source, floor_of};
use crate::registry::Observed;

/// Requests that the preflight adds to a host at most.
pub const BUDGET: u32 = 8;
/// A command in a shell that has to be opened and deleted for it.
const OWN_SHELL: u32 = 4;
/// A command in a shell that is opened anyway.
const SHARED_SHELL: u32 = 3;
const ADV_PROXY: [Fact; 5] = [
    Fact::AdvProxyKnown,
    Fact::AdvProxyServer,
    Fact::AdvProxyBypass,
    Fact::AdvProxyPacUrl,
    Fact::AdvProxyAutoDetect,
];

/// The questions to one host.
#[derive(Debug)]
pub struct Rounds<'a> {
    settings: &'a PreflightSettings,
    changes: &'a [PreflightChange<'a>],
    /// Something will be written: a step with netsh opens the shell anyway.
    writes: bool,
    round: u8,
    spent: u32,
    /// What the facts asked for last were to cost.
    estimate: u32,
    /// Requests that it will take after the answer: a shell is deleted at the end.
    later: u32,
    /// Requests by which one question was dearer than it should be: hosts answer queries in pages of their own size.
    surcharge: u32,
    /// Facts that there was no room for.
    left_out: Vec<Fact>,
}

impl<'a> Rounds<'a> {
    /// For these changes. `writes`: they are carried out afterwards.
    pub fn new(
        settings: &'a PreflightSettings,
        changes: &'a [PreflightChange<'a>],
        writes: bool,
    ) -> Self {
        Self {
            settings,
            changes,
            writes,
            round: 0,
            spent: 0,
            estimate: 0,
            later: 0,
            surcharge: 0,
            left_out: Vec::new(),
        }
    }

    /// The next facts to ask for, given what is known so far; `None`: all is asked. `blocked`: something that is known
    /// blocks the host already, so that nothing but its name is of interest. Whoever asks says what it cost
    /// ([`Self::took`]).
    pub fn next(&mut self, facts: &Facts, blocked: bool) -> Option<FactSet> {
        while self.round < 8 {
            self.round += 1;
            if blocked && self.round > 2 {
                return None;
            }
            let set = match self.round {
                1 => self.owners(),
                2 if blocked => self.owners_by_name(facts),
                2 => FactSet::default(),
                3 => self.services(),
                4 => self.network(),
                5 => self.road(facts),
                6 => self.antivirus(),
                7 => self.last(facts),
                _ => self.floor(facts),
            };
            // What is known from conditions of the playbook is not asked again.
            let set = set.without(|fact| facts.knows(fact) && fact != Fact::GpoSettings);
            if set.is_empty() {
                continue;
            }
            if matches!(self.round, 3..=6) && !self.room_for(cost(&set)) {
                self.left_out.extend(set.iter());
                continue;
            }
            self.estimate = cost(&set);
            self.later = u32::from(set.in_one_command == Some(OWN_SHELL));
            self.spent += self.estimate;
            return Some(set);
        }
        None
    }

    /// Corrects what the facts asked for last were thought to cost.
    pub fn took(&mut self, requests: u32) {
        let real = requests + self.later;
        self.surcharge = self.surcharge.max(real.saturating_sub(self.estimate));
        self.spent = self.spent - self.estimate + real;
        self.estimate = real;
    }

    /// Facts that a decision needs and that were not asked for, because the host's answers cost more than those of others.
    pub fn left_out(&self) -> &[Fact] {
        &self.left_out
    }

    /// Requests that it took so far.
    pub fn spent(&self) -> u32 {
        self.spent
    }

    fn makes(&self, check: Check) -> bool {
        self.settings.makes(check)
    }

    fn needed(&self, wanted: impl Fn(&PreflightChange<'_>) -> bool) -> bool {
        self.changes
            .iter()
            .any(|change| change.needed() && wanted(change))
    }

    fn writes_to(&self, kind: Kind) -> bool {
        self.needed(|change| kind_of(change.target) == kind && sets_proxy(change))
    }

    fn room_for(&self, more: u32) -> bool {
        self.spent + more + self.surcharge <= BUDGET
    }

    fn owners(&self) -> FactSet {
        let mut set = FactSet::default();
        let policies = self
            .changes
            .iter()
            .filter(|change| change.target.is_policy());
        let names = policies.map(|change| change.target.value.clone());
        set.policy_values = names.collect();
        set.policy_ids_only = true;
        if self.makes(Check::GpoOwned) && !set.policy_values.is_empty() {
            set.insert(Fact::GpoSettings);
        }
        set
    }

    /// The name is asked for where it is needed: the id names the policy as well.
    fn owners_by_name(&self, facts: &Facts) -> FactSet {
        if facts.gpo.is_empty() {
            return FactSet::default();
        }
        let mut set = self.owners();
        set.policy_ids_only = false;
        set
    }

    /// One query for all services.
    fn services(&self) -> FactSet {
        let mut set = FactSet::default();
        let edr = self.writes_to(Kind::Edr) || self.writes_to(Kind::Prefer);
        if edr && (self.makes(Check::SensorMissing) || self.makes(Check::MmaHost)) {
            set.extend([Fact::ServicesSense, Fact::RolesMma]);
        }
        if self.writes_to(Kind::WinHttp) && self.makes(Check::RoleBypass) {
            set.extend([
                Fact::RolesDomainController,
                Fact::RolesCluster,
                Fact::RolesExchange,
            ]);
        }
        set
    }

    fn network(&self) -> FactSet {
        let edr = self.writes_to(Kind::Edr) || self.writes_to(Kind::Prefer);
        let asks = edr && self.makes(Check::NoIpv4);
        asks.then_some(Fact::NetworkIpv4).into_iter().collect()
    }

    fn antivirus(&self) -> FactSet {
        let mut set = FactSet::default();
        let antivirus = [Kind::AvServer, Kind::Av, Kind::Ssl];
        if antivirus.iter().any(|kind| self.writes_to(*kind)) {
            if self.makes(Check::AvMissing) {
                set.insert(Fact::AvPresent);
            }
            if self.makes(Check::TamperProtected) {
                set.extend([Fact::AvTamperProtected, Fact::AvTamperSource]);
            }
            if self.makes(Check::HttpsAvProxy) && self.needed(super::judge::is_https) {
                set.insert(Fact::AvPlatform);
            }
        }
        set
    }

    /// A server with a role is not portable; on others nobody asks for a suffix. Where the roles are not known both could
    /// be, and the chassis is asked for.
    fn road(&self, facts: &Facts) -> FactSet {
        let mut set = FactSet::default();
        if !self.writes_to(Kind::WinHttp) {
            return set;
        }
        let role = super::judge::role(facts).is_some();
        if role && self.makes(Check::RoleBypass) {
            set.insert(Fact::ComputerDomain);
        } else if !role && self.makes(Check::PortableWinHttp) {
            set.insert(Fact::ChassisPortable);
        }
        set
    }

    /// What only warns, and what costs a command.
    fn last(&self, facts: &Facts) -> FactSet {
        let mut shell = FactSet::default();
        // Where group policy keeps no log, the file of the local policy says what one of them wants.
        if facts.unread(Fact::GpoSettings).is_some() {
            shell.policy_values = self.owners().policy_values;
            let asks = self.makes(Check::GpoOwned) && self.makes(Check::OwnershipUnknown);
            if !shell.policy_values.is_empty() && asks {
                shell.insert(Fact::GpoLocal);
            }
        }
        let any_win_http = self.needed(|change| kind_of(change.target) == Kind::WinHttp);
        if any_win_http && self.makes(Check::AdvProxyDiffers) {
            shell.extend(ADV_PROXY);
        }
        let lowers = self.needed(super::judge::is_for_offline);
        if lowers && self.makes(Check::NotOffline) {
            shell.insert(Fact::NetworkLists);
        }
        let mut plain: Vec<Fact> = Vec::new();
        if self.writes_to(Kind::Prefer)
            && self.makes(Check::PreferWithoutProxy)
            && !self.changes.iter().any(super::judge::names_edr_proxy)
        {
            plain.push(Fact::ProxyEdr);
        }
        if self.makes(Check::AlreadyConnected) && self.needed(first_edr_proxy) {
            plain.push(Fact::SensorLastConnected);
        }
        if self.writes_to(Kind::Edr) && self.makes(Check::BuildBelowFloor) {
            plain.push(Fact::OsBuild);
        }
        if any_win_http && self.makes(Check::WinHttp32Differs) {
            plain.push(Fact::WinHttpProxy32);
        }
        let command = match self.writes && any_win_http {
            true => SHARED_SHELL,
            false => OWN_SHELL,
        };
        if !shell.is_empty() && self.room_for(command) {
            // One command answers all of it.
            let build = plain.contains(&Fact::OsBuild);
            shell.extend(plain);
            if build {
                shell.insert(Fact::OsUbr);
            }
            shell.in_one_command = Some(command);
            return shell;
        }
        let mut set = FactSet::default();
        for fact in plain {
            let more = cost(&[fact].into_iter().collect());
            if self.room_for(cost(&set) + more) {
                set.insert(fact);
            }
        }
        set
    }

    fn floor(&self, facts: &Facts) -> FactSet {
        let build = facts.number(Fact::OsBuild);
        match build.and_then(floor_of) {
            Some(_) if self.writes_to(Kind::Edr) && self.room_for(1) => {
                [Fact::OsUbr].into_iter().collect()
            }
            _ => FactSet::default(),
        }
    }
}

fn first_edr_proxy(change: &PreflightChange<'_>) -> bool {
    super::judge::names_edr_proxy(change) && !matches!(change.prior, Observed::Present(_))
}

/// Requests that these facts cost at most. Only sources that the preflight asks for are known.
fn cost(set: &FactSet) -> u32 {
    if let Some(command) = set.in_one_command {
        return command;
    }
    let mut classes = std::collections::BTreeSet::new();
    let mut requests = 0;
    for fact in set.closed().iter() {
        match fact.row().source {
            Source::Registry(..) => requests += 1,
            Source::Listed(..) => requests += 2,
            Source::Cim(class, _) => requests += u32::from(classes.insert(format!("{class:?}"))),
            Source::Service(_) | Source::ServiceExists(_) => {
                requests += u32::from(classes.insert("services".to_owned()));
            }
            Source::GroupPolicy => requests += 1 + u32::from(!set.policy_ids_only),
            _ => {}
        }
    }
    requests
}
