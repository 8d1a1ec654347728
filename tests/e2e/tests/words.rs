//! Words of closed lists on which scripts rely: each is given by the program at some place, or it would be waited for in
//! vain.

use std::path::{Path, PathBuf};

/// Where the words are told of, not given.
const TABLES: [&str; 4] = ["fleet.rs", "reason.rs", "checks.rs", "outcome.rs"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !TABLES.iter().any(|table| path.ends_with(table))
        {
            found.push(path);
        }
    }
}

/// `read_back_differs` as the variant `ReadBackDiffers`.
fn variant(word: &str) -> String {
    let parts = word.split('_');
    parts
        .map(|part| part[..1].to_uppercase() + &part[1..])
        .collect()
}

/// A source without its tests.
fn program(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod").next().unwrap_or_default()
}

/// The name stands there, and not as the pattern of a `match`.
fn gives(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let (before, rest) = (&line[..at], &line[at + name.len()..]);
        let whole = !rest.starts_with(|next: char| next.is_alphanumeric());
        let pattern = rest.contains("=>")
            || rest.trim_start().starts_with('|')
            || before.trim_end().ends_with('|');
        whole && !pattern
    })
}

#[test]
fn every_cause_is_given_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../orchestrator");
    let mut files = Vec::new();
    for layer in ["rollout", "session", "cli"] {
        sources(&root.join(layer).join("src"), &mut files);
    }
    let text: Vec<String> = files
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a source"))
        .collect();
    let lines = || text.iter().flat_map(|text| program(text).lines());
    let schema = std::fs::read_to_string(root.join("rollout/events.schema.json")).expect("schema");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    for list in ["Reason", "StopCause"] {
        let words = schema["$defs"][list]["oneOf"].as_array().expect("a list");
        assert!(words.len() > 5, "{list}");
        for word in words {
            let name = format!(
                "{list}::{}",
                variant(word["const"].as_str().expect("a word"))
            );
            let given = lines().any(|line| gives(line, &name));
            assert!(given, "{name} is told of and never given");
        }
    }
}
