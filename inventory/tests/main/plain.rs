use crate::{complaint, load, says};

#[test]
fn names_comments_and_blank_lines() {
    let text = "\u{feff}# office\r\n\r\npc-1.corp.example\r\n  pc-2  # desk\r\n\r\n# pc-3\r\npc-4";
    for name in ["hosts.txt", "hosts", "hosts.lst", "dir.csv/hosts"] {
        let inventory = load(&[(name, text)]).unwrap();
        let names: Vec<&str> = inventory
            .hosts
            .iter()
            .map(|host| host.name.as_str())
            .collect();
        assert_eq!(names, ["pc-1.corp.example", "pc-2", "pc-4"]);
    }
}

#[test]
fn a_host_that_stands_twice_is_refused() {
    let text = complaint(&[("h.txt", "pc-1\npc-2\n\n pc-1\n")]);
    says(
        &text,
        &[
            "h.txt:4:2: the host 'pc-1' stands here a second time",
            "^^^^",
            "first at h.txt:1",
        ],
    );
}

#[test]
fn other_formats_are_recognised() {
    says(
        &complaint(&[("h.txt", "version: 1\nhosts: []\n")]),
        &["h.txt:1:1: ", "looks like YAML"],
    );
    says(&complaint(&[("h.txt", "pc-1,canary\n")]), &["end in .csv"]);
    says(
        &complaint(&[("h.ini", "[paris]\npc-1 ansible_host=x\n")]),
        &["INI inventories are not read"],
    );
    says(
        &complaint(&[("h.txt", "pc-1 pc-2\n")]),
        &["one name a line"],
    );
    says(
        &complaint(&[("h.txt", "10.0.0.1\n")]),
        &["h.txt:1:1: ", "verify_name: false"],
    );
    says(
        &complaint(&[("h.txt", "pc-\u{1b}[31m1\n")]),
        &["is no host name"],
    );
}
