use std::path::PathBuf;
use std::time::Duration;

use inventory::{Auth, Channel, Host, Origin, Transport};
use serde_json::json;

use crate::{host, yaml};

const LAYERED: &str = "\
defaults:
  port: 1
  credential: c
  vars: { a: defaults, b: defaults, c: defaults, d: defaults }
credentials:
  c: { username: 'C\\u', password: prompt }
groups:
  one: { port: 2, channel: cim, vars: { b: one, c: one, d: one } }
  two:
    port: 3
    vars: { c: two, d: two }
hosts:
  - { name: none }
  - { name: onetwo, groups: [one, two] }
  - { name: twoone, groups: [two, one] }
  - { name: own, groups: [one, two], port: 4, vars: { d: own } }
";

#[test]
fn stronger_layers_win_and_say_where_they_stand() {
    let inventory = yaml(LAYERED);
    let port = |name: &str| host(&inventory, name).settings.port.clone();
    let file = "i.yaml".to_owned();
    assert_eq!(port("none").value, 1);
    assert_eq!(
        port("none").from,
        Origin::Defaults {
            file: file.clone(),
            line: 3
        }
    );
    let group = |name: &str, line| Origin::Group {
        name: name.to_owned(),
        file: file.clone(),
        line,
    };
    assert_eq!(
        (port("onetwo").value, port("onetwo").from),
        (3, group("two", 11))
    );
    assert_eq!(
        (port("twoone").value, port("twoone").from),
        (2, group("one", 9))
    );
    assert_eq!(
        (port("own").value, port("own").from),
        (4, Origin::Host { file, line: 17 })
    );
    assert_eq!(host(&inventory, "own").settings.channel.value, Channel::Cim);
}

#[test]
fn variables_come_in_layers_weakest_first() {
    let inventory = yaml(LAYERED);
    let merged = |name: &str| serde_json::to_value(host(&inventory, name).merged_vars()).unwrap();
    assert_eq!(
        merged("none"),
        json!({"a": "defaults", "b": "defaults", "c": "defaults", "d": "defaults"})
    );
    assert_eq!(
        merged("onetwo"),
        json!({"a": "defaults", "b": "one", "c": "two", "d": "two"})
    );
    assert_eq!(
        merged("twoone"),
        json!({"a": "defaults", "b": "one", "c": "one", "d": "one"})
    );
    assert_eq!(
        merged("own"),
        json!({"a": "defaults", "b": "one", "c": "two", "d": "own"})
    );
    let lines: Vec<Origin> = host(&inventory, "own")
        .vars
        .iter()
        .map(|layer| layer.from.clone())
        .collect();
    let line = |origin: &Origin| match origin {
        Origin::Defaults { line, .. } | Origin::Group { line, .. } | Origin::Host { line, .. } => {
            *line
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(lines.iter().map(line).collect::<Vec<_>>(), [5, 9, 12, 17]);
}

#[test]
fn built_in_settings() {
    let inventory = yaml("hosts: [{ name: PC-1.corp.example }, { name: b, transport: https }]\n");
    let settings = &inventory.hosts[0].settings;
    assert_eq!(settings.address.value, "PC-1.corp.example");
    assert_eq!(
        (
            settings.port.value,
            settings.transport.value,
            settings.auth.value
        ),
        (5985, Transport::Http, Auth::Negotiate)
    );
    assert_eq!(
        (
            settings.verify_name.value,
            settings.tls_verify.value,
            settings.channel.value
        ),
        (true, true, Channel::Auto)
    );
    assert_eq!(
        (
            &settings.credential.value,
            &settings.ca_file.value,
            &settings.cert_sha256.value
        ),
        (&None, &None, &None)
    );
    let seconds = [
        &settings.connect_timeout,
        &settings.request_timeout,
        &settings.host_timeout,
    ]
    .map(|d| d.value.as_secs());
    assert_eq!(seconds, [10, 90, 600]);
    assert_eq!(settings.address.from, Origin::BuiltIn);
    assert_eq!(inventory.hosts[1].settings.port.value, 5986);
}

#[test]
fn every_setting_is_read() {
    let pin = "AA:".repeat(31) + "aa";
    let inventory = yaml(&format!(
        "credentials:\n  c: {{ username: u@R, password: {{ env: P }} }}\nhosts:\n  - name: h\n    ring: 7\n    \
         address: 10.0.0.1\n    port: 15985\n    transport: https\n    auth: basic\n    credential: c\n    \
         verify_name: false\n    ca_file: certs/ca.pem\n    cert_sha256: '{pin}'\n    tls_verify: true\n    \
         channel: shell\n    connect_timeout: 5s\n    request_timeout: 2m\n    host_timeout: 1h30m\n",
    ));
    let Host { ring, settings, .. } = &inventory.hosts[0];
    assert_eq!(ring.as_deref(), Some("7"));
    assert_eq!(
        (settings.address.value.as_str(), settings.port.value),
        ("10.0.0.1", 15985)
    );
    assert_eq!(
        (settings.transport.value, settings.auth.value),
        (Transport::Https, Auth::Basic)
    );
    assert_eq!(settings.ca_file.value, Some(PathBuf::from("certs/ca.pem")));
    assert_eq!(settings.cert_sha256.value, Some("aa".repeat(32)));
    assert_eq!(
        (settings.verify_name.value, settings.channel.value),
        (false, Channel::Shell)
    );
    assert_eq!(settings.request_timeout.value, Duration::from_secs(120));
    assert_eq!(settings.host_timeout.value, Duration::from_secs(5400));
    assert_eq!(settings.credential.value.as_deref(), Some("c"));
}

#[test]
fn a_resolved_host_survives_being_written_down() {
    let inventory = yaml(LAYERED);
    for host in &inventory.hosts {
        let text = serde_json::to_string(host).unwrap();
        assert_eq!(&serde_json::from_str::<Host>(&text).unwrap(), host);
    }
}

#[test]
fn ring_and_address_may_come_from_defaults() {
    let inventory = yaml(
        "defaults: { ring: lab, address: 127.0.0.1 }\nhosts: [{ name: a }, { name: b, ring: x }]\n",
    );
    assert_eq!(inventory.hosts[0].ring.as_deref(), Some("lab"));
    assert_eq!(inventory.hosts[1].ring.as_deref(), Some("x"));
    assert_eq!(inventory.hosts[1].settings.address.value, "127.0.0.1");
}
