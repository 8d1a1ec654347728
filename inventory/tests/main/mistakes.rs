use crate::{complaint, refuses, says};

#[test]
fn unknown_keys_name_the_nearest() {
    refuses(
        "hots: []\n",
        &[
            "i.yaml:2:1: unknown key 'hots'",
            "one of version, defaults",
            "did you mean 'hosts'?",
        ],
    );
    refuses(
        "hosts: [{ name: a, prot: 1 }]\n",
        &["i.yaml:2:20: unknown key 'prot'", "did you mean 'port'?"],
    );
    refuses(
        "hosts: [{ name: a, colour: red }]\n",
        &["unknown key 'colour'", "a variable stands below 'vars'"],
    );
    refuses(
        "defaults: { name: x }\nhosts: [{ name: a }]\n",
        &["i.yaml:2:13: unknown key 'name'", "a single host"],
    );
    refuses(
        "groups: { g: { trnsport: http } }\nhosts: [{ name: a }]\n",
        &["did you mean 'transport'?"],
    );
    refuses(
        "credentials: { c: { usrname: u, password: prompt } }\n",
        &["did you mean 'username'?", "has no username"],
    );
}

#[test]
fn wrong_types_and_values() {
    refuses(
        "hosts: [{ name: a, port: 0 }]\n",
        &["i.yaml:2:26: 0 is no port", "^", "from 1 to 65535"],
    );
    refuses(
        "hosts: [{ name: a, port: 70000 }]\n",
        &["i.yaml:2:26: 70000 is no port", "^^^^^", "from 1 to 65535"],
    );
    refuses(
        "hosts: [{ name: a, port: '5985' }]\n",
        &["wrong type: this is text", "from 1 to 65535"],
    );
    refuses("hosts: [{ name: a, port: -1 }]\n", &["-1 is no port"]);
    refuses(
        "hosts: [{ name: a, verify_name: yes }]\n",
        &["wrong type: this is text", "true or false"],
    );
    refuses(
        "hosts: [{ name: a, transport: htps }]\n",
        &["unknown word 'htps'", "one of http, https", "'https'?"],
    );
    refuses(
        "hosts: [{ name: a, channel: [cim] }]\n",
        &["wrong type: this is a list", "expected: text"],
    );
    refuses(
        "hosts: [{ name: a, ring: true }]\n",
        &["wrong type: this is true or false", "put it in quotes"],
    );
    refuses(
        "hosts: [{ name: a, connect_timeout: 10 }]\n",
        &["'10' is no duration", "10s or 10m?"],
    );
    refuses(
        "hosts: [{ name: a, host_timeout: soon }]\n",
        &["'soon' is no duration", "1h30m"],
    );
    refuses(
        "hosts: [{ name: a, ca_file: '' }]\n",
        &["there is no value here"],
    );
    refuses(
        "hosts: [{ name: a, groups: paris }]\ngroups: { paris: {} }\n",
        &["i.yaml:2:28: wrong type", "a list of groups"],
    );
    refuses(
        "hosts: { a: {} }\n",
        &[
            "i.yaml:2:8: wrong type: this is a mapping",
            "a list of hosts",
        ],
    );
    refuses(
        "hosts: [a]\n",
        &["i.yaml:2:9: wrong type: this is text", "write { name: a }"],
    );
    refuses("hosts: [{ ring: x }]\n", &["a host without a name"]);
    refuses(
        "hosts: [{ name: a, vars: [x] }]\n",
        &["wrong type: this is a list", "a mapping of variables"],
    );
    refuses(
        "groups: [g]\nhosts: [{ name: a }]\n",
        &["i.yaml:2:9: wrong type", "a mapping of groups"],
    );
    refuses(
        "hosts: [{ name: a, ring: 'a,b' }]\n",
        &["'a,b' is no name for a ring or group"],
    );
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    refuses(
        "defaults: { port: 0 }\nhosts:\n  - { name: a, prot: 1 }\n  - { name: 'b c' }\n  - { name: d, groups: [x] }\n",
        &[
            "i.yaml:2:19: ",
            "i.yaml:4:16: ",
            "i.yaml:5:13: ",
            "i.yaml:6:25: ",
        ],
    );
}

#[test]
fn names_that_are_none() {
    refuses(
        "hosts: [{ name: 'http://pc-1:5985' }]\n",
        &[
            "i.yaml:2:17: ",
            "is no host name",
            "the setting 'transport'",
        ],
    );
    refuses(
        "hosts: [{ name: 'pc-1:5985' }]\n",
        &["the port stands apart"],
    );
    refuses(
        "hosts: [{ name: 'pc-*' }]\n",
        &["patterns are for selectors"],
    );
    refuses("hosts: [{ name: '' }]\n", &["a host without a name"]);
    refuses("hosts: [{ name: pärk }]\n", &["'xn--'"]);
    refuses(
        "hosts: [{ name: a, address: 'b:1' }]\n",
        &["'b:1' is no host name"],
    );
}

#[test]
fn an_ip_address_as_name_needs_its_setting() {
    refuses(
        "hosts: [{ name: 10.1.2.3 }]\n",
        &["i.yaml:2:17: ", "expected: verify_name: false"],
    );
    refuses(
        "hosts: [{ name: 'fe80::1', verify_name: true }]\n",
        &["verify_name: false"],
    );
    crate::yaml("hosts: [{ name: 10.1.2.3, verify_name: false }]\n");
    crate::yaml("defaults: { verify_name: false }\nhosts: [{ name: '::1' }]\n");
}

#[test]
fn duplicates_name_both_places() {
    refuses(
        "hosts:\n  - { name: pc-1 }\n  - { name: pc-2 }\n  - { name: PC-1 }\n",
        &[
            "i.yaml:5:13: the host 'PC-1' stands here a second time",
            "first at i.yaml:3",
        ],
    );
    refuses(
        "credentials:\n  c: { username: u, password: prompt }\n  c: { username: v, password: prompt }\n",
        &["i.yaml:4:3: the key 'c' stands here a second time, first in line 3"],
    );
    refuses(
        "groups: { g: {} }\nhosts: [{ name: a, groups: [g, g] }]\n",
        &["the group 'g' stands twice"],
    );
    let one =
        "version: 1\ncredentials: { c: { username: u, password: prompt } }\nhosts: [{ name: a }]\n";
    let two =
        "version: 1\n\ncredentials: { c: { username: u, password: prompt } }\nhosts:\n- name: A\n";
    says(
        &complaint(&[("one.yaml", one), ("two.yml", two)]),
        &[
            "two.yml:3:16: the credential 'c'",
            "first at one.yaml:2",
            "two.yml:5:9: the host 'A'",
            "first at one.yaml:3",
        ],
    );
    says(
        &complaint(&[("a.txt", "pc-1"), ("a.txt", "pc-1")]),
        &["a.txt: this inventory is given twice"],
    );
}

#[test]
fn undefined_names_have_a_nearest_match() {
    let groups = "groups: { paris: {}, lyon: {} }\n";
    refuses(
        &format!("{groups}hosts: [{{ name: a, groups: [lyon, pariss] }}]\n"),
        &[
            "i.yaml:3:35: the group 'pariss' is not declared",
            "one of lyon, paris",
            "did you mean 'paris'?",
        ],
    );
    refuses(
        "hosts: [{ name: a, groups: [g] }]\n",
        &[
            "the group 'g' is not declared",
            "declare it: groups: { g: {} }",
        ],
    );
    let credentials = "credentials: { rollout: { username: u, password: prompt } }\n";
    for place in [
        "defaults: { credential: rolout }\n",
        "groups: { g: { credential: rolout } }\n",
    ] {
        refuses(
            &format!("{credentials}{place}hosts: [{{ name: a }}]\n"),
            &[
                "i.yaml:3:",
                "the credential 'rolout' is not declared",
                "did you mean 'rollout'?",
            ],
        );
    }
    refuses(
        "hosts: [{ name: a, credential: x }]\n",
        &[
            "i.yaml:2:32: the credential 'x' is not declared",
            "none is declared",
        ],
    );
}

#[test]
fn basic_needs_verified_tls() {
    refuses(
        "defaults:\n  transport: http\n  auth: basic\nhosts: [{ name: a }, { name: b }]\n",
        &[
            "i.yaml:4:9: auth 'basic' on transport 'http' (i.yaml:3)",
            "transport: https",
        ],
    );
    refuses(
        "hosts: [{ name: a, auth: basic }]\n",
        &["auth 'basic' on transport 'http' (built in)"],
    );
    refuses(
        "hosts: [{ name: a, auth: basic, transport: https, tls_verify: false }]\n",
        &[
            "i.yaml:2:26: tls_verify: false (i.yaml:2) forbids auth 'basic'",
            "cert_sha256",
        ],
    );
    crate::yaml(
        "hosts: [{ name: a, auth: basic, transport: https }, { name: b, tls_verify: false, transport: https }]\n",
    );
    let text = complaint(&[(
        "i.yaml",
        "version: 1\ndefaults: { auth: basic }\nhosts: [{ name: a }, { name: b }]\n",
    )]);
    assert_eq!(text.matches("would send").count(), 1, "{text}");
}

#[test]
fn a_credential_fits_the_way_of_logging_on() {
    let with = |credential: &str, settings: &str| {
        format!(
            "credentials: {{ c: {{ {credential} }} }}\ndefaults: {{ credential: c, {settings} }}\nhosts: [{{ name: a }}]\n"
        )
    };
    let tickets = "logged_on: true";
    let keytab = "username: svc@CORP.EXAMPLE, keytab: svc.keytab";
    let certificate = "certificate: c.pem, key: c.key";
    let password = "username: svc, password: prompt";
    for (credential, settings, parts) in [
        (
            tickets,
            "auth: ntlm",
            ["'c' is not for auth 'ntlm'", "kerberos or negotiate"],
        ),
        (
            keytab,
            "auth: basic, transport: https",
            ["not for auth 'basic'", "i.yaml:3:25"],
        ),
        (
            certificate,
            "auth: negotiate",
            ["not for auth 'negotiate'", "auth: certificate"],
        ),
        (
            password,
            "auth: certificate, transport: https",
            ["auth 'certificate'", "'certificate' and 'key'"],
        ),
        (
            certificate,
            "auth: certificate",
            ["transport 'https'", "in the TLS handshake"],
        ),
    ] {
        refuses(&with(credential, settings), &parts);
    }
    for (credential, settings) in [
        (tickets, "auth: kerberos"),
        (keytab, "auth: negotiate"),
        (certificate, "auth: certificate, transport: https"),
        (password, "auth: kerberos"),
    ] {
        crate::yaml(&with(credential, settings));
    }
}

#[test]
fn a_credential_has_one_proof() {
    let refuse = |credential: &str, parts: &[&str]| {
        refuses(
            &format!("credentials: {{ c: {{ {credential} }} }}\nhosts: [{{ name: a }}]\n"),
            parts,
        );
    };
    refuse(
        "username: a, password: prompt, keytab: x",
        &["more than one proof"],
    );
    refuse("keytab: x", &["'c' has no username"]);
    refuse("logged_on: false", &["proves nobody", "logged_on: true"]);
    refuse("logged_on: 'yes'", &["true or false"]);
    refuse(
        "logged_on: true, username: a",
        &["whoever is logged on is known already", "no username"],
    );
    refuse(
        "logged_on: true, ccache: default",
        &["more than one proof", "logged_on"],
    );
    refuse("certificate: c.pem", &["no private key", "key: FILE"]);
    refuse(
        "username: a, key: c.key",
        &["unknown key 'key'", "'c' has no password"],
    );
    refuse("username: a, ccahe: x", &["unknown key 'ccahe'", "ccache"]);
}

#[test]
fn services_are_named_as_in_the_directory() {
    let refuse = |settings: &str, parts: &[&str]| {
        refuses(&format!("hosts: [{{ name: a, {settings} }}]\n"), parts);
    };
    refuse(
        "spn_class: HTPT",
        &["unknown word 'HTPT'", "HTTP, WSMAN, HOST"],
    );
    refuse("spn_name: 'HTTP/pc-1'", &["'spn_class'"]);
    refuse("spn_name: 'pc-1@'", &["no realm", "NAME@REALM"]);
    refuse("allow_ntlm: sometimes", &["true or false"]);
    crate::yaml(
        "hosts: [{ name: a, spn_class: wsman, spn_name: pc-1.corp.example@CORP.EXAMPLE, allow_ntlm: false }]\n",
    );
}

#[test]
fn fingerprints_are_sha256() {
    let host = |pin: &str| format!("hosts: [{{ name: a, cert_sha256: '{pin}' }}]\n");
    refuses(
        &host(&"ab".repeat(20)),
        &[
            "40 digits are no SHA-256",
            "64 hexadecimal",
            "SHA-1 thumbprint",
        ],
    );
    refuses(
        &host(&"xy".repeat(32)),
        &["i.yaml:2:33: this is no SHA-256"],
    );
    refuses(&host("abcd"), &["4 digits are no SHA-256"]);
}

#[test]
fn a_password_in_the_file_is_refused_and_not_shown() {
    for source in [
        "hunter2",
        "{ value: hunter2 }",
        "{ env: 'hunter2=' }",
        "[hunter2]",
        "12345",
        "{ keyring: [hunter2] }",
    ] {
        let body = format!(
            "version: 1\ncredentials:\n  c: {{ username: u, password: {source} }}\nhosts: [{{ name: a }}]\n"
        );
        let text = complaint(&[("i.yaml", &body)]);
        assert!(
            !text.contains("hunter2") && !text.contains("12345"),
            "{text}"
        );
        says(&text, &["i.yaml:3:"]);
    }
    refuses(
        "credentials: { c: { username: u, password: x } }\n",
        &["says where the password is, not what it is", "keyring"],
    );
    refuses(
        "credentials: { c: { username: u } }\n",
        &["the credential 'c' has no password"],
    );
    refuses(
        "credentials: { c: { username: u, password: { keyrng: x } } }\n",
        &["did you mean 'keyring'?"],
    );
    refuses(
        "credentials: { c: { username: u, password: { command: [] } } }\n",
        &["the command is empty"],
    );
    refuses(
        "credentials: { c: { username: 'a\\b\\c', password: prompt } }\n",
        &["is no account", "DOMAIN\\user"],
    );
}

#[test]
fn an_inventory_without_hosts_or_version_is_refused() {
    says(
        &complaint(&[("e.yaml", "")]),
        &["e.yaml: the file is empty"],
    );
    says(
        &complaint(&[("e.yaml", "# nothing\n")]),
        &["e.yaml: the file is empty"],
    );
    refuses("hosts: []\n", &["i.yaml: the inventory has no hosts"]);
    refuses("defaults: {}\n", &["i.yaml: the inventory has no hosts"]);
    says(
        &complaint(&[("e.csv", "name,ring\n")]),
        &["e.csv: the inventory has no hosts"],
    );
    says(
        &complaint(&[("e.csv", "")]),
        &["e.csv: the inventory has no hosts"],
    );
    says(
        &complaint(&[("e.txt", "# none\n")]),
        &["e.txt: the inventory has no hosts"],
    );
    says(&complaint(&[]), &["no hosts"]);
    says(
        &complaint(&[("i.yaml", "hosts: [{ name: a }]\n")]),
        &["the key 'version' is missing", "version: 1"],
    );
    says(
        &complaint(&[("i.yaml", "version: 2\nhosts: [{ name: a }]\n")]),
        &["i.yaml:1:10: this version"],
    );
    says(
        &complaint(&[("i.yaml", "- a\n- b\n")]),
        &["i.yaml:1:1: wrong type: this is a list"],
    );
    says(
        &complaint(&[("i.yaml", "version: 1\nhosts: [{ name: a }\n")]),
        &["i.yaml:"],
    );
}
