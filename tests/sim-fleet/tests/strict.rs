//! What a lenient double would let pass.

use crate::client::{CMD, SHELL, STDREG, TRANSFER, envelope, invoke, request, world};

const READ: [(&str, &str); 2] = [
    ("sSubKeyName", r"SOFTWARE\Microsoft\Cryptography"),
    ("sValueName", "MachineGuid"),
];

#[tokio::test]
async fn headers_actions_and_parameters() {
    let world = world(|_| ()).await;
    let good = invoke("GetStringValue", &READ);
    let reply = world.post(&good).await.unwrap();
    let relates_to = reply.text("RelatesTo").unwrap();
    assert_eq!(reply.status, 200);
    assert!(relates_to.starts_with("uuid:AbC-"), "{relates_to}");
    // An id of its own for each request.
    let twice = good.replace("uuid:AbC", "uuid:twice");
    assert_eq!(world.post(&twice).await.unwrap().status, 200);
    assert_eq!(world.post(&twice).await.unwrap().fault(), 2_150_858_767);
    assert_eq!(reply.text("sValue").unwrap(), world.host.machine_guid());
    let header = |xml: &str| good.replacen("</s:Header>", &format!("{xml}</s:Header>"), 1);
    for (what, body, code) in [
        (
            "unknown header",
            header(r#"<x:New xmlns:x="urn:x" s:mustUnderstand="true"/>"#),
            2_150_858_768,
        ),
        (
            "unqualified attribute",
            header(r#"<x:New xmlns:x="urn:x" mustUnderstand="true"/>"#),
            0,
        ),
        (
            "locale",
            header(r#"<w:Locale xml:lang="en-US" s:mustUnderstand="true"/>"#),
            2_150_858_855,
        ),
        (
            "small envelope",
            header("<w:MaxEnvelopeSize>8191</w:MaxEnvelopeSize>"),
            2_150_858_805,
        ),
        (
            "timeout zero",
            header("<w:OperationTimeout>PT0S</w:OperationTimeout>"),
            2_150_858_767,
        ),
        (
            "timeout negative",
            header("<w:OperationTimeout>-PT5S</w:OperationTimeout>"),
            2_150_858_767,
        ),
        (
            "timeout long",
            header("<w:OperationTimeout>PT9999S</w:OperationTimeout>"),
            0,
        ),
        ("no message id", good.replace("uuid:AbC", ""), 2_150_858_767),
        (
            "no reply to",
            good.replace("a:ReplyTo", "a:From"),
            2_150_858_769,
        ),
        (
            "other reply to",
            good.replace("role/anonymous", "role/none"),
            2_150_858_870,
        ),
        (
            "method in the wrong case",
            good.replace("/GetStringValue<", "/getstringvalue<"),
            2_150_858_753,
        ),
        (
            "parameter in the wrong case",
            good.replace("r:sValueName", "r:svaluename"),
            2_150_858_810,
        ),
        (
            "parameter in another namespace",
            good.replace("<r:sValueName>", "<r:sValueName xmlns:r=\"urn:x\">"),
            2_150_858_810,
        ),
        (
            "other input",
            good.replace("GetStringValue_INPUT", "GetString_INPUT"),
            2_150_858_810,
        ),
        (
            "resource in another case",
            good.replace("root/cimv2", "ROOT/CIMV2"),
            0,
        ),
        (
            "unknown class",
            good.replace("StdRegProv", "NoSuch"),
            2_150_858_752,
        ),
        (
            "unknown resource",
            good.replace(STDREG, "urn:x"),
            2_150_858_811,
        ),
        ("not XML", "<s:Envelope".into(), 2_150_858_819),
        ("DOCTYPE", format!("<!DOCTYPE x>{good}"), 2_150_858_819),
        (
            "shells on the cmd resource",
            envelope(&format!("{TRANSFER}/Get"), CMD, "", ""),
            2_150_858_753,
        ),
        (
            "no selector",
            envelope(
                &format!("{SHELL}/Signal"),
                CMD,
                "",
                r#"<rsp:Signal CommandId="x"/>"#,
            ),
            2_150_858_842,
        ),
    ] {
        let reply = world.post(&body).await.unwrap();
        assert_eq!(reply.fault(), code, "{what}: {}", reply.body);
        assert_eq!(reply.status, if code == 0 { 200 } else { 500 }, "{what}");
    }
}

#[tokio::test]
async fn http() {
    let world = world(|options| options.max_envelope_kb = Some(16)).await;
    let good = invoke("GetStringValue", &READ);
    let text = request(&good, "");
    let without_logon = text
        .lines()
        .filter(|line| !line.starts_with("Authorization"))
        .collect::<Vec<_>>()
        .join("\r\n");
    let chunked = request("", "").replace(
        "Content-Length: 0\r\n\r\n",
        &format!(
            "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{good}\r\n0\r\n\r\n",
            good.len()
        ),
    );
    for (what, bytes, status) in [
        ("good", text.clone(), 200),
        (
            "query string and case",
            request(&good, "")
                .replace("/wsman ", "/WSMAN?PSVersion=5.1 ")
                .replace("Content-Type", "cONTENT-tYPE"),
            200,
        ),
        ("no logon", without_logon, 401),
        ("other path", text.replace("/wsman ", "/other "), 404),
        ("unknown host", text.replace("pc-0001", "pc-0009"), 404),
        (
            "default host",
            request(&good, "").replace("pc-0001.corp.example", "127.0.0.1"),
            200,
        ),
        ("other method", text.replace("POST", "PUT"), 405),
        ("no length", text.replace("Content-Length", "X-Length"), 411),
        ("large", request(&"x".repeat(64 * 1024), ""), 413),
        ("chunked", chunked, 500),
        (
            "wrong password",
            text.replace("YWRtaW46c2VjcmV0", "YWRtaW46eA=="),
            401,
        ),
        (
            "sealed elsewhere",
            text.replace(
                "application/soap+xml;charset=UTF-8",
                "multipart/encrypted;protocol=\"application/HTTP-SPNEGO-session-encrypted\"",
            )
            .replace("Authorization", "X"),
            400,
        ),
    ] {
        let mut connection = world.connect().await;
        let reply = connection.raw(bytes.as_bytes()).await.expect(what);
        assert_eq!(
            reply.status, status,
            "{what}: {} {}",
            reply.head, reply.body
        );
    }
    assert_eq!(world.host.counters().failed_logons, 1);
    assert_eq!(
        (
            world.fleet.logon_attempts("admin"),
            world.fleet.failed_logons("ADMIN")
        ),
        (5, 1)
    );
}

#[tokio::test]
async fn sealing_is_demanded_and_basic_is_off_by_default() {
    let strict = world(|options| (options.basic, options.allow_unencrypted) = (false, false)).await;
    let reply = strict.post(&invoke("GetStringValue", &READ)).await.unwrap();
    assert_eq!(reply.status, 401);
    assert!(
        reply.head.contains("WWW-Authenticate: Negotiate") && !reply.head.contains("Basic"),
        "{}",
        reply.head
    );
}
