//! Probes that are settled by facts alone: V1, V2, V7, V8 and the road of updates (S35, S36). Which facts, and the
//! verdict over them.

use jiff::Timestamp;

use super::{Finding, Probe, To, Verdict, targets};
use crate::facts::{Fact, FactSet, Facts};
use crate::preflight::{Check, PreflightFinding};
use crate::rules::same_address;

/// The services whose state is a fact.
pub(crate) const SERVICES: [(&str, Fact); 4] = [
    ("Sense", Fact::ServicesSense),
    ("WinDefend", Fact::ServicesWinDefend),
    ("DiagTrack", Fact::ServicesDiagTrack),
    ("WinHttpAutoProxySvc", Fact::ServicesAutoProxy),
];

/// Sources of definitions that never pass the machine-wide proxy.
const INTERNAL: [&str; 2] = ["internaldefinitionupdateserver", "fileshares"];

/// The source that Antivirus reaches without Windows Update.
const MMPC: &str = "mmpc";

impl Probe {
    /// The checks of the preflight that leave the steps out whose effect this probe would prove, because their component
    /// is missing.
    fn missing(&self) -> &'static [Check] {
        match self {
            Self::AvEffective { .. } | Self::Maps { .. } | Self::Updates {} => &[Check::AvMissing],
            Self::SensorEvents { .. } | Self::SensorConnected { .. } => {
                &[Check::SensorMissing, Check::MmaHost]
            }
            Self::WinhttpIs { .. }
            | Self::ProxyTcp { .. }
            | Self::ProxyConnect { .. }
            | Self::Services { .. } => &[],
        }
    }

    /// A verdict in the light of what the preflight of the same host found: where a component is missing and the steps for it
    /// were left out for that cause, there is nothing to prove; where tamper protection is on, it may be what keeps Antivirus
    /// from a setting.
    #[must_use]
    pub fn after_preflight(&self, mut verdict: Verdict, findings: &[PreflightFinding]) -> Verdict {
        let tamper = |finding: &&PreflightFinding| finding.check == Check::TamperProtected;
        if let (Self::AvEffective { .. }, Finding::Differs) = (self, verdict.finding)
            && let Some(tamper) = findings.iter().find(tamper)
        {
            let said = format!("; tamper protection ({}) may keep it so", tamper.detail);
            verdict.detail.push_str(&said);
        }
        let left_out = |finding: &&PreflightFinding| {
            finding.skips() && self.missing().contains(&finding.check)
        };
        match findings.iter().find(left_out) {
            Some(finding) if verdict.finding == Finding::NotApplicable => Verdict::new(
                Finding::StepsLeftOut,
                format!("{}; {}", verdict.detail, finding.check.name()),
            ),
            _ => verdict,
        }
    }

    /// The facts it reads.
    pub fn facts(&self) -> FactSet {
        match self {
            Self::WinhttpIs { .. } => [Fact::WinHttpProxy].into_iter().collect(),
            Self::AvEffective { .. } => [
                Fact::AvPresent,
                Fact::AvEffectiveServer,
                Fact::AvEffectivePacUrl,
            ]
            .into_iter()
            .collect(),
            Self::ProxyConnect {
                to: To::Defender { .. },
                ..
            } => targets::FACTS.into_iter().collect(),
            Self::Maps { .. } => [Fact::AvPresent, Fact::AvMode].into_iter().collect(),
            Self::SensorEvents { .. } => [Fact::SensorPresent].into_iter().collect(),
            Self::ProxyTcp { .. } | Self::ProxyConnect { .. } => FactSet::default(),
            Self::Services { names } => SERVICES
                .iter()
                .filter(|(name, _)| names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)))
                .map(|(_, fact)| *fact)
                .collect(),
            Self::SensorConnected { .. } => [
                Fact::SensorPresent,
                Fact::SensorOnboarded,
                Fact::SensorLastConnected,
            ]
            .into_iter()
            .collect(),
            Self::Updates {} => [
                Fact::AvPresent,
                Fact::AvUpdateOrder,
                Fact::AvSignaturesUpdated,
                Fact::WinHttpProxy,
                Fact::AvEffectiveServer,
                Fact::AvEffectivePacUrl,
            ]
            .into_iter()
            .collect(),
        }
    }

    /// The verdict over facts; `since` is the host's clock at the push. `None`: facts do not settle this probe.
    pub fn settled(&self, facts: &Facts, since: Option<Timestamp>) -> Option<Verdict> {
        if let Some((fact, why)) = self
            .facts()
            .iter()
            .find_map(|fact| facts.unread(fact).map(|why| (fact, why)))
        {
            let detail = format!("{} cannot be read: {why}", fact.name());
            return Some(Verdict::new(Finding::Unreadable, detail));
        }
        match self {
            Self::WinhttpIs { server } => Some(winhttp(facts, server.as_deref())),
            Self::AvEffective {
                server, pac_url, ..
            } => Some(effective(facts, server.as_deref(), pac_url.as_deref())),
            Self::Maps { .. } => no_antivirus(facts),
            Self::SensorEvents { .. } => no_sensor(facts),
            Self::ProxyTcp { .. } | Self::ProxyConnect { .. } => None,
            Self::Services { names } => Some(services(facts, names)),
            Self::SensorConnected { .. } => Some(connected(facts, since)),
            Self::Updates {} => Some(updates(facts)),
        }
    }
}

fn shown(text: Option<&str>) -> &str {
    text.filter(|text| !text.is_empty()).unwrap_or("none")
}

fn winhttp(facts: &Facts, wanted: Option<&str>) -> Verdict {
    let found = facts.text(Fact::WinHttpProxy);
    same("the machine-wide WinHTTP proxy", wanted, found)
}

fn same(what: &str, wanted: Option<&str>, found: Option<&str>) -> Verdict {
    let (wanted, found) = (shown(wanted), shown(found));
    if same_address(wanted, found) {
        Verdict::new(Finding::AsWanted, format!("{what} is {found}"))
    } else {
        let detail = format!("{what} is {found}, wanted {wanted}");
        Verdict::new(Finding::Differs, detail)
    }
}

fn no_antivirus(facts: &Facts) -> Option<Verdict> {
    (facts.flag(Fact::AvPresent) != Some(true))
        .then(|| Verdict::new(Finding::NotApplicable, "Defender Antivirus is not there"))
}

fn no_sensor(facts: &Facts) -> Option<Verdict> {
    (facts.flag(Fact::SensorPresent) != Some(true))
        .then(|| Verdict::new(Finding::NotApplicable, "there is no EDR sensor"))
}

fn effective(facts: &Facts, server: Option<&str>, pac_url: Option<&str>) -> Verdict {
    if let Some(verdict) = no_antivirus(facts) {
        return verdict;
    }
    let asked = [
        ("the proxy of Antivirus", server, Fact::AvEffectiveServer),
        (
            "the automatic configuration of Antivirus",
            pac_url,
            Fact::AvEffectivePacUrl,
        ),
    ];
    let verdicts = asked
        .into_iter()
        .filter(|(_, wanted, _)| wanted.is_some())
        .map(|(what, wanted, fact)| same(what, wanted, facts.text(fact)));
    verdicts
        .max_by_key(Verdict::grade)
        .unwrap_or_else(|| Verdict::new(Finding::NotApplicable, "nothing is wanted"))
}

fn services(facts: &Facts, names: &[String]) -> Verdict {
    let state = |name: &str| {
        let fact = SERVICES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        fact.and_then(|(_, fact)| facts.text(*fact))
    };
    let stopped: Vec<String> = names
        .iter()
        .filter(|name| state(name) != Some("running"))
        .map(|name| format!("{name} is {}", state(name).unwrap_or("not there")))
        .collect();
    if stopped.is_empty() {
        Verdict::new(Finding::Running, format!("running: {}", names.join(", ")))
    } else {
        Verdict::new(Finding::ServiceStopped, stopped.join(", "))
    }
}

/// V7. Contact proves the channel and not the road: the sensor falls back to a direct connection (fact 4).
fn connected(facts: &Facts, since: Option<Timestamp>) -> Verdict {
    if let Some(verdict) = no_sensor(facts) {
        return verdict;
    }
    if facts.flag(Fact::SensorOnboarded) != Some(true) {
        return Verdict::new(Finding::NotApplicable, "the sensor is not onboarded");
    }
    let Some(since) = since else {
        return Verdict::new(Finding::Unreadable, "the host's clock could not be read");
    };
    let last: Option<Timestamp> = facts
        .text(Fact::SensorLastConnected)
        .and_then(|text| text.parse().ok());
    match last {
        Some(last) if last > since => Verdict::new(
            Finding::Connected,
            format!("last contact {last}, after the push; the road is not shown by it"),
        ),
        Some(last) => Verdict::new(
            Finding::NotConnected,
            format!("last contact {last}, the push was at {since}"),
        ),
        None => Verdict::new(Finding::NotConnected, "there was no contact yet"),
    }
}

/// S35, S36: Antivirus takes its own proxy for cloud protection, not for Windows Update.
fn updates(facts: &Facts) -> Verdict {
    if let Some(verdict) = no_antivirus(facts) {
        return verdict;
    }
    let order = facts.text(Fact::AvUpdateOrder).unwrap_or_default();
    let sources: Vec<String> = order
        // A policy has it as `{A | B}`.
        .trim_matches(['{', '}', ' '])
        .split('|')
        .map(|source| source.trim().to_ascii_lowercase())
        .filter(|source| !source.is_empty())
        .collect();
    let internal = sources
        .iter()
        .find(|source| INTERNAL.contains(&source.as_str()));
    // Antivirus fetches from MMPC itself. Behind Microsoft Update it is asked only after that failed, for a day or longer.
    let itself = sources.first().is_some_and(|source| source == MMPC);
    let age = match facts.text(Fact::AvSignaturesUpdated) {
        Some(time) => format!("definitions of {time}"),
        None => "the age of the definitions is not known".to_owned(),
    };
    let winhttp = facts
        .text(Fact::WinHttpProxy)
        .filter(|text| !text.is_empty());
    // What it goes by: a policy, or a preference.
    let own = [Fact::AvEffectiveServer, Fact::AvEffectivePacUrl];
    let own = own
        .into_iter()
        .filter_map(|fact| facts.text(fact))
        .find(|text| !text.is_empty());
    match (internal, winhttp, own) {
        (Some(source), _, _) => Verdict::new(
            Finding::UpdatesHaveARoad,
            format!("definitions come from {source}; {age}"),
        ),
        (None, Some(proxy), _) => Verdict::new(
            Finding::UpdatesHaveARoad,
            format!("Windows Update goes by the machine-wide proxy {proxy}; {age}"),
        ),
        (None, None, Some(proxy)) if itself => Verdict::new(
            Finding::UpdatesHaveARoad,
            format!(
                "Antivirus fetches definitions itself from MMPC, by its own proxy {proxy}; {age}"
            ),
        ),
        (None, None, Some(_)) => Verdict::new(
            Finding::UpdatesHaveNoRoad,
            format!(
                "Antivirus has a proxy, Windows has none, and the order of sources ({}) neither is internal nor begins with MMPC; {age}",
                shown(Some(order))
            ),
        ),
        (None, None, None) => Verdict::new(
            Finding::NotApplicable,
            format!(
                "no proxy is set for Antivirus or Windows, and no setting shows whether Windows Update is reached without one (proxy_connect with via: direct asks the host); {age}"
            ),
        ),
    }
}
