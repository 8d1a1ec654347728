//! The input of a run over scripted hosts.

use std::collections::BTreeMap;

use document::Document;
use inventory::{HostName, Inventory};
use playbooks::{KeyPath, Playbook, RawValue, Target, Typed};

use crate::plan::{assign_rings, ring_plans};
use crate::spec::{HostSpec, HostWork, PlaybookRecord, RunId, RunSpec, Verb};

/// Two steps, three values: one read and three writes on a host that has none of them.
pub const PLAYBOOK: &str = "version: 1
name: test
steps:
  - name: edr
    edr_proxy: { server: '10.0.0.6:8080' }
  - name: av
    av_proxy: { server: 'http://10.0.0.6:8080' }
";

/// The name of the nth host, from 0. Names sort as their numbers do.
pub fn host_name(number: usize) -> HostName {
    HostName::new(format!("pc-{number:04}.corp.example"))
}

/// A value of the first step, as an earlier rollout left it.
pub fn old_proxy() -> (Target, RawValue) {
    let key = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DataCollection";
    let target = Target {
        key: KeyPath::parse(key).unwrap(),
        value: "TelemetryProxyServer".to_owned(),
    };
    (target, Typed::Sz("old.corp.example:1".to_owned()).to_raw())
}

/// A push of [`PLAYBOOK`] with this `rollout` block over so many hosts. Without a preflight, unless the block has one, and
/// with no more markers than `changes` leaves, unless the block says which: what is asked of a scripted host is counted.
/// Always the same for the same arguments: whoever
/// needs two of them in one journal gives the second another id.
pub fn push(count: usize, rollout_block: &str) -> RunSpec {
    let preflight = match rollout_block.contains("preflight:") {
        true => "",
        false => "preflight: off\n",
    };
    let block = match rollout_block {
        _ if rollout_block.contains("host_marker:") => rollout_block.to_owned(),
        _ if rollout_block.contains("rollout: {") => {
            rollout_block.replacen("rollout: {", "rollout: { host_marker: changes,", 1)
        }
        _ if rollout_block.contains("rollout:\n") => {
            rollout_block.replacen("rollout:\n", "rollout:\n  host_marker: changes\n", 1)
        }
        _ => format!("{rollout_block}rollout: {{ host_marker: changes }}\n"),
    };
    push_of(count, &format!("{PLAYBOOK}{preflight}{block}"))
}

/// A push of any playbook over so many hosts.
pub fn push_of(count: usize, playbook: &str) -> RunSpec {
    let text = playbook.to_owned();
    let document = Document::from_bytes("p.yaml", text.as_bytes()).unwrap();
    let playbook = Playbook::load(&document).unwrap();
    let hosts: String = (0..count)
        .map(|number| format!("  - {{ name: {}, host_timeout: 2s }}\n", host_name(number)))
        .collect();
    let text = format!("version: 1\nhosts:\n{hosts}");
    let document = Document::from_bytes("i.yaml", text.as_bytes()).unwrap();
    let inventory = Inventory::load(&[document]).unwrap();
    let refs: Vec<_> = inventory.hosts.iter().collect();
    let no_lists = |_: &str| Err("no lists here".into());
    let rings = assign_rings(&playbook.strategy, &refs, &no_lists).unwrap();
    let hosts = inventory.hosts.iter().zip(&rings);
    let hosts = hosts.map(|(host, ring)| HostSpec {
        host: host.clone(),
        ring: *ring,
        vars: BTreeMap::new(),
        credential: None,
        work: HostWork::Apply,
        planned: None,
    });
    RunSpec {
        id: RunId::from_text("push"),
        verb: Verb::Push,
        simulated: false,
        operator: "test".to_owned(),
        reason: None,
        playbook: PlaybookRecord {
            name: playbook.name.clone(),
            file: "p.yaml".to_owned(),
            text: playbook.text.clone(),
            digest: playbook.digest(),
        },
        rings: ring_plans(&playbook.strategy, &rings),
        limits: playbook.strategy.limits,
        on_breach: playbook.strategy.on_breach,
        deadline: None,
        groups: playbook.strategy.groups.clone(),
        retries: playbook.strategy.retries,
        hosts: hosts.collect(),
        source_run: None,
        plan_hash: None,
    }
}
