//! The logon guard over real connections (promise 8): what leaves this machine, counted at the hosts.

use rollout::{Fleet, HostError, Observe, Reason, Severity, Survey};
use session::{LogonBudget, LogonLimits, RealFleet};
use sim_fleet::{Account, Dialect, FleetSpec, HostOptions, HostSpec};
use std::sync::Arc;

use crate::lab::{Lab, OPERATOR, PASSWORD, knobs};

/// Opens every host at once, as a run does.
async fn open_all(lab: &Lab, fleet: RealFleet) -> Vec<Result<(), HostError>> {
    let fleet = Arc::new(fleet);
    let tasks: Vec<_> = lab
        .sim
        .hosts()
        .iter()
        .map(|host| {
            let (fleet, name) = (Arc::clone(&fleet), inventory::HostName::new(host.name()));
            tokio::spawn(async move {
                let session = fleet.open(&name).await?;
                session.close().await;
                Ok(())
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

#[tokio::test]
async fn a_wrong_password_leaves_three_times_over_many_hosts() {
    let lab = Lab::hosts(60).await.account(OPERATOR, "wrong");
    let results = open_all(&lab, lab.fleet()).await;
    assert_eq!(lab.sim.logon_attempts(OPERATOR), 3);
    let reasons: Vec<_> = results
        .into_iter()
        .map(|result| result.map_err(|error| (error.severity, error.reason)))
        .collect();
    let refused = Err((Severity::Failed, Reason::LogonRefused));
    let guarded = Err((Severity::Guarded, Reason::CredentialGuard));
    assert_eq!(reasons.iter().filter(|r| **r == refused).count(), 3);
    assert_eq!(reasons.iter().filter(|r| **r == guarded).count(), 57);
}

#[tokio::test]
async fn reading_and_writing_sessions_share_one_budget() {
    let lab = Lab::hosts(4).await.account(OPERATOR, "wrong");
    let budget = LogonBudget::new(LogonLimits {
        refused: 2,
        ..LogonLimits::default()
    });
    for _ in 0..3 {
        let fleet = lab.fleet_with(Arc::clone(&budget));
        for host in lab.sim.hosts() {
            let name = inventory::HostName::new(host.name());
            fleet.observe(&name).await.map(drop).unwrap_err();
            fleet.open(&name).await.map(drop).unwrap_err();
        }
    }
    assert_eq!(lab.sim.logon_attempts(OPERATOR), 2);
}

/// The second host is in no domain: it refuses an account that all others take.
async fn with_an_outsider(count: usize) -> Lab {
    let names: Vec<String> = (1..=count)
        .map(|number| format!("pc-{number}.corp.example"))
        .collect();
    let mut spec = FleetSpec::named(&names);
    spec.hosts[1] = HostSpec {
        options: Some(HostOptions {
            workgroup: true,
            ..HostOptions::default()
        }),
        ..HostSpec::named(&names[1])
    };
    Lab::of(spec).await
}

#[tokio::test]
async fn a_refusal_of_a_proved_account_fails_that_host_alone_and_once() {
    let lab = with_an_outsider(20).await;
    let results = open_all(&lab, lab.fleet()).await;
    for (index, result) in results.iter().enumerate() {
        match (index, result) {
            (1, Err(error)) => assert_eq!(
                (error.severity, error.reason),
                (Severity::Failed, Reason::LogonRefused)
            ),
            (_, result) => assert_eq!(*result, Ok(()), "host {index}"),
        }
    }
    let outsider = lab.sim.hosts()[1].counters();
    assert_eq!(outsider.logon_attempts, 1, "never retried");
    assert_eq!(lab.sim.failed_logons(OPERATOR), 1);
    // A host that takes no body with the last token is logged on to a second time.
    let attempts = lab.sim.logon_attempts(OPERATOR);
    assert!((20..=39).contains(&attempts), "{attempts}");
}

#[tokio::test]
async fn logging_on_again_passes_the_guard_and_counts() {
    // The password changes under a running session; each of its hosts then has to log on again. Which of its answers the
    // knob refuses is counted in requests, so that hosts speak as they mostly do.
    let spec = FleetSpec::named((1..=5).map(|number| format!("pc-{number}.corp.example")));
    let lab = Lab::of(spec.with_dialect(Dialect::default())).await;
    let budget = LogonBudget::new(LogonLimits::default());
    let fleet = lab.fleet_with(Arc::clone(&budget));
    let mut sessions = Vec::new();
    for host in lab.sim.hosts() {
        let name = inventory::HostName::new(host.name());
        sessions.push(fleet.open(&name).await.unwrap());
    }
    let before = lab.sim.logon_attempts(OPERATOR);
    assert_eq!(before, 5);
    for host in lab.sim.hosts() {
        // From now on the host sends its challenge, and refuses what answers it.
        host.set_knobs(knobs("{ status: { code: 401, after: 1 } }"));
        host.break_connections();
    }
    let target = playbooks::Target::win_http_settings();
    let mut reasons = Vec::new();
    for session in &mut sessions {
        // The break may be noticed only when the question is already under way: then it is asked again.
        let reason = loop {
            let asked = session.observe(std::slice::from_ref(&target)).await;
            match asked.unwrap_err().reason {
                Reason::ConnectionLost => {}
                reason => break reason,
            }
        };
        reasons.push(reason);
    }
    for session in sessions {
        session.close().await;
    }
    let refused = [Reason::LogonRefused; 3];
    assert_eq!(reasons[..3], refused, "the budget, over all hosts");
    assert_eq!(reasons[3..], [Reason::CredentialGuard; 2]);
}

/// More hosts over HTTPS that take Basic than the budget has attempts.
async fn with_basic(username: &str, password: &str) -> Lab {
    let mut spec = FleetSpec::named((1..=6).map(|n| format!("pc-{n}.corp.example")))
        .with_account(Account::local("admin", PASSWORD));
    spec.defaults.basic = true;
    Lab::of(spec)
        .await
        .account(username, password)
        .defaults("transport: https, auth: basic, ca_file: '{ca}'")
}

#[tokio::test]
async fn basic_with_a_bare_name_is_an_account_of_each_host() {
    let lab = with_basic("admin", PASSWORD).await;
    let results = open_all(&lab, lab.fleet()).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");

    // A wrong password costs each host's own account one attempt, and no host stops another.
    let lab = with_basic("admin", "wrong").await;
    for result in open_all(&lab, lab.fleet()).await {
        let error = result.unwrap_err();
        assert_eq!(
            (error.severity, error.reason),
            (Severity::Failed, Reason::LogonRefused)
        );
    }
    for host in lab.sim.hosts() {
        assert_eq!(host.counters().logon_attempts, 1, "{}", host.name());
    }
}

#[tokio::test]
async fn a_local_account_is_stopped_at_the_host_that_refuses_it() {
    let lab = Lab::hosts(2).await.account(r".\admin", "wrong");
    let fleet = lab.fleet();
    for host in lab.sim.hosts() {
        let name = inventory::HostName::new(host.name());
        for _ in 0..5 {
            let error = fleet.open(&name).await.map(drop).unwrap_err();
            assert_eq!(
                (error.severity, error.reason),
                (Severity::Failed, Reason::LogonRefused)
            );
        }
        assert_eq!(host.counters().logon_attempts, 3, "{}", host.name());
    }
}
