use document::Document;
use inventory::{Inventory, Origin, Transport};
use serde_json::json;

use crate::{complaint, load, says};

const TABLE: &str = "\
name;ring;groups;port;transport;verify_name;proxy;Owner
pc-1;canary;paris|laptops;5999;https;FALSE;10.0.0.6:8080;\"Meier; Anna\"
pc-2;;;;;;;
";

fn table(text: &str) -> Inventory {
    load(&[("t.csv", text)]).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

#[test]
fn columns_are_settings_groups_and_variables() {
    let inventory = table(TABLE);
    let [one, two] = inventory.hosts.as_slice() else {
        panic!()
    };
    assert_eq!(one.ring.as_deref(), Some("canary"));
    assert_eq!(one.groups, ["paris", "laptops"]);
    assert_eq!(
        (one.settings.port.value, one.settings.transport.value),
        (5999, Transport::Https)
    );
    assert!(!one.settings.verify_name.value);
    let file = "t.csv".to_owned();
    assert_eq!(one.settings.port.from, Origin::Host { file, line: 2 });
    assert_eq!(
        json!(one.merged_vars()),
        json!({"proxy": "10.0.0.6:8080", "Owner": "Meier; Anna"})
    );
    assert_eq!(
        (two.ring.as_deref(), two.groups.len(), two.vars.len()),
        (None, 0, 0)
    );
    assert_eq!(
        (two.settings.port.value, &two.settings.port.from),
        (5985, &Origin::BuiltIn)
    );
    assert!(inventory.groups.iter().eq(["laptops", "paris"]));
}

#[test]
fn a_column_that_is_nearly_a_setting_raises_a_doubt() {
    let inventory = table("name,prot,group,Owner,site\npc-1,5986,paris,Anna,\n");
    assert_eq!(inventory.hosts[0].settings.port.value, 5985);
    let doubts: Vec<_> = inventory.doubts.iter().map(ToString::to_string).collect();
    let [port, groups] = doubts.as_slice() else {
        panic!("{doubts:?}")
    };
    says(
        port,
        &[
            "t.csv:1:6",
            "'prot' is taken as a variable",
            "did you mean the setting 'port'?",
        ],
    );
    says(groups, &["t.csv:1:11", "'group'", "'groups'"]);
    assert_eq!(table(TABLE).doubts, []);
}

#[test]
fn dialects_and_encodings_read_alike() {
    let plain = table(TABLE);
    let comma = "name,ring,groups,port,transport,verify_name,proxy,Owner\n\
                 pc-1,canary,paris|laptops,5999,https,FALSE,10.0.0.6:8080,Meier; Anna\npc-2,,,,,,,\n";
    let tabs = comma.replace(',', "\t");
    let powershell = format!("#TYPE Selected.System.Management\n\"name\"{}", &comma[4..]);
    let excel = format!("sep=;\n{TABLE}");
    let crlf = TABLE.replace('\n', "\r\n");
    let blank = TABLE.replace('\n', "\n\n  \n");
    let types = TABLE.replace("pc-2", "#TYPE again\npc-2");
    for text in [comma, &tabs, &powershell, &excel, &crlf, &blank, &types] {
        let read = table(text);
        for (host, expected) in read.hosts.iter().zip(&plain.hosts) {
            assert_eq!(
                (&host.name, &host.groups, host.merged_vars()),
                (&expected.name, &expected.groups, expected.merged_vars()),
                "{text}"
            );
            assert_eq!(host.settings.port.value, expected.settings.port.value);
        }
        assert_eq!(read.hosts.len(), 2, "{text}");
    }
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(crlf.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let document = Document::from_bytes("t.csv", &utf16).unwrap();
    assert_eq!(Inventory::load(&[document]).unwrap(), plain);
}

#[test]
fn quotes_follow_rfc_4180() {
    let inventory = table("name,note,more\npc-1,\"a \"\"b\"\",\nc\", x \npc-2,\"\",\" y \"\n");
    assert_eq!(
        json!(inventory.hosts[0].merged_vars()),
        json!({"note": "a \"b\",\nc", "more": "x"})
    );
    assert_eq!(
        json!(inventory.hosts[1].merged_vars()),
        json!({"more": " y "})
    );
    assert_eq!(
        inventory.hosts[1].origin,
        Origin::Host {
            file: "t.csv".to_owned(),
            line: 4
        }
    );
}

#[test]
fn one_column_and_short_rows_are_enough() {
    assert_eq!(table("name\npc-1\npc-2\n").hosts.len(), 2);
    assert_eq!(
        table("Name,Ring,proxy\npc-1,a\npc-2\npc-3,b,x,,,\n").hosts[2]
            .ring
            .as_deref(),
        Some("b")
    );
}

#[test]
fn broken_quotes_have_places() {
    says(
        &complaint(&[("t.csv", "name,note\npc-1,\"abc\npc-2,x\n")]),
        &["t.csv:2:6: this quote is never closed"],
    );
    says(
        &complaint(&[("t.csv", "name,note\npc-1,\"a\" b\n")]),
        &["t.csv:2:10: text after the closing quote", "','"],
    );
}

#[test]
fn bad_cells_have_places() {
    let refuses = |row: &str, parts: &[&str]| {
        says(
            &complaint(&[("t.csv", &format!("name,port,groups,auth\n{row}\n"))]),
            parts,
        )
    };
    refuses(
        "pc-1,70000",
        &["t.csv:2:6: 70000 is no port", "^^^^^", "from 1 to 65535"],
    );
    refuses("pc-1,http", &["t.csv:2:6: 'http' is no port"]);
    refuses("pc-1, 0 ", &["t.csv:2:7: 0 is no port"]);
    refuses("pc-1,,a|b|a", &["t.csv:2:7: the group 'a' stands twice"]);
    refuses("pc-1,,a&b", &["'a&b' is no name for a ring or group"]);
    refuses("pc-1,,,kerberso", &["unknown word 'kerberso'", "kerberos"]);
    refuses(
        "pc-1,,,,extra",
        &[
            "t.csv:2:9: this cell stands in no named column",
            "at most 4 cells",
        ],
    );
    refuses(",1", &["t.csv:2:1: a host without a name"]);
    refuses("pc 1,1", &["t.csv:2:1: 'pc 1' is no host name"]);
    refuses(
        "pc-1\npc-2\nPC-1",
        &[
            "t.csv:4:1: the host 'PC-1' stands here a second time",
            "first at t.csv:2",
        ],
    );
    refuses("10.0.0.1", &["verify_name: false"]);
}

#[test]
fn bad_headers_are_explained() {
    says(
        &complaint(&[("t.csv", "host,ring\npc-1,a\n")]),
        &["t.csv:1:1: ", "none of them is 'name'"],
    );
    says(
        &complaint(&[("t.csv", "pc-1\npc-2\n")]),
        &["none of them is 'name'", ".txt"],
    );
    says(
        &complaint(&[("t.csv", "name,ring,Ring\npc-1,a,b\n")]),
        &[
            "t.csv:1:11: the column 'Ring'",
            "first at t.csv:1, column 6",
        ],
    );
    says(
        &complaint(&[("t.csv", "name,password\npc-1,hunter2\n")]),
        &["t.csv:1:6: a password does not stand"],
    );
}

#[test]
fn a_credential_comes_from_a_yaml_beside_it() {
    let says_unknown = complaint(&[("t.csv", "name,credential\npc-1,rollout\n")]);
    says(
        &says_unknown,
        &["t.csv:2:6: the credential 'rollout' is not declared"],
    );
    let yaml = "version: 1\ncredentials: { rollout: { username: u, password: prompt } }\n";
    load(&[
        ("t.csv", "name,credential\npc-1,rollout\n"),
        ("c.yaml", yaml),
    ])
    .unwrap();
}
