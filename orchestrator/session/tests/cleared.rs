//! A value of a key that is nobody's but ours is taken away with its key; what else stands in the key stays, in every
//! dialect and on both roads.

use rollout::{Observe, Session};
use sim_fleet::{Dialect, RawValue};

use crate::lab::{Lab, key_path, target};

const KEY: &str = r"SOFTWARE\winfleet-run";
const CHANNELS: [&str; 2] = ["cim", "shell"];

/// What somebody else has in the key.
#[derive(Clone, Copy, Debug)]
enum Beside {
    Nothing,
    Value,
    Subkey,
}

#[tokio::test]
async fn the_key_goes_with_its_last_value_only() {
    let usual = Dialect::default();
    let mut dialects = Dialect::features();
    dialects.retain(|(_, dialect)| dialect.registry != usual.registry);
    dialects.push(("as mostly".to_owned(), usual));
    for channel in CHANNELS {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        for (name, dialect) in &dialects {
            lab.host().set_dialect(*dialect);
            for beside in [Beside::Nothing, Beside::Value, Beside::Subkey] {
                let host = lab.host();
                host.set_value(KEY, "own", RawValue::sz("x"));
                match beside {
                    Beside::Nothing => {}
                    Beside::Value => host.set_value(KEY, "other", RawValue::sz("y")),
                    Beside::Subkey => host.create_key(&format!(r"{KEY}\theirs")),
                }
                let mut session = lab.open().await;
                let all = format!("{channel}, {name}, {beside:?}");
                // Idempotent.
                for _ in 0..2 {
                    session.clear(&target(KEY, "own")).await.expect(&all);
                }
                session.close().await;
                assert_eq!(host.value(KEY, "own"), None, "{all}");
                let stays = !matches!(beside, Beside::Nothing);
                assert_eq!(host.key_exists(KEY), stays, "{all}");
                let other = host.value(KEY, "other").is_some();
                assert_eq!(other, matches!(beside, Beside::Value), "{all}");
                host.delete_key(&format!(r"{KEY}\theirs"));
                host.delete_key(KEY);
            }
        }
    }
}

/// One request for the list, and none for the value that nobody asks for.
#[tokio::test]
async fn one_value_can_be_left_out_of_a_list() {
    let lab = Lab::one().await;
    lab.host().set_dialect(Dialect::default());
    lab.host().set_value(KEY, "own", RawValue::sz("x"));
    lab.host().set_value(KEY, "other", RawValue::sz("y"));
    let mut session = lab.open().await;
    let before = lab.host().counters().requests;
    let values = session.values(&key_path(KEY), Some("own")).await.unwrap();
    let requests = lab.host().counters().requests - before;
    session.close().await;
    let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, requests), (vec!["other"], 2));
}
