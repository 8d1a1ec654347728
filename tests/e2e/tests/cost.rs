//! What a host costs, counted at the host: the promise of few round trips.

use e2e::{Lab, LabBuilder};
use sim_fleet::{Dialect, RawValue};

const CONNECTIONS: &str =
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";

/// Hosts as they mostly are: what forms of the logon cost more is not counted here.
fn usual() -> Lab {
    let usual = |spec: &mut sim_fleet::FleetSpec| {
        *spec = std::mem::take(spec).with_dialect(Dialect::default());
    };
    LabBuilder::hosts(1).fleet(usual).start()
}

fn requests(lab: &Lab) -> u64 {
    lab.hosts()[0].counters().requests
}

#[test]
fn requests_per_host_stay_within_the_budget() {
    let lab = usual();
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

    // Windows has the value from the start; to read what it says is a request more.
    let lab = usual();
    let direct = [
        0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    lab.hosts()[0].set_value(CONNECTIONS, "WinHttpSettings", RawValue::new(3, &direct));
    lab.push(&Lab::shipped("full-proxy-set.yaml"), &[])
        .succeeds();
    let direct = requests(&lab);
    assert!(direct <= 21, "WinHTTP goes direct: {direct} requests");

    let lab = usual();
    lab.push(&Lab::shipped("edr-only.yaml"), &[]).succeeds();
    assert!(
        requests(&lab) <= 12,
        "EDR only: {} requests",
        requests(&lab)
    );
}

#[test]
fn a_ping_costs_few_requests_and_leaves_no_shell() {
    for (channel, most) in [("auto", 7), ("cim", 3), ("shell", 7)] {
        let usual = |spec: &mut sim_fleet::FleetSpec| {
            *spec = std::mem::take(spec).with_dialect(Dialect::default());
        };
        let settings =
            format!("transport: http, auth: negotiate, credential: rollout, channel: {channel}");
        let lab = LabBuilder::hosts(1)
            .fleet(usual)
            .defaults(&settings)
            .start();
        lab.run(&["ping", "-i", "inventory.yaml"]).succeeds();
        let counters = lab.hosts()[0].counters();
        let requests = counters.requests;
        assert!(requests <= most, "channel {channel}: {requests} requests");
        assert_eq!((counters.shells_open, counters.writes), (0, 0));
    }
}
