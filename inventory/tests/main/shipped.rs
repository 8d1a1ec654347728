use std::path::{Path, PathBuf};

use document::Document;
use inventory::{Inventory, PasswordSource, Selector};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn shipped(name: &str) -> Inventory {
    let document = Document::read(&folder().join(name)).unwrap();
    Inventory::load(&[document]).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// A file that is added is tried as well.
#[test]
fn every_shipped_inventory_loads() {
    let mut loaded = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if [".yaml", ".csv", ".txt"]
            .iter()
            .any(|extension| name.ends_with(extension))
        {
            assert!(!shipped(&name).hosts.is_empty(), "{name}");
            loaded.push(name);
        }
    }
    loaded.sort();
    assert_eq!(loaded, ["example.yaml", "hosts.txt", "lab.csv"]);
}

#[test]
fn the_example_shows_what_it_says() {
    let example = shipped("example.yaml");
    let count = |text: &str| {
        let selector = Selector::parse(text, &|_| Err("no file".to_owned())).unwrap();
        assert_eq!(selector.names_unknown(&example), []);
        example.select(&selector).len()
    };
    assert_eq!(
        (
            count("ring:canary"),
            count("ring:pilot"),
            count("ring:broad")
        ),
        (3, 4, 7)
    );
    assert_eq!(count("group:lyon & group:laptops, kiosk-*"), 4);
    let of = |name: &str| crate::host(&example, name);
    let proxy = |name: &str| of(name).merged_vars()["proxy"].as_str().unwrap().to_owned();
    assert_eq!(proxy("pc-0001.corp.example"), "10.0.0.6:8080");
    assert_eq!(proxy("pc-1004.corp.example"), "10.8.0.6:8080");
    assert_eq!(proxy("pc-1005.corp.example"), "10.8.0.7:8080");
    let kiosk = &of("kiosk-02.corp.example").settings;
    assert_eq!(
        (kiosk.port.value, kiosk.credential.value.as_deref()),
        (5986, Some("kiosks"))
    );
    assert_eq!(kiosk.ca_file.value, Some(folder().join("corp-root.pem")));
    assert_eq!(
        example.credentials["rollout"].password,
        PasswordSource::Keyring("rollout".to_owned())
    );
}

#[test]
fn the_lab_table_shows_every_kind_of_column() {
    let lab = shipped("lab.csv");
    assert_eq!(lab.hosts.len(), 5);
    assert_eq!(lab.hosts[1].groups, ["lab", "laptops"]);
    assert_eq!(lab.hosts[2].settings.address.value, "192.168.56.13");
    assert_eq!(lab.hosts[2].merged_vars().get("offline"), None);
    assert!(!lab.hosts[4].settings.verify_name.value);
}

#[test]
fn the_plain_list_loads_in_order() {
    let names: Vec<String> = shipped("hosts.txt")
        .hosts
        .iter()
        .map(|host| host.name.to_string())
        .collect();
    assert_eq!(names.len(), 4);
    assert_eq!(names[1], "pc-0002.corp.example");
}
