//! Of `-i`, `-p`, `-l` and `-e` no verb ignores one without a word: it heeds it, refuses it, or says that it has no effect.

use e2e::{Lab, LabBuilder};

/// Verb and words, and which of the four it takes.
const VERBS: &[(&str, &str)] = &[
    ("ping --replay trace", ""),
    ("facts --list", ""),
    ("audit --against last", "il"),
    ("rollback last", "il"),
    ("catch-up last", "il"),
    ("resume last", "i"),
    ("report last", ""),
    ("status last", ""),
    ("verify last", ""),
    ("runs", ""),
    ("runs export last file", ""),
    ("pause last", ""),
    ("approve last", ""),
    ("abort last", ""),
    ("push --plan plan", ""),
    ("credential test rollout", "i"),
    ("credential list", ""),
    ("schema report", ""),
    ("completions bash", ""),
    ("man", ""),
];

const OPTIONS: [(&str, &str); 4] = [
    ("-i", "inventory.yaml"),
    ("-p", "edr-only.yaml"),
    ("-l", "pc-0001*"),
    ("-e", "proxy=10.0.0.6:8080"),
];

#[test]
fn what_a_verb_would_ignore_is_refused() {
    let lab = LabBuilder::hosts(1).start();
    lab.unlimited("edr-only.yaml");
    for (verb, taken) in VERBS {
        let words: Vec<&str> = verb.split(' ').collect();
        for (option, value) in OPTIONS {
            if taken.contains(&option[1..]) {
                continue;
            }
            let done = lab.run(&[&words[..], &[option, value]].concat()).exits(1);
            let (told, name) = (done.stderr(), words[0]);
            // Of these two the parser knows that they exclude each other.
            let by_parser = (*verb, option) == ("ping --replay trace", "-i");
            assert!(
                told.contains("nothing was sent to any host")
                    && (by_parser
                        || told.contains(&format!("error: {name}"))
                            && told.contains(&format!("takes no {option}: "))),
                "{verb} {option}: {told}"
            );
            assert_eq!(done.stdout(), "", "{verb} {option}");
        }
    }
    // All of them at once, before the run is looked for.
    let done = lab
        .run(&["report", "nowhere", "-l", "x", "-e", "a=b", "-i", "y"])
        .exits(1);
    assert!(
        done.stderr().contains("report takes no -i, no -l, no -e: "),
        "{}",
        done.stderr()
    );
    assert_eq!(lab.hosts()[0].counters().requests, 0);
}

/// A playbook does no harm to verbs that only look at hosts, and does nothing for them.
#[test]
fn a_playbook_beside_verbs_that_look_is_told_to_be_of_no_effect() {
    let lab = LabBuilder::hosts(1).start();
    lab.unlimited("edr-only.yaml");
    for verb in ["hosts", "ping", "facts os.build", "explain pc-0001"] {
        let words: Vec<&str> = verb.split(' ').collect();
        let more = [
            "-i",
            "inventory.yaml",
            "-p",
            "edr-only.yaml",
            "-e",
            "proxy=a.example:1",
        ];
        let told = format!("warning: -p and -e of no effect on {}: ", words[0]);
        lab.run(&[&words[..], &more].concat()).exits(0).says(&told);
        let quiet = lab.run(&[&words[..], &more, &["-q"]].concat()).exits(0);
        assert!(!quiet.stderr().contains("no effect"), "{}", quiet.stderr());
    }
}

/// `check` judges `-e` without an inventory, too; hosts to select it has none then.
#[test]
fn check_heeds_what_it_is_given() {
    let lab = LabBuilder::hosts(1).start();
    lab.unlimited("edr-only.yaml");
    let check = |more: &[&str]| lab.run(&[&["check", "edr-only.yaml"][..], more].concat());
    check(&[]).exits(0);
    check(&["-e", "proxy=10.0.0.6:8080"]).exits(0);
    for (more, told) in [
        (["-e", "proxy=nonsense"], "proxy"),
        (["-e", "prox=10.0.0.6:8080"], "did you mean 'proxy'"),
        (["-l", "pc-0001*"], "-l selects hosts of an inventory"),
    ] {
        let done = check(&more).exits(1);
        assert!(done.stderr().contains(told), "{}", done.stderr());
    }
}

/// A deletion has no conflicts to force, and a ring that the playbook lacks is a slip of the pen in both modes.
#[test]
fn a_deletion_refuses_what_means_nothing_to_it() {
    let lab = LabBuilder::hosts(1).start();
    let playbook = Lab::shipped("edr-only.yaml");
    let delete = |more: &[&str]| {
        let usual = ["rollback", "--mode", "delete", "-i", "inventory.yaml"];
        lab.run(&[&usual[..], &["-p", &playbook, "--yes"], more].concat())
    };
    delete(&["--on-conflict", "force"])
        .exits(1)
        .says("rollback --mode delete takes no --on-conflict force");
    delete(&["--ring", "canari"])
        .exits(1)
        .says("playbook 'edr-only' has no ring 'canari'")
        .says("did you mean 'canary'?");
    delete(&["--ring", "canary"])
        .exits(10)
        .says("no selected host is in such a ring");
    assert_eq!(lab.hosts()[0].counters().requests, 0);
}
