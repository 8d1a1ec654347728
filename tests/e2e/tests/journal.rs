//! A journal that cannot be used: a clear error, and nothing lost.

use e2e::{Lab, LabBuilder};

#[test]
fn a_file_that_is_no_journal_is_refused_and_left_alone() {
    let lab = LabBuilder::hosts(1).start();
    let path = lab.write(
        "journal.sqlite",
        "these are my notes, not a database, and they are long enough to be read",
    );
    let before = std::fs::read(&path).expect("readable");
    lab.push(&Lab::shipped("edr-only.yaml"), &[])
        .exits(1)
        .says("journal");
    assert_eq!(std::fs::read(&path).expect("readable"), before);
    assert_eq!(
        lab.hosts()[0].counters().connections,
        0,
        "nothing was contacted"
    );
}

#[cfg(unix)]
#[test]
fn the_journal_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let lab = LabBuilder::hosts(1).start();
    lab.push(&Lab::shipped("edr-only.yaml"), &[]).succeeds();
    let mode = std::fs::metadata(lab.path("journal.sqlite"))
        .expect("a journal")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[cfg(unix)]
#[test]
fn a_password_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let lab = LabBuilder::hosts(1).start();
    let secret = lab.write("secret.txt", e2e::PASSWORD);
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).expect("own file");
    let inventory = std::fs::read_to_string(lab.path("inventory.yaml")).expect("readable");
    let file = format!("{{ file: '{}' }}", secret.display());
    lab.write(
        "inventory.yaml",
        &inventory.replace("{ env: LAB_PASSWORD }", &file),
    );
    lab.push(&Lab::shipped("edr-only.yaml"), &[])
        .exits(1)
        .says("secret.txt");
    assert_eq!(lab.hosts()[0].counters().connections, 0);
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("own file");
    lab.push(&Lab::shipped("edr-only.yaml"), &[]).succeeds();
}
