//! HTTPS: channel binding, Basic, certificates; and what is refused before a secret leaves.

use e2e::{Lab, LabBuilder};
use rcgen::{CertificateParams, KeyPair};
use sha2::{Digest as _, Sha256};
use sim_fleet::{Account, ChannelBinding, ClientCertificates, HostCertificate};

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

#[test]
fn what_is_wrong_with_a_hosts_certificate_is_said_with_a_remedy() {
    for (certificate, says, remedy) in [
        (
            HostCertificate::Expired,
            "it has expired",
            "renew the host's certificate",
        ),
        (
            HostCertificate::NotYetValid,
            "it is not valid before",
            "set the clock",
        ),
        (
            HostCertificate::OtherName,
            "it is for other.corp.example, not for pc-0001.corp.example",
            "write the name that the certificate carries",
        ),
        (
            HostCertificate::SelfSigned,
            "no trusted authority issued it",
            "'ca_file'",
        ),
        (
            HostCertificate::WrongPurpose,
            "it is not for servers",
            "Server Authentication",
        ),
    ] {
        let lab = LabBuilder::hosts(1)
            .fleet(|fleet| fleet.defaults.tls.certificate = certificate)
            .defaults(&format!("{TLS}, auth: ntlm"))
            .start();
        lab.push(&lab.unlimited("edr-only.yaml"), &[])
            .says(says)
            .says(remedy)
            .exits(3);
        assert_eq!(
            lab.hosts()[0].counters().logon_attempts,
            0,
            "{certificate:?}"
        );
    }
}

/// A client certificate and its key in the folder of an inventory that uses them; the SHA-256 of the certificate.
fn certificate() -> (String, String, [u8; 32]) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["robot@corp.example".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    let sha256 = Sha256::digest(certificate.der()).into();
    (certificate.pem(), key.serialize_pem(), sha256)
}

fn lab_with_certificate(asks: ClientCertificates, mapped: bool) -> Lab {
    let (pem, key, sha256) = certificate();
    let lab = LabBuilder::hosts(2)
        .fleet(|fleet| {
            fleet.defaults.tls.client_certificate = asks;
            let robot = Account::domain("CORP", "robot", "never sent");
            let sha256 = if mapped { sha256 } else { [0; 32] };
            fleet.accounts.push(robot.with_certificate(sha256));
        })
        .defaults("transport: https, auth: certificate, credential: robot, ca_file: '{ca}'")
        .start();
    lab.write("client.pem", &pem);
    lab.write("client.key", &key);
    let inventory = std::fs::read_to_string(lab.path("inventory.yaml")).expect("written at start");
    let robot = "credentials:\n  robot: { certificate: client.pem, key: client.key }\n";
    lab.write(
        "inventory.yaml",
        &inventory.replace("credentials:\n", robot),
    );
    lab
}

#[test]
fn a_client_certificate_carries_a_push_and_its_rollback() {
    let lab = lab_with_certificate(ClientCertificates::Handshake, true);
    let before: Vec<_> = lab
        .hosts()
        .iter()
        .map(sim_fleet::HostHandle::registry)
        .collect();
    lab.push(&Lab::shipped("full-proxy-set.yaml"), &["-o", "json"])
        .says("certificate (tls)")
        .succeeds();
    assert_ne!(lab.hosts()[0].registry(), before[0]);
    lab.run(&["rollback", "last", "--yes"]).succeeds();
    let after: Vec<_> = lab
        .hosts()
        .iter()
        .map(sim_fleet::HostHandle::registry)
        .collect();
    assert_eq!(after, before);
}

#[test]
fn certificate_logons_that_cannot_work_say_what_to_do_on_the_host() {
    for (asks, mapped, says) in [
        (
            ClientCertificates::LaterReset,
            true,
            "clientcertnegotiation=enable",
        ),
        (ClientCertificates::Handshake, false, "certmapping"),
    ] {
        let lab = lab_with_certificate(asks, mapped);
        lab.push(&lab.unlimited("edr-only.yaml"), &[])
            .says(says)
            .exits(3);
        for host in lab.hosts() {
            assert_eq!(host.counters().handshakes, 0, "{asks:?}");
        }
    }
}

#[test]
fn a_key_that_cannot_be_used_is_refused_before_any_host_is_contacted() {
    let lab = lab_with_certificate(ClientCertificates::Handshake, true);
    let (_, other, _) = certificate();
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (key, says) in [
        (encrypted, "it is encrypted"),
        (other.as_str(), "is not the key of"),
        ("", "no private key in PEM form"),
    ] {
        lab.write("client.key", key);
        lab.push(&Lab::shipped("edr-only.yaml"), &[])
            .says(says)
            .says("nothing was sent to any host")
            .exits(1);
    }
    lab.run(&[
        "ping",
        "-i",
        &lab.path("inventory.yaml").display().to_string(),
    ])
    .exits(1);
    assert_eq!(lab.hosts()[0].counters().connections, 0);
}

#[test]
fn a_bad_ca_file_is_found_before_anybody_is_contacted() {
    let lab = LabBuilder::hosts(2)
        .defaults("transport: https, auth: negotiate, credential: rollout, ca_file: roots.pem")
        .start();
    for text in [None, Some("no certificate")] {
        if let Some(text) = text {
            lab.write("roots.pem", text);
        }
        for verb in ["push", "plan", "ping"] {
            let playbook = Lab::shipped("edr-only.yaml");
            let more = ["-p", &playbook, "-e", "proxy=a.example:1", "--yes"];
            let line = [&[verb, "-i", "inventory.yaml"][..], &more].concat();
            lab.run(&line)
                .exits(1)
                .says("roots.pem: ")
                .says("named by defaults (inventory.yaml:2)")
                .says("nothing was sent to any host");
        }
    }
    let contacted = |host: &sim_fleet::HostHandle| host.counters().connections > 0;
    assert!(!lab.hosts().iter().any(contacted));
    lab.run(&["runs"]).succeeds().says("no runs yet");
}
