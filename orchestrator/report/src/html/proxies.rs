//! Which proxy each component uses over the fleet, by what the run itself read at its end. A run reads the values that it
//! writes and no more, so for every component it is said of how many hosts nothing is known.

use std::collections::BTreeMap;

use playbooks::{Component, Facts, Road, explain};
use rollout::{HostRecord, RunRecord, StepState};
use serde_json::{Value, json};

use crate::text::neutral;

/// Components that a run can know something of.
const SHOWN: [Component; 3] = [Component::Edr, Component::Antivirus, Component::WinHttp];
/// Different roads shown for one component; the rest is counted.
const ROADS: usize = 12;
/// Kinds of hosts that a host is compared with.
const LOOKED_AT: usize = 16;

/// Nothing where no host told anything.
pub(super) fn summary(record: &RunRecord) -> Value {
    let mut roads: BTreeMap<(Component, Road), usize> = BTreeMap::new();
    let mut conflicts: BTreeMap<_, usize> = BTreeMap::new();
    for (facts, hosts) in kinds(record) {
        let explained = explain(&facts);
        for route in explained.routes {
            let road = (route.component, route.uses.road);
            *roads.entry(road).or_default() += hosts;
        }
        for found in explained.conflicts {
            *conflicts.entry(found.conflict).or_default() += hosts;
        }
    }
    let components: Vec<Value> = SHOWN
        .into_iter()
        .map(|component| of_component(component, &roads))
        .collect();
    let conflicts: Vec<Value> = conflicts
        .into_iter()
        .map(|(conflict, hosts)| {
            let row = conflict.row();
            json!({ "name": row.name, "weight": row.weight.as_str(), "about": row.about, "hosts": hosts })
        })
        .collect();
    json!({ "components": components, "conflicts": conflicts })
}

/// What is known, and on how many hosts the same. Most hosts of a run are alike, so a look at the kinds met last is enough.
fn kinds(record: &RunRecord) -> Vec<(Facts, usize)> {
    let mut kinds: Vec<(Facts, usize)> = Vec::new();
    for host in &record.hosts {
        let facts = known(host);
        let mut recent = kinds.iter_mut().rev().take(LOOKED_AT);
        match recent.find(|(other, _)| *other == facts) {
            Some((_, hosts)) => *hosts += 1,
            None => kinds.push((facts, 1)),
        }
    }
    kinds
}

fn of_component(component: Component, roads: &BTreeMap<(Component, Road), usize>) -> Value {
    let mut found: Vec<(&Road, usize)> = roads
        .iter()
        .filter(|((of, road), _)| *of == component && *road != Road::Unknown)
        .map(|((_, road), hosts)| (road, *hosts))
        .collect();
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let shown: Vec<Value> = found
        .iter()
        .take(ROADS)
        .map(|(road, hosts)| json!({ "road": neutral(&road.text()), "hosts": hosts }))
        .collect();
    let others: usize = found.iter().skip(ROADS).map(|(_, hosts)| hosts).sum();
    let unknown = roads
        .get(&(component, Road::Unknown))
        .copied()
        .unwrap_or_default();
    json!({ "title": component.title(), "roads": shown, "others": others, "unknown": unknown })
}

/// What stood on the host when the run left it, as far as the run read it.
fn known(host: &HostRecord) -> Facts {
    let mut facts = Facts::default();
    for step in &host.steps {
        for change in &step.changes {
            let untouched = matches!(step.state, StepState::NotRun | StepState::Skipped);
            let last = change
                .after
                .as_ref()
                .or(untouched.then_some(&change.before));
            if let Some(last) = last {
                facts.note(&change.target, last);
            }
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use playbooks::{
        Fact, KeyPath, Observed, Target, Typed, WinHttpMarker, WinHttpProxy, WinHttpSettings,
    };
    use rollout::{ChangeRecord, Outcome, StepRecord};

    use super::*;
    use crate::sample;

    fn edr(name: &str, after: Option<Observed>, state: StepState) -> HostRecord {
        let key =
            KeyPath::parse(r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DataCollection").unwrap();
        let target = Target {
            key,
            value: "TelemetryProxyServer".to_owned(),
        };
        assert_eq!(Fact::ProxyEdr.target().as_ref(), Some(&target));
        with_value(name, target, after, state)
    }

    fn win_http(name: &str, server: &str) -> HostRecord {
        let proxy = WinHttpProxy {
            server: server.to_owned(),
            bypass: Vec::new(),
        };
        let blob = WinHttpSettings::build(Some(&proxy), WinHttpMarker::Article);
        let after = Some(Observed::Present(blob));
        with_value(name, Target::win_http_settings(), after, StepState::Changed)
    }

    fn with_value(
        name: &str,
        target: Target,
        after: Option<Observed>,
        state: StepState,
    ) -> HostRecord {
        let mut host = sample::host(name, Outcome::Ok, None);
        host.steps = vec![StepRecord {
            name: "EDR".to_owned(),
            state,
            detail: None,
            changes: vec![ChangeRecord {
                target,
                wanted: String::new(),
                before: Observed::ValueAbsent,
                after,
            }],
        }];
        host
    }

    #[test]
    fn what_the_run_read_is_counted_and_the_rest_is_said() {
        let proxy = |text: &str| Some(Observed::Present(Typed::Sz(text.to_owned()).to_raw()));
        let record = sample::run(vec![
            edr("a", proxy("p:1"), StepState::Changed),
            edr("b", proxy("p:1"), StepState::Already),
            // No proxy at all, so that it is not known what the sensor uses.
            edr("c", proxy("q\u{1b}:1"), StepState::Changed),
            // Its end is not known; of the next only that there is no static proxy, which says nothing of WinHTTP.
            edr("d", None, StepState::Unknown),
            edr("e", Some(Observed::ValueAbsent), StepState::Changed),
            sample::host("f", Outcome::Unreachable, None),
            win_http("g", "q\u{1b}:1"),
        ]);
        let summary = summary(&record);
        let of_edr = &summary["components"][0];
        assert_eq!(of_edr["title"], "EDR sensor");
        assert_eq!(of_edr["roads"], json!([{ "road": "p:1", "hosts": 2 }]));
        assert_eq!(of_edr["unknown"], 5);
        // WinHTTP was read on one host.
        let of_win_http = &summary["components"][2];
        assert_eq!(
            of_win_http["roads"],
            json!([{ "road": "q<U+001B>:1", "hosts": 1 }])
        );
        assert_eq!(of_win_http["unknown"], 6);
        let named: Vec<&str> = summary["conflicts"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|found| found["name"].as_str())
            .collect();
        assert!(
            named.contains(&"falls_back") && named.contains(&"edr_malformed"),
            "{named:?}"
        );
    }
}
