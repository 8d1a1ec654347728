//! Bad input: each mistake is refused at its line and column, with what was expected and the nearest match.

use crate::support::{document, load, playbook, problems};
use playbooks::Playbook;

/// One step (in flow style, in line 4) and the complaint about it.
fn refused(step: &str, message: &str, hint: &str) {
    let problems = problems(&format!("steps:\n  - {step}\n"));
    assert_eq!(problems.len(), 1, "{step}: {problems:#?}");
    let problem = &problems[0];
    assert!(
        problem.message.contains(message),
        "{step}: {}",
        problem.message
    );
    assert_eq!(
        (problem.file.as_str(), problem.line),
        ("p.yaml", 4),
        "{step}"
    );
    assert!(problem.column >= 5, "{step}: column {}", problem.column);
    let said = format!("{:?} {:?}", problem.expected, problem.hint);
    assert!(said.contains(hint), "{step}: {said}");
}

fn accepted(step: &str) -> Playbook {
    load(&format!("steps:\n  - {step}\n"))
}

#[test]
fn edr_proxies() {
    for server in [
        "10.0.0.6:8080",
        "proxy.corp_a-b.example:1",
        "p:65535",
        "[2001:db8::6]:8080",
    ] {
        accepted(&format!("edr_proxy: {{ server: '{server}' }}"));
    }
    let cases = [
        (
            "http://10.0.0.6:8080",
            "has the scheme 'http://'",
            "belongs to av_proxy: write '10.0.0.6:8080'",
        ),
        (
            "https://10.0.0.6:8080/",
            "has the scheme 'https://'",
            "write '10.0.0.6:8080'",
        ),
        ("10.0.0.6", "has no port", "host:port"),
        ("10.0.0.6:0", "port 0 does not exist", "1 to 65535"),
        ("10.0.0.6:70000", "port 70000 does not exist", "1 to 65535"),
        (
            "10.0.0.6:080808",
            "port 080808 does not exist",
            "1 to 65535",
        ),
        ("10.0.0.6:", "'' is not a port", "1 to 65535"),
        ("10.0.0.6:80a", "'80a' is not a port", "1 to 65535"),
        (
            ":8080",
            "the host in front of the port is missing",
            "host:port",
        ),
        (" 10.0.0.6:8080", "blank at character 1", "remove the blank"),
        (
            "10.0.0.6: 8080",
            "blank at character 10",
            "remove the blank",
        ),
        ("10.0.0.6:8080/", "has a slash", "trailing slash"),
        (
            "u:secret@10.0.0.6:8080",
            "carries credentials",
            "LocalSystem",
        ),
        ("a:1,b:2", "is a list", "winhttp_proxy"),
        ("a:1;b:2", "is a list", "winhttp_proxy"),
        ("http=a:1", "names a protocol", "winhttp_proxy"),
        ("2001:db8::6:8080", "more than one ':'", "brackets"),
        ("[2001:zz]:8080", "is not an IPv6 address", "host:port"),
        ("pröxy:8080", "non-ASCII character 'ö'", "host:port"),
        ("pro!xy:8080", "'!' cannot stand in a host name", "letters"),
        ("", "the address is empty", "host:port"),
    ];
    for (server, message, hint) in cases {
        refused(
            &format!("edr_proxy: {{ server: '{server}' }}"),
            message,
            hint,
        );
    }
    refused(
        "edr_proxy: { }",
        "the key 'server' is missing in edr_proxy",
        "ensure: absent",
    );
    refused("edr_proxy: { server: 8080 }", "this is not text", "quotes");
    refused(
        "edr_proxy: { server: ['a:1'] }",
        "a list stands here",
        "one text",
    );
    refused(
        "edr_proxy: 'a:1'",
        "text stands here",
        "a mapping (edr_proxy)",
    );
}

#[test]
fn av_proxies() {
    for fields in [
        "server: 'http://10.0.0.6:8080'",
        "server: 'https://p:1/'",
        "pac_url: 'http://p/proxy.pac'",
        "pac_url: 'https://p:81/a/b?c=d'",
        "pac_url: 'https://p:81/a/b?for=ann@corp.example'",
        "server: 'http://p:1', bypass: '10.1.2.3'",
        "server: 'http://p:1', bypass: 'https://intranet.corp/x'",
        "server: 'http://p:1', bypass: 'fe80::1'",
    ] {
        accepted(&format!("av_proxy: {{ {fields} }}"));
    }
    let cases = [
        (
            "server: '10.0.0.6:8080'",
            "has no scheme",
            "belongs to edr_proxy: write 'http://10.0.0.6:8080'",
        ),
        (
            "server: 'socks://p:1'",
            "the scheme 'socks' is not taken",
            "http",
        ),
        (
            "server: 'HTTP://p:1'",
            "the scheme 'HTTP' is not taken",
            "lower case",
        ),
        (
            "server: 'http://p:1/x'",
            "the path '/x' has no place",
            "pac_url",
        ),
        ("server: 'http://p'", "has no port", "http://host:port"),
        ("server: 'http://p:0'", "port 0 does not exist", "65535"),
        (
            "server: 'http://p:70000'",
            "port 70000 does not exist",
            "65535",
        ),
        (
            "server: 'http://u:p@p:1'",
            "carries credentials",
            "LocalSystem",
        ),
        (
            "server: 'http://p:1;http://q:1'",
            "is a list",
            "winhttp_proxy",
        ),
        ("server: 'http://[::1]:80'", "an IPv6 literal", "IPv4"),
        (
            "pac_url: 'file:///c:/proxy.pac'",
            "'file:' is not taken",
            "web server",
        ),
        (
            "pac_url: '\\\\server\\share\\proxy.pac'",
            "a UNC path is not taken",
            "web server",
        ),
        (
            "pac_url: 'proxy.corp/proxy.pac'",
            "has no scheme",
            "https://",
        ),
        ("pac_url: 'http://p/a b'", "has a blank", "URL"),
        ("pac_url: 'http:///x'", "the host", "URL"),
        (
            "server: 'http://p:1', bypass: 'http://a;http://b'",
            "is a list",
            "one entry only",
        ),
        (
            "server: 'http://p:1', bypass: '<local>'",
            "is a pattern",
            "winhttp_proxy",
        ),
        (
            "server: 'http://p:1', bypass: '*.corp'",
            "is a pattern",
            "winhttp_proxy",
        ),
        (
            "server: 'http://p:1', bypass: 'intranet.corp'",
            "neither a URL nor an IP address",
            "write 'http://intranet.corp'",
        ),
        (
            "server: 'http://p:1', bypass: '10.0.0.0/8'",
            "is a range of addresses",
            "one address only, such as '10.0.0.0'",
        ),
        (
            "pac_url: 'http://u:p?w@p/proxy.pac'",
            "carries credentials",
            "LocalSystem",
        ),
        (
            "pac_url: 'http://u:p@p/proxy.pac?a=b'",
            "carries credentials",
            "LocalSystem",
        ),
        (
            "server: 'http://p:1', bypass: ['http://a']",
            "a list stands here",
            "one text",
        ),
        (
            "servr: 'http://p:1'",
            "unknown key 'servr' in av_proxy",
            "did you mean 'server'?",
        ),
    ];
    for (fields, message, hint) in cases {
        let step = format!("av_proxy: {{ {fields} }}");
        if fields.starts_with("servr") {
            let problems = problems(&format!("steps:\n  - {step}\n"));
            assert!(
                problems[0].message.contains("sets nothing")
                    && problems[1].message.contains(message),
                "{problems:?}"
            );
            assert_eq!(problems[1].hint.as_deref(), Some(hint));
        } else {
            refused(&step, message, hint);
        }
    }
}

#[test]
fn winhttp_proxies() {
    for fields in [
        "server: 'p:1'",
        "server: 'http=p:1;https=q:2'",
        "server: 'p:1', bypass: ['<local>', '*.corp.example', '10.*']",
        "server: 'p:1', bypass: '<local>;*.corp.example'",
        "server: 'p:1', bypass: []",
        "server: 'p:1', bypass: 'host:8080;http://x'",
        "server: 'p:1', bypass: '[fe80::1]:80'",
    ] {
        assert!(
            accepted(&format!("winhttp_proxy: {{ {fields} }}"))
                .warnings()
                .is_empty(),
            "{fields}"
        );
    }
    let warned = accepted("winhttp_proxy: { server: 'http://p:1' }");
    assert!(
        warned.warnings()[0].message.contains("unusual"),
        "{:?}",
        warned.warnings()
    );
    let cases = [
        ("server: 'p'", "has no port", "host:port"),
        ("server: 'p:70000'", "port 70000 does not exist", "65535"),
        ("server: 'pröxy:1'", "non-ASCII", "host:port"),
        ("server: 'p:1,q:2'", "has a comma", "';'"),
        ("server: 'p:1;q:2'", "names no scheme", "http="),
        ("server: 'ftp=p:1'", "'ftp' is not a scheme", "https="),
        ("server: 'http=p:1;http=q:1'", "in the list twice", "http="),
        (
            "server: 'socks://p:1'",
            "the scheme 'socks' is not taken",
            "host:port",
        ),
        ("server: 'p:1/'", "has a slash", "path"),
        ("server: 'http://p:1/x'", "has a path", "write 'p:1'"),
        (
            "server: 'p:1', bypass: '<local>,*.corp'",
            "has a comma",
            "';'",
        ),
        (
            "server: 'p:1', bypass: ['<-loopback>']",
            "WinINet",
            "leave it out",
        ),
        ("server: 'p:1', bypass: ['a b']", "has a blank", "<local>"),
        ("server: 'p:1', bypass: ['']", "is empty", "<local>"),
        ("server: 'p:1', bypass: 'a;;b'", "is empty", "<local>"),
        (
            "server: 'p:1', bypass: ['<locl>']",
            "is not a bypass entry",
            "<local>",
        ),
        (
            "server: 'p:1', bypass: ['a\"&calc']",
            "is not a bypass entry",
            "<local>",
        ),
        (
            "server: 'p:1', bypass: ['[::1]&calc']",
            "goes on behind",
            "<local>",
        ),
        (
            "server: 'p:1', bypass: ['%PATH%']",
            "is not a bypass entry",
            "<local>",
        ),
        (
            "server: 'p:1', bypass: ['exämple']",
            "is not a bypass entry",
            "<local>",
        ),
        (
            "server: 'p:1', bypass: [1]",
            "neither a list of texts",
            "<local>",
        ),
        (
            "server: 'p:1', bypass: true",
            "neither a list of texts",
            "<local>",
        ),
    ];
    for (fields, message, hint) in cases {
        refused(&format!("winhttp_proxy: {{ {fields} }}"), message, hint);
    }
}

const KEY: &str = r"key: 'HKLM\SOFTWARE\Test', value: V";

#[test]
fn registry_data() {
    for rest in [
        "type: sz, data: text",
        "type: sz, data: ''",
        "type: expand_sz, data: '%windir%'",
        "type: multi_sz, data: [a, b]",
        "type: multi_sz, data: []",
        "type: dword, data: 4294967295",
        "type: dword, data: '0xFFFFFFFF'",
        "type: dword, data: 0x10",
        "type: qword, data: 18446744073709551615",
        "type: binary, data: '0a 00,FF'",
        "type: binary, data: ''",
        "ensure: absent",
    ] {
        accepted(&format!("registry: {{ {KEY}, {rest} }}"));
    }
    let cases = [
        ("type: sz", "the key 'data' is missing", "ensure: absent"),
        (
            "data: 1",
            "the key 'type' is missing",
            "one of sz, expand_sz, multi_sz, dword, qword, binary",
        ),
        (
            "type: REG_DWORD, data: 1",
            "'REG_DWORD' is not taken here",
            "did you mean 'dword'?",
        ),
        (
            "type: sz, data: 8080",
            "the data is a whole number",
            "quotes",
        ),
        (
            "type: sz, data: true",
            "the data is true or false",
            "quotes",
        ),
        (
            "type: sz, data: \"a\\0b\"",
            "control character U+0000",
            "multi_sz",
        ),
        (
            "type: multi_sz, data: a",
            "the data is one text",
            "a list of texts",
        ),
        (
            "type: multi_sz, data: [a, '']",
            "text 2 of the list is empty",
            "REG_MULTI_SZ",
        ),
        (
            "type: multi_sz, data: [a, 1]",
            "the data is a whole number",
            "quotes",
        ),
        (
            "type: dword, data: 4294967296",
            "4294967296 is out of range",
            "from 0 to 4294967295",
        ),
        ("type: dword, data: -1", "-1 is out of range", "from 0"),
        ("type: dword, data: '.1'", "'.1' is not a number", "decimal"),
        (
            "type: dword, data: true",
            "the data is true or false",
            "write 1",
        ),
        (
            "type: dword, data: 1.5",
            "a number with a fraction",
            "whole number",
        ),
        (
            "type: qword, data: '18446744073709551616'",
            "is out of range",
            "from 0",
        ),
        (
            "type: binary, data: 1234",
            "the data is a whole number",
            "without quotes",
        ),
        (
            "type: binary, data: '0a0'",
            "3 hexadecimal digits are not whole bytes",
            "hexadecimal",
        ),
        (
            "type: binary, data: '0x0a'",
            "'x' is not a hexadecimal digit",
            "0a00ff",
        ),
        (
            "ensure: gone",
            "'gone' is not taken here",
            "one of present, absent",
        ),
        (
            "type: sz, data: a, acknowledge: yes",
            "'yes' is not taken here",
            "lowers_security",
        ),
        (
            "type: sz, date: a, data: a",
            "unknown key 'date' in registry",
            "did you mean 'data'?",
        ),
    ];
    for (rest, message, hint) in cases {
        refused(&format!("registry: {{ {KEY}, {rest} }}"), message, hint);
    }
}

#[test]
fn registry_keys_stay_in_local_machine() {
    let cases = [
        (r"HKCU\Software\Test", "must start with HKLM", "LocalSystem"),
        (
            r"HKEY_USERS\S-1-5-18\X",
            "must start with HKLM",
            "LocalSystem",
        ),
        (
            r"SOFTWARE\Test",
            "must start with HKLM",
            r"write 'HKLM\SOFTWARE\Test'",
        ),
        (
            "HKLM/SOFTWARE/Test",
            "must start with HKLM",
            r"HKLM\SOFTWARE\Test",
        ),
        (
            r"HKLM\SOFTWARE\\Test",
            "empty component",
            "single backslashes",
        ),
        (r"HKLM\", "empty component", "single backslashes"),
        // One place under two names: every rule would go by the other one.
        (
            r"HKLM\SOFTWARE\Wow6432Node\Policies\Microsoft\Windows Defender\Spynet",
            "shared by the views",
            r"write 'HKLM\SOFTWARE\Policies\Microsoft\Windows Defender\Spynet'",
        ),
        (
            r"HKLM\software\WOW6432NODE\policies",
            "shared by the views",
            r"write 'HKLM\SOFTWARE\Policies'",
        ),
    ];
    for (key, message, hint) in cases {
        refused(
            &format!("registry: {{ key: '{key}', value: V, type: dword, data: 1 }}"),
            message,
            &hint.replace('\\', r"\\"),
        );
    }
}

/// Fact 9: the key of the EDR policy also holds the onboarding blob.
#[test]
fn a_key_is_never_deleted() {
    const ATP: &str = r"key: 'HKLM\SOFTWARE\Policies\Microsoft\Windows Advanced Threat Protection'";
    refused(
        &format!("registry: {{ {ATP}, ensure: absent }}"),
        "keys are never deleted",
        "onboarding blob",
    );
    refused(
        &format!("registry: {{ {ATP}, ensure: absent, recursive: true }}"),
        "'recursive' asks to delete the key",
        "onboarding",
    );
    refused(
        &format!("registry: {{ {ATP}, value: X, ensure: absent, recurse: true }}"),
        "'recurse' asks to delete",
        "onboarding",
    );
    refused(
        &format!("registry: {{ {ATP}, value: '*', ensure: absent }}"),
        "'*' names no value: values are written and removed one by one",
        "onboarding",
    );
    refused(
        r"registry: { key: 'HKLM\SOFTWARE\Policies\Microsoft\Windows Defender', ensure: absent }",
        "never deleted",
        "Antivirus",
    );
    refused(
        r"registry: { key: 'HKLM\SOFTWARE\Policies\Microsoft\Windows\DataCollection', ensure: absent }",
        "never deleted",
        "AllowTelemetry",
    );
    refused(
        r"registry: { key: 'HKLM\SOFTWARE\A', type: sz, data: a }",
        "the key 'value' is missing",
        "default value",
    );
}

#[test]
fn known_values_are_judged_whoever_writes_them() {
    const P: &str = r"HKLM\SOFTWARE\Policies\Microsoft\";
    let step = |key: &str, value: &str, rest: &str| {
        format!("registry: {{ key: '{P}{key}', value: {value}, {rest} }}")
    };
    let cases = [
        (
            r"Windows\DataCollection",
            "TelemetryProxyServer",
            "type: sz, data: 'http://p:1'",
            "has the scheme",
        ),
        (
            r"Windows\DataCollection",
            "telemetryproxyserver",
            "type: expand_sz, data: 'p:1'",
            "REG_SZ only",
        ),
        (
            r"Windows\DataCollection",
            "DisableEnterpriseAuthProxy",
            "type: dword, data: 2",
            "cannot be 2",
        ),
        (
            "Windows Defender",
            "ProxyServer",
            "type: sz, data: 'p:1'",
            "has no scheme",
        ),
        (
            "Windows Defender",
            "ProxyPacUrl",
            "type: sz, data: 'file:x'",
            "'file:' is not taken",
        ),
        (
            "Windows Defender",
            "ProxyBypass",
            "type: sz, data: 'a;b'",
            "is a list",
        ),
        (
            "Windows Advanced Threat Protection",
            "PreferStaticProxyForHttpRequest",
            "type: sz, data: '1'",
            "REG_DWORD only",
        ),
        (
            r"Windows Defender\Spynet",
            "SSLOptions",
            "type: dword, data: 4, acknowledge: lowers_security",
            "cannot be 4",
        ),
        (
            r"Windows Defender\Spynet",
            "SSLOptions",
            "type: dword, data: 2",
            "turns off revocation checks",
        ),
        (
            r"windows defender\SPYNET",
            "ssloptions",
            "type: dword, data: 0",
            "certificate pinning and revocation checks",
        ),
    ];
    for (key, value, rest, message) in cases {
        refused(&step(key, value, rest), message, "");
    }
    accepted(&step(
        r"Windows Defender\Spynet",
        "SSLOptions",
        "type: dword, data: 3",
    ));
    let lowered = accepted(&step(
        r"Windows Defender\Spynet",
        "SSLOptions",
        "type: dword, data: 2, acknowledge: lowers_security",
    ));
    assert!(
        lowered.warnings()[0]
            .message
            .contains("turns off revocation checks")
    );
    let idle = accepted(&format!(
        "registry: {{ {KEY}, type: dword, data: 2, acknowledge: lowers_security }}"
    ));
    assert!(
        idle.warnings()[0]
            .message
            .contains("nothing to acknowledge")
    );
    let blob = r"registry: { key: 'HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections', value: WinHttpSettings, type: binary, data: '0102' }";
    refused(blob, "no WinHttpSettings", "winhttp_proxy");
    let twin = blob.replace(r"SOFTWARE\", r"SOFTWARE\WOW6432Node\");
    refused(&twin, "no WinHttpSettings", "SysWOW64");
}

#[test]
fn steps_and_keys() {
    let edr = "edr_proxy: { server: 'a:1' }";
    refused(
        &format!("{{ {edr}, whn: true }}"),
        "unknown key 'whn' in a step",
        "did you mean 'when'?",
    );
    refused(
        "{ name: x }",
        "the step does not say what it does",
        "one of registry, edr_proxy, edr_prefer_static_proxy, av_proxy, av_ssl_options, winhttp_proxy",
    );
    refused(
        &format!("{{ {edr}, av_proxy: {{ server: 'http://a:1' }} }}"),
        "a second kind of step",
        "one thing",
    );
    refused(
        "{ edr_prxy: { server: 'a:1' } }",
        "unknown key 'edr_prxy'",
        "did you mean 'edr_proxy'?",
    );
    refused(&format!("{{ {edr}, name: '' }}"), "the name is empty", "");
    refused(
        &format!("{{ {edr}, confirm: 10m }}"),
        "'confirm' is not built yet",
        "refused rather than ignored",
    );
    refused("just text", "text stands here", "a mapping (a step)");
    let top = |rest: &str| problems(&format!("steps: [ {{ {edr} }} ]\n{rest}\n"))[0].clone();
    for key in ["confirm", "notify"] {
        let problem = top(&format!("{key}: []"));
        assert!(
            problem
                .message
                .contains(&format!("'{key}' is not built yet")),
            "{problem}"
        );
        assert_eq!(
            (problem.line, problem.column, problem.found.as_str()),
            (4, 1, key)
        );
    }
    assert_eq!(
        top("rolout: {}").hint.as_deref(),
        Some("did you mean 'rollout'?")
    );
    assert!(
        problems("steps: []\n")[0]
            .message
            .contains("there is no step")
    );
    assert!(
        problems("vars: {}\n")[0]
            .message
            .contains("the key 'steps' is missing")
    );
}

/// What is built is not said to be missing: the place that the hint names takes it.
#[test]
fn keys_in_the_wrong_place_are_shown_the_right_one() {
    let step = "edr_proxy: { server: 'a:1' }";
    let top = |rest: &str| format!("steps: [ {{ {step} }} ]\n{rest}\n");
    let run = |rest: &str| top(&format!("rollout: {{ {rest} }}"));
    let ring = |rest: &str| run(&format!("rings: [ {{ name: a, select: all, {rest} }} ]"));
    let window = "{ days: [sat], from: '22:00', to: '04:00', tz: UTC }";
    let probe = |rest: &str| top(&format!("probes: [ {{ services: {{}}{rest} }} ]"));
    let connect = |rest: &str| {
        top(&format!(
            "probes: [ {{ proxy_connect: {{ via: 'a:1', to: defender_required }}{rest} }} ]"
        ))
    };
    #[rustfmt::skip]
    let keys = [
        ("host_marker", "in the rollout block", run("host_marker: true")),
        ("approve", "a ring of the rollout block", ring("approve: true")),
        ("soak", "a ring of the rollout block", ring("soak: 1h")),
        ("windows", "the rollout block or one of its rings", run(&format!("windows: {window}"))),
        ("max_parallel", "a ring of the rollout block", ring("max_parallel: 3")),
        ("select", "a ring of the rollout block", ring("soak: 1h")),
        ("rings", "in the rollout block", ring("soak: 1h")),
        ("prove_undo", "the rollout block or one of its rings", ring("prove_undo: true")),
        ("retries", "in the rollout block", run("retries: {}")),
        ("deadline", "in the rollout block", run("deadline: 3h")),
        ("on_breach", "the rollout block or one of its rings", ring("on_breach: pause")),
        ("max_failed", "the rollout block or one of its rings", run("max_failed: 3")),
        ("max_unreachable", "the rollout block or one of its rings", run("max_unreachable: 3")),
        ("allow", "the preflight block or in a step", top("preflight: { allow: [] }")),
        ("as", "stands in a probe", connect(", as: system")),
        ("probe", "'probes', beside 'steps'", probe("")),
        ("verify", "'probes', beside 'steps'", probe("")),
        ("window", "write 'windows', in the rollout block", ring(&format!("windows: {window}"))),
        ("maintenance", "write 'windows', in the rollout block", ring(&format!("windows: {window}"))),
        ("approval", "write 'approve: true', in a ring", ring("approve: true")),
        ("gate", "'soak', 'approve' and 'windows'", ring("soak: 1h, approve: true")),
        ("gates", "'soak', 'approve' and 'windows'", ring(&format!("windows: {window}"))),
        ("catch_up", "winfleet catch-up RUN", top("")),
        ("on_conflict", "winfleet rollback RUN --on-conflict", top("")),
        ("gpo", "winfleet export --to gpo", top("")),
    ];
    for (key, place, right) in keys {
        let problem = problems(&top(&format!("{key}: []")))[0].clone();
        assert_eq!(
            problem.message,
            format!("unknown key '{key}' in a playbook"),
            "{problem}"
        );
        let hint = problem.hint.as_deref().unwrap_or_default();
        assert!(hint.contains(place), "{problem}");
        load(&right);
    }
    for (wrong, hint) in [
        (
            format!("steps: [ {{ {step}, as: system }} ]\n"),
            "'as' stands in a probe",
        ),
        (ring(&format!("window: {window}")), "write 'windows'"),
        (run("approval: true"), "write 'approve: true'"),
    ] {
        let problem = &problems(&wrong)[0];
        assert!(
            problem.hint.as_deref().unwrap_or_default().contains(hint),
            "{problem}"
        );
    }
}

#[test]
fn conditions_and_templates() {
    let edr = "edr_proxy: { server: 'a:1' }";
    let when = |condition: &str, message: &str, hint: &str| {
        refused(&format!("{{ {edr}, when: {condition} }}"), message, hint)
    };
    when(
        "offlin",
        "the variable 'offlin' is not declared",
        "declare it",
    );
    when(
        "facts.sensor.versoin",
        "'facts.sensor.versoin' does not exist",
        "did you mean 'facts.sensor.version'?",
    );
    when(
        "host.nam == 'x'",
        "'host.nam' does not exist",
        "did you mean 'host.name'?",
    );
    when(
        "fact.os.build > 1",
        "the variable 'fact' is not declared",
        "did you mean 'facts'?",
    );
    when(
        "'{{ facts.sensor.present }}'",
        "an expression already",
        "write: facts.sensor.present",
    );
    when("'a and'", "", "expression");
    when("[a, b]", "a list stands here", "a and b");
    when("3", "a whole number stands here", "an expression");
    refused(
        "edr_proxy: { server: '{{ proxi }}' }",
        "the variable 'proxi' is not declared",
        "declare it",
    );
    refused("edr_proxy: { server: '{{ proxy' }", "", "template");
    refused(
        "edr_proxy: { server: '{% include \"x\" %}' }",
        "unknown statement include",
        "template",
    );
    refused(
        "edr_proxy: { server: '{{ vars.x }}' }",
        "the variable 'x' is not declared",
        "",
    );
}

#[test]
fn every_mistake_is_reported_in_the_order_of_the_file() {
    let text = "version: 2\nname: ''\nvars:\n  proxy: { type: hostport }\nsteps:\n  - edr_proxy: { server: 'http://a:1' }\n  \
                - edr_proxy: { server: 'a:70000' }\nrollout:\n  rings:\n    - { name: a, select: all, max_parallel: 0 }\n";
    let problems = Playbook::load(&document(text)).unwrap_err();
    insta::assert_snapshot!("every_mistake", problems.to_string());
}

#[test]
fn syntax_errors_and_doubled_keys_have_a_place() {
    for (text, line) in [
        ("version: 1\nversion: 1\n", 2),
        ("version: 1\nname: [a\n", 2),
        (
            "version: 1\nsteps:\n  - edr_proxy: {}\n    edr_proxy: {}\n",
            4,
        ),
        ("- a\n", 1),
    ] {
        let problems = Playbook::load(&document(text)).unwrap_err().0;
        assert!(problems[0].line >= line, "{text}: {problems:?}");
    }
    assert!(Playbook::load(&document("")).is_err());
}

#[test]
fn combinations_that_deserve_a_second_look_are_warned_of() {
    let prefer = r"{ registry: { key: 'HKLM\SOFTWARE\Policies\Microsoft\Windows Advanced Threat Protection', value: PreferStaticProxyForHttpRequest, type: dword, data: 1 } }";
    let telemetry = r"{ registry: { key: 'HKLM\SOFTWARE\Policies\Microsoft\Windows\DataCollection', value: TelemetryProxyServer, type: sz, data: 'p:1' } }";
    let cases = [
        (format!("[ {prefer} ]"), vec!["an EDR proxy that this playbook does not set", "older sensors ignore"]),
        (format!("[ {{ edr_proxy: {{ server: 'p:1' }} }}, {prefer} ]"), vec!["older sensors ignore"]),
        // What is 0 prefers nothing.
        ("[ { edr_prefer_static_proxy: { value: 0 } } ]".into(), vec![]),
        (format!("[ {} ]", prefer.replace("data: 1", "data: 0")), vec![]),
        ("[ { edr_prefer_static_proxy: { value: 1 } } ]".into(), vec!["an EDR proxy that this playbook does not set"]),
        (format!("[ {telemetry} ]"), vec!["wants DisableEnterpriseAuthProxy"]),
        ("[ { av_proxy: { pac_url: 'http://p/x' } } ]".into(), vec!["wins over the PAC"]),
        ("[ { av_proxy: { pac_url: 'http://p/x', server: 'http://p:1' } } ]".into(), vec!["takes ProxyServer first"]),
        ("[ { av_proxy: { bypass: 'http://p/x' } } ]".into(), vec!["a bypass alone"]),
        ("[ { av_proxy: { server: 'https://p:1' } } ]".into(), vec!["prefer http://"]),
        ("[ { edr_proxy: { server: '[::1]:1' } } ]".into(), vec!["needs IPv4"]),
        ("[ { edr_proxy: { server: '10.0.0.256:1' } } ]".into(), vec!["looks like an IPv4 address"]),
        ("[ { edr_proxy: { ensure: absent, server: 'p:1' } } ]".into(), vec!["'server' is not looked at"]),
        ("[ { name: a, edr_proxy: { server: 'p:1' } }, { name: a, winhttp_proxy: { server: 'p:1' } } ]".into(), vec!["the same name"]),
    ];
    for (steps, expected) in cases {
        let playbook = load(&format!("steps: {steps}\n"));
        let messages: Vec<&str> = playbook
            .warnings()
            .iter()
            .map(|warning| warning.message.as_str())
            .collect();
        assert_eq!(messages.len(), expected.len(), "{steps}: {messages:?}");
        for (message, part) in messages.iter().zip(expected) {
            assert!(message.contains(part), "{steps}: {message}");
        }
        assert!(
            playbook.warnings().iter().all(|warning| warning.line == 3),
            "{steps}"
        );
    }
    let unused = load(
        "vars:\n  v: { type: string, default: a }\nsteps: [ { edr_proxy: { server: 'a:1' } } ]\n",
    );
    assert_eq!(
        unused.warnings()[0].to_string(),
        "line 4: no step uses the variable 'v'"
    );
}

#[test]
fn other_encodings_and_line_ends_load() {
    let text = playbook("steps:\n  - edr_proxy: { server: 'a:1' }\n");
    let mut utf16: Vec<u8> = vec![0xff, 0xfe];
    utf16.extend(
        text.replace('\n', "\r\n")
            .encode_utf16()
            .flat_map(u16::to_le_bytes),
    );
    let document = document::Document::from_bytes("p.yaml", &utf16).unwrap();
    assert_eq!(Playbook::load(&document).unwrap().steps.len(), 1);
}
