//! `export` from outside: the files, what is refused, and what a run proves. No host is contacted by it.

use e2e::{Lab, LabBuilder};

fn exported(lab: &Lab, more: &[&str]) -> e2e::Finished {
    let common = ["export", "-p", "edr-only.yaml", "-e", "proxy=10.0.0.6:8080"];
    lab.run(&[&common[..], more].concat())
}

fn reg_text(lab: &Lab, name: &str) -> String {
    let bytes = std::fs::read(lab.path(name)).expect("the exported file");
    let units: Vec<u16> = bytes[2..]
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16(&units).expect("UTF-16")
}

#[test]
fn a_playbook_becomes_files_and_no_host_is_contacted() {
    let lab = LabBuilder::hosts(1).start();
    lab.unlimited("edr-only.yaml");
    let said = exported(&lab, &["--to", "reg", "--out", "out.reg"])
        .exits(0)
        .stdout();
    assert!(
        said.contains("2 values") && said.contains("Not proved"),
        "{said}"
    );
    let text = reg_text(&lab, "out.reg");
    assert!(
        text.contains("\"TelemetryProxyServer\"=\"10.0.0.6:8080\"")
            && text.contains("; Not proved")
            && text.contains("; Resolved for no host in particular: "),
        "{text}"
    );
    let first = std::fs::read(lab.path("out.reg")).unwrap();
    exported(&lab, &["--to", "reg", "--out", "out.reg"]).exits(0);
    assert_eq!(
        std::fs::read(lab.path("out.reg")).unwrap(),
        first,
        "deterministic"
    );
    exported(&lab, &["--to", "gpo", "--out", "registry.pol"]).exits(0);
    assert!(
        std::fs::read(lab.path("registry.pol"))
            .unwrap()
            .starts_with(b"PReg\x01\0\0\0")
    );
    assert_eq!(lab.hosts()[0].counters().requests, 0);
}

#[test]
fn what_cannot_be_exported_leaves_no_file() {
    let lab = LabBuilder::hosts(1).start();
    lab.unlimited("full-proxy-set.yaml");
    lab.unlimited("offline-devices.yaml");
    let full = [
        "export",
        "-p",
        "full-proxy-set.yaml",
        "-e",
        "proxy=10.0.0.6:8080",
        "--to",
        "gpo",
        "--out",
        "r.pol",
    ];
    let refused = lab.run(&full).exits(1);
    assert!(
        refused
            .stderr()
            .contains("step 'Machine-wide WinHTTP proxy' cannot be exported"),
        "{}",
        refused.stderr()
    );
    assert!(!lab.path("r.pol").exists());
    lab.run(&[&full[..], &["--without-step", "Machine-wide WinHTTP proxy"]].concat())
        .exits(0);
    let offline = [
        "export",
        "-p",
        "offline-devices.yaml",
        "-e",
        "proxy=10.0.0.6:8080",
        "--to",
        "reg",
        "--out",
        "o.reg",
    ];
    let refused = lab.run(&offline).exits(1);
    assert!(
        refused
            .stderr()
            .contains("facts.sensor.prefers_static_proxy"),
        "{}",
        refused.stderr()
    );
    let step = "Prefer the static proxy for all requests of the sensor";
    lab.run(&[&offline[..], &["--with-step", step]].concat())
        .exits(0);
    assert!(reg_text(&lab, "o.reg").contains("LOWERS SECURITY"));
    let misspelt = lab
        .run(
            &[
                &offline[..],
                &[
                    "--with-step",
                    "Prefer the static proxy for all requests of the senser",
                ],
            ]
            .concat(),
        )
        .exits(1);
    assert!(
        misspelt.stderr().contains("did you mean"),
        "{}",
        misspelt.stderr()
    );
}

#[test]
fn a_run_proves_its_own_values_and_no_others() {
    let lab = LabBuilder::hosts(2).start();
    lab.unlimited("edr-only.yaml");
    let push = [
        "push",
        "-i",
        "inventory.yaml",
        "-p",
        "edr-only.yaml",
        "-e",
        "proxy=10.0.0.6:8080",
        "--yes",
    ];
    lab.run(&push).exits(0);
    let proved = ["--to", "reg", "--out", "p.reg", "--proved-by", "last"];
    let said = exported(&lab, &proved).exits(0).stdout();
    assert!(said.contains("read back on 2 hosts"), "{said}");
    assert!(reg_text(&lab, "p.reg").contains("; Proved by run "));
    // Other data, and another text of the playbook.
    let other = ["export", "-p", "edr-only.yaml", "-e", "proxy=10.0.0.7:8080"];
    let refused = lab.run(&[&other[..], &proved].concat()).exits(8);
    assert!(
        refused
            .stderr()
            .contains("on no host were all of these values read back"),
        "{}",
        refused.stderr()
    );
    let text = std::fs::read_to_string(lab.path("edr-only.yaml")).unwrap();
    lab.write("edr-only.yaml", &format!("{text}\n# later\n"));
    let refused = exported(&lab, &proved).exits(8);
    assert!(
        refused.stderr().contains("another playbook"),
        "{}",
        refused.stderr()
    );
}

/// What was rolled back proves nothing, host by host.
#[test]
fn a_run_that_was_taken_back_is_no_proof() {
    let lab = LabBuilder::hosts(2).start();
    lab.unlimited("edr-only.yaml");
    let push = [
        "push",
        "-i",
        "inventory.yaml",
        "-p",
        "edr-only.yaml",
        "-e",
        "proxy=10.0.0.6:8080",
        "--yes",
    ];
    lab.run(&push).exits(0);
    let id = lab.report()["run"].as_str().unwrap().to_owned();
    let proved = ["--to", "reg", "--out", "p.reg", "--proved-by", &id];
    lab.run(&["rollback", &id, "-l", "pc-0001*", "--yes"])
        .exits(0);
    let said = exported(&lab, &proved).exits(0).stdout();
    assert!(
        said.contains("read back on 1 host, without 1 host that run ")
            && said.contains("took back since"),
        "{said}"
    );
    lab.run(&["rollback", &id, "--yes"]).exits(0);
    std::fs::remove_file(lab.path("p.reg")).unwrap();
    let refused = exported(&lab, &proved).exits(8);
    let by = lab.report()["run"].as_str().unwrap().to_owned();
    assert!(
        refused.stderr().contains("it was taken back by run ") && refused.stderr().contains(&by),
        "{}",
        refused.stderr()
    );
    assert!(!lab.path("p.reg").exists());
}

/// Choices that contradict themselves, or that the form has no place for.
#[test]
fn flags_that_would_do_nothing_are_refused() {
    let lab = LabBuilder::hosts(1).start();
    lab.unlimited("edr-only.yaml");
    for (flags, told) in [
        (
            &[
                "--to",
                "reg",
                "--with-step",
                "EDR sensor static proxy",
                "--without-step",
                "EDR sensor static proxy",
            ][..],
            "'EDR sensor static proxy' is named by --with-step and by --without-step",
        ),
        (
            &["--to", "gpo", "--winhttp-marker", "0x28"],
            "--to gpo cannot hold that value",
        ),
    ] {
        let refused = exported(&lab, &[flags, &["--out", "x"]].concat()).exits(1);
        assert!(refused.stderr().contains(told), "{}", refused.stderr());
        assert!(!lab.path("x").exists());
    }
}

/// Rings and groups are the inventory's: without one nobody is invented, with one its hosts decide.
#[test]
fn conditions_on_hosts_need_hosts_or_a_decision() {
    let lab = LabBuilder::hosts(2).start();
    lab.write(
        "paris.yaml",
        r"version: 1
name: paris
steps:
  - name: Everywhere
    registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: a, type: dword, data: 1 }
  - name: In Paris
    when: host.short == 'pc-0001'
    registry: { key: 'HKLM\SOFTWARE\Policies\Example', value: b, type: dword, data: 1 }
",
    );
    let export = [
        "export",
        "-p",
        "paris.yaml",
        "--to",
        "gpo",
        "--out",
        "r.pol",
    ];
    let refused = lab.run(&export).exits(1);
    for told in [
        "paris.yaml:6:",
        "step 'In Paris'",
        "host.short == 'pc-0001'",
        "--without-step",
    ] {
        assert!(
            refused.stderr().contains(told),
            "{told}: {}",
            refused.stderr()
        );
    }
    assert!(!lab.path("r.pol").exists());
    let chosen = lab
        .run(&[&export[..], &["--with-step", "In Paris"]].concat())
        .exits(0);
    assert!(
        chosen
            .stderr()
            .contains("warning: step 'In Paris' applies to every machine"),
        "{}",
        chosen.stderr()
    );
    let said = lab
        .run(&[&export[..], &["-i", "inventory.yaml", "-l", "pc-0001*"]].concat())
        .exits(0)
        .stdout();
    assert!(
        said.contains("2 values,") && said.contains("Resolved for 1 host: pc-0001.corp.example"),
        "{said}"
    );
    let both = lab
        .run(&[&export[..], &["-i", "inventory.yaml"]].concat())
        .exits(1);
    assert!(
        both.stderr().contains("do not get the same"),
        "{}",
        both.stderr()
    );
}
