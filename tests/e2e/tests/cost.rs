//! What a host costs, counted at the host: the promise of few round trips.

use e2e::{Lab, LabBuilder};

fn requests(lab: &Lab) -> u64 {
    lab.hosts()[0].counters().requests
}

#[test]
fn requests_per_host_stay_within_the_budget() {
    let lab = LabBuilder::hosts(1).start();
    lab.push(&Lab::shipped("full-proxy-set.yaml"), &[])
        .succeeds();
    let absent = requests(&lab);
    assert!(absent <= 20, "all values absent: {absent} requests");
    lab.push(&Lab::shipped("full-proxy-set.yaml"), &[])
        .succeeds();
    let right = requests(&lab) - absent;
    assert!(right <= 10, "all already right: {right} requests");
    assert_eq!(
        lab.hosts()[0].counters().connections,
        2,
        "one connection per run"
    );

    let lab = LabBuilder::hosts(1).start();
    lab.push(&Lab::shipped("edr-only.yaml"), &[]).succeeds();
    assert!(
        requests(&lab) <= 12,
        "EDR only: {} requests",
        requests(&lab)
    );
}
