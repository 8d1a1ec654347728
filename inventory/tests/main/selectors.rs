use inventory::{FactSelector, Inventory, Selector, SelectorError};

use crate::yaml;

const FLEET: &str = "\
groups: { paris: {}, lyon: {}, laptops: {}, 'Head Office': {} }
hosts:
  - { name: pc-1.corp, ring: canary, groups: [paris, laptops] }
  - { name: pc-2.corp, ring: pilot, groups: [paris] }
  - { name: PC-3.corp, ring: pilot, groups: [lyon, laptops] }
  - { name: srv-1.corp, ring: broad, groups: [lyon] }
  - { name: srv-2.corp, groups: [Head Office] }
  - { name: 'fe80::1', verify_name: false }
";

fn parse(text: &str) -> Result<Selector, SelectorError> {
    Selector::parse(text, &|path| match path {
        "hosts.txt" | "my hosts, (old).txt" => {
            Ok(["# list", "", " pc-1.corp ", "srv-*  # all", "gone.corp"]
                .map(str::to_owned)
                .to_vec())
        }
        "bad.txt" => Ok(vec!["pc-1,canary".to_owned()]),
        other => Err(format!("no such file: {other}")),
    })
}

/// The numbers of the hosts that are taken, from 1.
fn taken(inventory: &Inventory, text: &str) -> String {
    let selector = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let hosts = inventory.hosts.iter().enumerate();
    hosts
        .filter(|(_, host)| selector.matches(host, false))
        .map(|(index, _)| (index + 1).to_string())
        .collect()
}

#[test]
fn selectors_take_what_they_say() {
    let inventory = yaml(FLEET);
    for (text, expected) in [
        ("all", "123456"),
        ("rest", ""),
        ("pc-1.corp", "1"),
        ("pc-1", ""),
        ("PC-*", "123"),
        ("pc-?.corp", "123"),
        ("*-[12].corp", "1245"),
        ("pc-[!1].corp", "23"),
        ("{pc,srv}-1.corp", "14"),
        ("*", "123456"),
        ("fe80::1", "6"),
        ("ring:pilot", "23"),
        ("ring:Pilot", ""),
        ("group:laptops", "13"),
        ("group:Head Office", "5"),
        ("@hosts.txt", "145"),
        ("@'my hosts, (old).txt'&ring:broad", "4"),
        ("@hosts.txt!pc-*", "45"),
        ("ring:canary,ring:broad", "14"),
        ("ring:pilot&group:lyon", "3"),
        ("ring:pilot!group:lyon", "2"),
        ("!ring:pilot", "1456"),
        (" ! ( ring:pilot , srv-* ) ", "16"),
        ("ring:canary,ring:pilot&group:lyon", "13"),
        ("(ring:canary,ring:pilot)&group:lyon", "3"),
        ("all!ring:pilot&group:laptops", "1"),
        ("all!(ring:pilot&group:laptops)", "12456"),
        ("all!ring:pilot!group:lyon", "156"),
        ("pc-*&!ring:pilot", "1"),
        ("all!!ring:pilot", "23"),
        ("ring:canary,!group:lyon", "1256"),
    ] {
        assert_eq!(taken(&inventory, text), expected, "{text}");
    }
}

#[test]
fn rest_is_what_the_caller_says() {
    let inventory = yaml(FLEET);
    let selector = parse("rest!group:lyon").unwrap();
    assert!(selector.matches(&inventory.hosts[0], true));
    assert!(!selector.matches(&inventory.hosts[0], false));
    assert!(!selector.matches(&inventory.hosts[3], true));
    assert_eq!(inventory.select(&selector).len(), 4);
    assert_eq!(selector.text(), "rest!group:lyon");
}

#[test]
fn mistakes_have_columns() {
    for (text, column, found, part) in [
        ("", 1, "the end", "something is missing"),
        ("a,", 3, "the end", "something is missing"),
        ("a,,b", 3, ",", "something is missing"),
        ("&a", 1, "&", "something is missing"),
        ("(a", 3, "the end", "a bracket is not closed"),
        ("a)", 2, ")", "closes nothing"),
        ("()", 2, ")", "something is missing"),
        ("a (b)", 3, "(", "closes nothing"),
        ("pc 1", 1, "pc 1", "blanks"),
        ("a,rng:x", 3, "rng:x", "'rng:' is no kind"),
        ("ring:", 1, "ring:", "names nothing"),
        ("a&pc-[1", 6, "[", "not closed"),
        ("pc-[z-a]", 1, "pc-[z-a]", "bad glob"),
        ("a,@", 3, "@", "names no file"),
        ("@none.txt", 1, "@none.txt", "no such file"),
        ("@bad.txt", 1, "@bad.txt", "is no name: 'pc-1,canary'"),
        ("@'x", 1, "@x", "not closed"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(
            (error.column, error.found.as_str()),
            (column, found),
            "{text}: {error}"
        );
        assert!(error.message.contains(part), "{text}: {error}");
        assert!(error.expected.is_some(), "{text}");
    }
    assert_eq!(
        parse("rings:x").unwrap_err().hint.as_deref(),
        Some("did you mean 'ring:x'?")
    );
    assert!(parse(&"(".repeat(100_000)).is_err());
    assert!(parse(&"!".repeat(100_000)).is_err());
    assert!(parse(&vec!["a"; 100_000].join(",")).is_ok());
}

#[test]
fn a_long_chain_does_not_exhaust_the_stack() {
    let inventory = yaml(FLEET);
    let text = vec!["all"; 50_000].join("&");
    let error = parse(&text).expect_err("bounded");
    assert!(error.message.contains("too long"), "{error}");
    assert_eq!(taken(&inventory, &vec!["pc-*"; 90].join("&")), "123");
}

#[test]
fn undefined_rings_and_groups_have_a_nearest_match() {
    let inventory = yaml(FLEET);
    let unknown = parse("ring:canry,(group:pars!ring:pilot)")
        .unwrap()
        .names_unknown(&inventory);
    assert_eq!(unknown.len(), 2);
    assert_eq!(
        (unknown[0].column, unknown[0].found.as_str()),
        (1, "ring:canry")
    );
    assert_eq!(
        unknown[0].hint.as_deref(),
        Some("did you mean 'ring:canary'?")
    );
    assert_eq!(
        (unknown[1].column, unknown[1].hint.as_deref()),
        (13, Some("did you mean 'group:paris'?"))
    );
    assert_eq!(
        unknown[0].expected.as_deref(),
        Some("one of broad, canary, pilot")
    );
    assert_eq!(
        parse("rest,group:laptops")
            .unwrap()
            .names_unknown(&inventory),
        []
    );
}

#[test]
fn unknown_host_names_hint_at_the_whole_name() {
    let inventory = yaml(FLEET);
    let unknown = parse("pc-2,pc-1.crop,srv-*,pc-1.corp,@hosts.txt")
        .unwrap()
        .hosts_unknown(&inventory);
    let hints: Vec<_> = unknown.iter().map(|error| error.hint.as_deref()).collect();
    assert_eq!(
        hints,
        [
            Some("did you mean 'pc-2.corp'?"),
            Some("did you mean 'pc-1.corp'?"),
            // 'gone.corp' of the list.
            None
        ]
    );
}

#[test]
fn names_of_a_list_that_are_no_hosts_are_counted() {
    let inventory = yaml(FLEET);
    let lines = ["pc-1.corp", "pc-2.crop", "gone.corp", "srv-*", "PC-3.corp"];
    let selector = Selector::parse("all,@some.txt", &|_| Ok(lines.map(str::to_owned).to_vec()));
    let unknown = selector.unwrap().hosts_unknown(&inventory);
    let [error] = unknown.as_slice() else {
        panic!("{unknown:?}")
    };
    assert_eq!((error.column, error.found.as_str()), (5, "@some.txt"));
    assert_eq!(
        error.message,
        "2 of the 4 names in 'some.txt' are no hosts: gone.corp, pc-2.crop"
    );
}

/// The numbers of the hosts that are surely taken, and of those that only the tests decide.
fn settled(
    inventory: &Inventory,
    text: &str,
    passes: &dyn Fn(&str) -> Option<bool>,
) -> (String, String) {
    let selector = FactSelector::parse(text, &|_| Err("no files".to_owned()));
    let selector = selector.unwrap_or_else(|error| panic!("{text}: {error}"));
    let of = |wanted: Option<bool>| {
        let hosts = inventory.hosts.iter().enumerate();
        hosts
            .filter(|(_, host)| selector.meant(host, passes) == wanted)
            .map(|(index, _)| (index + 1).to_string())
            .collect()
    };
    (of(Some(true)), of(None))
}

#[test]
fn tests_of_facts_decide_only_where_nothing_else_does() {
    let inventory = yaml(FLEET);
    let unknown = |_: &str| None;
    let server = |test: &str| Some(test == "facts.os.is_server");
    for (text, unread, read) in [
        ("facts.os.build >= 17763", ("", "123456"), ""),
        ("facts.os.is_server", ("", "123456"), "123456"),
        ("!facts.os.is_server", ("", "123456"), ""),
        ("ring:pilot & facts.os.is_server", ("", "23"), "23"),
        ("ring:pilot ! facts.os.is_server", ("", "23"), ""),
        ("ring:pilot, facts.os.is_server", ("23", "1456"), "123456"),
        ("pc-1.corp ! (facts.os.is_server, all)", ("", ""), ""),
        ("(facts.os.is_server & !all), srv-*", ("45", ""), "45"),
        // One test within brackets of its own, with the selector's operators in it.
        (
            "facts.os.edition in ['a,b', \"(c!\"] & srv-*",
            ("", "45"),
            "",
        ),
        (
            "(facts.os.build != 1 or (facts.os.build > 2)) & srv-*",
            ("", "45"),
            "",
        ),
    ] {
        assert_eq!(
            settled(&inventory, text, &unknown),
            (unread.0.to_owned(), unread.1.to_owned()),
            "{text}"
        );
        assert_eq!(
            settled(&inventory, text, &server),
            (read.to_owned(), String::new()),
            "{text}"
        );
    }
}

#[test]
fn tests_of_facts_are_delimited_and_stand_at_their_columns() {
    let text = "ring:pilot & facts.os.edition != 'a,b!' , srv-1.corp ! facts.os.is_server";
    let selector = FactSelector::parse(text, &|_| Err("no files".to_owned())).unwrap();
    assert_eq!(
        selector.tests(),
        [
            ("facts.os.edition != 'a,b!'", 14),
            ("facts.os.is_server", 56)
        ]
    );
    for (text, column, said) in [
        ("all & facts.os.edition == 'x", 27, "not closed"),
        ("facts.os.edition in (1, 2", 21, "not closed"),
        ("not facts.os.is_server", 1, "blanks"),
    ] {
        let error = FactSelector::parse(text, &|_| Err("no files".to_owned())).unwrap_err();
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.message.contains(said), "{text}: {error}");
    }
    let hint = FactSelector::parse("not facts.os.is_server", &|_| Err(String::new()));
    assert!(
        hint.unwrap_err()
            .hint
            .unwrap()
            .contains("!facts.os.is_server")
    );
}

#[test]
fn selectors_that_are_answered_before_hosts_are_read_take_no_facts() {
    let error = parse("ring:pilot & facts.os.build >= 17763").unwrap_err();
    assert_eq!(
        (error.column, error.found.as_str()),
        (14, "facts.os.build >= 17763")
    );
    assert!(
        error.message.contains("cannot be chosen by facts here"),
        "{error}"
    );
    assert!(error.hint.unwrap().contains("'when'"));
}
