//! Which proxy each component of a host will use, and why: a plain function of its facts.
//!
//! The orders are those of the domain reference (2.3 sensor, 2.4 Antivirus, 2.7 WinHTTP); where the reference marks
//! something as not documented, the answer is "not known" and never a guess. What was not read stays "not read": the
//! same function serves `explain`, which reads everything, and reports, which know what a run has read. One file per
//! component; `conflict.rs` compares the stores with each other.

mod av;
mod conflict;
mod edr;
mod rules;
mod seen;
mod winhttp;

pub use conflict::{CONFLICTS, Conflict, ConflictRow, Contradiction, Weight};
pub use rules::finds_malformed;

use crate::facts::{Fact, FactSet, Facts};
use crate::registry::without_accounts;
use seen::Seen;
pub(crate) use seen::{address, per_scheme};

/// Who uses a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// The EDR sensor (Sense).
    Edr,
    /// Defender Antivirus: cloud protection and downloads from Microsoft's own servers.
    Antivirus,
    /// Programs and services that use WinHTTP with its default proxy: Windows Update, revocation lists.
    WinHttp,
    /// Those that use WinHTTP with its automatic proxy.
    WinHttpAutomatic,
    /// Browsers and programs of users; Antivirus as a last resort.
    WinInet,
    /// Programs that look at variables: curl, the unified agent.
    Environment,
}

impl Component {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Edr,
        Self::Antivirus,
        Self::WinHttp,
        Self::WinHttpAutomatic,
        Self::WinInet,
        Self::Environment,
    ];

    /// Its word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edr => "edr",
            Self::Antivirus => "antivirus",
            Self::WinHttp => "winhttp",
            Self::WinHttpAutomatic => "winhttp_automatic",
            Self::WinInet => "wininet",
            Self::Environment => "environment",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Edr => "EDR sensor",
            Self::Antivirus => "Defender Antivirus",
            Self::WinHttp => "WinHTTP",
            Self::WinHttpAutomatic => "WinHTTP, automatic",
            Self::WinInet => "WinINet",
            Self::Environment => "Environment",
        }
    }
}

/// Where traffic goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Road {
    /// Through this proxy, written as it stands in its store.
    Proxy(String),
    /// Through what the script at this address says.
    Pac(String),
    /// Through what WPAD finds; direct where it finds nothing.
    Discovery,
    /// Through no proxy.
    Direct,
    /// Nothing is set here, and nothing follows from that.
    NotSet,
    /// The host does not have this component.
    NotThere,
    /// It cannot be told: not read, or not documented.
    Unknown,
}

impl Road {
    /// Its word in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Proxy(_) => "proxy",
            Self::Pac(_) => "pac",
            Self::Discovery => "discovery",
            Self::Direct => "direct",
            Self::NotSet => "not_set",
            Self::NotThere => "not_there",
            Self::Unknown => "unknown",
        }
    }

    /// The proxy or the address of the script, for people and reports: an account in front of it is masked.
    pub fn address(&self) -> Option<String> {
        match self {
            Self::Proxy(address) | Self::Pac(address) => {
                Some(without_accounts(address).into_owned())
            }
            _ => None,
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        match self {
            Self::Proxy(address) => without_accounts(address).into_owned(),
            Self::Pac(address) => format!("PAC {}", without_accounts(address)),
            Self::Discovery => "discovery (WPAD)".to_owned(),
            Self::Direct => "direct".to_owned(),
            Self::NotSet => "not set".to_owned(),
            Self::NotThere => "not there".to_owned(),
            Self::Unknown => "not known".to_owned(),
        }
    }
}

/// A road and the reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The road.
    pub road: Road,
    /// Why, for people: the store it stands in, who put it there. Remote text in it is untrusted.
    pub because: String,
}

impl Choice {
    fn new(road: Road, because: impl Into<String>) -> Self {
        Self {
            road,
            because: without_accounts(&because.into()).into_owned(),
        }
    }
}

/// One component's roads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Whose.
    pub component: Component,
    /// What it will use.
    pub uses: Choice,
    /// What it turns to where that does not work, in order.
    pub then: Vec<Choice>,
}

/// What is known of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// In the order of [`Component::ALL`], each once.
    pub routes: Vec<Route>,
    /// What does not go together, or is not what it looks like; gravest first.
    pub conflicts: Vec<Contradiction>,
}

impl Explanation {
    /// The route of a component.
    pub fn route(&self, component: Component) -> Option<&Route> {
        self.routes
            .iter()
            .find(|route| route.component == component)
    }
}

/// Explains a host.
pub fn explain(facts: &Facts) -> Explanation {
    let seen = Seen(facts);
    let routes = vec![
        edr::route(seen),
        av::route(seen),
        winhttp::default(seen),
        winhttp::automatic(seen),
        winhttp::wininet(seen),
        winhttp::environment(seen),
    ];
    let conflicts = conflict::found(seen, &routes);
    Explanation { routes, conflicts }
}

/// The facts that an explanation asks for.
pub fn explain_facts() -> FactSet {
    let mut facts: FactSet = [
        Fact::OsBuild,
        Fact::OsUbr,
        Fact::OsSupport,
        Fact::SensorPresent,
        Fact::SensorBranch,
        Fact::SensorVersion,
        Fact::SensorPrefersStaticProxy,
        Fact::SensorOnboarded,
        Fact::SensorLastConnected,
        // How long ago that was.
        Fact::ClockLocal,
        Fact::MdmTelemetryProxy,
        Fact::GpoSettings,
        Fact::RolesMma,
        Fact::ServicesAutoProxy,
        Fact::RootsAutoUpdate,
    ]
    .into_iter()
    .collect();
    for group in ["proxy", "winhttp", "advproxy", "wininet", "environment"] {
        facts.extend(FactSet::below(group).iter());
    }
    facts.extend([
        Fact::AvPresent,
        Fact::AvMode,
        Fact::AvTamperProtected,
        Fact::AvEffectiveServer,
        Fact::AvEffectivePacUrl,
        Fact::AvEffectiveBypass,
        Fact::AvForceProxyOnly,
        Fact::AvUpdateOrder,
    ]);
    facts
}
