//! Living within quotas (wsman reference 8): one shell and one connection for each host, few operations, and nothing
//! left behind whatever happens.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use playbooks::{Change, Desired, FactSet, Target, WinHttpProxy};
use rollout::{Fleet, Observe, Reason, Session};
use session::RealFleet;
use sim_fleet::dialect::CallsCount;
use sim_fleet::{Dialect, FleetSpec, HostHandle, Knobs};

use crate::lab::{Lab, knobs, sz, target};

fn netsh(server: &str) -> Change {
    Change {
        target: Target::win_http_settings(),
        desired: Desired::WinHttp(WinHttpProxy {
            server: server.to_owned(),
            bypass: vec![],
        }),
    }
}

fn value() -> Change {
    Change {
        target: target(r"SOFTWARE\Policies\X", "v"),
        desired: Desired::Value(sz("1")),
    }
}

/// Facts, writes and reads, in one session.
async fn work(lab: &Lab) {
    let mut session = lab.open().await;
    session.facts(&FactSet::all()).await.unwrap();
    for round in 0..3 {
        session
            .apply(&netsh(&format!("10.0.0.{round}:8080")))
            .await
            .unwrap();
        session.apply(&value()).await.unwrap();
        session.observe(&[value().target]).await.unwrap();
    }
    session.close().await;
}

/// Everything a session does, through both channels, on a host that allows one of each at a time.
#[tokio::test]
async fn one_shell_and_one_connection_are_enough() {
    let mut spec = FleetSpec::named(["pc-1.corp.example"]);
    spec.defaults.max_shells = Some(1);
    spec.defaults.max_connections = Some(1);
    spec.defaults.max_operations = Some(40);
    for defaults in ["channel: auto", "channel: shell"] {
        let lab = Lab::of(spec.clone()).await.defaults(defaults);
        work(&lab).await;
        let counters = lab.host().counters();
        assert_eq!(
            (
                counters.most_shells,
                counters.most_connections,
                counters.shells_open
            ),
            (1, 1, 0),
            "{defaults}: {counters:?}"
        );
        // The shell is recycled where its commands have used up the operations.
        let most = counters.commands.div_ceil(40);
        assert!(counters.shells_created <= most, "{counters:?}");
        assert!(counters.most_operations <= 40, "{counters:?}");
    }
}

/// A host may count every call as an operation of the account until the connection is closed, as nobody has measured.
/// With the fifteen operations of Windows 7 the work is done all the same, on a new connection whenever they are used up.
#[tokio::test]
async fn calls_that_count_until_the_connection_closes_are_lived_with() {
    let mut spec = FleetSpec::named(["pc-1.corp.example"]);
    spec.defaults.max_connections = Some(1);
    spec.defaults.max_operations = Some(15);
    let mut dialect = Dialect::default();
    dialect.registry.calls_count = CallsCount::UntilClosed;
    spec.hosts[0].dialect = Some(dialect);
    for defaults in ["channel: auto", "channel: shell"] {
        let lab = Lab::of(spec.clone()).await.defaults(defaults);
        work(&lab).await;
        let counters = lab.host().counters();
        assert_eq!(
            (counters.most_connections, counters.shells_open),
            (1, 0),
            "{defaults}: {counters:?}"
        );
    }
}

/// Where it is not this connection that has used the account's operations up, the host is not asked on and on.
#[tokio::test]
async fn a_quota_that_a_new_connection_does_not_free_is_told() {
    let mut spec = FleetSpec::named(["pc-1.corp.example"]);
    spec.defaults.max_operations = Some(0);
    let mut dialect = Dialect::default();
    dialect.registry.calls_count = CallsCount::UntilClosed;
    spec.hosts[0].dialect = Some(dialect);
    let lab = Lab::of(spec).await;
    let error = lab.try_open().await.err().unwrap();
    assert_eq!(error.reason, Reason::Quota, "{error:?}");
    let counters = lab.host().counters();
    assert_eq!(counters.connections, 1, "{counters:?}");
}

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// A fault that passes: afterwards the host can be reached again.
    fn fault(&mut self) -> Knobs {
        let number = self.roll(6) + 1;
        let point = [
            "request",
            "operation",
            "create",
            "command",
            "receive",
            "write",
        ][usize::try_from(self.roll(6)).unwrap()];
        let at = match point {
            "create" => "create 1".to_owned(),
            "command" | "receive" | "write" => format!("{point} {}", number.div_ceil(2)),
            _ => format!("{point} {}", number + 2),
        };
        let set = match self.roll(9) {
            0 => format!("{{ drop: {{ at: {at} }} }}"),
            1 => format!(
                "{{ drop: {{ at: {at}, phase: after, times: {} }} }}",
                self.roll(2) + 1
            ),
            2 => format!(
                "{{ drop: {{ at: {at}, after_bytes: {} }} }}",
                self.roll(900)
            ),
            3 => format!("{{ hang: {{ at: {at} }} }}"),
            4 => format!("{{ status: {{ code: 503, after: {number}, first: 1 }} }}"),
            5 => format!(
                "{{ status: {{ code: 401, after: {}, first: 1 }} }}",
                number + 3
            ),
            6 => "{ quota: { kind: operations, first: 1 } }".to_owned(),
            7 => format!("{{ latency: {}ms }}", self.roll(30)),
            _ => format!("{{ garbage: {{ kind: xml, at: {at}, times: 1 }} }}"),
        };
        knobs(&set)
    }
}

/// Work that is cut off in the middle, whatever it is doing, after so many steps. A step is a poll: counting them cuts at
/// the same places on a slow machine.
struct Cut<F> {
    work: Pin<Box<F>>,
    steps: u64,
}

impl<F: Future> Future for Cut<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(left) = self.steps.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.steps = left;
        self.work.as_mut().poll(context).map(Some)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The work was done, or failed as work does.
    Itself,
    /// It was cut off.
    Cut,
}

/// One run against one host: work, with a fault, that ends in one of the ways in which work ends. The host is healed
/// before the end, so that it can be reached again.
async fn run(fleet: Arc<RealFleet>, host: HostHandle, name: inventory::HostName, seed: u64) -> End {
    let mut dice = Dice(seed);
    let fault = dice.fault();
    // A host that hangs would go on hanging for as long as the clean-up tries: there alone the clock ends the work,
    // before the client's own patience ends.
    let patience = match fault.hang {
        Some(_) => Duration::from_secs(1),
        None => Duration::from_secs(60),
    };
    host.set_knobs(fault);
    let way = dice.roll(4);
    // A killed task, or the deadline that the engine sets for each host: it may come at any of the twenty steps or so.
    let steps = match way {
        3 => dice.roll(20) + 1,
        _ => dice.roll(200) + 10,
    };
    let healing = host.clone();
    let work = Box::pin(async move {
        let mut session = fleet.open(&name).await.ok()?;
        let mut result = session.apply(&netsh("10.0.0.6:8080")).await;
        if result.is_ok() {
            result = session.apply(&value()).await;
        }
        healing.set_knobs(Knobs::default());
        match way {
            // In order.
            0 | 1 => drop(session.close().await),
            // The caller has lost interest.
            _ => drop(session),
        }
        result.ok()
    });
    let end = match tokio::time::timeout(patience, Cut { work, steps }).await {
        Ok(Some(_)) => End::Itself,
        Ok(None) | Err(_) => End::Cut,
    };
    host.set_knobs(Knobs::default());
    end
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_chaotic_runs_leave_no_shell() {
    let lab = Lab::hosts(100)
        .await
        .defaults("channel: auto, request_timeout: 2s");
    let fleet = Arc::new(lab.fleet());
    let first: u64 = std::env::var("WINFLEET_SEED")
        .map_or(0, |seed| seed.parse().expect("WINFLEET_SEED is a number"));
    let mut runs = tokio::task::JoinSet::new();
    for (seed, host) in (first..).zip(lab.sim.hosts()) {
        let name = inventory::HostName::new(host.name());
        runs.spawn(run(Arc::clone(&fleet), host, name, seed));
    }
    let mut ends = Vec::new();
    while let Some(run) = runs.join_next().await {
        ends.push(run.unwrap());
    }
    let cut = ends.iter().filter(|end| **end == End::Cut).count();
    assert!(
        (10..90).contains(&cut),
        "{cut} of {} were cut off",
        ends.len()
    );
    assert!(wsman::cleanup_finished(Duration::from_secs(60)).await);
    let mut created = 0;
    for (seed, host) in (first..).zip(lab.sim.hosts()) {
        let counters = host.counters();
        created += counters.shells_created;
        assert_eq!(counters.shells_open, 0, "seed {seed}: {counters:?}");
        assert!(counters.most_shells <= 1, "seed {seed}: {counters:?}");
    }
    assert!(created > 50, "{created} shells: nothing was tried");
}
