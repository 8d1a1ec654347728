//! A run belongs to the journal, not to the folder it was started in.

use e2e::{Lab, LabBuilder, PASSWORD};

#[test]
fn relative_files_of_an_inventory_are_found_from_any_folder() {
    let lab = LabBuilder::hosts(2)
        .defaults("transport: https, auth: ntlm, credential: rollout, ca_file: ca.pem")
        .start();
    let secret = lab.write("secret", PASSWORD);
    private(&secret);
    let inventory = std::fs::read_to_string(lab.path("inventory.yaml")).expect("an inventory");
    let inventory = inventory.replace("{ env: LAB_PASSWORD }", "{ file: secret }");
    lab.write("inventory.yaml", &inventory);
    let playbook = lab.unlimited("edr-only.yaml");
    lab.hosts()[1].change_knobs(|knobs| knobs.access_denied = true);
    let push = [
        "push",
        "-i",
        "inventory.yaml",
        "-p",
        &playbook,
        "-e",
        "proxy=10.0.0.6:8080",
        "--yes",
    ];
    lab.run(&push).exits(3);
    lab.hosts()[1].change_knobs(|knobs| knobs.access_denied = false);

    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let from_elsewhere = |arguments: &[&str]| lab.program(arguments).from(elsewhere.path()).run();
    from_elsewhere(&["resume", "last", "--only", "failed", "--yes"]).succeeds();
    from_elsewhere(&["rollback", "last", "--yes"]).succeeds();
    assert_eq!(lab.report()["totals"]["rolled_back"], 2);
}

#[test]
fn the_operator_is_known_without_an_environment() {
    let lab = LabBuilder::hosts(1).start();
    let arguments = lab.push_arguments(&Lab::shipped("edr-only.yaml"), &[]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    ["USER", "USERNAME", "LOGNAME", "HOSTNAME", "COMPUTERNAME"]
        .iter()
        .fold(lab.program(&arguments), |program, name| {
            program.without(name)
        })
        .run()
        .succeeds();
    let report = lab.report();
    let operator = report["operator"].as_str().expect("an operator");
    let (user, host) = operator.split_once('@').expect("user@host");
    assert!(!["", "unknown"].contains(&user), "{operator}");
    assert!(!["", "unknown"].contains(&host), "{operator}");
}

/// Readable by its owner alone: another password file is refused.
#[cfg(unix)]
fn private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("a mode is set");
}

/// A temporary folder of Windows is the user's own.
#[cfg(not(unix))]
fn private(_: &std::path::Path) {}
