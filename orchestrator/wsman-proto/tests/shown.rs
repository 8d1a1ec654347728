//! Messages as people may see them: the same message, without what is secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use wsman_proto::registry::{self, Provider, RegistryData};
use wsman_proto::shown::Masker;
use wsman_proto::xml::Bounds;
use wsman_proto::{Addressing, Request, shell};

use crate::recorded;

fn sent(request: &Request) -> Vec<u8> {
    request.encode(&Addressing {
        to: "http://h:5985/wsman",
        message_id: "uuid:A",
        session_id: "uuid:S",
        operation_timeout_ms: 1000,
    })
}

fn reply(body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' \
         xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing'><s:Header><a:RelatesTo>uuid:A</a:RelatesTo>\
         </s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
}

#[test]
fn what_is_shown_says_what_the_message_says() {
    for (name, message) in recorded::fixture_texts() {
        let shown = Masker::default().reply(message.as_bytes(), Bounds::default());
        assert!(shown.lines().count() > 3, "{name} is not indented: {shown}");
        assert_eq!(
            recorded::said(&shown),
            recorded::said(&message),
            "{name} as {shown}"
        );
    }
}

#[test]
fn a_value_with_a_secret_name_is_masked_in_both_directions() {
    let output = "<k:GetStringValue_OUTPUT xmlns:k='urn:any'><k:sValue>org-7f3a</k:sValue>\
                  <k:ReturnValue>0</k:ReturnValue></k:GetStringValue_OUTPUT>";
    let ask = |name: &str| {
        let mut masker = Masker::default();
        let request = registry::get_value(Provider::Cimv2, "K", name, 1).unwrap();
        let request = masker.request(&sent(&request));
        (
            request,
            masker.reply(reply(output).as_bytes(), Bounds::default()),
        )
    };
    let (request, shown) = ask("OnboardedInfo");
    assert!(request.contains("OnboardedInfo"), "{request}");
    assert!(
        !shown.contains("org-7f3a") && shown.contains("(masked)"),
        "{shown}"
    );
    let (_, shown) = ask("ProxyServer");
    assert!(shown.contains("org-7f3a"), "{shown}");

    let data = RegistryData::Sz("org-7f3a".to_owned());
    let request = registry::set_value(Provider::Cimv2, "K", "DefaultPassword", &data);
    let shown = Masker::default().request(&sent(&request));
    assert!(
        shown.contains("DefaultPassword") && !shown.contains("org-7f3a"),
        "{shown}"
    );
}

#[test]
fn input_and_what_follows_a_secret_name_in_a_command_are_masked() {
    let created = reply(
        "<x:ResourceCreated xmlns:x='http://schemas.xmlsoap.org/ws/2004/09/transfer' \
         xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'><a:ReferenceParameters><w:SelectorSet>\
         <w:Selector Name='ShellId'>1</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>",
    );
    let body = wsman_proto::reply::decode(created.as_bytes(), "uuid:A", Bounds::default()).unwrap();
    let wsman_proto::reply::Reply::Body(body) = body else {
        panic!("a body")
    };
    let shell = shell::created(&body).unwrap();
    let mut masker = Masker::default();
    let shown = masker.request(&sent(&shell::send(&shell, "C", b"hush-hush", true)));
    assert!(!shown.contains(&STANDARD.encode("hush-hush")), "{shown}");
    assert!(shown.contains(&STANDARD.encode("*********")), "{shown}");
    let line = "reg add HKLM\\X /v DefaultPassword /d hush-hush";
    let shown = masker.request(&sent(&shell::command(&shell, line, false)));
    assert!(
        shown.contains("/v DefaultPassword") && !shown.contains("hush-hush"),
        "{shown}"
    );
    let line = "netsh winhttp set proxy http://user:hush-hush@10.0.0.6:8080";
    let shown = masker.request(&sent(&shell::command(&shell, line, false)));
    assert!(
        shown.contains("@10.0.0.6:8080") && !shown.contains("hush-hush"),
        "{shown}"
    );
}

#[test]
fn what_is_no_message_is_shown_as_text() {
    let shown = Masker::default().reply(b"<html>\n<p>no</html>", Bounds::default());
    assert_eq!(shown, "<html>\n<p>no</html>");
    let long = vec![b'x'; 100_000];
    assert!(Masker::default().reply(&long, Bounds::default()).len() < 5000);
    let shown = Masker::default().reply(b"password=hush-hush", Bounds::default());
    assert!(!shown.contains("hush"), "{shown}");
}

proptest! {
    /// However the host cuts its output, and whatever stands before: behind the name nothing is shown, and all else is.
    #[test]
    fn an_output_is_masked_wherever_it_is_cut(cuts in proptest::collection::vec(1usize..30, 0..12)) {
        let text = "ProxyServer    REG_SZ    10.0.0.6:8080\r\n    OnboardedInfo    REG_SZ    {\"org\":\"7f3a-secret\"}\r\nend\r\n";
        let mut masker = Masker::default();
        let mut shown = Vec::new();
        let mut rest = text.as_bytes();
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            rest = after;
            let message = reply(&format!(
                "<r:ReceiveResponse xmlns:r='http://schemas.microsoft.com/wbem/wsman/1/windows/shell'>\
                 <r:Stream Name='stdout' CommandId='C'>{}</r:Stream></r:ReceiveResponse>",
                STANDARD.encode(piece)
            ));
            let message = masker.reply(message.as_bytes(), Bounds::default());
            let tree = wsman_proto::xml::parse(message.as_bytes(), Bounds::default()).unwrap();
            let mut output = shell::Output::default();
            output.add(tree.descendant("Body").unwrap(), "C").unwrap();
            shown.extend(output.stdout);
        }
        let shown = String::from_utf8(shown).unwrap();
        prop_assert_eq!(shown.len(), text.len());
        prop_assert!(!shown.contains("7f3a") && !shown.contains("org"), "{}", shown);
        prop_assert!(shown.contains("REG_SZ    10.0.0.6:8080\r\n") && shown.ends_with("\r\nend\r\n"), "{}", shown);
    }
}
