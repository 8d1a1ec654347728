//! What the program says about bad input, word for word: place, offending text, expectation, nearest match.

use std::fmt::Write as _;

use e2e::{Lab, LabBuilder};

const GOOD: &str = "version: 1\nname: p\nvars:\n  gate: { type: host_port, default: 'a.example:1' }\nsteps:\n  - edr_proxy: { server: '{{ gate }}' }\nrollout:\n  groups: { paris: { max_parallel: 2 } }\n  rings:\n    - { name: canary, select: 'ring:canary' }\n    - { name: broad, select: rest }\n";
const HOSTS: &str = "version: 1\ndefaults: { credential: c }\ncredentials: { c: { username: 'CORP\\u', password: { env: LAB_PASSWORD } } }\ngroups: { paris: {} }\nhosts:\n  - { name: pc-1, ring: canary, groups: [paris] }\n  - { name: pc-2 }\n";

/// A mistake in the inventory `i.yaml` or the playbook `p.yaml`: the text that is replaced, and by what.
#[rustfmt::skip]
const EDITS: &[(&str, &str, &str, &str)] = &[
    ("a cap for a group that is not there", "p.yaml", "paris:", "pariss:"),
    ("a cap of nobody", "p.yaml", "max_parallel: 2", "max_parallel: 0"),
    ("a huge number", "p.yaml", "max_parallel: 2", "max_parallel: 99999999999999999999"),
    ("a negative number", "p.yaml", "max_parallel: 2", "max_parallel: -1"),
    ("a tab for indentation", "p.yaml", "  gate:", "\tgate:"),
    ("an unclosed quote", "p.yaml", "name: p", "name: 'p"),
    ("a key twice", "p.yaml", "name: p", "name: p\nname: q"),
    ("an unknown type", "p.yaml", "host_port", "hostport"),
    ("an unknown filter", "p.yaml", "{{ gate }}", "{{ gate | shout }}"),
    ("a version of the future", "p.yaml", "version: 1", "version: 2"),
    ("a bad selector of a ring", "p.yaml", "'ring:canary'", "'ring:canary &'"),
    ("two rings of one name", "p.yaml", "name: broad", "name: canary"),
    ("a limit in words", "p.yaml", "select: rest", "select: rest, max_failed: few"),
    ("a limit over the whole", "p.yaml", "select: rest", "select: rest, max_failed: '101%'"),
    ("an unknown breach", "p.yaml", "select: rest", "select: rest, on_breach: rollback"),
    ("no steps", "p.yaml", "steps:\n  - edr_proxy: { server: '{{ gate }}' }", "steps: []"),
    ("port 0", "i.yaml", "name: pc-2", "name: pc-2, port: 0"),
    ("port 70000", "i.yaml", "name: pc-2", "name: pc-2, port: 70000"),
    ("a port in words", "i.yaml", "name: pc-2", "name: pc-2, port: winrm"),
    ("a scheme in a name", "i.yaml", "name: pc-2", "name: 'http://pc-2'"),
    ("a pattern for a host", "i.yaml", "name: pc-2", "name: 'pc-*'"),
    ("an address without verify_name", "i.yaml", "name: pc-2", "name: 10.0.0.2"),
    ("a host twice", "i.yaml", "name: pc-2", "name: PC-1"),
    ("a group that is not declared", "i.yaml", "groups: [paris]", "groups: [pariss]"),
    ("groups as a text", "i.yaml", "groups: [paris]", "groups: paris"),
    ("a credential that is not declared", "i.yaml", "credential: c", "credential: d"),
    ("a password in the file", "i.yaml", "{ env: LAB_PASSWORD }", "secret"),
    ("an unknown source of passwords", "i.yaml", "env: LAB_PASSWORD", "enviroment: LAB_PASSWORD"),
    ("Basic without TLS", "i.yaml", "credential: c }", "credential: c, auth: basic }"),
    ("a time without unit", "i.yaml", "credential: c }", "credential: c, host_timeout: 30 }"),
    ("a way of logon that is none", "i.yaml", "credential: c }", "credential: c, auth: digest }"),
    ("hosts as a mapping", "i.yaml", "hosts:\n  - { name: pc-1, ring: canary, groups: [paris] }\n  - { name: pc-2 }", "hosts: { pc-1: {} }"),
    ("no hosts", "i.yaml", "hosts:\n  - { name: pc-1, ring: canary, groups: [paris] }\n  - { name: pc-2 }", "hosts: []"),
];

/// Further words after `push -i i.yaml -p p.yaml --yes`.
#[rustfmt::skip]
const WORDS: &[(&str, &str)] = &[
    ("an unknown ring", "-l ring:canry"),
    ("an unknown group", "-l group:pari"),
    ("nobody", "-l nobody-*"),
    ("an unclosed parenthesis", "-l (pc-1"),
    ("a list that is not there", "-l @nowhere.txt"),
    ("no equals sign", "-e gate"),
    ("no name", "-e =a:1"),
    ("an unknown variable", "-e gat=a:1"),
    ("a value of another type", "-e gate=a.example"),
    ("an inventory twice", "-i i.yaml"),
    ("a file that is not there", "-i nowhere.yaml"),
    ("a folder", "-i folder.yaml"),
    ("an empty file", "-i empty.yaml"),
    ("a picture", "-i binary.yaml"),
    ("a table without names", "-i columns.csv"),
    ("a table with an odd row", "-i ragged.csv"),
    ("a playbook for an inventory", "-i p.yaml"),
];

fn lab() -> Lab {
    let lab = LabBuilder::hosts(1).start();
    lab.write("i.yaml", HOSTS);
    lab.write("p.yaml", GOOD);
    lab.write("empty.yaml", "");
    lab.write("columns.csv", "host;ring\npc-3;canary\n");
    lab.write("ragged.csv", "name,ring\npc-3,canary,7\n");
    std::fs::write(
        lab.path("binary.yaml"),
        [0x89, b'P', b'N', b'G', 0, 1, 0xff],
    )
    .expect("written");
    std::fs::create_dir(lab.path("folder.yaml")).expect("made");
    lab
}

fn said(lab: &Lab, out: &mut String, what: &str, more: &str) {
    let usual = "push -i i.yaml -p p.yaml --yes";
    let line = format!("{usual} {more}");
    let finished = lab.run(&line.split_whitespace().collect::<Vec<_>>());
    let code = finished.code().unwrap_or(-1);
    let said = finished.stderr();
    writeln!(out, "## {what} {more}\n[{code}]\n{said}").expect("writing to a string");
}

#[test]
fn mistakes_in_files() {
    let lab = lab();
    let mut out = String::new();
    for (what, file, from, to) in EDITS {
        let good = if *file == "p.yaml" { GOOD } else { HOSTS };
        assert!(good.contains(from), "{what}");
        lab.write(file, &good.replacen(from, to, 1));
        said(&lab, &mut out, what, "");
        lab.write(file, good);
    }
    insta::assert_snapshot!(out);
}

#[test]
fn mistakes_on_the_command_line_and_in_odd_files() {
    let lab = lab();
    let mut out = String::new();
    for (what, more) in WORDS {
        said(&lab, &mut out, what, more);
    }
    // Why a file cannot be read is said by the operating system, in its words.
    let filters = vec![
        (r"(\S+: cannot be read): [^\n]*", "$1: (why)"),
        ("no file in '[^']*'", "no file in '(here)'"),
    ];
    insta::with_settings!({filters => filters}, {
        insta::assert_snapshot!(out);
    });
}

#[test]
fn other_encodings_and_line_ends_are_no_mistake() {
    let lab = lab();
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(HOSTS.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    std::fs::write(lab.path("i.yaml"), utf16).expect("written");
    lab.write("p.yaml", &format!("\u{feff}{}", GOOD.replace('\n', "\r\n")));
    lab.run(&["check", "i.yaml", "p.yaml"])
        .succeeds()
        .says("group paris: 2 at once");
}
