//! Plans round the loop, and every kind of damage.

use super::*;
use crate::prior::not_restorable;
use crate::survey::{WouldWrite, survey};
use crate::testing::{self, Script, Scripted};
use crate::{Cost, HostIdentity, Reason};

const ROLLOUT: &str = "rollout:\n  groups: {}\n  max_failed: '2%'\n  rings:\n    - { name: all, select: all, soak: 30m }\n";

fn playbook(spec: &RunSpec) -> playbooks::Playbook {
    let document = document::Document::from_bytes("p.yaml", spec.playbook.text.as_bytes()).unwrap();
    playbooks::Playbook::load(&document).unwrap()
}

async fn planned(
    scripts: Vec<Script>,
    rollout: &str,
) -> (RunSpec, Vec<Reading<Vec<PlannedStep>>>, Scripted) {
    let spec = testing::push(scripts.len(), rollout);
    let fleet = Scripted::of(scripts);
    let question = WouldWrite::new(playbook(&spec), &spec);
    let found = survey(
        Arc::new(fleet.clone()),
        Arc::new(spec.clone()),
        question,
        2,
        |_, _| (),
    )
    .await;
    (spec, found, fleet)
}

fn closed() -> Script {
    Script::default().closed(HostError::unreachable(
        Reason::Dns,
        "no such name \u{9b}31m",
    ))
}

#[tokio::test]
async fn a_plan_comes_back_as_it_was_written() {
    let scripts = vec![
        Script::default(),
        closed(),
        Script::default().value(testing::old_proxy()),
        Script::default(),
    ];
    let (spec, readings, fleet) = planned(scripts, ROLLOUT).await;
    let (text, hash) = render_plan(&spec, &readings, Timestamp::UNIX_EPOCH).unwrap();
    assert!(text.is_ascii() && !text.contains('\u{1b}'));
    assert_eq!(
        text.matches("\"prior\"").count() - text.matches("\"prior\": {").count(),
        3,
        "{text}"
    );
    let plan = read_plan(text.as_bytes()).unwrap();
    assert_eq!(
        (plan.hash.as_str(), plan.spec.plan_hash.as_deref()),
        (hash.as_str(), Some(hash.as_str()))
    );
    assert_eq!(plan.spec.rings, spec.rings);
    assert_eq!(plan.spec.limits, spec.limits);
    assert_eq!(plan.found[0], plan.found[3], "found alike");
    assert!(
        matches!(&plan.spec.hosts[0].planned, Some(Planned::Read { found, .. }) if found.len() == 3)
    );
    assert!(matches!(
        &plan.spec.hosts[1].planned,
        Some(Planned::Unread { .. })
    ));
    assert_eq!(plan.found[1], Err(readings[1].error().unwrap().clone()));
    let counters = fleet.counters();
    assert!(
        counters
            .iter()
            .all(|host| host.writes == 0 && host.undos == 0)
    );
    assert_eq!(not_restorable(plan.found[2].as_ref().unwrap()), None);
}

#[tokio::test]
async fn any_changed_byte_is_refused() {
    let (spec, readings, _) = planned(vec![Script::default(), closed()], "").await;
    let (text, _) = render_plan(&spec, &readings, Timestamp::UNIX_EPOCH).unwrap();
    let bytes = text.into_bytes();
    // Places all over the file; the bit that changes moves along with them.
    for place in (0..bytes.len()).step_by(7) {
        let mut altered = bytes.clone();
        altered[place] ^= 1 << (place % 8);
        assert!(
            read_plan(&altered).is_err(),
            "byte {place} was changed unnoticed"
        );
    }
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(read_plan(&bytes[..cut]).is_err(), "cut after {cut}");
    }
    let longer = [bytes.as_slice(), b"\n"].concat();
    assert!(matches!(read_plan(&longer), Err(PlanFileError::Altered(_))));
}

#[tokio::test]
async fn a_plan_of_a_newer_program_says_so() {
    let (spec, readings, _) = planned(vec![Script::default()], "").await;
    let (text, _) = render_plan(&spec, &readings, Timestamp::UNIX_EPOCH).unwrap();
    let newer = text.replace("winfleet.plan-file/1", "winfleet.plan-file/2");
    assert!(matches!(
        read_plan(newer.as_bytes()),
        Err(PlanFileError::Newer(_))
    ));
    for other in [
        "{}",
        "[]",
        "null",
        "{\"schema\": \"winfleet.plan-file/0\"}",
        "host: x",
    ] {
        assert!(
            matches!(read_plan(other.as_bytes()), Err(PlanFileError::NotAPlan(_))),
            "{other}"
        );
    }
}

#[test]
fn an_empty_selection_is_a_plan_too() {
    let mut spec = testing::push(1, "");
    let read = Reading::Read {
        identity: HostIdentity::default(),
        answer: Vec::new(),
        cost: Cost::default(),
    };
    assert!(render_plan(&spec, std::slice::from_ref(&read), Timestamp::UNIX_EPOCH).is_ok());
    spec.hosts.clear();
    assert!(render_plan(&spec, &[], Timestamp::UNIX_EPOCH).is_ok());
}
