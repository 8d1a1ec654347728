//! Which facts bear on what would be written to a host: one method for each question. Their order, and what there is room
//! for, is `rounds.rs`.

use std::collections::BTreeSet;

use super::subject::{Kind, is_for_offline, is_https, kind_of, names_edr_proxy, sets_proxy};
use super::win_http::role;
use super::{Check, PreflightChange, PreflightSettings};
use crate::change::Desired;
use crate::facts::{Fact, FactSet, Facts, floor_of};
use crate::registry::Observed;

const ADV_PROXY: [Fact; 5] = [
    Fact::AdvProxyKnown,
    Fact::AdvProxyServer,
    Fact::AdvProxyBypass,
    Fact::AdvProxyPacUrl,
    Fact::AdvProxyAutoDetect,
];

/// What would be written to one host, and which checks are made.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) settings: &'a PreflightSettings,
    pub(super) changes: &'a [PreflightChange<'a>],
    /// It will be: a step with netsh opens the shell anyway.
    pub(super) writes: bool,
    /// Steps that something known leaves out: nothing more is asked about them.
    pub(super) skipped: BTreeSet<usize>,
}

impl Wanted<'_> {
    fn makes(&self, check: Check) -> bool {
        self.settings.makes(check)
    }

    fn changes(&self) -> impl Iterator<Item = &PreflightChange<'_>> {
        let changes = self.changes.iter();
        changes.filter(|change| !self.skipped.contains(&change.step))
    }

    fn needed(&self, wanted: impl Fn(&PreflightChange<'_>) -> bool) -> bool {
        self.changes()
            .any(|change| change.needed() && wanted(change))
    }

    fn writes_to(&self, kind: Kind) -> bool {
        self.needed(|change| kind_of(change.target) == kind && sets_proxy(change))
    }

    fn writes_win_http(&self) -> bool {
        self.needed(|change| kind_of(change.target) == Kind::WinHttp)
    }

    /// A step will run netsh, for which a shell is opened anyway.
    pub(super) fn opens_shell(&self) -> bool {
        self.writes
            && self.needed(|change| {
                matches!(change.desired, Desired::WinHttp(_) | Desired::WinHttpDirect)
            })
    }

    /// Whose the values are, by id: the id names a policy as well, and the name costs a request.
    pub(super) fn owners(&self) -> FactSet {
        let mut set = FactSet::default();
        let policies = self.changes().filter(|change| change.target.is_policy());
        set.policy_values = policies.map(|change| change.target.clone()).collect();
        set.policy_ids_only = true;
        set.policy_log_trusted = !self.makes(Check::OwnershipUnknown);
        if self.makes(Check::GpoOwned) && !set.policy_values.is_empty() {
            set.insert(Fact::GpoSettings);
        }
        set
    }

    /// The name of the policy that blocks.
    pub(super) fn owners_by_name(&self, facts: &Facts) -> FactSet {
        if facts.gpo.is_empty() {
            return FactSet::default();
        }
        let mut set = self.owners();
        set.policy_ids_only = false;
        set
    }

    /// One query for all services.
    pub(super) fn services(&self) -> FactSet {
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

    pub(super) fn network(&self) -> FactSet {
        let edr = self.writes_to(Kind::Edr) || self.writes_to(Kind::Prefer);
        let mut set = one_if(edr && self.makes(Check::NoIpv4), Fact::NetworkIpv4);
        if !set.is_empty() {
            // Of the same adapters, at no request of its own.
            set.insert(Fact::NetworkIpv4Route);
        }
        set
    }

    /// A server with a role is not portable; on others nobody asks for a suffix. Where the roles are not known both could
    /// be, and the chassis is asked for.
    pub(super) fn road(&self, facts: &Facts) -> FactSet {
        if !self.writes_to(Kind::WinHttp) {
            return FactSet::default();
        }
        match role(facts).is_some() {
            true => one_if(self.makes(Check::RoleBypass), Fact::ComputerDomain),
            false => one_if(self.makes(Check::PortableWinHttp), Fact::ChassisPortable),
        }
    }

    pub(super) fn antivirus(&self) -> FactSet {
        let mut set = FactSet::default();
        let antivirus = [Kind::AvServer, Kind::Av, Kind::Ssl];
        if antivirus.iter().any(|kind| self.writes_to(*kind)) {
            if self.makes(Check::AvMissing) {
                set.insert(Fact::AvPresent);
            }
            if self.makes(Check::TamperProtected) {
                set.extend([Fact::AvTamperProtected, Fact::AvTamperSource]);
            }
            if self.makes(Check::HttpsAvProxy) && self.needed(is_https) {
                set.insert(Fact::AvPlatform);
            }
        }
        set
    }

    /// What only programs show, which costs a command.
    pub(super) fn programs(&self, facts: &Facts) -> FactSet {
        let mut set = FactSet::default();
        // Where group policy keeps no log, the file of the local policy says what one of them wants.
        if facts.unread(Fact::GpoSettings).is_some() {
            set.policy_values = self.owners().policy_values;
            let asks = self.makes(Check::GpoOwned) && self.makes(Check::OwnershipUnknown);
            if !set.policy_values.is_empty() && asks {
                set.insert(Fact::GpoLocal);
            }
        }
        // The command that runs netsh shows it as well.
        let shown = self.opens_shell();
        if self.writes_win_http() && !shown && self.makes(Check::AdvProxyDiffers) {
            set.extend(ADV_PROXY);
        }
        if self.needed(is_for_offline) && self.makes(Check::NotOffline) {
            set.insert(Fact::NetworkLists);
        }
        set
    }

    /// Whether there is a proxy that the preference could be for.
    pub(super) fn edr_proxy(&self) -> FactSet {
        let asks = self.writes_to(Kind::Prefer)
            && self.makes(Check::PreferWithoutProxy)
            && !self.changes().any(names_edr_proxy);
        one_if(asks, Fact::ProxyEdr)
    }

    pub(super) fn build(&self) -> FactSet {
        let asks = self.writes_to(Kind::Edr) && self.makes(Check::BuildBelowFloor);
        one_if(asks, Fact::OsBuild)
    }

    /// Only of builds that have a floor.
    pub(super) fn revision(&self, facts: &Facts) -> FactSet {
        let floor = facts.number(Fact::OsBuild).and_then(floor_of).is_some();
        one_if(floor && !self.build().is_empty(), Fact::OsUbr)
    }

    pub(super) fn last_contact(&self) -> FactSet {
        let first = |change: &PreflightChange<'_>| {
            names_edr_proxy(change) && !matches!(change.prior, Observed::Present(_))
        };
        let asks = self.makes(Check::AlreadyConnected) && self.needed(first);
        one_if(asks, Fact::SensorLastConnected)
    }

    pub(super) fn win_http_32(&self) -> FactSet {
        let asks = self.writes_win_http() && self.makes(Check::WinHttp32Differs);
        one_if(asks, Fact::WinHttpProxy32)
    }

    /// Registry values that a command reads along with what it shows.
    pub(super) fn values(&self) -> FactSet {
        let mut set = self.edr_proxy();
        let build = self.build();
        if !build.is_empty() {
            set.insert(Fact::OsUbr);
        }
        set.extend(build.iter());
        set.extend(self.last_contact().iter());
        set.extend(self.win_http_32().iter());
        set
    }
}

fn one_if(asks: bool, fact: Fact) -> FactSet {
    asks.then_some(fact).into_iter().collect()
}

/// The check that cannot be made without this fact, where the preflight asks for it.
pub(super) fn decides(fact: Fact) -> Option<Check> {
    Some(match fact {
        Fact::GpoSettings | Fact::GpoLocal => Check::GpoOwned,
        Fact::ServicesSense => Check::SensorMissing,
        Fact::RolesMma => Check::MmaHost,
        Fact::RolesDomainController
        | Fact::RolesCluster
        | Fact::RolesExchange
        | Fact::ComputerDomain => Check::RoleBypass,
        Fact::NetworkIpv4 | Fact::NetworkIpv4Route => Check::NoIpv4,
        Fact::ChassisPortable => Check::PortableWinHttp,
        Fact::AvPresent => Check::AvMissing,
        Fact::AvTamperProtected => Check::TamperProtected,
        Fact::AvPlatform => Check::HttpsAvProxy,
        Fact::AdvProxyKnown => Check::AdvProxyDiffers,
        Fact::NetworkLists => Check::NotOffline,
        Fact::ProxyEdr => Check::PreferWithoutProxy,
        Fact::SensorLastConnected => Check::AlreadyConnected,
        Fact::OsBuild | Fact::OsUbr => Check::BuildBelowFloor,
        Fact::WinHttpProxy32 => Check::WinHttp32Differs,
        _ => return None,
    })
}
