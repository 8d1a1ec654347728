//! The selector language against a naive evaluator, and tables against the crate `csv`.

use std::collections::BTreeMap;

use inventory::{Host, Selector};
use proptest::prelude::*;

use crate::{load, yaml};

/// What is meant, before it is text.
#[derive(Clone, Debug)]
enum Meant {
    All,
    Rest,
    Name(String),
    Ring(String),
    Group(String),
    Union(Box<Meant>, Box<Meant>),
    Both(Box<Meant>, Box<Meant>),
    Without(Box<Meant>, Box<Meant>),
    Not(Box<Meant>),
}

impl Meant {
    /// How tightly it binds: union 0, the other operators 1, the rest 2.
    fn level(&self) -> u8 {
        match self {
            Self::Union(..) => 0,
            Self::Both(..) | Self::Without(..) => 1,
            _ => 2,
        }
    }

    /// Text with no more brackets than needed, so that precedence is tried and not only brackets.
    fn text(&self) -> String {
        let at = |part: &Meant, level: u8| {
            if part.level() < level {
                format!("( {} )", part.text())
            } else {
                part.text()
            }
        };
        match self {
            Self::All => "all".to_owned(),
            Self::Rest => "rest".to_owned(),
            Self::Name(name) => name.clone(),
            Self::Ring(ring) => format!("ring:{ring}"),
            Self::Group(group) => format!("group:{group}"),
            Self::Union(one, two) => format!("{},{}", at(one, 0), at(two, 1)),
            Self::Both(one, two) => format!("{} &{}", at(one, 1), at(two, 2)),
            Self::Without(one, two) => format!("{}!{}", at(one, 1), at(two, 2)),
            Self::Not(one) => format!("!{}", at(one, 2)),
        }
    }

    fn takes(&self, host: &Host, rest: bool) -> bool {
        match self {
            Self::All => true,
            Self::Rest => rest,
            Self::Name(pattern) => naive_glob(pattern.as_bytes(), host.name.as_str().as_bytes()),
            Self::Ring(ring) => host.ring.as_deref() == Some(ring),
            Self::Group(group) => host.groups.iter().any(|name| name == group),
            Self::Union(one, two) => one.takes(host, rest) | two.takes(host, rest),
            Self::Both(one, two) => one.takes(host, rest) & two.takes(host, rest),
            Self::Without(one, two) => one.takes(host, rest) & !two.takes(host, rest),
            Self::Not(one) => !one.takes(host, rest),
        }
    }
}

fn naive_glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', more)), _) if naive_glob(more, text) => true,
        (Some((b'*', _)), Some((_, rest))) => naive_glob(pattern, rest),
        (Some((b'?', more)), Some((_, rest))) => naive_glob(more, rest),
        (Some((one, more)), Some((two, rest))) => {
            one.eq_ignore_ascii_case(two) && naive_glob(more, rest)
        }
        _ => false,
    }
}

fn meant() -> impl Strategy<Value = Meant> {
    let leaf = prop_oneof![
        Just(Meant::All),
        Just(Meant::Rest),
        "[abAB*?-]{0,3}[ab*?.]".prop_map(Meant::Name),
        "[xyz]".prop_map(Meant::Ring),
        "[ghi]".prop_map(Meant::Group),
    ];
    leaf.prop_recursive(5, 40, 2, |inner| {
        let two = || {
            (
                inner.clone().prop_map(Box::new),
                inner.clone().prop_map(Box::new),
            )
        };
        prop_oneof![
            two().prop_map(|(one, two)| Meant::Union(one, two)),
            two().prop_map(|(one, two)| Meant::Both(one, two)),
            two().prop_map(|(one, two)| Meant::Without(one, two)),
            inner.clone().prop_map(|one| Meant::Not(Box::new(one))),
        ]
    })
}

fn fleet() -> Vec<Host> {
    let mut body = String::from("groups: { g: {}, h: {} }\nhosts:\n");
    for name in ["a", "b", "aa", "ab", "a-b", "B.a", "bab", "b-a.b"] {
        let ring = ["x", "y"][name.len() % 2];
        let groups = ["[]", "[g]", "[h]", "[g, h]"][name.len() % 4];
        body.push_str(&format!(
            "  - {{ name: {name}, ring: {ring}, groups: {groups} }}\n"
        ));
    }
    yaml(&body).hosts
}

/// A cell of any text that is not blank; a zero character is no text file.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9:./-]{1,12}", "[ -~éß\t\n\"',;|#]{1,12}",]
        .prop_filter("blank cells are unset", |text| !text.trim().is_empty())
}

proptest! {
    #[test]
    fn selectors_mean_what_a_naive_reader_thinks(meant in meant()) {
        let text = meant.text();
        let selector = Selector::parse(&text, &|_| Err("no files".to_owned()));
        let selector = selector.map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        for host in fleet() {
            for rest in [false, true] {
                prop_assert_eq!(selector.matches(&host, rest), meant.takes(&host, rest), "{} on {}", text, host.name);
            }
        }
    }

    #[test]
    fn no_text_of_a_selector_panics(text in "[a:@,&!() \\[\\]{}*'\"é]{0,20}") {
        let _ = Selector::parse(&text, &|_| Ok(vec!["a".to_owned()]));
    }

    #[test]
    fn tables_written_by_others_are_read_exactly(
        rows in proptest::collection::vec((cell(), proptest::option::of(cell())), 1..6),
        delimiter in prop_oneof![Just(b','), Just(b';'), Just(b'\t')],
        crlf: bool,
    ) {
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(terminator)
            .quote_style(csv::QuoteStyle::Always)
            .from_writer(Vec::new());
        writer.write_record(["note", "name", "more, or less"]).unwrap();
        for (index, (note, more)) in rows.iter().enumerate() {
            writer.write_record([note.as_str(), &format!("pc-{index}"), more.as_deref().unwrap_or("")]).unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let inventory = load(&[("t.csv", &text)]).map_err(|error| TestCaseError::fail(format!("{text}\n{error}")))?;
        prop_assert_eq!(inventory.hosts.len(), rows.len());
        for (host, (note, more)) in inventory.hosts.iter().zip(&rows) {
            let mut expected = BTreeMap::from([("note".to_owned(), serde_json::Value::from(note.clone()))]);
            expected.extend(more.clone().map(|more| ("more, or less".to_owned(), more.into())));
            prop_assert_eq!(host.merged_vars(), expected);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), name in "t\\.(csv|yaml|txt)") {
        if let Ok(document) = document::Document::from_bytes(&name, &bytes) {
            let _ = inventory::Inventory::load(&[document]);
        }
    }

    #[test]
    fn no_nearly_right_text_panics(lines in proptest::collection::vec(
        "(version: 1|hosts:|  - \\{ name: a, port: .{0,3} \\}|defaults: .{0,5}|groups: \\{ .{0,6}|name,port|\"?.{0,4},.{0,4})", 0..8),
        name in "t\\.(csv|yaml|txt)",
    ) {
        let document = document::Document::from_bytes(&name, lines.join("\n").as_bytes());
        if let Some(Err(diagnostics)) = document.ok().map(|document| inventory::Inventory::load(&[document])) {
            prop_assert!(!diagnostics.to_string().is_empty());
        }
    }
}
