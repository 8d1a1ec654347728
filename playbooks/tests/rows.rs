//! The table of all rows of the domain (`orchestrator/docs/defender-rows.md`): complete, and every name and link alive.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use playbooks::{CHECKS, CONFLICTS, Fact, Finding, PROBES, playbook_schema};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../orchestrator/docs")
}

fn page(name: &str) -> String {
    std::fs::read_to_string(docs().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The cells of every row that begins with a number.
fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .filter(|line| line.starts_with("| S"))
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

#[test]
fn all_rows_are_there_once_and_each_is_something() {
    let text = page("defender-rows.md");
    let rows = rows(&text);
    let numbers: Vec<String> = rows.iter().map(|row| row[0].clone()).collect();
    let wanted: Vec<String> = (1..=47).map(|number| format!("S{number}")).collect();
    assert_eq!(numbers, wanted);
    let kinds: BTreeSet<&str> = rows.iter().map(|row| row[2].as_str()).collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["check", "documentation", "feature", "warning"])
    );
    for row in &rows {
        assert_eq!(row.len(), 4, "{row:?}");
        assert!(row[3].contains('`') || row[3].contains("]("), "{row:?}");
    }
}

#[test]
fn every_name_exists() {
    let steps = steps();
    assert!(
        steps.contains("edr_proxy") && !steps.contains("name"),
        "{steps:?}"
    );
    let mut seen = BTreeSet::new();
    for row in rows(&page("defender-rows.md")) {
        for name in row[3].split('`').skip(1).step_by(2) {
            let (kind, word) = name.split_once(' ').unwrap_or((name, ""));
            seen.insert(kind.to_owned());
            let there = match kind {
                "step" => steps.contains(word),
                "fact" => Fact::named(word).is_some(),
                "probe" => PROBES.iter().any(|row| row.kind == word),
                "finding" => Finding::ALL.iter().any(|finding| finding.as_str() == word),
                "preflight" => CHECKS.iter().any(|row| row.name == word),
                "explain" => CONFLICTS.iter().any(|row| row.name == word),
                // Held by the tests of the program, which knows its verbs.
                "verb" => true,
                _ => false,
            };
            assert!(there, "{}: there is no {name}", row[0]);
        }
    }
    assert_eq!(seen.len(), 7, "every kind of name is met: {seen:?}");
}

/// The kinds of steps: a step has exactly one of them.
fn steps() -> BTreeSet<String> {
    let schema = playbook_schema();
    let kinds = schema["properties"]["steps"]["items"]["oneOf"].as_array();
    let kinds = kinds.expect("a list of kinds").iter();
    kinds
        .map(|kind| kind["required"][0].as_str().expect("a word").to_owned())
        .collect()
}

/// What a shipped playbook does not look at stands on its page, and so does each of its variables.
#[test]
fn what_a_shipped_playbook_leaves_out_and_its_variables_stand_on_its_page() {
    let mut left_out = 0;
    for name in shipped() {
        let text = page(&format!("playbooks/{name}.md"));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{name}.yaml"));
        let document = document::Document::read(&path).unwrap();
        let playbook = playbooks::Playbook::load(&document).unwrap();
        for variable in &playbook.vars {
            let word = format!("`{}`", variable.name);
            let head = text.split("\n## ").next().unwrap();
            assert!(head.contains(&word), "{name}.md lacks the variable {word}");
        }
        for check in &playbook.preflight.leave_out {
            left_out += 1;
            let row = format!("| `{}` |", check.name());
            assert!(
                text.contains(&row),
                "{name}.md does not say that {row} is left out"
            );
        }
        let rows = text.lines().filter(|line| line.starts_with("| `"));
        let named = rows.filter_map(|line| line.split('`').nth(1));
        for check in CHECKS
            .iter()
            .filter(|row| named.clone().any(|name| name == row.name))
        {
            let leaves = playbook.preflight.leave_out.contains(&check.check);
            assert!(leaves, "{name}.md says that {} is left out", check.name);
        }
    }
    assert!(left_out > 8, "{left_out}");
}

/// The page of playbooks names some facts, and where all of them are.
#[test]
fn the_facts_in_the_page_of_playbooks_exist() {
    let text = page("playbook.md");
    let from = text.find("\nFacts").expect("a paragraph on facts");
    let paragraph = text[from..].split("Each family").next().unwrap();
    assert!(paragraph.contains("`winfleet facts --list`"), "{paragraph}");
    let mut family = String::new();
    let mut facts = 0;
    for name in paragraph.split('`').skip(1).step_by(2) {
        let name = match name.strip_prefix("facts.") {
            Some(name) => {
                family = name.split('.').next().unwrap().to_owned();
                name.to_owned()
            }
            None if name.starts_with('.') => format!("{family}{name}"),
            None => continue,
        };
        assert!(Fact::named(&name).is_some(), "there is no fact {name}");
        facts += 1;
    }
    assert!(facts > 8, "{facts}");
}

#[test]
fn every_link_between_the_pages_leads_somewhere() {
    let mut pages: Vec<String> = Vec::new();
    for folder in ["", "playbooks"] {
        for file in std::fs::read_dir(docs().join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ext| ext == "md") {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                pages.push(if folder.is_empty() {
                    name
                } else {
                    format!("{folder}/{name}")
                });
            }
        }
    }
    let mut links = 0;
    for name in &pages {
        let text = page(name);
        for (at, _) in text.match_indices("](") {
            let link = text[at + 2..].split(')').next().unwrap();
            if link.contains("://") || link.contains(char::is_whitespace) {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let base = docs().join(name);
            let target = if file.is_empty() {
                base
            } else {
                base.parent().unwrap().join(file)
            };
            assert!(target.exists(), "{name}: {link}");
            links += 1;
            if anchor.is_empty() {
                continue;
            }
            let text = std::fs::read_to_string(&target).unwrap();
            let headings: Vec<String> = text
                .lines()
                .filter(|line| line.starts_with('#'))
                .map(slug)
                .collect();
            assert!(
                headings.iter().any(|heading| heading == anchor),
                "{name}: {link}: {headings:?}"
            );
        }
    }
    assert!(links > 40, "{links}");
}

/// A heading's anchor.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn every_shipped_playbook_has_its_page() {
    let names = shipped();
    for name in &names {
        let text = page(&format!("playbooks/{name}.md"));
        for part in [
            "What it changes",
            "When to use it",
            "When it takes effect",
            "How to verify",
            "How to undo",
            "What a SOC will see",
        ] {
            assert!(text.contains(&format!("## {part}")), "{name}: {part}");
        }
    }
    assert!(names.len() >= 6);
}

/// The names of the shipped playbooks.
fn shipped() -> Vec<String> {
    let files = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
    files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "yaml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}
