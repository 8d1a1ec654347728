//! What `.reg` files and `registry.pol` hold, byte by byte, and what they refuse to hold.

use playbooks::{
    Export, ExportChoice, ExportForm, ExportRefusal, Playbook, Vars, WinHttpMarker, reg_file,
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
    let vars = Vars::default();
    let steps = playbook.preview(&scope(&vars, &[])).unwrap();
    let choice = ExportChoice {
        with: &with,
        without: &without,
        for_hosts: false,
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
