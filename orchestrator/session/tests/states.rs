//! Random prior states and changes, for `undo.rs`.

use std::fmt;

use playbooks::{Change, Desired, RawValue, Target, Typed, WinHttpProxy};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::lab::target;

const COLLECTION: &str = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";
const SENSE: &str = r"SOFTWARE\Policies\Microsoft\Windows Advanced Threat Protection";
const DEFENDER: &str = r"SOFTWARE\Policies\Microsoft\Windows Defender";

/// What is cleared before each case.
pub(crate) const ROOTS: [&str; 5] = [
    COLLECTION,
    SENSE,
    DEFENDER,
    r"SOFTWARE\Property",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings",
];

/// Keys that may be there or missing. One that is there brings its ancestors along.
pub(crate) const KEYS: [&str; 9] = [
    COLLECTION,
    SENSE,
    DEFENDER,
    r"SOFTWARE\Policies\Microsoft\Windows Defender\Spynet",
    r"SOFTWARE\Property\A",
    r"SOFTWARE\Property\A\B",
    r"SOFTWARE\Property\A\B\C",
    r"SOFTWARE\Property\A\B\Another child",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections",
];

/// A prior state and what is to be changed.
#[derive(Clone)]
pub(crate) struct Case {
    /// Which of [`KEYS`] are there.
    pub(crate) keys: Vec<bool>,
    /// Values that are there, with their keys.
    pub(crate) values: Vec<(Target, RawValue)>,
    /// What is wanted.
    pub(crate) changes: Vec<Change>,
    /// Restore in a session of its own.
    pub(crate) reconnect: bool,
}

/// Short enough to be read when a case fails.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raw = |value: &RawValue| {
            let bytes: String = value.bytes.iter().map(|b| format!("{b:02x}")).collect();
            format!("{}:{bytes} {:?}", value.kind, value.to_typed())
        };
        let there = KEYS.iter().zip(&self.keys).filter(|(_, there)| **there);
        for (key, _) in there {
            writeln!(f, "key     {key}")?;
        }
        for (target, value) in &self.values {
            writeln!(f, "prior   {target} = {}", raw(value))?;
        }
        for Change { target, desired } in &self.changes {
            match desired {
                Desired::Value(value) => writeln!(f, "wanted  {target} = {}", raw(value))?,
                other => writeln!(f, "wanted  {target} = {}", other.text())?,
            }
        }
        write!(f, "reconnect {}", self.reconnect)
    }
}

/// The places the shipped playbooks write to, but for WinHTTP.
fn policies() -> Vec<Target> {
    vec![
        target(COLLECTION, "TelemetryProxyServer"),
        target(COLLECTION, "DisableEnterpriseAuthProxy"),
        target(SENSE, "PreferStaticProxyForHttpRequest"),
        target(DEFENDER, "ProxyServer"),
        target(&format!(r"{DEFENDER}\Spynet"), "SSLOptions"),
    ]
}

/// Places with awkward names and shared, perhaps missing, ancestors.
fn awkward() -> Vec<Target> {
    vec![
        target(r"SOFTWARE\Property\A\B\C", "Value one"),
        target(r"SOFTWARE\Property\A\B\C", ""),
        target(r"SOFTWARE\Property\A\B\Another child", "100% \"näme\" ^&"),
        target(r"SOFTWARE\Property\A", "Zürich"),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9.:;=/<>*-]{0,24}",
        3 => r#"[ -~]{0,24}"#,
        2 => "[ -~äß€東\u{1F600}\u{FFFD}\t\r\n]{0,12}",
        1 => any::<String>().prop_filter("no NUL inside", |text| !text.contains('\0')),
    ]
}

/// Values with the bytes of their type.
fn typed() -> impl Strategy<Value = RawValue> {
    prop_oneof![
        text().prop_map(Typed::Sz),
        text().prop_map(Typed::ExpandSz),
        vec(any::<u8>(), 0..40).prop_map(Typed::Binary),
        any::<u32>().prop_map(Typed::Dword),
        vec(text(), 0..4).prop_map(Typed::MultiSz),
        any::<u64>().prop_map(Typed::Qword),
    ]
    .prop_map(|typed| typed.to_raw())
}

/// Values of unknown types, numbers of a wrong size, halves of surrogates.
fn odd() -> impl Strategy<Value = RawValue> {
    let raw = |kind, bytes| RawValue { kind, bytes };
    prop_oneof![
        (
            select(vec![0, 5, 6, 8, 9, 10, 12, 77]),
            vec(any::<u8>(), 0..9)
        )
            .prop_map(move |(kind, bytes)| raw(kind, bytes)),
        vec(any::<u8>(), 0..9)
            .prop_filter("another size", |bytes| bytes.len() != 4)
            .prop_map(move |bytes| raw(4, bytes)),
        vec(any::<u8>(), 0..9)
            .prop_filter("another size", |bytes| bytes.len() != 8)
            .prop_map(move |bytes| raw(11, bytes)),
        (select(vec![1, 2]), 0xD800..0xE000_u16).prop_map(move |(kind, half)| {
            let units = [u16::from(b'a'), half, u16::from(b'b'), 0];
            raw(
                kind,
                units.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            )
        }),
    ]
}

/// `WinHttpSettings` of either marker, with and without proxy, perhaps with bytes behind.
fn blob() -> impl Strategy<Value = RawValue> {
    let proxy = prop_oneof![Just(String::new()), "[a-z0-9.]{1,12}:[1-9][0-9]{1,3}"];
    let bypass = prop_oneof![
        Just(String::new()),
        Just("<local>;*.corp.example".to_owned())
    ];
    let parts = (
        select(vec![0x18_u32, 0x28]),
        prop_oneof![3 => Just(0_u32), 1 => any::<u32>()],
        proxy,
        bypass,
        vec(any::<u8>(), 0..6),
    );
    parts.prop_map(|(marker, counter, proxy, bypass, behind)| {
        let flags: u32 = if proxy.is_empty() { 1 } else { 3 };
        let mut bytes = Vec::new();
        for number in [marker, counter, flags] {
            bytes.extend(number.to_le_bytes());
        }
        for text in [&proxy, &bypass] {
            bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            bytes.extend(text.bytes());
        }
        bytes.extend(behind);
        RawValue { kind: 3, bytes }
    })
}

fn wanted(place: Target, value: impl Strategy<Value = RawValue>) -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => value.prop_map(Desired::Value),
        1 => Just(Desired::Absent),
    ]
    .prop_map(move |desired| Change {
        target: place.clone(),
        desired,
    })
}

fn wanted_winhttp() -> impl Strategy<Value = Change> {
    let proxy = ("[a-z0-9.]{1,12}:[1-9][0-9]{1,3}", any::<bool>());
    prop_oneof![
        3 => proxy.prop_map(|(server, bypass)| Desired::WinHttp(WinHttpProxy {
            server,
            bypass: if bypass { vec!["<local>".to_owned()] } else { vec![] },
        })),
        1 => Just(Desired::WinHttpDirect),
    ]
    .prop_map(|desired| Change {
        target: Target::win_http_settings(),
        desired,
    })
}

fn case(
    priors: Vec<(Target, BoxedStrategy<RawValue>)>,
    changes: Vec<BoxedStrategy<Change>>,
) -> impl Strategy<Value = Case> {
    let values = priors.into_iter().map(|(place, value)| {
        proptest::option::of(value).prop_map(move |value| value.map(|value| (place.clone(), value)))
    });
    let most = changes.len();
    (
        vec(proptest::bool::weighted(0.4), KEYS.len()),
        values.collect::<Vec<_>>(),
        subsequence(changes, 1..=most)
            .prop_shuffle()
            .prop_flat_map(|changes| changes),
        any::<bool>(),
    )
        .prop_map(|(keys, values, changes, reconnect)| Case {
            keys,
            values: values.into_iter().flatten().collect(),
            changes,
            reconnect,
        })
}

/// Any state that the channels can show, any change.
pub(crate) fn any_case() -> impl Strategy<Value = Case> {
    let places = || policies().into_iter().chain(awkward());
    let value = || prop_oneof![9 => typed(), 1 => odd()];
    let mut priors: Vec<_> = places().map(|place| (place, value().boxed())).collect();
    let winhttp = prop_oneof![8 => blob(), 1 => typed(), 1 => odd()];
    priors.push((Target::win_http_settings(), winhttp.boxed()));
    let mut changes: Vec<_> = places()
        .map(|place| wanted(place, typed()).boxed())
        .collect();
    changes.push(wanted_winhttp().boxed());
    case(priors, changes)
}

/// What Windows, its policies and its tools write in the places of the shipped playbooks.
pub(crate) fn windows_case() -> impl Strategy<Value = Case> {
    let number = || select(vec![0_u32, 1, 2, 3]).prop_map(|n| Typed::Dword(n).to_raw());
    let server =
        || "(http://)?[a-z0-9.-]{1,20}:[1-9][0-9]{1,3}".prop_map(|text| Typed::Sz(text).to_raw());
    let of = |place: &Target| {
        if place.value.contains("ProxyServer") {
            server().boxed()
        } else {
            number().boxed()
        }
    };
    let mut priors: Vec<_> = policies()
        .into_iter()
        .map(|place| (place.clone(), of(&place)))
        .collect();
    priors.push((Target::win_http_settings(), blob().boxed()));
    let mut changes: Vec<_> = policies()
        .into_iter()
        .map(|place| wanted(place.clone(), of(&place)).boxed())
        .collect();
    changes.push(wanted_winhttp().boxed());
    case(priors, changes)
}
