//! Hardened hosts through the whole product: pushed to, or refused with the demand and what to do about it.

use e2e::{Lab, LabBuilder};
use sim_fleet::{ChannelBinding, HostOptions};

const TLS: &str = "transport: https, credential: rollout, ca_file: '{ca}', auth: ntlm";

fn demanding(demand: fn(&mut HostOptions)) -> LabBuilder {
    LabBuilder::hosts(1).fleet(|fleet| demand(&mut fleet.defaults))
}

/// Pushes and takes back; no logon is refused.
fn met(lab: &Lab) {
    lab.push(&Lab::shipped("full-proxy-set.yaml"), &[])
        .succeeds();
    lab.run(&["rollback", "last", "--yes"]).succeeds();
    assert_eq!(lab.fleet.failed_logons_total(), 0);
}

#[test]
fn keys_of_128_bits() {
    met(&demanding(|options| options.hardening.key_128 = true).start());
}

#[test]
fn a_target_name() {
    met(&demanding(|options| options.hardening.target_name = true).start());
    let both = |options: &mut HostOptions| {
        options.hardening.target_name = true;
        options.channel_binding = ChannelBinding::Strict;
    };
    met(&demanding(both).defaults(TLS).start());
}

#[test]
fn another_target_name_than_ours_is_named_with_its_remedy() {
    let lab = demanding(|options| options.hardening.target_name = true)
        .defaults("credential: rollout, spn_name: alias.corp.example")
        .start();
    // An account that was never proved: the guard may count this refusal as its own business.
    let finished = lab.push(&lab.unlimited("edr-only.yaml"), &[]);
    assert!(
        matches!(finished.code(), Some(3 | 9)),
        "{}",
        finished.screen()
    );
    finished
        .says("logon_refused")
        .says("the target name HTTP/alias.corp.example")
        .says("spn_class and spn_name")
        .says("Restrict NTLM");
    assert_eq!(lab.hosts()[0].counters().writes, 0);
}

#[test]
fn a_host_without_ntlm_is_told_to_be_asked_by_kerberos() {
    for auth in ["ntlm", "negotiate"] {
        let lab = demanding(|options| options.hardening.no_ntlm = true)
            .defaults(&format!("credential: rollout, auth: {auth}"))
            .start();
        lab.push(&lab.unlimited("edr-only.yaml"), &[])
            .exits(3)
            .says("auth_not_offered")
            .says("it demands Kerberos")
            .says("auth: kerberos")
            .says("the host's full DNS name")
            .says("Incoming NTLM traffic");
        assert_eq!(lab.fleet.logon_attempts(e2e::USER), 0, "no proof left");
    }
}
