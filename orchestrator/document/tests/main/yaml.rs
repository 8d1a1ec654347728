use document::{Document, Located, Node, from_yaml};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read only through Debug")]
struct File {
    version: u8,
    name: Located<String>,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read only through Debug")]
struct Step {
    name: String,
    port: Option<u16>,
    on: Option<bool>,
    kind: Option<Kind>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Dword,
    Sz,
}

fn complaint(text: &str) -> String {
    let document = Document::from_bytes("f.yaml", text.as_bytes()).unwrap();
    from_yaml::<File>(&document).unwrap_err().to_string()
}

fn check(text: &str, expected: &str) {
    assert_eq!(complaint(text), expected, "for:\n{text}");
}

/// `version` and `name` are right, the rest is the case.
fn check_step(step: &str, parts: &[&str]) {
    let said = complaint(&format!("version: 1\nname: x\nsteps:\n  - {step}\n"));
    for part in parts {
        assert!(said.contains(part), "no {part:?} in:\n{said}");
    }
}

#[test]
fn an_unknown_key_names_the_known_ones_and_the_nearest() {
    check(
        "version: 1\nname: x\nsteps:\n  - name: a\n    prot: 3\n",
        "f.yaml:5:5: unknown key 'prot'\n    5 |     prot: 3\n      |     ^^^^\n  \
         expected: one of name, port, on, kind\n  hint: did you mean 'port'?",
    );
}

#[test]
fn a_tab_in_the_indentation_is_named_and_shown_at_its_place() {
    check(
        "version: 1\nname: x\nsteps:\n\t- name: a\n",
        "f.yaml:4:1: a tab where YAML wants spaces\n    4 |  - name: a\n      | ^\n  \
         expected: spaces before the first word of a line\n  hint: set the editor to write spaces for the tab key",
    );
}

#[test]
fn wrong_types_are_said_in_plain_words() {
    check_step(
        "{ name: a, port: 70000 }",
        &["f.yaml:4:22: wrong type: '70000'", "from 0 to 65535"],
    );
    check_step(
        "{ name: a, port: abc }",
        &["f.yaml:4:22: wrong type: 'abc'", "from 0 to 65535"],
    );
    check_step(
        "{ name: a, on: yes }",
        &["f.yaml:4:20: wrong type: 'yes'", "true or false"],
    );
    check_step(
        "{ name: [a] }",
        &["f.yaml:4:13: wrong type: '[a]'", "expected: text"],
    );
    check_step(
        "{ name: a, kind: dwrd }",
        &["unknown word 'dwrd'", "one of dword, sz", "mean 'dword'?"],
    );
    check_step(
        "name",
        &["f.yaml:4:5: wrong type: 'name'", "expected: a mapping"],
    );
}

#[test]
fn structure_mistakes_have_places() {
    check_step("{}", &["f.yaml:4:5: the key 'name' is missing here"]);
    assert!(
        complaint("version: 1\nname: x\nname: y\n")
            .starts_with("f.yaml:3:1: the key 'name' stands here a second time, first in line 2")
    );
    assert!(
        complaint("version: 1\nname: x\n---\nversion: 2\n")
            .starts_with("f.yaml:4:1: a second YAML document")
    );
    assert!(complaint("version: 1\nname: 'x\n").starts_with("f.yaml:2:7: unclosed quote"));
    assert!(complaint("version: 1\nname: *no\n").starts_with("f.yaml:2:7: "));
    assert!(complaint("version: 1\nname: !foo x\n").contains("unsupported tag"));
    assert!(complaint("version: 1\nname:\n").starts_with("f.yaml:2:5: there is no value here"));
    assert!(complaint("- 1\n").contains("expected: a mapping"));
}

#[test]
fn an_empty_file_is_called_empty() {
    for text in ["", "\n\n", "# only a comment\n", "---\n"] {
        assert_eq!(complaint(text), "f.yaml: the file is empty", "{text:?}");
    }
}

#[test]
fn an_unquoted_template_is_told_to_be_quoted() {
    let said = complaint("version: 1\nname: {{ proxy }}\n");
    assert!(said.starts_with("f.yaml:2:7: "), "{said}");
    assert!(
        said.contains("hint: text that begins with '{{' stands in quotes: '{{ proxy }}'"),
        "{said}"
    );
}

#[test]
fn a_backslash_in_double_quotes_is_explained() {
    let said = complaint("version: 1\nname: \"HKLM\\SOFTWARE\"\n");
    assert!(said.contains("single quotes"), "{said}");
}

#[test]
fn located_values_know_their_place() {
    let document =
        Document::from_bytes("f.yaml", "version: 1\r\nname:   'x'\r\n".as_bytes()).unwrap();
    let file: File = from_yaml(&document).unwrap();
    assert_eq!(
        (file.name.value.as_str(), file.name.line, file.name.column),
        ("x", 2, 9)
    );
}

#[test]
fn a_document_that_unfolds_is_stopped() {
    let mut bomb = String::from("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let below = vec![format!("*l{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("l{level}: &l{level} [{below}]\n"));
    }
    let document = Document::from_bytes("f.yaml", bomb.as_bytes()).unwrap();
    let said = from_yaml::<Node>(&document).unwrap_err().to_string();
    assert!(said.contains("unfolds beyond the bounds"), "{said}");
    let deep = format!("a: {}{}\n", "[".repeat(500), "]".repeat(500));
    let document = Document::from_bytes("f.yaml", deep.as_bytes()).unwrap();
    assert!(from_yaml::<Node>(&document).is_err());
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let said = complaint("version: 1\nname: x\n\"\\e[31mred\": 2\n");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let document = Document::from_bytes("f\u{1b}.csv", b"a\x1b[2Jb\xe2\x80\xaec\tb").unwrap();
    let said = document
        .diagnostic(1, 2, "\u{1b}[2J", "bad \u{1b} text")
        .hint("\u{7}")
        .to_string();
    assert!(
        !said.contains(['\u{1b}', '\u{7}', '\u{202e}', '\t']),
        "{said:?}"
    );
}

#[test]
fn a_long_line_is_cut_around_the_mark() {
    let line = format!("{}BAD{}", "a".repeat(5000), "b".repeat(5000));
    let document = Document::from_bytes("f.csv", line.as_bytes()).unwrap();
    let said = document.diagnostic(1, 5001, "BAD", "wrong").to_string();
    let lines: Vec<&str> = said.lines().collect();
    assert!(said.len() < 500 && lines[1].contains("aaBADbb"), "{said}");
    assert_eq!(lines[1].find("BAD"), lines[2].find("^^^"), "{said}");
}
