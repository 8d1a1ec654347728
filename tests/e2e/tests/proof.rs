//! The gate `prove_undo`: the first ring is changed, taken back, compared and changed again before anybody else is.

use e2e::{Lab, LabBuilder};
use serde_json::Value;
use sim_fleet::{HostHandle, RegistrySnapshot, SeedData, SeedValue};

const PLAYBOOK: &str = "version: 1
name: proved
steps:
  - edr_proxy: { server: '10.0.0.6:8080' }
  - winhttp_proxy: { server: '10.0.0.6:8080' }
rollout:
  prove_undo: true
  rings:
    - { name: first, select: 'pc-000[12]*' }
    - { name: rest, select: rest }
";
const PUSH: [&str; 6] = ["push", "-i", "inventory.yaml", "-p", "p.yaml", "--yes"];
const DATA_COLLECTION: &str = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";

/// Two hosts in the ring that proves, of which the second has a proxy of its own, and two behind it.
fn lab() -> Lab {
    let lab = LabBuilder::hosts(4)
        .fleet(|fleet| {
            let old = SeedData::Sz("old.corp.example:3128".into());
            fleet.hosts[1].registry =
                vec![SeedValue::new(DATA_COLLECTION, "TelemetryProxyServer", old)];
        })
        .start();
    lab.write("p.yaml", PLAYBOOK);
    lab
}

fn writes(lab: &Lab) -> Vec<usize> {
    let written = |host: &HostHandle| e2e::written(host).len();
    lab.hosts().iter().map(written).collect()
}

fn registries(lab: &Lab) -> Vec<RegistrySnapshot> {
    lab.hosts().iter().map(HostHandle::registry).collect()
}

fn proved(report: &Value) -> Vec<bool> {
    let hosts = report["hosts"].as_array().expect("hosts");
    hosts
        .iter()
        .map(|host| host["undo_proved"].as_bool().expect("true or false"))
        .collect()
}

#[test]
fn the_first_ring_proves_the_undo_and_the_rest_is_written_once() {
    let lab = lab();
    let before = registries(&lab);
    lab.run(&PUSH).succeeds();

    let written = writes(&lab);
    assert!(
        written[0] > 2 * written[2] && written[1] > 2 * written[3],
        "changed, taken back and changed again against changed once: {written:?}"
    );
    assert_eq!(written[2], written[3]);
    let report = lab.report();
    assert_eq!(proved(&report), [true, true, false, false]);
    for host in report["hosts"].as_array().unwrap() {
        assert_eq!(
            (&host["outcome"], &host["changed"]),
            (&"ok".into(), &true.into()),
            "{host}"
        );
    }
    lab.run(&[
        "report",
        "last",
        "--host",
        report["hosts"][0]["name"].as_str().unwrap(),
    ])
    .succeeds()
    .says("taken back and compared");

    lab.run(&["rollback", "last", "--yes"]).succeeds();
    assert_eq!(
        registries(&lab),
        before,
        "byte for byte, also what was written twice"
    );
}

#[test]
fn a_ring_that_was_right_already_has_nothing_to_prove() {
    let lab = lab();
    lab.run(&PUSH).succeeds();
    let before = writes(&lab);
    lab.run(&PUSH).succeeds();
    assert_eq!(writes(&lab), before, "a second push writes nothing");
    assert_eq!(proved(&lab.report()), [false; 4]);
}
