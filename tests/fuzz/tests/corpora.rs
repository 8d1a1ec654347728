//! Seeds and all that the fuzzer has found: each file has to pass.

use std::path::{Path, PathBuf};

use fuzz_targets::TARGETS;

fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.sort();
    files
}

#[test]
fn every_file_passes() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(files.len() >= 5, "{name}: {} files", files.len());
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            let passed = std::panic::catch_unwind(|| target(&bytes));
            assert!(passed.is_ok(), "{}", file.display());
        }
    }
}

/// A seed that is cut off or damaged anywhere is the first thing a fuzzer tries.
#[test]
fn every_file_passes_cut_and_damaged() {
    for (name, target) in TARGETS {
        for file in corpus(name) {
            let bytes = std::fs::read(&file).unwrap();
            let step = bytes.len() / 40 + 1;
            for at in (0..bytes.len()).step_by(step) {
                target(&bytes[..at]);
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x81;
                target(&damaged);
            }
        }
    }
}

#[test]
fn every_target_has_its_binary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("libfuzzer/fuzz_targets");
    for (name, _) in TARGETS {
        assert!(folder.join(name).with_extension("rs").is_file(), "{name}");
    }
}
