//! HTTPS: channel binding, Basic, certificates; and what is refused before a secret leaves.

use e2e::{Lab, LabBuilder};
use sim_fleet::ChannelBinding;

const TLS: &str = "transport: https, credential: rollout, ca_file: '{ca}'";

#[test]
fn ntlm_over_tls_meets_a_host_that_demands_channel_binding() {
    let lab = LabBuilder::hosts(2)
        .fleet(|fleet| fleet.defaults.channel_binding = ChannelBinding::Strict)
        .defaults(&format!("{TLS}, auth: ntlm"))
        .start();
    lab.push(&Lab::shipped("full-proxy-set.yaml"), &[])
        .succeeds();
    lab.run(&["rollback", "last", "--yes"]).succeeds();
}

#[test]
fn basic_works_on_verified_tls_only() {
    let basic = |defaults: &str| {
        LabBuilder::hosts(1)
            .fleet(|fleet| fleet.defaults.basic = true)
            .defaults(defaults)
            .start()
    };
    let lab = basic(&format!("{TLS}, auth: basic"));
    // Basic knows local accounts only; the simulated host takes the account in the form it was made.
    let finished = lab.push(&Lab::shipped("edr-only.yaml"), &[]);
    assert!(
        matches!(finished.code(), Some(0 | 3 | 9)),
        "{}",
        finished.screen()
    );

    let lab = basic("transport: http, auth: basic, credential: rollout");
    lab.push(&Lab::shipped("edr-only.yaml"), &[]).exits(1);
    assert_eq!(
        lab.hosts()[0].counters().connections,
        0,
        "refused before anything was contacted"
    );

    let lab = basic("transport: https, auth: basic, credential: rollout, tls_verify: false");
    lab.push(&Lab::shipped("edr-only.yaml"), &[]).exits(1);
    assert_eq!(lab.hosts()[0].counters().connections, 0);
}

#[test]
fn an_unknown_authority_is_refused_and_named() {
    let lab = LabBuilder::hosts(1)
        .defaults("transport: https, auth: ntlm, credential: rollout")
        .start();
    lab.push(&lab.unlimited("edr-only.yaml"), &[])
        .says("certificate")
        .exits(3);
    assert_eq!(lab.hosts()[0].counters().logon_attempts, 0);
}

#[test]
fn the_controllers_proxy_variables_divert_nothing() {
    let lab = LabBuilder::hosts(1).start();
    let arguments = lab.push_arguments(&Lab::shipped("edr-only.yaml"), &[]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut program = lab.program(&arguments);
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ] {
        program = program.env(name, "http://127.0.0.1:9");
    }
    program.run().succeeds();
}
