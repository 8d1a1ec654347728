//! `facts` from outside: its forms, what it refuses, and that it writes nothing.

use e2e::LabBuilder;

const FACTS: [&str; 3] = ["facts", "-i", "inventory.yaml"];

#[test]
fn facts_are_data_and_screens_and_nothing_is_written() {
    let lab = LabBuilder::hosts(2).start();
    let of = |more: &[&str]| lab.run(&[&FACTS[..], more].concat()).exits(0);
    let json = of(&["os", "sensor.version", "-o", "json"]).json();
    assert_eq!(json["schema"], "winfleet.facts/1");
    assert_eq!(json["hosts"].as_array().map(Vec::len), Some(2));
    let facts = &json["hosts"][0]["facts"];
    assert!(facts["os"]["build"].as_u64() > Some(9000), "{facts:#}");
    assert!(facts["sensor"]["version"].is_string(), "{facts:#}");
    // What it follows from was read, and not asked for.
    assert!(facts["sensor"]["path"].is_null() && facts["chassis"].is_null());
    let table = of(&["os.build", "-l", "all"]).stdout();
    assert!(table.contains("os.build"), "{table}");
    let csv = of(&["os.build", "-o", "csv"]).stdout();
    assert!(csv.starts_with("host,fact,value,unread"), "{csv}");
    assert!(lab.hosts().iter().all(|host| host.counters().writes == 0));
}

#[test]
fn a_fact_that_does_not_exist_is_refused_before_any_host() {
    let lab = LabBuilder::hosts(1).start();
    let refused = lab.run(&[&FACTS[..], &["os.biuld"]].concat()).exits(1);
    assert!(
        refused.stderr().contains("did you mean 'os.build'"),
        "{}",
        refused.stderr()
    );
    assert_eq!(lab.hosts()[0].counters().requests, 0);
    let list = lab.run(&["facts", "--list"]).exits(0).stdout();
    assert!(list.contains("sensor.prefers_static_proxy"), "{list}");
}
