//! What is there, exactly: the bytes, or a refusal, never a wrong answer.

use playbooks::{Observed, RawValue, Target, Typed};
use rollout::{Observe, Reason, Severity};
use sim_fleet::FleetSpec;

use crate::lab::{Lab, key_path, sz, target, theirs};

const KEY: &str = r"SOFTWARE\Example\Sub key";

/// All channels that read: `StdRegProv` with the shell's second opinion, `StdRegProv` alone, `reg.exe` alone.
const CHANNELS: [&str; 3] = ["auto", "cim", "shell"];

/// What a channel may say about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Exact,
    Opaque,
    /// Exact through some channels, refused by this one: both are right answers.
    Either,
}
use Want::{Either, Exact, Opaque};

struct Case {
    what: &'static str,
    name: &'static str,
    value: RawValue,
    /// By channel, in the order of [`CHANNELS`].
    want: [Want; 3],
}

fn case(what: &'static str, value: RawValue, want: [Want; 3]) -> Case {
    let name = "Value name";
    Case {
        what,
        name,
        value,
        want,
    }
}

fn raw(kind: u32, bytes: &[u8]) -> RawValue {
    let bytes = bytes.to_vec();
    RawValue { kind, bytes }
}

fn multi(items: &[&str]) -> RawValue {
    Typed::MultiSz(items.iter().map(|item| (*item).to_owned()).collect()).to_raw()
}

fn expand(text: &str) -> RawValue {
    Typed::ExpandSz(text.to_owned()).to_raw()
}

/// What Windows and its tools write.
fn ordinary() -> Vec<Case> {
    let exact = [Exact; 3];
    vec![
        case("sz", sz("10.0.0.6:8080"), exact),
        case("sz, empty", sz(""), exact),
        case("sz, blanks", sz("  two  blanks  "), exact),
        case("sz, unicode", sz("Zürich 東京 \u{1F600}"), exact),
        case("sz, markup", sz("<a href=\"x\">&amp;</a> 'y' ]]>"), exact),
        case("sz, percent", sz("100% %PATH% ^ & | > x"), exact),
        case("sz, a question", sz("why?"), [Exact, Opaque, Exact]),
        case(
            "expand_sz",
            expand(r"%SystemRoot%\System32;%nothing%"),
            [Exact, Opaque, Exact],
        ),
        case("expand_sz, empty", expand(""), [Exact, Opaque, Exact]),
        case("dword", raw(4, &[1, 2, 3, 0xff]), exact),
        case("qword", raw(11, &[1, 2, 3, 4, 5, 6, 7, 0xff]), exact),
        case("binary", raw(3, &[0x28, 0, 0xff]), exact),
        // In which form StdRegProv takes one is not known: where the shell may not be asked, it is not promised.
        case("binary, empty", raw(3, &[]), [Exact, Opaque, Exact]),
        case("multi_sz", multi(&["one", "two words", "三"]), exact),
        case("multi_sz, one item", multi(&["one"]), exact),
        case(
            "multi_sz, separators inside",
            multi(&[r"a\0b", "c#d|e"]),
            exact,
        ),
    ]
}

/// What no Windows tool writes, but what can stand in a registry.
fn odd() -> Vec<Case> {
    let opaque = [Opaque; 3];
    let mut cases = vec![
        case("multi_sz, empty", multi(&[]), opaque),
        case("multi_sz, one empty text", raw(7, &[0, 0, 0, 0]), opaque),
        case(
            "multi_sz, empty text inside",
            multi(&["a", "", "b"]),
            opaque,
        ),
        case("multi_sz, empty text first", multi(&["", "b"]), opaque),
        case("sz, tab", sz("a\tb"), [Either, Either, Opaque]),
        case("sz, line break", sz("one\r\ntwo"), opaque),
        case("sz, line feed", sz("one\ntwo"), opaque),
        case("sz, line feed last", sz("text\n"), opaque),
        case("sz, line breaks last", sz("text\r\n\r\n"), opaque),
        case("expand_sz, nothing but a line feed", expand("\n"), opaque),
        case(
            "expand_sz, a line like a key's",
            expand("a\nHKEY_LOCAL_MACHINE\\SOFTWARE"),
            opaque,
        ),
        case("sz, control character", sz("a\u{1}b"), opaque),
        case("sz, replacement character", sz("a\u{FFFD}b"), opaque),
        case(
            "sz, not a character",
            sz("a\u{FFFF}b"),
            [Either, Opaque, Either],
        ),
        case(
            "sz, half a surrogate",
            raw(1, &[0x41, 0, 0x3D, 0xD8, 0, 0]),
            opaque,
        ),
        case("expand_sz, line break", expand("%a%\r\n%b%"), opaque),
        case("dword, three bytes", raw(4, &[1, 2, 3]), opaque),
        case("dword, no bytes", raw(4, &[]), opaque),
        case(
            "dword, eight bytes",
            raw(4, &[1, 2, 3, 4, 5, 6, 7, 8]),
            opaque,
        ),
        case("qword, four bytes", raw(11, &[1, 2, 3, 4]), opaque),
    ];
    for kind in [0, 5, 6, 8, 9, 10, 12, 0x1234, 0x8000_0001] {
        cases.push(case("unknown type", raw(kind, &[1, 2]), opaque));
        cases.push(case("unknown type, empty", raw(kind, &[]), opaque));
    }
    cases
}

async fn check_all(cases: &[Case]) {
    for (index, channel) in CHANNELS.into_iter().enumerate() {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        let mut session = lab.open().await;
        for Case {
            what,
            name,
            value,
            want,
        } in cases
        {
            lab.host().delete_key(KEY);
            lab.host().set_value(KEY, name, theirs(value));
            let found = session
                .observe(&[target(KEY, name)])
                .await
                .unwrap()
                .remove(0);
            let said = format!("{what} by {channel}: {found:?}");
            match (&found, want[index]) {
                (Observed::Present(raw), Exact | Either) => assert_eq!(raw, value, "{said}"),
                (Observed::Opaque { kind, .. }, Opaque | Either) => {
                    assert_eq!(*kind, value.kind, "{said}");
                    assert!(!found.restorable(), "{said}");
                }
                (_, want) => panic!("{said}, wanted {want:?}"),
            }
        }
        session.close().await;
    }
}

#[tokio::test]
async fn values_as_windows_writes_them() {
    check_all(&ordinary()).await;
}

#[tokio::test]
async fn values_that_nobody_writes_are_exact_or_refused() {
    check_all(&odd()).await;
}

#[tokio::test]
async fn names_of_every_kind() {
    let names = [
        "",
        "name",
        "with blank",
        "100% ^ & \"quoted\" <x>",
        "Zürich 東京",
        "ends in \\",
        "    REG_SZ    x",
        "why?",
    ];
    let cases: Vec<Case> = names
        .into_iter()
        .map(|name| Case {
            name,
            ..case(name, sz("text"), [Exact; 3])
        })
        .collect();
    check_all(&cases).await;
}

#[tokio::test]
async fn an_unset_default_value_is_absent() {
    for channel in CHANNELS {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        lab.host().create_key(KEY);
        assert_eq!(
            lab.look(&target(KEY, "")).await.unwrap(),
            Observed::ValueAbsent,
            "{channel}"
        );
    }
}

#[tokio::test]
async fn a_default_value_that_is_set_but_not_listed_is_found() {
    let mut spec = FleetSpec::named(["pc-1.corp.example"]);
    spec.defaults.lists_default_value = false;
    for channel in CHANNELS {
        let lab = Lab::of(spec.clone())
            .await
            .defaults(&format!("channel: {channel}"));
        let place = target(KEY, "");
        let look = async |value: &RawValue| {
            lab.host().set_value(KEY, "", theirs(value));
            lab.look(&place).await.unwrap()
        };
        assert_eq!(look(&sz("text")).await, Observed::Present(sz("text")));
        let number = raw(4, &[1, 0, 0, 0]);
        match look(&number).await {
            Observed::Present(found) => assert_eq!(found, number, "{channel}"),
            Observed::Opaque { .. } => assert_eq!(channel, "cim"),
            absent => panic!("{channel}: {absent:?}"),
        }
        lab.host().delete_value(KEY, "");
        assert_eq!(lab.look(&place).await.unwrap(), Observed::ValueAbsent);
    }
}

#[tokio::test]
async fn a_host_that_denies_its_commands_memory_says_nothing_about_the_registry() {
    let lab = Lab::one().await.defaults("channel: shell");
    lab.host().set_value(KEY, "Value", theirs(&sz("there")));
    let mut session = lab.open().await;
    lab.faults("{ quota: { kind: memory } }");
    let error = session.observe(&[target(KEY, "Value")]).await.unwrap_err();
    assert_eq!(error.severity, Severity::Failed, "{error}");
    session.close().await;
}

#[tokio::test]
async fn very_long_values_are_exact_or_refused() {
    let text = "0123456789abcdef".repeat(1000);
    let bytes: Vec<u8> = (0..12_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    // `reg add` cannot write back what is longer than a command line.
    let long = [Exact, Exact, Opaque];
    let cases = [
        case("long sz", sz(&text), long),
        case("long expand_sz", expand(&text), [Exact, Opaque, Opaque]),
        case("long multi_sz", multi(&[&text, "b"]), long),
        case("long binary", raw(3, &bytes), long),
    ];
    check_all(&cases).await;
}

#[tokio::test]
async fn the_highest_missing_key_is_named() {
    for channel in CHANNELS {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        let host = lab.host();
        host.create_key(r"SOFTWARE\Here");
        for (key, first_missing) in [
            (r"SOFTWARE\Here\A\B\C", r"SOFTWARE\Here\A"),
            (r"SOFTWARE\here\a", r"SOFTWARE\here\a"),
            (r"SOFTWARE\Nowhere\A", r"SOFTWARE\Nowhere"),
            (r"NOHIVE\A\B", "NOHIVE"),
        ] {
            let found = lab.look(&target(key, "Value")).await.unwrap();
            let first_missing = key_path(first_missing);
            assert_eq!(found, Observed::KeyAbsent { first_missing }, "{channel}");
        }
        let found = lab.look(&target(r"SOFTWARE\Here", "Value")).await.unwrap();
        assert_eq!(found, Observed::ValueAbsent, "{channel}");
    }
}

#[tokio::test]
async fn many_targets_come_in_the_order_asked_for() {
    for channel in CHANNELS {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        let host = lab.host();
        for number in 0..40_u32 {
            if number % 3 != 0 {
                let key = format!(r"{KEY}\{}", number % 7);
                host.set_value(
                    &key,
                    &format!("v{number}"),
                    theirs(&sz(&number.to_string())),
                );
            }
        }
        let targets: Vec<Target> = (0..40)
            .map(|number| target(&format!(r"{KEY}\{}", number % 7), &format!("V{number}")))
            .collect();
        let mut session = lab.open().await;
        let found = session.observe(&targets).await.unwrap();
        for (number, found) in found.iter().enumerate() {
            let want = if number % 3 == 0 {
                Observed::ValueAbsent
            } else {
                Observed::Present(sz(&number.to_string()))
            };
            assert_eq!(*found, want, "{channel} {number}");
        }
        session.close().await;
    }
}

#[tokio::test]
async fn a_name_that_no_command_line_carries_is_refused_by_the_shell_alone() {
    let place = target(KEY, "a\u{1}b");
    let lab = Lab::one().await.defaults("channel: shell");
    lab.host().create_key(KEY);
    let error = lab.look(&place).await.unwrap_err();
    assert_eq!(error.reason, Reason::Fault, "{error}");
}
