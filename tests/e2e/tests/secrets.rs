//! Promise 7: the password stands in nothing that the product writes.

use std::path::Path;

use e2e::{Lab, LabBuilder, PASSWORD};

fn forms() -> Vec<Vec<u8>> {
    let wide: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let escaped = serde_json::to_string(PASSWORD)
        .expect("a string")
        .trim_matches('"')
        .as_bytes()
        .to_vec();
    vec![
        PASSWORD.as_bytes().to_vec(),
        wide,
        escaped,
        b"Tr0ub4dor".to_vec(),
    ]
}

#[track_caller]
fn clean(what: &str, bytes: &[u8]) {
    for form in forms() {
        let found = bytes.windows(form.len()).any(|window| window == form);
        assert!(!found, "the password stands in {what}");
    }
}

fn every_file(folder: &Path, look: &mut impl FnMut(&Path)) {
    for entry in std::fs::read_dir(folder)
        .expect("the folder is readable")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            every_file(&path, look)
        } else {
            look(&path)
        }
    }
}

#[test]
fn no_output_and_no_file_holds_the_password() {
    let lab = LabBuilder::hosts(3).start();
    lab.hosts()[1].change_knobs(|knobs| knobs.access_denied = true);
    let events = lab.path("events.jsonl").display().to_string();
    let playbook = Lab::shipped("full-proxy-set.yaml");
    let arguments = lab.push_arguments(&playbook, &["-vvv", "--events", &events]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let pushed = lab.program(&arguments).env("RUST_LOG", "trace").run();
    clean("the screen of push -vvv", pushed.screen().as_bytes());
    for verb in [
        &["report", "last", "--format", "json"][..],
        &["report", "last", "--format", "csv"],
        &["runs"],
        &["status", "last"],
        &["rollback", "last", "--yes", "-vvv"],
    ] {
        clean(verb[0], lab.run(verb).screen().as_bytes());
    }
    let mut files = 0;
    every_file(lab.folder(), &mut |path| {
        files += 1;
        clean(
            &path.display().to_string(),
            &std::fs::read(path).expect("the file is readable"),
        );
    });
    assert!(files >= 3, "the journal and the event file were looked at");
}
