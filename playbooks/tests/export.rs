//! What `.reg` files and `registry.pol` hold, byte by byte, and what they refuse to hold.

use playbooks::{
    Examples, Export, ExportChoice, ExportForm, ExportRefusal, Playbook, WinHttpMarker, reg_file,
    registry_pol,
};

use crate::support::{load, scope};

const REG: ExportForm = ExportForm::Reg(WinHttpMarker::Article);

const STEPS: &str = r"steps:
  - name: EDR
    edr_proxy: { server: '10.0.0.6:8080' }
  - name: Pinning
    registry: { key: 'HKLM\SOFTWARE\Policies\Microsoft\Windows Defender\Spynet', value: SSLOptions, type: dword, data: 0, acknowledge: lowers_security }
  - name: Gone
    registry: { key: 'HKLM\SOFTWARE\Policies\Microsoft\Windows Defender', value: ProxyPacUrl, ensure: absent }
";

fn export(
    playbook: &Playbook,
    form: ExportForm,
    with: &[&str],
    without: &[&str],
) -> Result<Export, Vec<ExportRefusal>> {
    let owned =
        |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let (with, without) = (owned(with), owned(without));
    let defaults = playbook.resolve_vars(&[], Examples::Refuse).unwrap();
    let steps = playbook.preview_without_host(&defaults).unwrap();
    let choice = ExportChoice {
        with: &with,
        without: &without,
    };
    playbook.export(&steps, form, choice)
}

fn text(bytes: &[u8]) -> String {
    assert_eq!(bytes[..2], [0xff, 0xfe], "byte order mark");
    let units: Vec<u16> = bytes[2..]
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let text = String::from_utf16(&units).unwrap();
    assert_eq!(
        text.matches('\n').count(),
        text.matches("\r\n").count(),
        "CRLF alone"
    );
    text.replace("\r\n", "\n")
}

#[test]
fn a_reg_file_holds_steps_in_order_with_their_warnings() {
    let export = export(&load(STEPS), REG, &[], &[]).unwrap();
    let bytes = reg_file(&export, &["Proved by\nnobody".to_owned()]);
    assert_eq!(
        text(&bytes),
        r#"Windows Registry Editor Version 5.00

; Proved by nobody

; Step: EDR
[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\DataCollection]
"DisableEnterpriseAuthProxy"=dword:00000001
"TelemetryProxyServer"="10.0.0.6:8080"

; Step: Pinning
; LOWERS SECURITY: turns off certificate pinning and revocation checks of Defender Antivirus
[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows Defender\Spynet]
"SSLOptions"=dword:00000000

; Step: Gone
[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows Defender]
"ProxyPacUrl"=-
"#
    );
    assert_eq!(export.warnings.len(), 1, "{:?}", export.warnings);
    assert_eq!(
        bytes,
        reg_file(&export, &["Proved by\nnobody".to_owned()]),
        "the same again"
    );
}

#[test]
fn every_type_and_every_odd_name_is_written() {
    let steps = r#"steps:
  - name: D
    registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: '', type: sz, data: 'a\b"c' }
  - { name: E, registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: 'quo"te\', type: expand_sz, data: '%a%' } }
  - { name: M, registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: m, type: multi_sz, data: ['a', 'b'] } }
  - { name: Q, registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: q, type: qword, data: 1 } }
  - { name: B, registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: b, type: binary, data: '000102030405060708090a0b0c0d0e0f101112131415161718' } }
"#;
    let text = text(&reg_file(
        &export(&load(steps), REG, &[], &[]).unwrap(),
        &[],
    ));
    for line in [
        r#"@="a\\b\"c""#,
        r#""quo\"te\\"=hex(2):25,00,61,00,25,00,00,00"#,
        r#""m"=hex(7):61,00,00,00,62,00,00,00,00,00"#,
        r#""q"=hex(b):01,00,00,00,00,00,00,00"#,
        "\"b\"=hex:00,01,02,03,04,05,06,07,08,09,0a,0b,0c,0d,0e,0f,10,11,12,13,14,15,16,17,\\\n  18",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

/// The layout of [MS-GPREG] 2.2.1, by hand.
#[test]
fn a_registry_pol_holds_instructions() {
    let steps = r"steps:
  - { name: A, registry: { key: 'HKLM\SOFTWARE\Policies\E', value: v, type: dword, data: 2 } }
  - { name: B, registry: { key: 'HKLM\SOFTWARE\Policies\E', value: w, ensure: absent } }
";
    let bytes = registry_pol(&export(&load(steps), ExportForm::Gpo, &[], &[]).unwrap());
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let mut expected = b"PReg\x01\0\0\0".to_vec();
    expected.extend(utf16("[SOFTWARE\\Policies\\E\0;v\0;"));
    expected.extend([4, 0, 0, 0]);
    expected.extend(utf16(";"));
    expected.extend([4, 0, 0, 0]);
    expected.extend(utf16(";"));
    expected.extend([2, 0, 0, 0]);
    expected.extend(utf16("]"));
    expected.extend(utf16("[SOFTWARE\\Policies\\E\0;**del.w\0;"));
    expected.extend([1, 0, 0, 0]);
    expected.extend(utf16(";"));
    expected.extend([4, 0, 0, 0]);
    expected.extend(utf16("; \0]"));
    assert_eq!(bytes, expected);
}

/// What another reader of the format makes of it.
#[test]
fn another_reader_finds_the_same_values() {
    let exported = export(&load(STEPS), ExportForm::Gpo, &[], &[]).unwrap();
    let bytes = registry_pol(&exported);
    let read = preg::PolicyFile::parse(&bytes).unwrap();
    assert_eq!(read.to_bytes(), bytes, "nothing was passed over");
    let found: Vec<_> = read
        .entries
        .iter()
        .map(|entry| (entry.key.as_str(), entry.value.as_str(), entry.data.clone()))
        .collect();
    let key = |below: &str| format!(r"SOFTWARE\Policies\Microsoft\{below}");
    let (collection, spynet, av) = (
        key(r"Windows\DataCollection"),
        key(r"Windows Defender\Spynet"),
        key("Windows Defender"),
    );
    use preg::RegData::{Dword, Sz};
    assert_eq!(
        found,
        [
            (collection.as_str(), "DisableEnterpriseAuthProxy", Dword(1)),
            (
                collection.as_str(),
                "TelemetryProxyServer",
                Sz("10.0.0.6:8080".to_owned())
            ),
            (spynet.as_str(), "SSLOptions", Dword(0)),
            (av.as_str(), "**del.ProxyPacUrl", Sz(" ".to_owned())),
        ]
    );
    assert_eq!(
        read.entries[3].directive(),
        preg::Directive::DeleteValue("ProxyPacUrl")
    );
}

#[test]
fn winhttp_goes_into_a_reg_file_with_a_stated_marker_only() {
    let steps = "steps:\n  - name: W\n    winhttp_proxy: { server: '10.0.0.6:8080', bypass: ['<local>', '*.contoso.com'] }\n";
    let playbook = load(steps);
    let of = |marker| export(&playbook, ExportForm::Reg(marker), &[], &[]).unwrap();
    let article = of(WinHttpMarker::Article);
    assert!(
        article.warnings[0].contains("header marker 0x18"),
        "{:?}",
        article.warnings
    );
    let bytes = &article.values[0].data.as_ref().unwrap().bytes;
    assert_eq!(
        hex::encode(bytes),
        "1800000000000000030000000d00000031302e302e302e363a38303830150000003c6c6f63616c3e3b2a2e636f6e746f736f2e636f6d"
    );
    let newer = of(WinHttpMarker::Newer);
    assert!(
        newer.warnings[0].contains("0x28")
            && newer.values[0].data.as_ref().unwrap().bytes[0] == 0x28
    );
    let refused = export(&playbook, ExportForm::Gpo, &[], &[]).unwrap_err();
    assert!(
        refused[0].message.contains("no administrative template"),
        "{refused:?}"
    );
    let direct = load("steps:\n  - name: W\n    winhttp_proxy: { ensure: absent }\n");
    let direct = export(&direct, REG, &[], &[]).unwrap();
    assert_eq!(
        hex::encode(&direct.values[0].data.as_ref().unwrap().bytes),
        "1800000000000000010000000000000000000000"
    );
}

/// Everything that cannot be said is named at once, by step and line.
#[test]
fn what_the_forms_cannot_say_is_refused() {
    let playbook = load(
        r"steps:
  - name: By facts
    when: facts.sensor.prefers_static_proxy
    registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: a, type: dword, data: 1 }
  - name: For hosts
    registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: b, type: sz, data: '{{ host.name }}' }
  - name: Data of facts
    registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: c, type: dword, data: '{{ facts.os.build }}' }
  - name: Tattoo
    registry: { key: 'HKLM\SOFTWARE\Example', value: d, type: dword, data: 1 }
",
    );
    let names = |refused: Vec<ExportRefusal>| -> Vec<(String, u32)> {
        refused
            .into_iter()
            .map(|refusal| (refusal.step, refusal.line))
            .collect()
    };
    let all = ["By facts", "For hosts", "Data of facts", "Tattoo"];
    let refused = names(export(&playbook, ExportForm::Gpo, &[], &[]).unwrap_err());
    assert_eq!(
        refused
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        all
    );
    assert_eq!(refused[0].1, 4, "the line of the step");
    // A value elsewhere is no matter for a .reg file.
    let refused = names(export(&playbook, REG, &[], &[]).unwrap_err());
    assert_eq!(refused.len(), 3);
    // A decision has to be made step by step.
    let exported = export(
        &playbook,
        REG,
        &["By facts"],
        &["For hosts", "Data of facts"],
    )
    .unwrap();
    let steps: Vec<&str> = exported
        .values
        .iter()
        .map(|value| value.step.as_str())
        .collect();
    assert_eq!(steps, ["By facts", "Tattoo"]);
    assert_eq!(exported.left_out.len(), 2);
    assert!(
        text(&reg_file(&exported, &[]))
            .contains("Not in this file: step 'For hosts' (left out as asked for)")
    );
}

fn one(refused: Vec<ExportRefusal>) -> ExportRefusal {
    match <[ExportRefusal; 1]>::try_from(refused) {
        Ok([refusal]) => refusal,
        Err(refused) => panic!("{refused:?}"),
    }
}

const BY_HOST: &str = r"vars:
  offline: { type: bool, default: false }
steps:
  - name: Everywhere
    registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: a, type: dword, data: 1 }
  - name: In Paris
    when: WHEN
    registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: b, type: dword, data: 1 }
";

/// Without an inventory there is no host, and none is made up: what its ring and groups decide is asked of a person.
#[test]
fn no_host_is_made_up_to_judge_a_condition() {
    for when in [
        "'paris' in host.groups",
        "host.groups[0] == 'paris'",
        "host.ring is none",
        "host.name == ''",
        "not host.short",
        "host is defined",
        "offline or host.ring == 'canary'",
        "facts.os.build > 17763 and host.ring == 'canary'",
    ] {
        let playbook = load(&BY_HOST.replace("WHEN", &format!("\"{when}\"")));
        let refusal = one(export(&playbook, REG, &[], &[]).unwrap_err());
        assert_eq!((refusal.step.as_str(), refusal.line), ("In Paris", 8));
        assert!(
            refusal.message.contains("asks for the host") && refusal.message.contains(when),
            "{refusal:?}"
        );
        for way in [
            "-i INVENTORY -l",
            "--with-step 'In Paris'",
            "--without-step 'In Paris'",
        ] {
            assert!(refusal.hint.contains(way), "{refusal:?}");
        }
        let chosen = export(&playbook, REG, &["In Paris"], &[]).unwrap();
        assert_eq!(chosen.values.len(), 2);
        assert!(
            chosen.warnings[0].contains("step 'In Paris'") && chosen.warnings[0].contains(when),
            "{:?}",
            chosen.warnings
        );
        let left = export(&playbook, REG, &[], &["In Paris"]).unwrap();
        assert_eq!((left.values.len(), left.warnings.len()), (1, 0));
    }
    // What needs no host to be false is false for all of them.
    let playbook = load(&BY_HOST.replace("WHEN", "offline and host.ring == 'canary'"));
    let exported = export(&playbook, REG, &[], &[]).unwrap();
    assert!(exported.left_out[0].1.starts_with("condition is false"));
}

/// With hosts, their own ring and groups decide.
#[test]
fn hosts_of_an_inventory_decide() {
    let playbook = load(&BY_HOST.replace("WHEN", "\"'paris' in host.groups\""));
    let defaults = playbook.resolve_vars(&[], Examples::Refuse).unwrap();
    for (groups, values) in [(vec!["paris".to_owned()], 2), (Vec::new(), 1)] {
        let steps = playbook.preview(&scope(&defaults, &groups)).unwrap();
        let exported = playbook
            .export(&steps, REG, ExportChoice::default())
            .unwrap();
        assert_eq!(
            (exported.values.len(), exported.warnings.len()),
            (values, 0)
        );
    }
}

/// Conditions that exclude each other on a host do not in a file.
#[test]
fn two_steps_that_disagree_about_a_value_are_refused() {
    let playbook = load(
        r"steps:
  - name: New
    when: facts.os.build >= 17763
    registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: V, type: dword, data: 1 }
  - name: Old
    when: facts.os.build < 17763
    registry: { key: 'HKLM\software\policies\EXAMPLE', value: v, type: dword, data: 2 }
  - name: Gone
    when: facts.os.build < 1000
    registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: V, ensure: absent }
  - name: Same
    registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: V, type: dword, data: 1 }
",
    );
    for form in [REG, ExportForm::Gpo] {
        let refusal = one(export(&playbook, form, &["New", "Old"], &["Gone"]).unwrap_err());
        assert_eq!(refusal.step, "Old");
        assert!(
            refusal.message.contains("by step 'New' (line 4)")
                && refusal.message.contains(r"EXAMPLE: v")
                && refusal.hint.contains("'New'")
                && refusal.hint.contains("'Old'"),
            "{refusal:?}"
        );
        let refusal = one(export(&playbook, form, &["New", "Gone"], &["Old"]).unwrap_err());
        assert_eq!(refusal.step, "Gone");
        let exported = export(&playbook, form, &["New"], &["Old", "Gone"]).unwrap();
        assert_eq!(exported.values.len(), 2, "agreement is none's matter");
    }
}

/// `**delvals.` as a value's name would delete all values of the key on each machine.
#[test]
fn names_that_a_registry_pol_takes_for_instructions_are_refused_there() {
    for (name, rest) in [
        ("**delvals.", "type: sz, data: ' '"),
        ("**Del.ProxyMode", "type: sz, data: ' '"),
        ("**soft.x", "ensure: absent"),
        ("**", "type: dword, data: 1"),
    ] {
        let playbook = load(&format!(
            "steps:\n  - name: S\n    registry: {{ key: 'HKLM\\SOFTWARE\\Policies\\E', value: '{name}', {rest} }}\n"
        ));
        let refusal = one(export(&playbook, ExportForm::Gpo, &[], &[]).unwrap_err());
        assert!(
            refusal.step == "S" && refusal.message.contains("begins with '**'"),
            "{refusal:?}"
        );
        export(&playbook, REG, &[], &[]).unwrap();
    }
    let plain = "steps:\n  - registry: { key: 'HKLM\\SOFTWARE\\Policies\\E', value: '*.x', type: dword, data: 1 }\n";
    export(&load(plain), ExportForm::Gpo, &[], &[]).unwrap();
}

/// The version gate of `edr_prefer_static_proxy` is not in the file's words unless it is named.
#[test]
fn the_gate_of_a_kind_is_named_beside_its_condition() {
    let with = |when: &str| {
        load(&format!(
            "vars:\n  offline: {{ type: bool, default: true }}\nsteps:\n  - name: P\n    {when}edr_prefer_static_proxy: {{ value: 1 }}\n"
        ))
    };
    for (when, told) in [
        ("", "facts.sensor.prefers_static_proxy"),
        ("when: offline\n    ", "facts.sensor.prefers_static_proxy"),
        (
            "when: facts.os.build > 1\n    ",
            "(facts.os.build > 1) and facts.sensor.prefers_static_proxy",
        ),
    ] {
        let playbook = with(when);
        let refusal = one(export(&playbook, REG, &[], &[]).unwrap_err());
        assert_eq!(
            refusal.message,
            format!("its condition asks for facts of a host: {told}")
        );
        let warned = export(&playbook, REG, &["P"], &[]).unwrap().warnings;
        let of_gate = |warning: &String| warning.contains("step 'P'") && warning.contains(told);
        assert!(warned.iter().any(of_gate), "{warned:?}");
    }
}

/// By the description of the format such records only make the key: the file would be refused by nobody and set nothing.
#[test]
fn what_group_policy_takes_for_a_key_alone_is_refused_there() {
    for (rest, says) in [
        ("value: '', type: sz, data: x", "default value"),
        ("value: '', ensure: absent", "default value"),
        ("value: V, type: binary, data: ''", "size 0"),
    ] {
        let playbook = load(&format!(
            "steps:\n  - name: S\n    registry: {{ key: 'HKLM\\SOFTWARE\\Policies\\E', {rest} }}\n"
        ));
        let refusal = one(export(&playbook, ExportForm::Gpo, &[], &[]).unwrap_err());
        assert!(
            refusal.message.contains(says) && refusal.hint.contains("--to reg"),
            "{rest}: {refusal:?}"
        );
        export(&playbook, REG, &[], &[]).unwrap();
    }
}
