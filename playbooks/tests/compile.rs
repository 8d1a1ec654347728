//! Playbooks resolved for one host: templates, conditions, and the same rules for rendered data as for literals.

use playbooks::{
    Applies, Desired, Examples, Fact, FactSet, FactValue, Facts, HostStep, Playbook, VarScope, Vars,
};
use serde_json::{Value, json};

use crate::support::{load, map, scope};

fn vars(playbook: &Playbook, pairs: &[(&str, Value)]) -> Vars {
    let given = map(pairs);
    match playbook.resolve_vars(&[VarScope::command_line(&given)], Examples::Refuse) {
        Ok(vars) => vars,
        Err(errors) => panic!("{errors}"),
    }
}

fn compile(text: &str, pairs: &[(&str, Value)]) -> Result<Vec<HostStep>, String> {
    let playbook = load(text);
    let vars = vars(&playbook, pairs);
    playbook
        .compile(&scope(&vars, &["paris".to_owned()]), None)
        .map_err(|error| {
            assert!(
                error.line > 0 && !error.diagnostic.found.is_empty(),
                "{error:?}"
            );
            format!("{error} {}", error.hint.clone().unwrap_or_default())
        })
}

fn texts(steps: &[HostStep]) -> Vec<String> {
    steps
        .iter()
        .flat_map(|step| &step.changes)
        .map(|change| change.desired.text())
        .collect()
}

const ANY: &str = "vars:\n  v: { type: string, required: true }\n";

#[test]
fn rendered_data_pass_the_rules_of_literals() {
    let key = r"key: 'HKLM\SOFTWARE\T'";
    let cases = [
        ("edr_proxy: { server: '{{ v }}' }".to_owned(), "http://a:1", "has the scheme"),
        ("edr_proxy: { server: '{{ v }}' }".to_owned(), "a:70000", "port 70000"),
        ("edr_proxy: { server: '{{ v }}' }".to_owned(), "", "the address is empty"),
        ("av_proxy: { server: '{{ v }}' }".to_owned(), "a:1", "has no scheme"),
        ("winhttp_proxy: { server: 'a:1', bypass: '{{ v }}' }".to_owned(), "a,b", "has a comma"),
        ("winhttp_proxy: { server: 'a:1', bypass: ['<local>', '{{ v }}'] }".to_owned(), "<-loopback>", "WinINet"),
        (format!("registry: {{ {key}, value: V, type: dword, data: '{{{{ v }}}}' }}"), "x", "'x' is not a number"),
        (format!("registry: {{ {key}, value: '{{{{ v }}}}', ensure: absent }}"), "", "empty name"),
        (format!("registry: {{ {key}, value: '{{{{ v }}}}', ensure: absent }}"), "*", "'*' names no value"),
        (r"registry: { key: 'HKLM\SOFTWARE\{{ v }}', value: V, ensure: absent }".to_owned(), r"\x", "empty component"),
        (r"registry: { key: '{{ v }}\A', value: V, ensure: absent }".to_owned(), "HKCU", "must start with HKLM"),
        (
            r"registry: { key: 'HKLM\SOFTWARE\Policies\Microsoft\Windows Defender\Spynet', value: SSLOptions, type: dword, data: '{{ v }}' }"
                .to_owned(),
            "0",
            "acknowledge: lowers_security",
        ),
    ];
    for (step, value, message) in cases {
        let error = compile(
            &format!("{ANY}steps:\n  - {step}\n"),
            &[("v", json!(value))],
        )
        .unwrap_err();
        assert!(error.contains(message), "{step} {value}: {error}");
    }
}

#[test]
fn values_are_data_not_templates() {
    let step = r"registry: { key: 'HKLM\SOFTWARE\T', value: V, type: sz, data: '<{{ v }}>' }";
    let steps = compile(
        &format!("{ANY}steps:\n  - {step}\n"),
        &[("v", json!("{{ host.name }} & <b>"))],
    )
    .unwrap();
    assert_eq!(texts(&steps), ["<{{ host.name }} & <b>>"]);
}

#[test]
fn variables_host_and_lists_are_seen() {
    let text = r#"vars:
  p: { type: host_port, default: 'a:1' }
  l: { type: list, default: ['<local>', '*.x'] }
  n: { type: int, default: 7 }
  o: { type: string, required: false }
steps:
  - winhttp_proxy: { server: '{{ vars.p }}', bypass: '{{ l }}' }
  - registry: { key: 'HKLM\SOFTWARE\{{ host.short }}', value: '{{ host.ring }}', type: dword, data: '{{ n + 1 }}' }
  - registry: { key: 'HKLM\SOFTWARE\T', value: M, type: multi_sz, data: '{{ l }}' }
  - registry: { key: 'HKLM\SOFTWARE\T', value: S, type: sz, data: "{{ o | default('none given') }} {{ 'paris' in host.groups }}" }
"#;
    let steps = compile(text, &[]).unwrap();
    assert_eq!(
        texts(&steps),
        [
            "a:1 (bypass <local>;*.x)",
            "8",
            "<local> | *.x",
            "none given true"
        ]
    );
    assert_eq!(
        steps[1].changes[0].target.to_string(),
        r"HKLM\SOFTWARE\pc-0001: canary"
    );
}

#[test]
fn undefined_and_unfit_values_are_errors() {
    let text = |data: &str| {
        format!(
            "vars:\n  o: {{ type: string, required: false }}\n  l: {{ type: list, default: [a] }}\nsteps:\n  \
             - registry: {{ key: 'HKLM\\SOFTWARE\\T', value: V, type: sz, data: '{data}' }}\n"
        )
    };
    let cases = [
        ("{{ o }}", "undefined value"),
        ("x{{ o }}", "undefined value"),
        ("x{{ l }}", "cannot stand in a text"),
        ("{{ l }}", "the data is a list"),
        ("{{ none }}", "there is no value"),
        ("{{ l[3] }}", "undefined value"),
        ("{{ \"x\" * 90000000 }}", "too much"),
        (
            "{% for i in range(100000) %}{{ i }}{% endfor %}",
            "too much",
        ),
        ("{{ l.nothing() }}", "no method"),
    ];
    for (data, message) in cases {
        let error = compile(&text(data), &[]).unwrap_err();
        assert!(error.contains(message), "{data}: {error}");
    }
}

#[test]
fn conditions_choose_steps_and_say_why() {
    let text = "vars:\n  on: { type: bool, default: false }\n  s: { type: string, default: 'false' }\nsteps:\n  \
                - { name: a, when: on, edr_proxy: { server: 'a:1' } }\n  - { name: b, when: not on, edr_proxy: { server: 'b:1' } }\n";
    let steps = compile(text, &[]).unwrap();
    assert_eq!(steps[0].skipped.as_deref(), Some("condition is false: on"));
    assert!(steps[0].changes.is_empty());
    assert_eq!(
        (steps[1].skipped.as_deref(), steps[1].changes.len()),
        (None, 2)
    );
    for (condition, message) in [
        ("s", "gives a string"),
        ("1", "gives a number"),
        ("s == 1 or s", "gives a string"),
    ] {
        let text = text.replace("when: on", &format!("when: \"{condition}\""));
        let error = compile(&text, &[]).unwrap_err();
        assert!(
            error.contains(message) && error.contains("when"),
            "{condition}: {error}"
        );
    }
}

#[test]
fn two_steps_cannot_want_different_things() {
    let text = "steps:\n  - { name: a, edr_proxy: { server: 'a:1' } }\n  - { name: b, edr_proxy: { server: 'b:1' } }\n";
    let error = compile(text, &[]).unwrap_err();
    assert!(
        error.contains("TelemetryProxyServer is wanted as 'b:1' here and as 'a:1' by step 'a'"),
        "{error}"
    );
    assert!(compile(&text.replace("b:1", "a:1"), &[]).is_ok());
}

#[test]
fn pairs_are_written_fail_safe_and_taken_away_in_reverse() {
    let steps = compile("steps:\n  - edr_proxy: { server: 'a:1' }\n", &[]).unwrap();
    let names = |steps: &[HostStep]| -> Vec<String> {
        steps[0]
            .changes
            .iter()
            .map(|change| change.target.value.clone())
            .collect()
    };
    assert_eq!(
        names(&steps),
        ["DisableEnterpriseAuthProxy", "TelemetryProxyServer"]
    );
    let steps = compile("steps:\n  - edr_proxy: { ensure: absent }\n", &[]).unwrap();
    assert_eq!(
        names(&steps),
        ["TelemetryProxyServer", "DisableEnterpriseAuthProxy"]
    );
    let steps = compile("steps:\n  - av_proxy: { ensure: absent }\n", &[]).unwrap();
    assert_eq!(names(&steps), ["ProxyServer", "ProxyPacUrl", "ProxyBypass"]);
    let steps = compile("steps:\n  - winhttp_proxy: { ensure: absent }\n", &[]).unwrap();
    assert_eq!(steps[0].changes[0].desired, Desired::WinHttpDirect);
    assert_eq!(steps[0].name, "step 1: winhttp_proxy");
}

const FACTUAL: &str = "vars:
  offline: { type: bool, default: true }
steps:
  - { name: gate, when: offline and facts.sensor.prefers_static_proxy, edr_proxy: { server: 'a:1' } }
  - { name: build, registry: { key: 'HKLM\\SOFTWARE\\T', value: B, type: dword, data: '{{ facts.os.build }}' } }
  - { name: plain, av_proxy: { server: 'http://a:1' } }
";

#[test]
fn a_preview_judges_all_that_needs_no_facts() {
    let playbook = load(FACTUAL);
    assert_eq!(
        playbook.facts(),
        FactSet::from_iter([Fact::SensorPrefersStaticProxy, Fact::OsBuild])
    );
    let on = vars(&playbook, &[]);
    let preview = playbook.preview(&scope(&on, &[])).unwrap();
    let applies: Vec<Applies> = preview.iter().map(|step| step.applies).collect();
    assert_eq!(applies, [Applies::ByFacts, Applies::Yes, Applies::Yes]);
    let counts: Vec<usize> = preview.iter().map(|step| step.changes.len()).collect();
    assert_eq!(counts, [2, 0, 1]);
    let off = vars(&playbook, &[("offline", json!(false))]);
    assert_eq!(
        playbook.preview(&scope(&off, &[])).unwrap()[0].applies,
        Applies::No
    );
    let bad = load(
        "vars:\n  v: { type: string, default: 'http://a:1' }\nsteps:\n  - { when: facts.sensor.present, edr_proxy: { server: '{{ v }}' } }\n",
    );
    let error = bad.preview(&scope(&vars(&bad, &[]), &[])).unwrap_err();
    assert_eq!((error.line, error.diagnostic.line), (6, 6));
    insta::assert_snapshot!("compile_error", error.diagnostic.to_string());
}

#[test]
fn facts_that_were_not_read_are_errors_not_false() {
    let playbook = load(FACTUAL);
    let vars = vars(&playbook, &[]);
    let error = playbook.compile(&scope(&vars, &[]), None).unwrap_err();
    assert_eq!(
        (error.step.as_str(), error.field.as_str()),
        ("gate", "when")
    );
    let facts = Facts::from_iter([(Fact::OsBuild, FactValue::Number(17763))]);
    assert!(playbook.compile(&scope(&vars, &[]), Some(&facts)).is_err());
}

#[test]
fn a_removal_needs_neither_facts_nor_the_data() {
    let text = "vars:\n  p: { type: host_port, required: true }\n  k: { type: string, required: true }\nsteps:\n  \
                - { name: a, when: facts.sensor.present, edr_proxy: { server: '{{ p }}' } }\n  \
                - { name: b, av_proxy: { pac_url: 'http://a/{{ p }}' } }\n  \
                - { name: c, registry: { key: 'HKLM\\SOFTWARE\\{{ k }}', value: V, type: sz, data: '{{ p }}' } }\n";
    let playbook = load(text);
    let removal = playbook.removal();
    assert_eq!(removal.digest(), playbook.digest());
    assert_eq!(removal.facts(), FactSet::default());
    assert!(
        removal
            .resolve_vars(&[], Examples::Refuse)
            .unwrap_err()
            .to_string()
            .contains("'k'")
    );
    let vars = vars(&removal, &[("k", json!("K"))]);
    let steps = removal.compile(&scope(&vars, &[]), None).unwrap();
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["c", "b", "a"]);
    assert_eq!(texts(&steps), ["absent", "absent", "absent", "absent"]);
    assert_eq!(steps[1].changes[0].target.value, "ProxyPacUrl");
}

#[test]
fn the_digest_is_that_of_the_text() {
    let playbook = load("steps: [ { edr_proxy: { server: 'a:1' } } ]\n");
    assert_eq!(playbook.digest().len(), 64);
    assert_ne!(
        playbook.digest(),
        load("steps: [ { edr_proxy: { server: 'a:2' } } ]\n").digest()
    );
}

#[test]
fn examples_are_judged_without_an_inventory() {
    let text = |example: &str, when: &str| {
        format!(
            "vars:\n  v: {{ type: string, required: true{example} }}\nsteps:\n  \
             - {{ when: \"{when}\", av_proxy: {{ server: '{{{{ v }}}}' }} }}\n"
        )
    };
    let judge = |example: &str, when: &str| load(&text(example, when)).judge_examples();
    let refused = judge(", example: 'a:1'", "true").unwrap_err();
    assert!(refused.0[0].message.contains("has no scheme"), "{refused}");
    assert_eq!(refused.0[0].line, 6);
    assert!(judge(", example: 'a:1'", "facts.sensor.present").is_err());
    assert!(judge(", example: 'a:1'", "v == ''").unwrap().is_empty());
    assert!(judge("", "true").unwrap().is_empty(), "no value: left open");
    assert!(
        judge(", example: 'a:1'", "host.ring == 'x'")
            .unwrap()
            .is_empty(),
        "left open"
    );
    let notes = judge(", example: 'https://a:1'", "true").unwrap();
    assert!(
        notes[0].message.contains("prefer http://") && notes[0].line == 6,
        "{notes:?}"
    );
}
