//! The candidate test, seen from before: which proxies would be set that no probe asks for before the first write.

use std::collections::BTreeSet;

use crate::change::Desired;
use crate::explain::{address, per_scheme};
use crate::playbook::Playbook;
use crate::preflight::text;
use crate::probe::{HostProbe, Probe, ProbeStep};
use crate::registry::Target;
use crate::rules::{KnownValue, known_value};
use crate::scope::{self, HostScope, asks_for_host};
use crate::step::Evaluation;
use crate::template;
use crate::vars::{VarType, Vars};
use crate::winhttp::WinHttpSettings;

/// A proxy that is set, as it is compared: without scheme and account, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Untried {
    /// `host:port`.
    Proxy(String),
    /// A PAC file: which proxies it names is not known here. Any proxy that is asked for counts as one of them.
    Pac(String),
}

impl Untried {
    /// The address.
    pub fn address(&self) -> &str {
        match self {
            Self::Proxy(address) | Self::Pac(address) => address,
        }
    }
}

/// The proxies that these values set.
pub fn proxies_set<'a>(
    values: impl IntoIterator<Item = (&'a Target, &'a Desired)>,
) -> BTreeSet<Untried> {
    let values = values.into_iter();
    values
        .flat_map(|(target, desired)| set_by(target, desired))
        .filter(|one| !one.address().is_empty())
        .collect()
}

fn set_by(target: &Target, desired: &Desired) -> Vec<Untried> {
    let preference = |name: &str| target.is_av_preference() && target.value == name;
    let one = |kind: fn(String) -> Untried| {
        let text = text(desired).map(|text| kind(bare(&text)));
        text.into_iter().collect()
    };
    match known_value(target) {
        Some(KnownValue::TelemetryProxyServer | KnownValue::AvProxyServer) => one(Untried::Proxy),
        Some(KnownValue::AvProxyPacUrl) => one(Untried::Pac),
        Some(KnownValue::WinHttpSettings | KnownValue::WinHttpSettings32) => win_http(desired),
        None if preference("ProxyServer") => one(Untried::Proxy),
        None if preference("ProxyPacUrl") => one(Untried::Pac),
        _ => Vec::new(),
    }
}

fn win_http(desired: &Desired) -> Vec<Untried> {
    let server = match desired {
        Desired::WinHttp(proxy) => Some(proxy.server.clone()),
        Desired::Value(raw) => WinHttpSettings::decode_value(raw)
            .ok()
            .filter(WinHttpSettings::is_named)
            .map(|settings| settings.proxy),
        Desired::Absent | Desired::WinHttpDirect => None,
    };
    let server = server.unwrap_or_default();
    let parts = per_scheme(&server).into_iter();
    // Other schemes carry nothing that Defender or Windows fetches.
    parts
        .filter(|(scheme, _)| {
            ["", "http", "https"]
                .iter()
                .any(|one| scheme.eq_ignore_ascii_case(one))
        })
        .map(|(_, proxy)| Untried::Proxy(bare(&proxy)))
        .collect()
}

/// For comparing, and fit to be shown: what stands before an `@` may be a password.
fn bare(text: &str) -> String {
    let address = address(text);
    match address.rsplit_once('@') {
        Some((_, host)) => host.to_owned(),
        None => address,
    }
}

/// Those of `set` that none of these probes asks for before the first write.
pub fn untried<'p>(
    set: BTreeSet<Untried>,
    probes: impl IntoIterator<Item = &'p HostProbe>,
) -> BTreeSet<Untried> {
    let candidates = probes.into_iter().filter(|probe| probe.candidate);
    let asked: BTreeSet<String> = candidates
        .filter_map(|probe| match &probe.probe {
            Probe::ProxyTcp { via } | Probe::ProxyConnect { via: Some(via), .. } => Some(bare(via)),
            _ => None,
        })
        .collect();
    let is_asked = |one: &Untried| match one {
        Untried::Proxy(address) => asked.contains(address),
        Untried::Pac(_) => !asked.is_empty(),
    };
    set.into_iter().filter(|one| !is_asked(one)).collect()
}

impl Playbook {
    /// The proxies that would be set on this host and that no probe would ask for before the first write, as far as that is
    /// known before the host is read: steps and probes that facts decide count as carried out.
    pub fn untried(&self, host: &HostScope<'_>) -> BTreeSet<Untried> {
        self.untried_in(&scope::value(host, None), true)
    }

    /// As [`Self::untried`], for no host in particular.
    pub fn untried_without_host(&self, vars: &Vars) -> BTreeSet<Untried> {
        self.untried_in(&scope::variables_alone(vars), false)
    }

    fn untried_in(&self, value: &minijinja::Value, host: bool) -> BTreeSet<Untried> {
        // Whoever asks has had mistakes refused before.
        let steps = self.previewed(value, host).unwrap_or_default();
        let changes = steps.iter().flat_map(|step| &step.changes);
        let set = proxies_set(changes.map(|change| (&change.target, &change.desired)));
        let probes: Vec<HostProbe> = self
            .probes
            .iter()
            .filter(|probe| may_be_asked(probe, value, host))
            .filter_map(|probe| probe.compiled(&mut Evaluation::scoped(value, false)))
            .collect();
        untried(set, &probes)
    }

    /// What makes a proxy be asked for before the first write, for people: a variable that switches a probe of the playbook
    /// on, the condition of one, or a probe to be added.
    pub fn candidate_remedy(&self) -> String {
        let mut candidates = self.probes.iter().filter(|probe| probe.may_be_candidate());
        let conditional = candidates.find_map(|probe| Some((probe, probe.when()?)));
        let Some((probe, when)) = conditional else {
            return "add a probe proxy_tcp or proxy_connect with this proxy as its 'via'"
                .to_owned();
        };
        let switch = self
            .vars
            .iter()
            .find(|variable| variable.kind == VarType::Bool && variable.name == when);
        match switch {
            Some(switch) => format!("-e {}=true switches such a probe on", switch.name),
            None => format!("the probe '{}' does where this holds: {when}", probe.name),
        }
    }
}

/// Whether a condition, as far as it is known, leaves the probe to be asked.
fn may_be_asked(probe: &ProbeStep, value: &minijinja::Value, host: bool) -> bool {
    let Some(condition) = &probe.when else {
        return true;
    };
    let names = template::names(&condition.text, true).unwrap_or_default();
    let open = names
        .iter()
        .any(|name| name == "facts" || !host && asks_for_host(name));
    match template::holds(&condition.text, value) {
        Ok(held) if !open => held,
        Ok(_) => true,
        Err(_) => open || condition.needs_facts,
    }
}
