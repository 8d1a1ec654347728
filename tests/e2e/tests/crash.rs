//! Promise 13: a controller killed at any instant loses nothing.

use e2e::{Lab, LabBuilder};
use serde_json::{Value, json};

/// What has to be equal between a disturbed and an undisturbed run.
fn essence(report: &Value) -> Vec<Value> {
    let hosts = report["hosts"].as_array().expect("hosts");
    hosts
        .iter()
        .map(|host| {
            let steps = host["steps"].as_array().expect("steps");
            let changes: Vec<&Value> = steps.iter().map(|step| &step["changes"]).collect();
            json!({ "name": host["name"], "outcome": host["outcome"], "changed": host["changed"], "changes": changes })
        })
        .collect()
}

fn lab() -> Lab {
    LabBuilder::hosts(8).start()
}

#[test]
fn killed_at_many_instants_and_resumed_equals_an_undisturbed_run() {
    let playbook = Lab::shipped("full-proxy-set.yaml");
    let undisturbed = lab();
    undisturbed.push(&playbook, &[]).succeeds();
    let wanted = essence(&undisturbed.report());
    let slow = |lab: &Lab, latency: u64| {
        for host in lab.hosts() {
            let latency = std::time::Duration::from_millis(latency);
            host.change_knobs(|knobs| knobs.latency = Some(latency.into()));
        }
    };
    let mut killed = 0;
    for lines in [1, 3, 9, 17, 26, 40] {
        let lab = lab();
        let before: Vec<_> = lab
            .hosts()
            .iter()
            .map(sim_fleet::HostHandle::registry)
            .collect();
        slow(&lab, 15);
        let events = lab.path("events.jsonl");
        let name = events.display().to_string();
        let arguments = lab.push_arguments(&playbook, &["--events", &name]);
        let mut running = lab.spawn(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        running.until_lines(&events, lines);
        running.kill();
        // On a machine with other work the run may have been over before the kill came: then there is nothing to resume.
        let over = running.finish().code() == Some(0);
        slow(&lab, 0);
        if !over {
            killed += 1;
            lab.run(&["resume", "last", "--yes", "--events", &name])
                .succeeds();
        }
        let text = std::fs::read_to_string(&events).expect("the events are there");
        let seqs: Vec<u64> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("whole lines"))
            .filter_map(|event| event["seq"].as_u64())
            .collect();
        let all = 1..=u64::try_from(seqs.len()).expect("a number");
        assert!(seqs.into_iter().eq(all), "gaps after {lines} events");
        assert_eq!(
            essence(&lab.report()),
            wanted,
            "killed after {lines} events"
        );
        lab.run(&["rollback", "last", "--yes"]).succeeds();
        for (host, was) in lab.hosts().iter().zip(before) {
            assert_eq!(host.registry(), was, "{} after {lines} events", host.name());
        }
    }
    assert!(killed >= 4, "only {killed} of 6 were killed");
}
