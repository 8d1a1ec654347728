//! Messages as people may see them: the same message, without what is secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use wsman_proto::registry::{self, Provider, RegistryData};
use wsman_proto::shown::{Known, Masker};
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
        let text = "ProxyOverride    REG_SZ    *.corp.example\r\n    OnboardedInfo    REG_SZ    {\"org\":\"7f3a-secret\"}\r\nend\r\n";
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
        prop_assert!(shown.contains("REG_SZ    *.corp.example\r\n") && shown.ends_with("\r\nend\r\n"), "{}", shown);
    }

    /// However a host cuts what was sent when it says it back: no more than three letters of it are shown.
    #[test]
    fn what_was_sent_is_masked_wherever_an_output_is_cut(cuts in proptest::collection::vec(1usize..24, 0..12)) {
        let mut known = Known::default();
        known.header("Basic dTpodW50ZXIyMg==");
        let mut masker = Masker::default();
        masker.knows(known);
        let text = "you said dTpodW50ZXIyMg==, and\r\ndTpodW50ZXIyMg== again\r\n";
        let (_, shown) = in_pieces(masker, text, cuts);
        prop_assert_eq!(shown.len(), text.len());
        for part in ["dTpo", "podW", "50ZX", "IyMg"] {
            prop_assert!(!shown.contains(part), "{}", shown);
        }
        prop_assert!(shown.starts_with("you said ") && shown.ends_with(" again\r\n"), "{}", shown);
    }

    /// A password in front of a host is found nowhere in what is shown, in whatever form and pieces it comes.
    #[test]
    fn a_password_in_front_of_a_host_is_never_shown(
        secret in "[!#-;=?A-Z^-~]{1,6}[G-Zg-z#$%]{5}[!#-;=?A-Z^-~]{0,6}",
        form in 0usize..4,
        cuts in proptest::collection::vec(1usize..40, 0..12),
    ) {
        let text = match form {
            0 => format!("http://puser:{secret}@old:3128"),
            1 => format!("puser:{secret}@old:3128"),
            2 => format!("http=puser:{secret}@old:3128;https=puser:{secret}@old:3128"),
            _ => format!("http://puser:{secret}@old:3128/proxy.pac"),
        };
        let mut blob = [&[0x18, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0x40, 0, 0, 0][..], text.as_bytes(), &[7, 0, 0, 0]].concat();
        blob.extend(b"<local>");
        let hex: String = blob.iter().map(|byte| format!("{byte:02X}")).collect();
        let needle: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
        let hides = |shown: &str| !shown.contains(&secret) && !shown.contains(&needle);

        // As a value, as the bytes of one, in both directions, in a command, on a page.
        let mut shown = Vec::new();
        let escaped = text.replace('&', "&amp;");
        shown.push(Masker::default().reply(reply(&format!("<o><sValue>{escaped}</sValue></o>")).as_bytes(), Bounds::default()));
        let set = registry::set_value(Provider::Cimv2, "K", "Proxy", &RegistryData::Sz(text.clone()));
        shown.push(Masker::default().request(&sent(&set)));
        let query = format!("reg add HKLM\\X /v WinHttpSettings /t REG_BINARY /d {hex}");
        shown.push(Masker::default().reply(format!("said {text}, {query}").as_bytes(), Bounds::default()));
        for shown in &shown {
            prop_assert!(hides(shown), "{}", shown);
        }
        let values: String = blob.iter().map(|byte| format!("<uValue>{byte}</uValue>")).collect();
        let message = Masker::default().reply(reply(&format!("<o>{values}</o>")).as_bytes(), Bounds::default());
        let tree = wsman_proto::xml::parse(message.as_bytes(), Bounds::default()).unwrap();
        let bytes: Vec<u8> = tree.descendant("o").unwrap().children().map(|child| child.text().parse().unwrap()).collect();
        prop_assert_eq!(bytes.len(), blob.len());
        prop_assert!(bytes.ends_with(b"<local>") && bytes.starts_with(&blob[..16]));
        prop_assert!(!String::from_utf8_lossy(&bytes).contains(&secret));

        // As what reg.exe writes, in pieces: neither the message nor the output inside holds it.
        let output = format!("    ProxyServer    REG_SZ    {text}\r\n    WinHttpSettings    REG_BINARY    {hex}\r\n    Next    REG_SZ    10.0.0.6:8080\r\n");
        let (messages, shown) = in_pieces(Masker::default(), &output, cuts);
        for piece in messages {
            prop_assert!(hides(&piece), "{}", piece);
        }
        prop_assert_eq!(shown.len(), output.len());
        prop_assert!(hides(&shown), "{}", shown);
        prop_assert!(shown.contains("    ProxyServer    REG_SZ    ") && shown.contains("10.0.0.6:"), "{}", shown);
    }
}

/// An output as its messages show it, one for each cut, and what they hold together.
fn in_pieces(mut masker: Masker, text: &str, cuts: Vec<usize>) -> (Vec<String>, String) {
    let (mut messages, mut shown, mut rest) = (Vec::new(), Vec::new(), text.as_bytes());
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
        messages.push(message);
    }
    (messages, String::from_utf8(shown).unwrap())
}

#[test]
fn the_last_piece_of_an_output_hides_no_more_than_it_has_to() {
    let done = |state: &str| {
        let message = reply(&format!(
            "<r:ReceiveResponse xmlns:r='http://schemas.microsoft.com/wbem/wsman/1/windows/shell'>\
             <r:Stream Name='stdout' CommandId='C'>{}</r:Stream><r:Stream Name='stdout' CommandId='C'>{}</r:Stream>\
             <r:CommandState CommandId='C' State='http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/{state}'/>\
             </r:ReceiveResponse>",
            STANDARD.encode("a 10.0.0.6:80"),
            STANDARD.encode("80")
        ));
        Masker::default().reply(message.as_bytes(), Bounds::default())
    };
    let shown = done("Done");
    assert!(shown.contains(&STANDARD.encode("a 10.0.0.6:80")), "{shown}");
    let shown = done("Running");
    assert!(shown.contains(&STANDARD.encode("a 10.0.0.6:**")), "{shown}");
}

#[test]
fn what_was_sent_is_shown_nowhere_in_a_reply() {
    let mut known = Known::default();
    known.header("Basic dTpodW50ZXIyMg==");
    let mut masker = Masker::default();
    masker.knows(known.clone());
    let stream = STANDARD.encode("x=dTpodW50ZXIyMg==");
    let message = reply(&format!(
        "<o name='dTpodW50ZXIyMg=='><t>dTpodW50ZXIyMg==</t>\
         <r:Stream xmlns:r='http://schemas.microsoft.com/wbem/wsman/1/windows/shell' Name='stdout'>{stream}</r:Stream></o>"
    ));
    let shown = masker.reply(message.as_bytes(), Bounds::default());
    assert!(
        !shown.contains("dTpodW50ZXIyMg") && !shown.contains(&stream),
        "{shown}"
    );
    let shown = masker.reply(
        b"no XML, but authorization: Basic dTpodW50ZXIyMg==",
        Bounds::default(),
    );
    assert_eq!(shown, "no XML, but authorization: (masked)");
    let words = wsman_proto::shown::words("you said dTpodW50ZXIyMg==, Negotiate YIIKqg==", &known);
    assert_eq!(words, "you said (masked), Negotiate (masked)");
}
