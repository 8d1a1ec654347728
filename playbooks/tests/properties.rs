//! Bytes and typed values are two forms of one thing; the version gate and the branches at their edges.

use playbooks::registry::{REG_EXPAND_SZ, REG_MULTI_SZ, REG_SZ};
use playbooks::{
    Fact, FactValue, Facts, KeyPath, Observed, RawValue, SensorBranch, Target, Typed,
    honours_prefer_static, sensor_branch,
};
use proptest::prelude::*;

/// Text as a REG_SZ can hold it.
fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', ""))
}

fn typed() -> impl Strategy<Value = Typed> {
    let item = text().prop_filter("an empty text ends the list", |text| !text.is_empty());
    prop_oneof![
        text().prop_map(Typed::Sz),
        text().prop_map(Typed::ExpandSz),
        any::<Vec<u8>>().prop_map(Typed::Binary),
        any::<u32>().prop_map(Typed::Dword),
        any::<u64>().prop_map(Typed::Qword),
        prop::collection::vec(item, 0..5).prop_map(Typed::MultiSz),
    ]
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(typed in typed()) {
        prop_assert_eq!(typed.to_raw().to_typed(), Some(typed.clone()));
        prop_assert!(Observed::Present(typed.to_raw()).restorable());
    }

    #[test]
    fn whatever_reads_as_typed_gives_the_same_bytes_back(kind in 0_u32..16, bytes: Vec<u8>) {
        let raw = RawValue { kind, bytes };
        if let Some(typed) = raw.to_typed() {
            prop_assert_eq!(typed.to_raw(), raw);
        }
    }

    #[test]
    fn raw_values_survive_the_journal(kind: u32, bytes: Vec<u8>) {
        let observed = Observed::Present(RawValue { kind, bytes });
        let json = serde_json::to_string(&observed).unwrap();
        prop_assert_eq!(serde_json::from_str::<Observed>(&json).unwrap(), observed);
    }
}

#[test]
fn defects_that_a_write_would_mend_are_not_restorable() {
    let cases: [(u32, &[u8], &str); 13] = [
        (REG_SZ, b"", "no terminator"),
        (REG_SZ, b"a\0", "unterminated"),
        (REG_SZ, b"a\0\0", "odd length"),
        (REG_SZ, b"a\0\0\0b\0\0\0", "embedded NUL"),
        (REG_SZ, b"a\0\0\0\0\0", "two terminators"),
        (REG_EXPAND_SZ, &[0, 0xd8, 0, 0], "half a surrogate pair"),
        (REG_MULTI_SZ, b"", "no terminator"),
        (REG_MULTI_SZ, b"a\0\0\0", "list not terminated"),
        (REG_MULTI_SZ, b"a\0\0\0\0\0b\0\0\0\0\0", "empty text inside"),
        (REG_MULTI_SZ, b"\0\0\0\0", "only an empty text"),
        (4, b"\x01\0\0", "short number"),
        (11, b"\x01\0\0\0", "short number"),
        (0, b"x", "unknown type"),
    ];
    for (kind, bytes, why) in cases {
        let raw = RawValue {
            kind,
            bytes: bytes.to_vec(),
        };
        assert_eq!(raw.to_typed(), None, "{why}");
        assert!(!Observed::Present(raw).restorable(), "{why}");
    }
}

#[test]
fn registry_bytes_are_those_of_windows() {
    let hex_of = |typed: Typed| hex::encode(typed.to_raw().bytes);
    assert_eq!(hex_of(Typed::Sz("a:1".into())), "61003a0031000000");
    assert_eq!(hex_of(Typed::Dword(1)), "01000000");
    assert_eq!(hex_of(Typed::Qword(0x0102)), "0201000000000000");
    assert_eq!(hex_of(Typed::MultiSz(vec![])), "0000");
    assert_eq!(
        hex_of(Typed::MultiSz(vec!["a".into(), "b".into()])),
        "61000000620000000000"
    );
}

#[test]
fn the_sensor_gate_is_per_branch() {
    use SensorBranch::{InBox, Other, UnifiedAgent};
    let cases = [
        (InBox, "10.8209.99999.9", false),
        (InBox, "10.8210.0.0", true),
        (InBox, "10.8210.17763.3650", true),
        (InBox, "10.8049.22439.1084", false),
        (InBox, "9.9999.0.0", false),
        (InBox, "11.0.0.0", true),
        (UnifiedAgent, "10.8048.9.9", false),
        (UnifiedAgent, "10.8049.0.0", true),
        (UnifiedAgent, "10.8560.0.0", true),
        (Other, "10.8560.0.0", false),
    ];
    for (branch, version, passes) in cases {
        let version = version.parse().ok();
        assert_eq!(
            honours_prefer_static(branch, version),
            passes,
            "{branch:?} {version:?}"
        );
        assert!(!honours_prefer_static(branch, None));
    }
}

#[test]
fn branches_follow_build_and_agent() {
    let branch = |build, kind: &str, agent| sensor_branch(build, kind.starts_with("Server"), agent);
    assert_eq!(branch(17763, "Client", false), SensorBranch::InBox);
    assert_eq!(branch(20348, "Server Core", false), SensorBranch::InBox);
    assert_eq!(branch(17134, "Client", false), SensorBranch::Other);
    assert_eq!(branch(14393, "Server", true), SensorBranch::UnifiedAgent);
    assert_eq!(branch(9600, "Server", true), SensorBranch::UnifiedAgent);
    assert_eq!(branch(14393, "Server", false), SensorBranch::Other);
    assert_eq!(branch(14393, "Client", true), SensorBranch::Other);
    assert_eq!(branch(7601, "Server", true), SensorBranch::Other);
}

#[test]
fn portable_forms_are_portable() {
    let portable = |types: &[i64]| {
        let types = FactValue::Numbers(types.to_vec());
        Facts::from_iter([(Fact::ChassisTypes, types)]).flag(Fact::ChassisPortable) == Some(true)
    };
    for kind in [8, 9, 10, 11, 14, 30, 31, 32] {
        assert!(portable(&[3, kind]), "{kind}");
    }
    assert!(!portable(&[1, 3, 7, 12, 13, 23]) && !portable(&[]));
}

#[test]
fn keys_parse_below_local_machine_only() {
    for text in [
        r"HKLM\SOFTWARE\A",
        r"hklm\software\a",
        r"HKEY_LOCAL_MACHINE\Software\a",
        r"HKLM:\SOFTWARE\A",
    ] {
        assert_eq!(
            KeyPath::parse(text).unwrap().as_str().to_ascii_uppercase(),
            r"SOFTWARE\A",
            "{text}"
        );
    }
    let deep = vec!["a"; 513].join("\\");
    let long = format!(r"HKLM\{}", "a".repeat(256));
    for text in [
        "",
        "HKLM",
        r"HKLM\",
        r"HKCU\Software\A",
        r"HKU\S-1-5-18\A",
        r"SOFTWARE\A",
        r"HKLM\SOFTWARE\\A",
        r"HKLM\SOFTWARE\",
        "HKLM/SOFTWARE/A",
        "HKLM\\SOFT\tWARE",
        &long,
        &format!(r"HKLM\{deep}"),
        r"\HKLM\A",
        r"HKEY_CLASSES_ROOT\x",
    ] {
        assert!(KeyPath::parse(text).is_err(), "{text}");
    }
    assert!(KeyPath::parse(&format!(r"HKLM\{}", "a".repeat(255))).is_ok());
}

#[test]
fn names_compare_as_the_registry_compares_them() {
    let target = |key: &str, value: &str| Target {
        key: KeyPath::parse(key).unwrap(),
        value: value.into(),
    };
    assert_eq!(
        target(r"HKLM\Software\É", "ProxyServer"),
        target(r"HKLM\SOFTWARE\é", "PROXYSERVER")
    );
    assert_ne!(
        target(r"HKLM\SOFTWARE\ß", ""),
        target(r"HKLM\SOFTWARE\SS", "")
    );
    // The long s and the Kelvin sign are letters of their own to Windows.
    assert_ne!(target(r"HKLM\ſ", ""), target(r"HKLM\S", ""));
    assert_ne!(target("HKLM\\\u{212a}", ""), target(r"HKLM\k", ""));
}

#[test]
fn ancestors_go_up_to_the_hive() {
    let key = KeyPath::parse(r"HKLM\A\B\C").unwrap();
    let up: Vec<String> = key
        .self_and_ancestors()
        .map(|key| key.to_string())
        .collect();
    assert_eq!(up, [r"HKLM\A\B\C", r"HKLM\A\B", r"HKLM\A"]);
    assert_eq!(key.leaf(), "C");
}
