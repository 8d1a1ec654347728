//! Variables: declared types, layers, coercion of text, what is missing and what nobody declared.

use playbooks::{Examples, VarScope};
use serde_json::{Value, json};

use crate::support::{load, map, problems};

const VARS: &str = "vars:
  proxy:   { type: host_port, required: true, example: '10.0.0.6:8080' }
  offline: { type: bool, default: false }
  count:   { type: int, default: 3 }
  name:    { type: string, required: false }
  pac:     { type: url, default: 'http://p/x.pac' }
  bypass:  { type: list, default: ['<local>'] }
steps: [ { edr_proxy: { server: '{{ proxy }}' } } ]
";

fn resolve(pairs: &[(&str, Value)]) -> Result<std::collections::BTreeMap<String, Value>, String> {
    let given = map(pairs);
    load(VARS)
        .resolve_vars(&[VarScope::command_line(&given)], Examples::Fill)
        .map(|vars| vars.0)
        .map_err(|errors| errors.to_string())
}

#[test]
fn text_becomes_the_declared_type() {
    let cases = [
        ("offline", json!("true"), json!(true)),
        ("offline", json!("No"), json!(false)),
        ("offline", json!("1"), json!(true)),
        ("offline", json!(true), json!(true)),
        ("count", json!("-7"), json!(-7)),
        ("count", json!(7), json!(7)),
        ("name", json!("007"), json!("007")),
        ("name", json!("true"), json!("true")),
        ("proxy", json!("proxy.corp:3128"), json!("proxy.corp:3128")),
        ("pac", json!("https://a.b/c?d"), json!("https://a.b/c?d")),
        (
            "bypass",
            json!("<local>, *.corp"),
            json!(["<local>", "*.corp"]),
        ),
        ("bypass", json!("[\"a,b\", \"c\"]"), json!(["a,b", "c"])),
        ("bypass", json!(""), json!([])),
        ("bypass", json!(["a"]), json!(["a"])),
    ];
    for (name, given, wanted) in cases {
        assert_eq!(
            resolve(&[(name, given.clone())]).unwrap()[name],
            wanted,
            "{name} {given}"
        );
    }
}

#[test]
fn wrong_types_say_what_was_expected() {
    let cases = [
        ("offline", json!("maybe"), "'maybe' is not true or false"),
        ("offline", json!(1), "1 is not true or false"),
        ("count", json!("3.5"), "'3.5' is not a whole number"),
        ("count", json!(3.5), "3.5 is not a whole number"),
        ("name", json!(7), "put it in quotes"),
        ("name", json!(null), "nothing is not text"),
        ("name", json!({"a": 1}), "is not text"),
        (
            "proxy",
            json!("http://10.0.0.6:8080"),
            "has the scheme 'http://'",
        ),
        ("proxy", json!("10.0.0.6"), "has no port"),
        (
            "proxy",
            json!("10.0.0.6:70000"),
            "port 70000 does not exist",
        ),
        ("proxy", json!("10.0.0.6:0"), "port 0 does not exist"),
        ("pac", json!("10.0.0.6:80"), "has no scheme"),
        ("pac", json!("ftp://x/y"), "the scheme 'ftp' is not taken"),
        ("bypass", json!([1]), "put each item in quotes"),
        ("bypass", json!("[1]"), "is not a list of texts"),
    ];
    for (name, given, message) in cases {
        let error = resolve(&[(name, given.clone())]).unwrap_err();
        assert!(error.contains(message), "{name} {given}: {error}");
        assert!(
            error.contains(&format!("variable '{name}' (-e on the command line)")),
            "{error}"
        );
    }
}

#[test]
fn a_password_in_a_proxy_is_not_repeated() {
    let error = resolve(&[("proxy", json!("user:hunter2@proxy:8080"))]).unwrap_err();
    assert!(
        error.contains("credentials") && !error.contains("hunter2"),
        "{error}"
    );
}

#[test]
fn the_strongest_layer_wins() {
    let (defaults, group, host, line) = (
        map(&[
            ("proxy", json!("a:1")),
            ("count", json!(1)),
            ("name", json!("d")),
            ("unknown", json!(1)),
        ]),
        map(&[("proxy", json!("b:2")), ("count", json!(2))]),
        map(&[("proxy", json!("c:3"))]),
        map(&[("name", json!("e"))]),
    );
    let layers = [
        VarScope::inventory("defaults", &defaults),
        VarScope::inventory("group paris", &group),
        VarScope::inventory("host", &host),
        VarScope::command_line(&line),
    ];
    let vars = load(VARS)
        .resolve_vars(&layers, Examples::Refuse)
        .unwrap()
        .0;
    assert_eq!(vars["proxy"], "c:3");
    assert_eq!(vars["count"], 2);
    assert_eq!(vars["name"], "e");
    assert_eq!(vars["offline"], false);
    assert!(
        !vars.contains_key("unknown"),
        "an inventory serves many playbooks"
    );
}

#[test]
fn missing_and_unknown_variables_are_all_named() {
    let given = map(&[("proxi", json!("a:1")), ("offline", json!("x"))]);
    let errors = load(VARS)
        .resolve_vars(&[VarScope::command_line(&given)], Examples::Refuse)
        .unwrap_err();
    insta::assert_snapshot!("missing_and_unknown_variables", errors.to_string());
    assert!(load(VARS).resolve_vars(&[], Examples::Fill).is_ok());
}

#[test]
fn an_optional_variable_may_be_absent() {
    let vars = load(VARS).resolve_vars(&[], Examples::Fill).unwrap();
    assert!(!vars.0.contains_key("name"));
}

#[test]
fn declarations_are_checked() {
    let cases = [
        (
            "{ type: hostport }",
            "'hostport' is not taken here",
            "did you mean 'host_port'?",
        ),
        (
            "{ default: 1 }",
            "the key 'type' is missing in the variable 'v'",
            "",
        ),
        ("{ type: int, default: x }", "'x' is not a whole number", ""),
        (
            "{ type: host_port, example: 'http://a:1' }",
            "has the scheme",
            "write 'a:1'",
        ),
        ("{ type: bool, default: yes }", "", ""),
        (
            "{ type: string, required: true, default: a }",
            "a required variable cannot have a default",
            "",
        ),
        ("{ type: string, default: '{{ x }}' }", "not rendered", ""),
        (
            "{ type: string, defualt: a }",
            "unknown key 'defualt'",
            "did you mean 'default'?",
        ),
        (
            "10.0.0.6:8080",
            "text stands where a variable is declared",
            "",
        ),
    ];
    for (declaration, message, hint) in cases {
        let text =
            format!("vars:\n  v: {declaration}\nsteps: [ {{ edr_proxy: {{ server: 'a:1' }} }} ]\n");
        if message.is_empty() {
            load(&text);
            continue;
        }
        let problems = problems(&text);
        assert!(
            problems[0].message.contains(message),
            "{declaration}: {problems:?}"
        );
        assert_eq!(problems[0].line, 4, "{declaration}");
        assert!(
            problems[0].hint.clone().unwrap_or_default().contains(hint),
            "{declaration}: {problems:?}"
        );
    }
    for name in ["host", "facts", "vars", "1st", "a-b", "and", "''"] {
        let text = format!(
            "vars:\n  {name}: {{ type: string, default: a }}\nsteps: [ {{ edr_proxy: {{ server: 'a:1' }} }} ]\n"
        );
        assert_eq!(problems(&text).len(), 1, "{name}");
    }
}
