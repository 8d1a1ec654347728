//! Rings and limits: what is taken, what is refused, what is in force by default.

use playbooks::{Limit, OnBreach};

use crate::support::{load, problems};

const STEP: &str = "steps: [ { edr_proxy: { server: 'p:1' } } ]\n";

#[test]
fn limits_are_breached_above_the_floor_of_the_share() {
    let cases = [
        ("0", 100, 0),
        ("3", 100, 3),
        ("0%", 100, 0),
        ("2%", 100, 2),
        ("2%", 99, 1),
        ("2%", 49, 0),
        ("0.5%", 200, 1),
        ("0.5%", 199, 0),
        ("33.33%", 3, 0),
        ("34%", 3, 1),
        ("100%", 7, 7),
        ("12.5%", 8, 1),
        ("1%", 0, 0),
        ("1%", 20_000, 200),
    ];
    for (text, hosts, allowed) in cases {
        let limit: Limit = text.parse().unwrap();
        assert_eq!(limit.allowed(hosts), allowed, "{text} of {hosts}");
        let allowed = usize::try_from(allowed).unwrap();
        assert!(!limit.breached(allowed, hosts), "{text} of {hosts}");
        assert!(limit.breached(allowed + 1, hosts), "{text} of {hosts}");
        assert_eq!(limit.to_string().parse::<Limit>().unwrap(), limit);
    }
    assert!(!"0".parse::<Limit>().unwrap().breached(0, 0));
}

#[test]
fn impossible_limits_are_refused() {
    for text in [
        "",
        "-1",
        "+1",
        "-1%",
        "101%",
        "100.01%",
        "1.234%",
        "%",
        ".5%",
        "1e1%",
        "2 %x",
        "4294967296",
        "NaN%",
        "two",
    ] {
        assert!(text.parse::<Limit>().is_err(), "{text}");
    }
    let cases = [
        ("{ max_failed: -1 }", "-1 hosts cannot be a limit"),
        (
            "{ max_failed: '101%' }",
            "is not a percentage between 0% and 100%",
        ),
        ("{ max_failed: 2.5 }", "2.5 is not a number of hosts"),
        (
            "{ max_failed: yes }",
            "'yes' is neither a number of hosts nor a percentage",
        ),
        ("{ max_failed: }", "nothing stands here"),
        ("{ on_breach: halt }", "'halt' is not taken here"),
        ("{ deadline: 30 }", "30 has no unit"),
        ("{ deadline: 0s }", "leaves no time"),
        ("{ deadline: 5x }", "is not a duration"),
        ("{ deadline: 30m2h }", "is not a duration"),
        ("{ rings: [] }", "there is no ring"),
        ("{ rings: [ { name: a } ] }", "the key 'select' is missing"),
        (
            "{ rings: [ { select: all } ] }",
            "the key 'name' is missing",
        ),
        (
            "{ rings: [ { name: a, select: all, max_parallel: 0 } ] }",
            "max_parallel 0",
        ),
        (
            "{ rings: [ { name: a, select: all, max_parallel: -5 } ] }",
            "-5 is out of range",
        ),
        (
            "{ rings: [ { name: a, select: all, max_parallel: '10%' } ] }",
            "not a share",
        ),
        (
            "{ rings: [ { name: a, select: rest }, { name: b, select: 'ring:b' } ] }",
            "no host can reach the ring 'b'",
        ),
        (
            "{ rings: [ { name: a, select: 'ring:x' }, { name: A, select: rest } ] }",
            "a second ring 'A'",
        ),
        (
            "{ rings: [ { name: a, select: 'ring:x' }, { name: b, select: 'ring:x' } ] }",
            "selects the same",
        ),
        (
            "{ rings: [ { name: a, select: all, soak: 30 } ] }",
            "30 has no unit",
        ),
        (
            "{ rings: [ { name: a, select: all, approve: maybe } ] }",
            "text stands here",
        ),
        ("{ windows: [] }", "there is no window"),
        (
            "{ windows: { from: '22:00', to: '05:00' } }",
            "the key 'tz' is missing",
        ),
        (
            "{ windows: { from: '22:00', to: '05:00', tz: Europe/Pariss } }",
            "there is no time zone 'Europe/Pariss'",
        ),
        (
            "{ windows: { from: '22:00', to: '22:00', tz: UTC } }",
            "ends when it begins",
        ),
        (
            "{ windows: { from: '25:00', to: '22:00', tz: UTC } }",
            "'25:00' is not a time of day",
        ),
        (
            "{ windows: { days: [mon, tues], from: '01:00', to: '22:00', tz: UTC } }",
            "'tues' is not a day of the week",
        ),
        (
            "{ groups: { paris: { max_parallel: 0 } } }",
            "with max_parallel 0",
        ),
        ("{ groups: { paris: 5 } }", "a whole number stands here"),
        (
            "{ retries: { per_host: 11 } }",
            "a whole number stands here",
        ),
        (
            "{ retries: { tries: 1 } }",
            "unknown key 'tries' in retries",
        ),
        (
            "{ max_parallel: 5 }",
            "unknown key 'max_parallel' in rollout",
        ),
    ];
    for (block, message) in cases {
        let problems = problems(&format!("{STEP}rollout: {block}\n"));
        assert_eq!(problems.len(), 1, "{block}: {problems:?}");
        assert!(
            problems[0].message.contains(message),
            "{block}: {}",
            problems[0].message
        );
        assert_eq!(problems[0].line, 4, "{block}");
        assert!(problems[0].column > 9 || block == "{ }", "{block}");
    }
}

#[test]
fn a_playbook_without_rollout_is_one_ring() {
    let playbook = load(STEP);
    assert!(playbook.strategy.implicit);
    let [ring] = playbook.strategy.rings.as_slice() else {
        panic!("one ring")
    };
    assert_eq!(
        (ring.name.as_str(), ring.select.as_str(), ring.max_parallel),
        ("all", "all", 100)
    );
    assert_eq!(ring.on_breach, OnBreach::Stop);
    assert_eq!(ring.limits.max_failed, None);
}

#[test]
fn rings_take_what_they_do_not_say_from_the_run_and_the_defaults() {
    let playbook = load(&format!(
        "{STEP}rollout:\n  max_failed: 5\n  on_breach: rollback_run\n  deadline: 1h30m\n  rings:\n    \
         - {{ name: a, select: 'ring:a', max_failed: '2.5%', on_breach: pause }}\n    - {{ name: b, select: rest, max_parallel: 7 }}\n"
    ));
    let strategy = &playbook.strategy;
    assert_eq!(strategy.limits.max_failed, Some(Limit::Count(5)));
    assert_eq!(strategy.deadline.unwrap().as_secs(), 5400);
    assert_eq!(
        strategy.rings[0].limits.max_failed,
        Some(Limit::Percent(250))
    );
    assert_eq!(
        (strategy.rings[0].on_breach, strategy.rings[0].max_parallel),
        (OnBreach::Pause, 100)
    );
    assert_eq!(
        (strategy.rings[1].on_breach, strategy.rings[1].max_parallel),
        (OnBreach::RollbackRun, 7)
    );
    assert_eq!(strategy.rings[1].line, 10);
    let defaults: Vec<String> = playbook
        .defaults_in_force()
        .iter()
        .map(|default| format!("{}: {}", default.setting, default.value))
        .collect();
    insta::assert_snapshot!("defaults_in_force", defaults.join("\n"));
}

#[test]
fn gates_stand_in_rings_and_windows_in_the_run_too() {
    let playbook = load(&format!(
        "{STEP}rollout:\n  windows: {{ days: mon-fri, from: '22:00', to: '05:00', tz: europe/paris }}\n  \
         groups: {{ paris: {{ max_parallel: 20 }} }}\n  retries: {{ per_host: 0, budget: 7 }}\n  rings:\n    \
         - {{ name: a, select: 'ring:a', soak: 1h30m, approve: true }}\n    \
         - {{ name: b, select: rest, windows: [ {{ days: [sat, Sunday], from: '0:00', to: '24:00', tz: UTC }} ] }}\n"
    ));
    let strategy = &playbook.strategy;
    let words = |ring: usize| strategy.rings[ring].gates.words();
    assert_eq!(
        words(0),
        [
            "only mon,tue,wed,thu,fri 22:00-05:00 Europe/Paris",
            "soak 1h30m",
            "approve"
        ]
    );
    assert_eq!(words(1), ["only sat,sun 00:00-24:00 UTC"]);
    assert_eq!(strategy.groups["paris"], 20);
    assert_eq!(strategy.retries.per_host, 0);
    assert_eq!(strategy.retries.allowed(1_000), 7);
}

#[test]
fn the_default_retry_budget_is_a_share_of_the_hosts() {
    let retries = load(STEP).strategy.retries;
    assert_eq!(retries.per_host, 2);
    assert_eq!((retries.allowed(3), retries.allowed(1_000)), (10, 500));
}
