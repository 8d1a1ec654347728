//! The shipped playbooks: each loads without complaint, and what it would write is shown byte by byte.

use std::fmt::Write;
use std::path::Path;

use document::Document;
use playbooks::{Desired, Examples, Fact, FactSet, FactValue, Facts, HostStep, Playbook, Untried};

use crate::support::scope;

fn load(name: &str) -> Playbook {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let document = Document::read(&path).unwrap();
    match Playbook::load(&document) {
        Ok(playbook) => playbook,
        Err(problems) => panic!("{problems}"),
    }
}

fn facts(version: &str, chassis: i64) -> Facts {
    let text = |text: &str| FactValue::Text(text.into());
    Facts::from_iter([
        (Fact::OsBuild, FactValue::Number(19045)),
        (Fact::OsUbr, FactValue::Number(1)),
        (Fact::OsEdition, text("Enterprise")),
        (Fact::OsInstallationType, text("Client")),
        (Fact::SensorPath, text("MsSense.exe")),
        (Fact::SensorUnifiedAgent, FactValue::Bool(false)),
        (Fact::SensorVersion, text(version)),
        (Fact::ChassisTypes, FactValue::Numbers(vec![chassis])),
    ])
}

fn shown(steps: &[HostStep]) -> String {
    let mut text = String::new();
    for step in steps {
        writeln!(
            text,
            "{}{}",
            step.name,
            step.skipped
                .as_ref()
                .map_or(String::new(), |why| format!(" [{why}]"))
        )
        .unwrap();
        for change in &step.changes {
            let raw = match &change.desired {
                Desired::Value(raw) => format!(" ({}: {})", raw.kind, hex::encode(&raw.bytes)),
                _ => String::new(),
            };
            writeln!(text, "  {} = {}{raw}", change.target, change.desired.text()).unwrap();
        }
    }
    text
}

/// Compiles with the examples of the playbook on a host with these facts.
fn writes(name: &str, facts: &Facts) -> String {
    let playbook = load(name);
    let vars = playbook.resolve_vars(&[], Examples::Fill).unwrap();
    shown(&playbook.compile(&scope(&vars, &[]), Some(facts)).unwrap())
}

fn removal(name: &str) -> String {
    let playbook = load(name).removal();
    let vars = playbook.resolve_vars(&[], Examples::Refuse).unwrap();
    assert_eq!(playbook.facts(), FactSet::default());
    shown(&playbook.compile(&scope(&vars, &[]), None).unwrap())
}

const ALL: [&str; 6] = [
    "edr-only.yaml",
    "full-proxy-set.yaml",
    "offline-devices.yaml",
    "av-pac-bypass.yaml",
    "winhttp-only.yaml",
    "remove-proxy.yaml",
];

#[test]
fn every_shipped_playbook_is_tested() {
    let folder = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
    let mut found: Vec<String> = folder
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    let mut known = ALL.to_vec();
    found.sort();
    known.sort();
    assert_eq!(found, known);
}

#[test]
fn they_are_complete_and_roll_out_in_three_rings() {
    for name in ALL {
        let playbook = load(name);
        assert_eq!(format!("{}.yaml", playbook.name), name);
        assert!(
            playbook
                .vars
                .iter()
                .all(|variable| variable.example.is_some()),
            "{name}"
        );
        let rings: Vec<&str> = playbook
            .strategy
            .rings
            .iter()
            .map(|ring| ring.name.as_str())
            .collect();
        assert_eq!(rings, ["canary", "pilot", "broad"], "{name}");
        assert_eq!(playbook.strategy.rings[2].select, "rest", "{name}");
        let warnings: Vec<String> = playbook
            .warnings()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(warnings.is_empty(), "{name}: {warnings:?}");
        // The one warning that is meant: the security that the offline playbook gives up.
        let judged: Vec<String> = playbook
            .judge_examples()
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            judged.len(),
            usize::from(name == "offline-devices.yaml"),
            "{name}: {judged:?}"
        );
        assert!(
            judged
                .iter()
                .all(|text| text.contains("turns off revocation checks")),
            "{judged:?}"
        );
        let vars = playbook.resolve_vars(&[], Examples::Fill).unwrap();
        playbook.preview(&scope(&vars, &[])).unwrap();
    }
}

/// What the playbook asks of a host with the examples of its variables, and with `prove` as given.
fn asked(name: &str, prove: bool) -> FactSet {
    let playbook = load(name);
    let mut vars = playbook.resolve_vars(&[], Examples::Fill).unwrap();
    if let Some(value) = vars.0.get_mut("prove") {
        *value = prove.into();
    }
    playbook.facts_for(&scope(&vars, &[])).all
}

#[test]
fn facts_are_asked_for_only_where_a_condition_needs_them() {
    let of = |name| asked(name, false);
    assert_eq!(of("edr-only.yaml"), FactSet::default());
    assert_eq!(of("full-proxy-set.yaml"), FactSet::default());
    assert_eq!(of("av-pac-bypass.yaml"), FactSet::default());
    assert_eq!(of("remove-proxy.yaml"), FactSet::default());
    assert_eq!(
        of("offline-devices.yaml"),
        FactSet::from_iter([
            Fact::SensorPresent,
            Fact::SensorBranch,
            Fact::SensorVersion,
            Fact::SensorPrefersStaticProxy
        ])
    );
    assert_eq!(
        of("winhttp-only.yaml"),
        FactSet::from_iter([Fact::ChassisPortable])
    );
    assert_eq!(
        asked("full-proxy-set.yaml", true),
        FactSet::from_iter([
            Fact::SensorOnboarded,
            Fact::ChassisPortable,
            Fact::AvPresent
        ])
    );
}

/// Whoever sets a proxy can have it asked for before the first write, by a variable.
#[test]
fn a_shipped_playbook_that_sets_a_proxy_can_try_it_before_the_first_write() {
    for name in ALL {
        let playbook = load(name);
        let mut vars = playbook.resolve_vars(&[], Examples::Fill).unwrap();
        let untried = |vars: &playbooks::Vars| {
            let found = playbook.untried(&scope(vars, &[]));
            assert_eq!(playbook.untried_without_host(vars), found, "{name}");
            found.into_iter().collect::<Vec<_>>()
        };
        let before = untried(&vars);
        let proxy = Untried::Proxy("10.0.0.6:8080".to_owned());
        match name {
            "remove-proxy.yaml" => assert_eq!(before, []),
            "av-pac-bypass.yaml" => {
                assert!(matches!(before[..], [Untried::Pac(_)]), "{before:?}");
                vars.0
                    .insert("pac_proxy".to_owned(), "10.0.0.6:8080".into());
                assert!(playbook.candidate_remedy().contains("pac_proxy"));
            }
            _ => {
                assert_eq!(before, [proxy], "{name}");
                let remedy = playbook.candidate_remedy();
                assert!(remedy.starts_with("-e prove=true"), "{name}: {remedy}");
            }
        }
        if let Some(prove) = vars.0.get_mut("prove") {
            *prove = true.into();
        }
        assert_eq!(untried(&vars), [], "{name}");
    }
}

#[test]
fn edr_only() {
    insta::assert_snapshot!("edr_only", writes("edr-only.yaml", &Facts::default()));
}

#[test]
fn full_proxy_set() {
    insta::assert_snapshot!(
        "full_proxy_set",
        writes("full-proxy-set.yaml", &Facts::default())
    );
    insta::assert_snapshot!("full_proxy_set_removal", removal("full-proxy-set.yaml"));
}

#[test]
fn offline_devices() {
    insta::assert_snapshot!(
        "offline_devices",
        writes("offline-devices.yaml", &facts("10.8210.17763.3650", 3))
    );
    insta::assert_snapshot!(
        "offline_devices_old_sensor",
        writes("offline-devices.yaml", &facts("10.8209.0.0", 3))
    );
    insta::assert_snapshot!("offline_devices_removal", removal("offline-devices.yaml"));
}

#[test]
fn av_pac_bypass() {
    insta::assert_snapshot!(
        "av_pac_bypass",
        writes("av-pac-bypass.yaml", &Facts::default())
    );
    insta::assert_snapshot!("av_pac_bypass_removal", removal("av-pac-bypass.yaml"));
}

#[test]
fn winhttp_only() {
    insta::assert_snapshot!(
        "winhttp_only",
        writes("winhttp-only.yaml", &facts("10.8210.0.0", 3))
    );
    insta::assert_snapshot!(
        "winhttp_only_laptop",
        writes("winhttp-only.yaml", &facts("10.8210.0.0", 10))
    );
    insta::assert_snapshot!("winhttp_only_removal", removal("winhttp-only.yaml"));
}

#[test]
fn remove_proxy() {
    insta::assert_snapshot!(
        "remove_proxy",
        writes("remove-proxy.yaml", &Facts::default())
    );
    insta::assert_snapshot!("remove_proxy_removal", removal("remove-proxy.yaml"));
}
