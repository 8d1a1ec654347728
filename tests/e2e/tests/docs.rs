//! What the pages for users show is what the program takes.

use e2e::LabBuilder;

/// The fenced blocks of a page in a language.
fn fenced(page: &str, language: &str) -> Vec<String> {
    let path = format!(
        "{}/../../orchestrator/docs/{page}",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("a page");
    let blocks = text.split("```").skip(1).step_by(2);
    blocks
        .filter_map(|block| block.strip_prefix(&format!("{language}\n")))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_file_in_the_pages_is_taken() {
    let lab = LabBuilder::hosts(1).start();
    let (inventories, playbooks) = (
        fenced("inventory.md", "yaml"),
        fenced("playbook.md", "yaml"),
    );
    assert!(!inventories.is_empty() && !playbooks.is_empty());
    for inventory in &inventories {
        lab.write("i.yaml", inventory);
        for playbook in &playbooks {
            lab.write("p.yaml", playbook);
            lab.run(&["check", "i.yaml", "p.yaml"])
                .succeeds()
                .says("ring canary: 1 host");
        }
    }
    for inventory in &fenced("certificates.md", "yaml") {
        lab.write("i.yaml", inventory);
        lab.run(&["check", "i.yaml"]).succeeds();
    }
    lab.write("i.yaml", &inventories[0]);
    lab.run(&["check", "i.yaml"])
        .succeeds()
        .says("group paris: 20 at once");
    let selector = "ring:pilot & group:paris, pc-0001* ! group:laptops";
    let selector = selector.replace("laptops", "lyon");
    lab.run(&["hosts", "-i", "i.yaml", "-l", &selector])
        .succeeds();
}

/// Pieces of playbooks on the pages of probes, of the preflight and of gates, each put into a whole playbook.
#[test]
fn every_piece_of_a_playbook_in_the_pages_is_taken() {
    let lab = LabBuilder::hosts(1).start();
    let mut seen = 0;
    for (page, words) in [
        ("probes.md", ["probes:", "  - name: The road"]),
        ("preflight.md", ["preflight:", "preflight:"]),
        ("gates.md", ["rollout:", "rollout:"]),
    ] {
        let pieces = fenced(page, "text");
        let pieces = pieces
            .iter()
            .filter(|text| words.iter().any(|word| text.starts_with(word)));
        for piece in pieces {
            // The page shows two ways to write one block: the second one is with the steps.
            let piece = piece
                .strip_prefix("preflight: off")
                .map_or(piece.as_str(), |rest| {
                    rest.split_once('\n').map_or("", |(_, rest)| rest)
                });
            let steps = match piece.contains("\nsteps:") {
                true => "",
                false => "steps: [ { winhttp_proxy: { server: '{{ proxy }}' } } ]\n",
            };
            let whole = format!(
                "version: 1\nname: piece\nvars: {{ proxy: {{ type: host_port, required: true, example: 'a:1' }} }}\n{steps}{piece}"
            );
            lab.write("piece.yaml", &whole);
            lab.run(&["check", "inventory.yaml", "piece.yaml"])
                .succeeds();
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen}");
}

#[test]
fn the_page_of_codes_has_the_codes_of_the_program() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../orchestrator/docs/outcomes-and-exit-codes.md"
    );
    let text = std::fs::read_to_string(path).expect("a page");
    let codes: Vec<u8> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    let known: Vec<u8> = cli::exit_code::ALL.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, known);
}

#[test]
fn every_verb_in_the_table_of_rows_is_one_of_the_program() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../orchestrator/docs/defender-rows.md"
    );
    let text = std::fs::read_to_string(path).expect("a page");
    let lab = LabBuilder::hosts(1).start();
    let verbs: Vec<&str> = text
        .split("`verb ")
        .skip(1)
        .filter_map(|rest| rest.split('`').next())
        .collect();
    assert!(verbs.contains(&"export"), "{verbs:?}");
    for verb in verbs {
        lab.run(&[verb, "--help"]).exits(0);
    }
    // A word that is none is not taken.
    lab.run(&["mod", "--help"]).exits(1);
}
