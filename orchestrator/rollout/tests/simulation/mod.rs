//! The engine under seeded schedules of misfortunes, orders and crashes, against its promises.
//!
//! Some hundreds of seeds by default, 10,000 with `WINFLEET_LONG=1`, one with `WINFLEET_SEED=n`. A failing seed names
//! itself. `schedule.rs` says what a seed stands for, `world.rs` carries it out, `witness.rs` watches the hosts,
//! `order.rs` reads the events, `check.rs` judges what is left, `coverage.rs` counts what was met.

mod check;
mod coverage;
mod order;
mod play;
mod schedule;
mod witness;
mod world;

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use coverage::Coverage;
use play::play;
use world::Telling;

const IN_THE_GATE: u64 = 300;
const IN_A_LONG_RUN: u64 = 10_000;

#[test]
fn seeded_schedules_keep_the_promises() {
    let one = std::env::var("WINFLEET_SEED").ok();
    let one = one.map(|seed| seed.parse::<u64>().expect("WINFLEET_SEED is a number"));
    let long = std::env::var_os("WINFLEET_LONG").is_some();
    let (seeds, whole) = match (one, long) {
        (Some(seed), _) => (seed..seed + 1, false),
        (None, true) => (0..IN_A_LONG_RUN, true),
        (None, false) => (0..IN_THE_GATE, true),
    };
    let telling = one.map_or(Telling::Nothing, |_| Telling::Aloud);
    let (failed, coverage) = play_all(&seeds, telling);
    say(&format!(
        "{} seeds met\n{coverage}",
        seeds.end - seeds.start
    ));
    let words: Vec<String> = failed
        .iter()
        .take(50)
        .map(|(seed, why)| format!("seed {seed}: {why}"))
        .collect();
    assert!(
        failed.is_empty(),
        "{} seeds break a promise: {:?}\n{}\nreplay: WINFLEET_SEED={} cargo test -p rollout simulation -- --nocapture",
        failed.len(),
        failed
            .iter()
            .map(|(seed, _)| seed)
            .take(50)
            .collect::<Vec<_>>(),
        words.join("\n"),
        failed[0].0
    );
    let missing = coverage.missing();
    assert!(!whole || missing.is_empty(), "no seed met {missing:?}");
}

#[test]
fn a_seed_is_one_run() {
    for seed in 0..6 {
        assert_eq!(
            play(seed, Telling::Kept).told,
            play(seed, Telling::Kept).told,
            "seed {seed}"
        );
    }
}

type Failures = Vec<(u64, String)>;

/// Shares the seeds out over the processors.
fn play_all(seeds: &Range<u64>, telling: Telling) -> (Failures, Coverage) {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let of_thread = |number: u64| {
        let (mut failed, mut coverage) = (Failures::new(), Coverage::default());
        for seed in seeds.clone().filter(|seed| seed % threads == number) {
            match catch_unwind(AssertUnwindSafe(|| play(seed, telling))) {
                Ok(played) => coverage.add(played.coverage),
                Err(cause) => failed.push((seed, words_of(&*cause))),
            }
        }
        (failed, coverage)
    };
    let (mut failed, mut coverage) = (Failures::new(), Coverage::default());
    std::thread::scope(|scope| {
        let of_thread = &of_thread;
        let threads: Vec<_> = (0..threads)
            .map(|number| scope.spawn(move || of_thread(number)))
            .collect();
        for thread in threads {
            let (bad, met) = thread.join().unwrap();
            failed.extend(bad);
            coverage.add(met);
        }
    });
    failed.sort();
    (failed, coverage)
}

fn words_of(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().cloned();
    text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}

#[expect(
    clippy::print_stdout,
    reason = "a test tells what it met; shown with --nocapture or where it fails"
)]
fn say(words: &str) {
    println!("{words}");
}
