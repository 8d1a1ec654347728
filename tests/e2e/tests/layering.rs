//! The forbidden edges between crates, held with Cargo's own view of the graph (dev-dependencies left out).

use std::collections::BTreeSet;
use std::process::Command;

/// Names of all crates that `package` depends on, directly or not, as built without features asked for.
fn dependencies(package: &str, extra: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "-e",
            "no-dev",
            "--prefix",
            "none",
            "--format",
            "{lib}|{p}",
            "-p",
            package,
        ])
        .args(extra)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    text.lines()
        .filter_map(|line| line.split('|').nth(1)?.split(' ').next().map(str::to_owned))
        .filter(|name| name != package)
        .collect()
}

const OURS: [&str; 11] = [
    "document",
    "inventory",
    "playbooks",
    "wsman-proto",
    "wsman",
    "rollout",
    "session",
    "report",
    "cli",
    "sim-fleet",
    "e2e",
];

fn ours(package: &str, extra: &[&str]) -> BTreeSet<String> {
    dependencies(package, extra)
        .into_iter()
        .filter(|name| OURS.contains(&name.as_str()))
        .collect()
}

#[track_caller]
fn allows(package: &str, allowed: &[&str]) {
    let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
    let found = ours(package, &[]);
    let extra: Vec<_> = found.difference(&allowed).collect();
    assert!(extra.is_empty(), "{package} must not depend on {extra:?}");
}

#[track_caller]
fn lacks(package: &str, forbidden: &[&str]) {
    let found = dependencies(package, &[]);
    let bad: Vec<_> = forbidden
        .iter()
        .filter(|name| found.contains(**name))
        .collect();
    assert!(bad.is_empty(), "{package} must not depend on {bad:?}");
}

const SOCKETS: [&str; 4] = ["reqwest", "hyper", "hyper-util", "tokio-rustls"];

#[test]
fn crates_depend_in_one_direction() {
    allows("document", &[]);
    allows("inventory", &["document"]);
    allows("playbooks", &["document"]);
    allows("wsman-proto", &[]);
    allows("wsman", &["wsman-proto"]);
    allows("rollout", &["document", "inventory", "playbooks"]);
    allows(
        "session",
        &[
            "document",
            "inventory",
            "playbooks",
            "rollout",
            "wsman",
            "wsman-proto",
        ],
    );
    allows("report", &["document", "inventory", "playbooks", "rollout"]);
    allows("sim-fleet", &[]);
}

#[test]
fn loading_and_codec_know_no_runtime() {
    for package in ["document", "inventory", "playbooks", "wsman-proto"] {
        lacks(package, &SOCKETS);
        lacks(package, &["tokio", "rusqlite", "indicatif", "keyring"]);
    }
}

#[test]
fn only_the_wire_crate_opens_sockets() {
    for package in ["rollout", "report"] {
        lacks(package, &SOCKETS);
        lacks(package, &["mio", "socket2", "keyring"]);
    }
    assert!(dependencies("wsman", &[]).contains("reqwest"));
}

#[test]
fn the_simulator_shares_no_codec_with_the_client() {
    lacks(
        "sim-fleet",
        &["sspi", "quick-xml", "reqwest", "hyper", "wsman-proto"],
    );
}

#[test]
fn the_product_builds_without_the_simulator() {
    let found = ours("cli", &["--no-default-features"]);
    assert!(
        !found.contains("sim-fleet"),
        "sim-fleet belongs behind the feature `rehearse`"
    );
}
