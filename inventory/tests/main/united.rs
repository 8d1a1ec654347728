use inventory::{Origin, PasswordSource};
use serde_json::json;

use crate::{complaint, host, load, says};

const SITE: &str = "\
version: 1
defaults: { credential: c, port: 1, vars: { v: site } }
credentials: { c: { username: u, password: { file: pw.txt } } }
groups: { paris: { channel: cim, vars: { w: paris } } }
";

#[test]
fn a_yaml_without_hosts_serves_a_table_and_a_list() {
    for order in [[0, 1, 2], [2, 1, 0]] {
        let files = [
            ("site/site.yaml", SITE),
            ("t.csv", "name,groups\na,paris\n"),
            ("l.txt", "b\n"),
        ];
        let inventory = load(&order.map(|index| files[index])).unwrap();
        let table = host(&inventory, "a");
        assert_eq!(
            (
                table.settings.port.value,
                table.settings.credential.value.as_deref()
            ),
            (1, Some("c"))
        );
        assert_eq!(
            json!(table.merged_vars()),
            json!({"v": "site", "w": "paris"})
        );
        let file = "site/site.yaml".to_owned();
        assert_eq!(
            host(&inventory, "b").settings.port.from,
            Origin::Defaults { file, line: 2 }
        );
        let password = &inventory.credentials["c"].password;
        assert_eq!(password, &PasswordSource::File("site/pw.txt".into()));
    }
}

#[test]
fn a_file_keeps_its_own_defaults() {
    let one =
        "version: 1\ndefaults: { port: 1, channel: cim, vars: { v: 1 } }\nhosts: [{ name: a }]\n";
    let two = "version: 1\ndefaults: { port: 2, vars: { v: 2 } }\nhosts: [{ name: b }]\n";
    let inventory = load(&[("one.yaml", one), ("two.yaml", two)]).unwrap();
    let seen = |name| {
        let host = host(&inventory, name);
        (host.settings.port.value, host.merged_vars()["v"].clone())
    };
    assert_eq!((seen("a"), seen("b")), ((1, json!(1)), (2, json!(2))));
}

#[test]
fn defaults_that_contradict_each_other_are_refused_where_it_matters() {
    let one = "version: 1\ndefaults: { port: 1 }\nhosts: [{ name: a }]\n";
    let two = "version: 1\ndefaults:\n  port: 2\nhosts: [{ name: b }]\n";
    let text = complaint(&[("one.yaml", one), ("two.yaml", two), ("l.txt", "c\n")]);
    says(
        &text,
        &[
            "two.yaml:3:9: the defaults set 'port' a second time",
            "first at one.yaml:2",
            "l.txt need one answer",
        ],
    );
    let own = "version: 1\ndefaults: { port: 3 }\nhosts: [{ name: c }]\n";
    load(&[("one.yaml", one), ("two.yaml", two), ("own.yaml", own)]).unwrap();
    let same = two.replace("port: 2", "port: 1");
    load(&[("one.yaml", one), ("two.yaml", &same), ("l.txt", "c\n")]).unwrap();
}

#[test]
fn groups_of_several_files_are_one_group() {
    let one = "version: 1\ngroups: { g: { port: 1, vars: { v: 1 } } }\nhosts: [{ name: a, groups: [g] }]\n";
    let two = "version: 1\ngroups: { g: { channel: cim, vars: { w: 2 } } }\nhosts: [{ name: b, groups: [g] }]\n";
    let inventory = load(&[("one.yaml", one), ("two.yaml", two)]).unwrap();
    for host in &inventory.hosts {
        assert_eq!(host.settings.port.value, 1);
        assert_eq!(json!(host.merged_vars()), json!({"v": 1, "w": 2}));
    }
    let two = two
        .replace("channel: cim", "port: 2")
        .replace("w: 2", "v: 2");
    let text = complaint(&[("one.yaml", one), ("two.yaml", &two)]);
    says(
        &text,
        &[
            "two.yaml:2:22: the group 'g' set 'port' a second time",
            "the variable 'v'",
            "first at one.yaml:2",
        ],
    );
}

#[test]
fn groups_cap_how_many_of_their_hosts_are_at_work() {
    let one = "version: 1\ngroups: { paris: { max_parallel: 20 }, rome: {} }\nhosts: [{ name: a, groups: [paris] }]\n";
    let same = "version: 1\ngroups: { paris: { max_parallel: 20 } }\n";
    let inventory = load(&[("one.yaml", one), ("same.yaml", same)]).unwrap();
    assert_eq!(inventory.caps, [("paris".to_owned(), 20)].into());
    let other = "version: 1\ngroups:\n  paris: { max_parallel: 5 }\n";
    says(
        &complaint(&[("one.yaml", one), ("other.yaml", other)]),
        &["other.yaml:3:26", "'max_parallel'", "one.yaml:2"],
    );
    for (cap, text) in [("0", "from 1"), ("'5'", "wrong type"), ("200000", "200000")] {
        let wrong = one.replace("20", cap);
        says(
            &complaint(&[("one.yaml", &wrong)]),
            &["one.yaml:2:34", text],
        );
    }
    let host = one.replace("name: a", "name: a, max_parallel: 3");
    says(
        &complaint(&[("one.yaml", &host)]),
        &["unknown key 'max_parallel'"],
    );
}
