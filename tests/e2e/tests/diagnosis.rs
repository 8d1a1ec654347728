//! Each way in which a connection can fail, told apart by `ping` and named with what mends it. The plain ones are in
//! `ping.rs`.

use std::net::SocketAddr;

use e2e::{Lab, LabBuilder, USER, canned, knobs, unkept};
use serde_json::Value;
use sim_fleet::{Account, HostOptions, Knobs, Rights};

/// The ping of one host.
fn ping(lab: &Lab, code: i32) -> Value {
    let finished = lab.run(&["ping", "-i", "inventory.yaml", "-o", "json"]);
    finished.exits(code).json()["hosts"][0].clone()
}

#[track_caller]
fn expect(host: &Value, check: &str, reason: &str, detail: &str, remedy: &str) {
    assert_eq!(host["checks"][check], "failed", "{host:#}");
    assert_eq!(host["reason"], reason, "{host:#}");
    for (field, wanted) in [("detail", detail), ("remedy", remedy)] {
        let text = host[field].as_str().unwrap_or_default();
        assert!(text.contains(wanted), "no '{wanted}' in {field}: {host:#}");
    }
}

/// The ping of a server that is no simulated host.
fn ping_at(address: SocketAddr, settings: &str, code: i32) -> Value {
    let lab = LabBuilder::hosts(1).start();
    lab.write(
        "inventory.yaml",
        &format!(
            "version: 1\ncredentials:\n  rollout: {{ username: '{USER}', password: {{ env: LAB_PASSWORD }} }}\n\
             hosts:\n  - {{ name: pc-0001.corp.example, address: {}, port: {}, auth: ntlm, credential: rollout{settings} }}\n",
            address.ip(),
            address.port()
        ),
    );
    ping(&lab, code)
}

fn host(defaults: &str, change: impl FnOnce(&mut Knobs)) -> Lab {
    let lab = LabBuilder::hosts(1)
        .own_listeners()
        .defaults(defaults)
        .start();
    lab.hosts()[0].change_knobs(change);
    lab
}

const HTTP: &str = "transport: http, auth: ntlm, credential: rollout";

#[test]
fn a_proxy_in_between_is_named() {
    let proxy = canned(
        "HTTP/1.1 407 Proxy Authentication Required\r\nVia: 1.1 squid.corp.example (squid/6.1)\r\n\
         Proxy-Authenticate: Basic realm=\"proxy\"\r\nContent-Type: text/html\r\nContent-Length: 11\r\n\r\n<html></p>\n",
    );
    let said = ping_at(proxy, "", 3);
    expect(
        &said,
        "service",
        "not_winrm",
        "squid.corp.example",
        "proxy on the way",
    );

    let gateway = canned(
        "HTTP/1.1 504 Gateway Timeout\r\nVia: 1.1 gate\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
    );
    let said = ping_at(gateway, "", 4);
    expect(
        &said,
        "service",
        "service_unavailable",
        "504 from a proxy",
        "proxy on the way",
    );

    // As nginx is delivered: a page, and no word of being a proxy.
    let gateway = canned(
        "HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.24\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<html>hi</html",
    );
    let said = ping_at(gateway, "", 4);
    expect(
        &said,
        "service",
        "service_unavailable",
        "nginx/1.24",
        "proxy on the way",
    );
}

/// What has a new connection to the host for each request spoils NTLM: that is no wrong password.
#[test]
fn a_proxy_that_keeps_no_connection_is_named() {
    for (via, reason, detail, remedy) in [
        (
            "Via: 1.1 corp-gw (squid/5.7)\r\n",
            "not_winrm",
            "401 from a proxy in between (1.1 corp-gw (squid/5.7))",
            "belong to one connection",
        ),
        (
            "",
            "logon_refused",
            "refused the user name",
            "a proxy or load balancer in between that does not keep connections",
        ),
    ] {
        let lab = LabBuilder::hosts(4)
            .own_listeners()
            .defaults("transport: http, auth: ntlm, credential: rollout")
            .start();
        let mut text = std::fs::read_to_string(lab.path("inventory.yaml")).expect("an inventory");
        for host in lab.hosts() {
            let (own, proxy) = (host.own_address(), unkept(host.own_address(), via));
            text = text.replace(
                &format!("port: {}", own.port()),
                &format!("port: {}", proxy.port()),
            );
        }
        lab.write("inventory.yaml", &text);
        let finished = lab.run(&["ping", "-i", "inventory.yaml", "-o", "json"]);
        let hosts = finished.exits(9).json()["hosts"].clone();
        let hosts = hosts.as_array().expect("hosts");
        let (stopped, refused): (Vec<_>, Vec<_>) = hosts
            .iter()
            .partition(|host| host["reason"] == "credential_guard");
        assert_eq!((refused.len(), stopped.len()), (3, 1), "{hosts:#?}");
        for host in refused {
            let check = if via.is_empty() { "logon" } else { "service" };
            expect(host, check, reason, detail, remedy);
        }
        let why = stopped[0]["detail"].as_str().unwrap_or_default();
        let named = why.contains("3 of them by way of a proxy in between");
        assert_eq!(named, !via.is_empty(), "{why}");
    }
}

#[test]
fn something_else_on_the_port_is_named() {
    let portal = canned(
        "HTTP/1.1 200 OK\r\nServer: nginx/1.24\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<html>hi</html",
    );
    let said = ping_at(portal, "", 3);
    expect(
        &said,
        "service",
        "not_winrm",
        "nginx/1.24",
        "something else than WinRM",
    );
    let portal = canned(
        "HTTP/1.1 404 Not Found\r\nServer: Microsoft-HTTPAPI/2.0\r\nContent-Length: 0\r\n\r\n",
    );
    let said = ping_at(portal, "", 3);
    expect(
        &said,
        "service",
        "not_winrm",
        "404",
        "winrm/config/listener",
    );
}

#[test]
fn what_speaks_no_http_is_no_host_that_is_starting() {
    for words in ["SSH-2.0-OpenSSH_9.6\r\n", "220 mail.corp.example ESMTP\r\n"] {
        let said = ping_at(canned(words), "", 3);
        expect(&said, "service", "not_winrm", "not speak HTTP", "port");
    }
    let lab = LabBuilder::hosts(1)
        .own_listeners()
        .defaults("transport: https, auth: ntlm, credential: rollout, ca_file: '{ca}'")
        .start();
    let text = std::fs::read_to_string(lab.path("inventory.yaml")).expect("an inventory");
    lab.write(
        "inventory.yaml",
        &text.replace("transport: https", "transport: http"),
    );
    let finished = lab.run(&["ping", "-i", "inventory.yaml", "-o", "json"]);
    let said = finished.json()["hosts"][0].clone();
    let remedy = said["remedy"].as_str().unwrap_or_default();
    assert!(
        remedy.contains("is it the HTTPS port") || remedy.contains("the HTTPS port"),
        "{said:#}"
    );
}

#[test]
fn an_open_port_without_tls_is_not_a_firewall() {
    let silent = canned("");
    let said = ping_at(silent, ", transport: https, connect_timeout: 1s", 4);
    expect(
        &said,
        "tls",
        "certificate",
        "the port is open, but no TLS came up",
        "netsh http show sslcert",
    );
    assert_eq!(said["checks"]["port"], "ok", "{said:#}");
}

#[test]
fn schemes_that_are_not_offered_are_listed() {
    let kerberos = canned(
        "HTTP/1.1 401 \r\nServer: Microsoft-HTTPAPI/2.0\r\nWWW-Authenticate: Kerberos\r\nContent-Length: 0\r\n\r\n",
    );
    let said = ping_at(kerberos, "", 3);
    expect(
        &said,
        "logon",
        "auth_not_offered",
        "offered: Kerberos",
        "winrm/config/service/auth",
    );
}

#[test]
fn a_host_that_begins_no_ntlm_is_not_a_wrong_password() {
    let strict = canned(
        "HTTP/1.1 401 \r\nServer: Microsoft-HTTPAPI/2.0\r\nWWW-Authenticate: Negotiate\r\n\
         WWW-Authenticate: Kerberos\r\nContent-Length: 0\r\n\r\n",
    );
    let said = ping_at(strict, "", 3);
    expect(
        &said,
        "logon",
        "auth_not_offered",
        "the host takes no NTLM",
        "Restrict NTLM",
    );
}

#[test]
fn plain_http_behind_https_is_no_bad_certificate() {
    let plain = canned("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let said = ping_at(plain, ", transport: https", 3);
    expect(
        &said,
        "tls",
        "certificate",
        "does not speak TLS",
        "transport: http",
    );
}

#[test]
fn a_certificate_for_another_name_and_one_that_is_not_the_pinned_one() {
    let secure = "transport: https, auth: ntlm, credential: rollout, ca_file: '{ca}'";
    let lab = LabBuilder::hosts(1)
        .own_listeners()
        .defaults(secure)
        .start();
    assert_eq!(ping(&lab, 0)["checks"]["tls"], "ok");
    let text = std::fs::read_to_string(lab.path("inventory.yaml")).expect("an inventory");
    let other = text.replace("name: pc-0001.corp.example", "name: pc-0666.corp.example");
    lab.write("inventory.yaml", &other);
    expect(
        &ping(&lab, 3),
        "tls",
        "certificate",
        "pc-0001.corp.example",
        "'name'",
    );
    let pin = format!("cert_sha256: '{}'", "ab".repeat(32));
    lab.write(
        "inventory.yaml",
        &text.replace(", port:", &format!(", {pin}, port:")),
    );
    expect(
        &ping(&lab, 3),
        "tls",
        "certificate",
        "pinned",
        "cert_sha256",
    );
}

#[test]
fn a_firewall_that_drops_is_not_a_closed_port() {
    let lab = host(&format!("{HTTP}, connect_timeout: 1s"), |knobs| {
        knobs.hang = Some(sim_fleet::Hang::Connect);
    });
    let said = ping(&lab, 4);
    expect(
        &said,
        "port",
        "connect_failed",
        "no answer to the connect",
        "firewall",
    );
}

/// Linux knows no way to this address wherever it runs.
#[cfg(target_os = "linux")]
#[test]
fn no_route_is_not_a_firewall() {
    let nowhere = "255.255.255.255:5985".parse().expect("an address");
    let said = ping_at(nowhere, "", 4);
    // The same comes of a host that is off, on its own network.
    for remedy in ["VPN", "host off"] {
        expect(&said, "port", "connect_failed", "no route", remedy);
    }
}

#[test]
fn a_wrong_password_a_filtered_account_and_a_refused_read() {
    let lab = LabBuilder::hosts(1).start();
    let wrong = lab
        .program(&["ping", "-i", "inventory.yaml", "-o", "json"])
        .env("LAB_PASSWORD", "wrong")
        .run();
    let said = wrong.exits(3).json()["hosts"][0].clone();
    expect(
        &said,
        "logon",
        "logon_refused",
        "refused the user name",
        "credential test",
    );

    let mut filtered = Account::local("operator", e2e::PASSWORD);
    filtered.rights = Rights::Filtered;
    let lab = LabBuilder::hosts(1)
        .fleet(|spec| spec.accounts.push(filtered))
        .start();
    let text = std::fs::read_to_string(lab.path("inventory.yaml")).expect("an inventory");
    lab.write("inventory.yaml", &text.replace(USER, r".\operator"));
    let said = ping(&lab, 3);
    expect(
        &said,
        "rights",
        "access_denied",
        "",
        "LocalAccountTokenFilterPolicy",
    );
}

#[test]
fn broken_wmi_quotas_and_sealing_are_told_apart() {
    let of = |settings: &str, faults: &str| {
        let lab = host(&format!("{HTTP}{settings}"), |present| {
            *present = knobs(faults);
        });
        ping(&lab, 3)
    };
    let said = of(
        ", channel: cim",
        "{ wmi_broken: { fault: class_not_found } }",
    );
    expect(&said, "rights", "wmi_broken", "", "winmgmt");
    for channel in ["", ", channel: shell"] {
        for kind in ["shells", "operations"] {
            let faults = format!("{{ quota: {{ kind: {kind} }} }}");
            expect(&of(channel, &faults), "rights", "quota", "", "quota");
        }
    }
    let said = of(", channel: shell", "{ quota: { kind: shells } }");
    expect(&said, "rights", "quota", "", "MaxShellsPerUser");
    let said = of("", "{ garbage: { kind: signature, at: operation 1 } }");
    expect(&said, "sealing", "sealing_refused", "", "transport: https");
}

/// The host can be worked: that is no failure, and no secret either.
#[test]
fn broken_wmi_is_told_where_the_shell_takes_its_place() {
    for fault in ["class_not_found", "rpc"] {
        let lab = host(HTTP, |present| {
            *present = knobs(&format!("{{ wmi_broken: {{ fault: {fault} }} }}"));
        });
        let said = ping(&lab, 0);
        assert_eq!(said["ok"], true, "{said:#}");
        assert_eq!(said["checks"]["rights"], "partly", "{said:#}");
        let partly = &said["partly"];
        assert_eq!(partly["reason"], "wmi_broken", "{said:#}");
        for (field, wanted) in [("detail", "preflight"), ("remedy", "winmgmt")] {
            let text = partly[field].as_str().unwrap_or_default();
            assert!(text.contains(wanted), "{said:#}");
        }
        let table = lab.run(&["ping", "-i", "inventory.yaml"]).succeeds();
        table.says("PARTLY").says("winmgmt /verifyrepository");
        assert_eq!(lab.hosts()[0].counters().shells_open, 0);
    }
}

/// Registry steps go by WMI there; only netsh needs a shell.
#[test]
fn a_host_without_remote_shells_can_be_worked_in_part() {
    let lab = LabBuilder::hosts(1)
        .fleet(|fleet| {
            fleet.hosts[0].options = Some(HostOptions {
                remote_shells: false,
                ..HostOptions::default()
            });
        })
        .start();
    let said = ping(&lab, 0);
    assert_eq!(said["ok"], true, "{said:#}");
    assert_eq!(said["checks"]["rights"], "partly", "{said:#}");
    let partly = &said["partly"];
    let text = |field: &str| partly[field].as_str().unwrap_or_default().to_owned();
    assert!(text("detail").contains("2150859180"), "{said:#}");
    assert!(
        text("remedy").contains("AllowRemoteShellAccess"),
        "{said:#}"
    );
}
