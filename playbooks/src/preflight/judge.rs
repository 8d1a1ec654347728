//! The decision table of the preflight: a plain function over what a playbook would change and what is known of the
//! host. A fact that was not asked for decides nothing.

use jiff::{SignedDuration, Timestamp};

use super::wanted::decides;
use super::{Check, PreflightChange, PreflightFinding, PreflightGrade};
use crate::change::Desired;
use crate::facts::{AdvProxy, Fact, FactValue, Facts, GpoSetting, floor_of};
use crate::registry::{Observed, RawValue, Target, Typed};
use crate::rules::{KnownValue, known_value};
use crate::winhttp::{WinHttpProxy, WinHttpSettings};

/// A contact is fresh up to this age: sensors report far more often.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// What a value is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// S19, S20.
    Edr,
    /// S22.
    Prefer,
    /// S30, as policy.
    AvServer,
    /// Other proxy settings of Antivirus, preferences too.
    Av,
    /// S32.
    Ssl,
    /// S41.
    WinHttp,
    /// None of this project's.
    Other,
}

pub(super) fn kind_of(target: &Target) -> Kind {
    if target.is_av_preference() {
        return Kind::Av;
    }
    match known_value(target) {
        Some(KnownValue::TelemetryProxyServer | KnownValue::DisableEnterpriseAuthProxy) => {
            Kind::Edr
        }
        Some(KnownValue::PreferStaticProxy) => Kind::Prefer,
        Some(KnownValue::AvProxyServer) => Kind::AvServer,
        Some(KnownValue::AvProxyPacUrl | KnownValue::AvProxyBypass) => Kind::Av,
        Some(KnownValue::SslOptions) => Kind::Ssl,
        Some(KnownValue::WinHttpSettings) => Kind::WinHttp,
        None => Kind::Other,
    }
}

/// Something is put there, rather than taken away.
pub(super) fn sets_proxy(change: &PreflightChange<'_>) -> bool {
    match change.desired {
        Desired::Absent | Desired::WinHttpDirect => false,
        Desired::WinHttp(_) => true,
        Desired::Value(raw) if kind_of(change.target) == Kind::WinHttp => {
            !WinHttpSettings::decode_value(raw).is_ok_and(|settings| settings.is_direct())
        }
        Desired::Value(_) => true,
    }
}

pub(super) fn names_edr_proxy(change: &PreflightChange<'_>) -> bool {
    known_value(change.target) == Some(KnownValue::TelemetryProxyServer) && sets_proxy(change)
}

fn text(desired: &Desired) -> Option<String> {
    let Desired::Value(raw) = desired else {
        return None;
    };
    match raw.to_typed()? {
        Typed::Sz(text) => Some(text),
        Typed::Dword(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An https:// address of the proxy itself (S29).
pub(super) fn is_https(change: &PreflightChange<'_>) -> bool {
    let server = change.target.value.eq_ignore_ascii_case("ProxyServer")
        && matches!(kind_of(change.target), Kind::AvServer | Kind::Av);
    let text = text(change.desired);
    server && text.is_some_and(|text| text.to_ascii_lowercase().starts_with("https://"))
}

/// A setting that only devices without access to lists of certificates need (S22, S32).
pub(super) fn is_for_offline(change: &PreflightChange<'_>) -> bool {
    match kind_of(change.target) {
        Kind::Prefer => text(change.desired).as_deref() == Some("1"),
        Kind::Ssl => text(change.desired).is_some_and(|text| text != "3"),
        _ => false,
    }
}

/// The role of a server on which WinHTTP needs a bypass list (S42).
pub(super) fn role(facts: &Facts) -> Option<&'static str> {
    let roles = [
        (Fact::RolesDomainController, "a domain controller"),
        (Fact::RolesCluster, "a cluster node"),
        (Fact::RolesExchange, "an Exchange server"),
    ];
    let mut known = roles.into_iter();
    let found = known.find(|(fact, _)| facts.flag(*fact) == Some(true));
    found.map(|(_, words)| words)
}

/// What a playbook says to a check at one of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is not made.
    LeftOut,
    /// What it finds is shown and stands in no way.
    Allowed,
    /// What it finds counts.
    InForce,
}

/// Every finding of a check that is made, with the index of its step, in the order of the changes. `steps`: name of each
/// step, and whether it was left out because the host's software would not heed it. `now` is the time on the host.
pub(crate) fn judge(
    changes: &[PreflightChange<'_>],
    steps: &[(&str, bool)],
    facts: &Facts,
    now: Timestamp,
    standing: &dyn Fn(Check, Option<usize>) -> Standing,
) -> Vec<(Option<usize>, PreflightFinding)> {
    let mut found = Found {
        steps,
        standing,
        findings: Vec::new(),
    };
    for (index, (_, below_gate)) in steps.iter().enumerate() {
        if *below_gate {
            let version = facts.text(Fact::SensorVersion).unwrap_or("unknown");
            let detail = format!("version {version} ignores the preference");
            found.add(Check::SensorBelowGate, index, detail);
        }
    }
    for change in changes {
        owner(change, facts, &mut found);
        if !change.needed() {
            continue;
        }
        match kind_of(change.target) {
            Kind::Edr | Kind::Prefer if sets_proxy(change) => {
                sensor(change, changes, facts, now, &mut found)
            }
            Kind::AvServer | Kind::Av | Kind::Ssl if sets_proxy(change) => {
                antivirus(change, facts, &mut found);
            }
            Kind::WinHttp => win_http(change, facts, &mut found),
            _ => {}
        }
        if is_for_offline(change) && facts.flag(Fact::NetworkLists) == Some(true) {
            let detail = "the host fetches the lists of certificates directly".to_owned();
            found.add(Check::NotOffline, change.step, detail);
        }
    }
    for (fact, why) in facts.failures() {
        if fact == Fact::GpoSettings {
            let policies = changes.iter().find(|change| change.target.is_policy());
            let step = policies.map_or(0, |change| change.step);
            let local = match facts.value(Fact::GpoLocal) {
                Some(_) => "; of the local group policy, its file was read",
                None => "",
            };
            found.add(Check::OwnershipUnknown, step, format!("{why}{local}"));
        } else if is_told(fact, facts) {
            found.whole(Check::NotLooked, format!("facts.{}: {why}", fact.name()));
        }
    }
    found.findings
}

struct Found<'a> {
    steps: &'a [(&'a str, bool)],
    standing: &'a dyn Fn(Check, Option<usize>) -> Standing,
    findings: Vec<(Option<usize>, PreflightFinding)>,
}

impl Found<'_> {
    fn add(&mut self, check: Check, step: usize, detail: String) {
        self.graded(check, check.row().grade, step, detail);
    }

    fn graded(&mut self, check: Check, grade: PreflightGrade, step: usize, detail: String) {
        self.push(check, grade, Some(step), detail);
    }

    fn whole(&mut self, check: Check, detail: String) {
        self.push(check, check.row().grade, None, detail);
    }

    fn push(&mut self, check: Check, grade: PreflightGrade, step: Option<usize>, detail: String) {
        let standing = (self.standing)(check, step);
        let named = step.and_then(|index| self.steps.get(index));
        let finding = PreflightFinding {
            check,
            grade,
            allowed: standing == Standing::Allowed,
            step: named.map(|(name, _)| (*name).to_owned()),
            detail,
        };
        let finding = (step, finding);
        // Both values of a pair raise the same: it is said once.
        if standing != Standing::LeftOut && !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    fn makes(&self, check: Check, step: usize) -> bool {
        (self.standing)(check, Some(step)) != Standing::LeftOut
    }

    /// The component that a step is for is missing. True: the step is left out for it, so that nothing else about it
    /// matters.
    fn missing(&mut self, check: Check, step: usize, detail: &str) -> bool {
        self.add(check, step, detail.to_owned());
        (self.standing)(check, Some(step)) == Standing::InForce
    }
}

fn sensor(
    change: &PreflightChange<'_>,
    changes: &[PreflightChange<'_>],
    facts: &Facts,
    now: Timestamp,
    found: &mut Found<'_>,
) {
    let step = change.step;
    if facts.value(Fact::ServicesSense) == Some(&FactValue::Null) {
        let agent = facts.flag(Fact::RolesMma) == Some(true) && found.makes(Check::MmaHost, step);
        let left_out = match agent {
            true => found.missing(
                Check::MmaHost,
                step,
                "there is no service Sense, and the service HealthService is there",
            ),
            false => found.missing(Check::SensorMissing, step, "there is no service Sense"),
        };
        if left_out {
            return;
        }
    }
    if facts.flag(Fact::NetworkIpv4) == Some(false) {
        let addresses = facts.texts(Fact::NetworkAddresses).join(", ");
        let detail = match addresses.is_empty() {
            true => "no adapter has an address".to_owned(),
            false => format!("its addresses are {addresses}"),
        };
        found.add(Check::NoIpv4, step, detail);
    }
    let one = text(change.desired).as_deref() == Some("1");
    if kind_of(change.target) == Kind::Prefer && one {
        let set = changes.iter().any(names_edr_proxy);
        if !set && facts.value(Fact::ProxyEdr) == Some(&FactValue::Null) {
            let detail = "TelemetryProxyServer is neither in the playbook nor on the host";
            found.add(Check::PreferWithoutProxy, step, detail.to_owned());
        }
    }
    if let Some((build, least, kb)) = facts.number(Fact::OsBuild).and_then(floor_of)
        && let Some(ubr) = facts.number(Fact::OsUbr).filter(|ubr| *ubr < least)
    {
        let detail = format!("build {build}.{ubr} is below {build}.{least} ({kb})");
        found.add(Check::BuildBelowFloor, step, detail);
    }
    let first = names_edr_proxy(change) && change.prior.value().is_none();
    let last: Option<Timestamp> = facts
        .text(Fact::SensorLastConnected)
        .and_then(|text| text.parse().ok());
    if first && last.is_some_and(|last| now.duration_since(last) <= FRESH) {
        let detail = "the sensor was in contact within the last day, and no static proxy is set";
        found.add(Check::AlreadyConnected, step, detail.to_owned());
    }
}

fn antivirus(change: &PreflightChange<'_>, facts: &Facts, found: &mut Found<'_>) {
    let step = change.step;
    if facts.flag(Fact::AvPresent) == Some(false) {
        let detail = "the class MSFT_MpComputerStatus is not there";
        if found.missing(Check::AvMissing, step, detail) {
            return;
        }
    }
    if facts.flag(Fact::AvTamperProtected) == Some(true) {
        let by = facts.text(Fact::AvTamperSource).unwrap_or("not said");
        found.add(
            Check::TamperProtected,
            step,
            format!("switched on by: {by}"),
        );
    }
    if is_https(change) {
        let platform = facts.text(Fact::AvPlatform).unwrap_or("not known");
        let detail = format!("the platform of this host is {platform}");
        found.add(Check::HttpsAvProxy, step, detail);
    }
    if kind_of(change.target) == Kind::Ssl && is_for_offline(change) {
        let number = text(change.desired).unwrap_or_default();
        let lost = match number.as_str() {
            "0" => "neither pinning nor revocation",
            "1" => "no pinning",
            _ => "no revocation",
        };
        let detail = format!("SSLOptions {number}: {lost} is checked");
        found.add(Check::SecurityLowered, step, detail);
    }
}

fn win_http(change: &PreflightChange<'_>, facts: &Facts, found: &mut Found<'_>) {
    let step = change.step;
    let wanted = wanted_proxy(change.desired);
    if let Some(wanted) = &wanted {
        if facts.flag(Fact::ChassisPortable) == Some(true) {
            let kinds = match facts.value(Fact::ChassisTypes) {
                Some(kinds) => kinds.text(),
                None => "portable".to_owned(),
            };
            found.add(
                Check::PortableWinHttp,
                step,
                format!("chassis type {kinds}"),
            );
        }
        if let Some(role) = role(facts)
            && let Some(missing) = missing_bypass(&wanted.bypass, facts.text(Fact::ComputerDomain))
        {
            let detail = format!("the host is {role}, and the bypass list lacks {missing}");
            found.add(Check::RoleBypass, step, detail);
        }
    }
    let server = wanted.as_ref().map(|wanted| wanted.server.as_str());
    let same = |other: &str| server.is_some_and(|server| server.eq_ignore_ascii_case(other));
    if facts.flag(Fact::AdvProxyKnown) == Some(true) {
        let text = |fact| facts.text(fact).map(str::to_owned);
        let other = AdvProxy {
            server: text(Fact::AdvProxyServer),
            bypass: text(Fact::AdvProxyBypass),
            pac_url: text(Fact::AdvProxyPacUrl),
            auto_detect: facts.flag(Fact::AdvProxyAutoDetect).unwrap_or(false),
        };
        if let Some((check, detail)) = other.beside(change.desired) {
            found.add(check, step, detail);
        }
    }
    if let Some(other) = facts
        .text(Fact::WinHttpProxy32)
        .filter(|other| !same(other))
    {
        let detail = format!("32-bit programs use {other}");
        found.add(Check::WinHttp32Differs, step, detail);
    }
}

/// The proxy that a step is about, in whichever form it is written.
pub(crate) fn wanted_proxy(desired: &Desired) -> Option<WinHttpProxy> {
    match desired {
        Desired::WinHttp(proxy) => Some(proxy.clone()),
        Desired::Value(raw) => {
            let settings = WinHttpSettings::decode_value(raw).ok()?;
            let bypass = settings.bypass.split(';').filter(|entry| !entry.is_empty());
            (!settings.is_direct()).then(|| WinHttpProxy {
                bypass: bypass.map(str::to_owned).collect(),
                server: settings.proxy.clone(),
            })
        }
        _ => None,
    }
}

/// What a bypass list of such a server lacks. A host outside of any domain has no suffix.
fn missing_bypass(bypass: &[String], domain: Option<&str>) -> Option<String> {
    let has = |wanted: &str| {
        bypass
            .iter()
            .any(|entry| entry.eq_ignore_ascii_case(wanted))
    };
    let mut missing = Vec::new();
    if !has("<local>") {
        missing.push("'<local>'".to_owned());
    }
    if let Some(domain) = domain.filter(|domain| domain.contains('.')) {
        let suffixes = [
            format!("*.{domain}"),
            format!("*{domain}"),
            format!(".{domain}"),
        ];
        if !suffixes.iter().any(|suffix| has(suffix)) {
            missing.push(format!("'*.{domain}'"));
        }
    }
    (!missing.is_empty()).then(|| missing.join(" and "))
}

/// F15. A value that is right already is not written; the policy's other wish is then told, and blocks nothing.
fn owner(change: &PreflightChange<'_>, facts: &Facts, found: &mut Found<'_>) {
    let settings = facts
        .gpo
        .iter()
        .filter(|setting| setting.target == *change.target);
    let Some(setting) = settings.min_by_key(|setting| setting.precedence) else {
        return;
    };
    let owner = setting.owner();
    if satisfied(change.desired, setting) {
        let detail = format!("{} is set by '{owner}'", change.target.value);
        return found.add(Check::GpoManaged, change.step, detail);
    }
    let theirs = match &setting.value {
        Some(value) => format!("wants '{}'", value.text()),
        None => "deletes it".to_owned(),
    };
    let detail = format!("'{owner}' owns {} and {theirs}", change.target.value);
    let grade = match change.needed() {
        true => PreflightGrade::Block,
        false => PreflightGrade::Warn,
    };
    found.graded(Check::GpoOwned, grade, change.step, detail);
}

fn satisfied(desired: &Desired, setting: &GpoSetting) -> bool {
    match (desired, &setting.value) {
        (Desired::Absent, None) => true,
        (Desired::Value(ours), Some(theirs)) => same_value(ours, theirs),
        (desired, Some(theirs)) => desired.satisfied_by(&Observed::Present(theirs.clone())),
        (_, None) => false,
    }
}

/// The log of group policy may leave the terminator of a text out.
fn same_value(ours: &RawValue, theirs: &RawValue) -> bool {
    let bare = |raw: &RawValue| match raw.kind {
        1 | 2 => raw
            .bytes
            .strip_suffix(&[0, 0])
            .unwrap_or(&raw.bytes)
            .to_vec(),
        _ => raw.bytes.clone(),
    };
    ours.kind == theirs.kind && bare(ours) == bare(theirs)
}

/// Whether it is said that this fact could not be read: facts of conditions are the playbook's own business, and of what
/// one question answers, its first fact speaks for all.
fn is_told(fact: Fact, facts: &Facts) -> bool {
    let first = match fact {
        Fact::RolesMma => Fact::ServicesSense,
        Fact::RolesCluster | Fact::RolesExchange => Fact::RolesDomainController,
        Fact::AvPlatform if facts.knows(Fact::AvTamperProtected) => Fact::AvTamperProtected,
        Fact::AvTamperProtected | Fact::AvPlatform => Fact::AvPresent,
        _ => return decides(fact).is_some(),
    };
    !facts.knows(first)
}
