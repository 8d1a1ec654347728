//! StdRegProv's semantics.

use sim_fleet::{RawValue, kind};

use crate::client::{invoke, world};

const KEY: (&str, &str) = ("sSubKeyName", r"SOFTWARE\Example\Sub");

#[tokio::test]
async fn a_value_needs_its_key_and_keeps_its_case() {
    let world = world(|_| ()).await;
    let set = [KEY, ("sValueName", "Name"), ("sValue", "a&lt;b")];
    assert_eq!(world.invoke("SetStringValue", &set).await.0, 2);
    assert_eq!(world.invoke("CreateKey", &[KEY]).await.0, 0);
    assert_eq!(world.invoke("SetStringValue", &set).await.0, 0);
    assert_eq!(
        world.host.value(r"software\EXAMPLE\sub", "nAME"),
        Some(RawValue::sz("a<b"))
    );
    let (code, got) = world
        .invoke("GetStringValue", &[KEY, ("sValueName", "NAME")])
        .await;
    assert_eq!((code, got.text("sValue")), (0, Some("a<b".into())));
    let (code, got) = world.invoke("EnumValues", &[KEY]).await;
    assert_eq!(
        (code, got.texts("sNames"), got.texts("Types")),
        (0, vec!["Name".into()], vec!["1".into()])
    );
    assert_eq!(world.host.writes().len(), 3);
}

#[tokio::test]
async fn absent_and_other_types() {
    let world = world(|_| ()).await;
    world.host.set_value(KEY.1, "n", RawValue::dword(7));
    let (code, got) = world
        .invoke("GetStringValue", &[KEY, ("sValueName", "none")])
        .await;
    assert_eq!(code, 1);
    assert!(
        got.body.contains("<p:sValue xsi:nil=\"true\"/>"),
        "{}",
        got.body
    );
    assert_eq!(
        world
            .invoke("GetStringValue", &[KEY, ("sValueName", "n")])
            .await
            .0,
        0x8004_1005
    );
    assert_eq!(
        world
            .invoke(
                "GetStringValue",
                &[("sSubKeyName", "SOFTWARE\\Nope"), ("sValueName", "n")]
            )
            .await
            .0,
        2
    );
    assert_eq!(
        world
            .invoke("DeleteValue", &[KEY, ("sValueName", "none")])
            .await
            .0,
        2
    );
    assert_eq!(
        world.invoke("EnumKey", &[("hDefKey", "17"), KEY]).await.0,
        6
    );
    world
        .host
        .set_value(KEY.1, "short", RawValue::new(kind::DWORD, &[1, 2]));
    assert_eq!(
        world
            .invoke("GetDWORDValue", &[KEY, ("sValueName", "short")])
            .await
            .0,
        0x8004_1005
    );
}

#[tokio::test]
async fn expanded_on_reading_raw_in_store() {
    let world = world(|_| ()).await;
    world.host.create_key(KEY.1);
    let set = [
        KEY,
        ("sValueName", "x"),
        ("sValue", r"%SystemRoot%\a %nope%"),
    ];
    assert_eq!(world.invoke("SetExpandedStringValue", &set).await.0, 0);
    let (_, got) = world
        .invoke("GetExpandedStringValue", &[KEY, ("sValueName", "x")])
        .await;
    assert_eq!(got.text("sValue").unwrap(), r"C:\Windows\a %nope%");
    assert_eq!(
        world.host.value(KEY.1, "x"),
        Some(RawValue::text(kind::EXPAND_SZ, r"%SystemRoot%\a %nope%"))
    );
}

#[tokio::test]
async fn lists_bytes_and_numbers() {
    let world = world(|_| ()).await;
    world.host.create_key(KEY.1);
    world
        .invoke(
            "SetMultiStringValue",
            &[
                KEY,
                ("sValueName", "m"),
                ("sValue", "one"),
                ("sValue", "two"),
            ],
        )
        .await;
    world
        .invoke(
            "SetBinaryValue",
            &[KEY, ("sValueName", "b"), ("uValue", "0"), ("uValue", "255")],
        )
        .await;
    world
        .invoke(
            "SetQWORDValue",
            &[KEY, ("sValueName", "q"), ("uValue", "18446744073709551615")],
        )
        .await;
    let snapshot = world.host.registry();
    assert_eq!(
        snapshot.value(KEY.1, "m"),
        Some(&RawValue::multi(&["one", "two"]))
    );
    assert_eq!(
        snapshot.value(KEY.1, "b"),
        Some(&RawValue::new(kind::BINARY, &[0, 255]))
    );
    assert_eq!(
        snapshot.value(KEY.1, "q"),
        Some(&RawValue::new(kind::QWORD, &[255; 8]))
    );
    let out_of_range = invoke(
        "SetBinaryValue",
        &[KEY, ("sValueName", "b"), ("uValue", "256")],
    );
    assert_eq!(world.post(&out_of_range).await.unwrap().status, 500);
}

#[tokio::test]
async fn a_key_with_subkeys_stays_and_a_deletion_drops_values() {
    let world = world(|_| ()).await;
    world.host.set_value(KEY.1, "x", RawValue::sz("1"));
    let before = world.host.registry();
    assert_eq!(
        world
            .invoke("DeleteKey", &[("sSubKeyName", r"SOFTWARE\Example")])
            .await
            .0,
        5
    );
    assert_eq!(world.host.registry(), before);
    assert_eq!(world.invoke("DeleteKey", &[KEY]).await.0, 0);
    assert!(!world.host.key_exists(KEY.1));
    assert_eq!(
        before.difference(&world.host.registry()),
        [r"- HKLM\SOFTWARE\Example\Sub"]
    );
    assert_eq!(world.invoke("DeleteKey", &[KEY]).await.0, 2);
}
