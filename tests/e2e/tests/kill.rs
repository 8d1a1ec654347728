//! Promise 13 by chance: the controller is killed at random instants, again and again, and nothing is lost.
//!
//! A story is a push, a catch-up and a rollback of one made-up fleet, each of which may be killed several times and is
//! brought to its end by whatever an operator would type next. It has to end as an undisturbed story of the same fleet
//! does: reports, registries, and the writes each host saw. Every fourth push is never resumed, but taken back as it is
//! when it died. `WINFLEET_LONG=1` kills a thousand times and more;
//! `WINFLEET_SEED=n` tells the one story that failed. `crash.rs` kills at chosen events instead.

use std::time::Instant;

use crate::story::{Dice, Fleet, Killer};

/// Kills in the gate, and where the long run is asked for.
const GATE: usize = 20;
const LONG: usize = 1000;
/// Stories told of one fleet before another is made up: what an undisturbed story is like has to be found out once.
const STORIES_OF_A_FLEET: u64 = 8;

/// Kills so many times; returns how many stories that took.
fn kill(times: usize) -> u64 {
    let (mut seed, mut killed) = (0, 0);
    let mut fleet = Fleet::of(0);
    while killed < times {
        if seed / STORIES_OF_A_FLEET != fleet.seed {
            fleet = Fleet::of(seed / STORIES_OF_A_FLEET);
        }
        killed += tell(&fleet, seed);
        seed += 1;
    }
    seed
}

/// One story; returns how many times it was disturbed. Its seed stands on the screen where it fails.
#[expect(
    clippy::print_stderr,
    reason = "shown by the test harness where the story fails"
)]
fn tell(fleet: &Fleet, seed: u64) -> usize {
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut killer = Killer::new(Dice::of(seed), fleet);
        match seed % 4 {
            3 => fleet.given_up(&mut killer),
            _ => fleet.compare(&fleet.story(&mut killer)),
        }
        killer.killed()
    }));
    match told {
        Ok(killed) => killed,
        Err(cause) => {
            eprintln!("it was story {seed}: WINFLEET_SEED={seed} tells it again");
            std::panic::resume_unwind(cause)
        }
    }
}

#[test]
fn killed_at_random_instants_and_brought_to_its_end_equals_an_undisturbed_story() {
    if let Ok(seed) = std::env::var("WINFLEET_SEED") {
        let seed = seed.parse().expect("WINFLEET_SEED is a number");
        tell(&Fleet::of(seed / STORIES_OF_A_FLEET), seed);
        return;
    }
    let wanted = match std::env::var_os("WINFLEET_LONG") {
        Some(_) => LONG,
        None => GATE,
    };
    let since = Instant::now();
    let stories = kill(wanted);
    println!(
        "{wanted} kills or more in {stories} stories took {:?}",
        since.elapsed()
    );
}
