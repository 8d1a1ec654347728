//! The sentence about proxies that are set and that no probe asks for before the first write: the candidate test that is not
//! made.

use std::collections::BTreeSet;

use playbooks::{Desired, Playbook, Untried, proxies_set, untried};
use rollout::{HostRecord, HostWork, RunSpec, Verb};

use crate::text::{counted, examples};

/// Addresses named before the rest is only counted: a fleet may have a proxy for each site.
const SHOWN: usize = 3;

/// For a run that is about to be made, as far as it is known before its hosts are read.
pub fn of_spec(spec: &RunSpec, playbook: &Playbook) -> Option<String> {
    if spec.verb != Verb::Push {
        return None;
    }
    let hosts = spec.hosts.iter();
    let hosts = hosts.filter(|host| matches!(host.work, HostWork::Apply));
    let found = hosts.map(|host| spec.scoped(host, |scope| playbook.untried(scope)));
    let found: Vec<BTreeSet<Untried>> = found.filter(|found| !found.is_empty()).collect();
    let on = format!(" ({})", counted(found.len(), "host"));
    let all = found.into_iter().flatten().collect();
    sentence(&all, &on, &playbook.candidate_remedy())
}

/// For no host in particular.
pub fn of_playbook(found: &BTreeSet<Untried>, playbook: &Playbook) -> Option<String> {
    sentence(found, "", &playbook.candidate_remedy())
}

/// What was written to this host without having been asked for before.
pub(crate) fn of_host(host: &HostRecord) -> BTreeSet<Untried> {
    let changes = host.steps.iter().flat_map(|step| &step.changes);
    let written = changes.filter_map(|change| {
        let after = change.after.as_ref()?;
        let value = after
            .value()
            .filter(|_| !after.same_content(&change.before))?;
        Some((&change.target, Desired::Value(value.clone())))
    });
    let written: Vec<_> = written.collect();
    let set = proxies_set(written.iter().map(|(target, value)| (*target, value)));
    untried(set, host.probes.iter().map(|record| &record.probe))
}

/// `no probe asks for this proxy before the first write: 10.0.0.6:8080 (200 hosts); -e prove=true switches such a probe on`.
/// `None` where there is no such proxy.
pub(crate) fn sentence(found: &BTreeSet<Untried>, on: &str, remedy: &str) -> Option<String> {
    let (proxies, files): (Vec<&Untried>, Vec<&Untried>) = found
        .iter()
        .partition(|one| matches!(one, Untried::Proxy(_)));
    let what = match (proxies.len(), files.len()) {
        (0, 0) => return None,
        (0, 1) => "a proxy of this PAC file".to_owned(),
        (0, _) => "a proxy of these PAC files".to_owned(),
        (1, 0) => "this proxy".to_owned(),
        (many, 0) => format!("these {} proxies", crate::text::thousands(many as u64)),
        _ => "these proxies and PAC files".to_owned(),
    };
    let names = proxies.iter().chain(&files).map(|one| one.address());
    let names = examples(names, SHOWN);
    Some(format!(
        "no probe asks for {what} before the first write: {names}{on}; {remedy}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(found: &[Untried]) -> Option<String> {
        sentence(&found.iter().cloned().collect(), " (2 hosts)", "REMEDY")
    }

    #[test]
    fn it_is_one_line_however_many_there_are() {
        let proxy = |number: usize| Untried::Proxy(format!("p{number}.x:1"));
        assert_eq!(said(&[]), None);
        assert_eq!(
            said(&[proxy(1)]).unwrap(),
            "no probe asks for this proxy before the first write: p1.x:1 (2 hosts); REMEDY"
        );
        let many: Vec<Untried> = (1..=5).map(proxy).collect();
        assert_eq!(
            said(&many).unwrap(),
            "no probe asks for these 5 proxies before the first write: p1.x:1, p2.x:1, p3.x:1 and 2 more (2 hosts); REMEDY"
        );
        let pac = Untried::Pac("w.x/p.pac".to_owned());
        assert_eq!(
            said(std::slice::from_ref(&pac)).unwrap(),
            "no probe asks for a proxy of this PAC file before the first write: w.x/p.pac (2 hosts); REMEDY"
        );
        let both = said(&[proxy(1), pac]).unwrap();
        assert!(both.contains("these proxies and PAC files"), "{both}");
    }
}
