//! Every request envelope with fixed ids.

use wsman_proto::registry::{self, Provider, RegistryData};
use wsman_proto::reply::{Reply, decode};
use wsman_proto::xml::Bounds;
use wsman_proto::{Addressing, Request, cim, enumerate, identify, shell};

fn encode(request: &Request) -> String {
    let addressing = Addressing {
        to: "http://pc-1.corp.example:5985/wsman",
        message_id: "uuid:00000000-0000-0000-0000-00000000000A",
        session_id: "uuid:00000000-0000-0000-0000-00000000000B",
        operation_timeout_ms: 60_000,
    };
    String::from_utf8(request.encode(&addressing)).unwrap()
}

/// The part that differs between requests: action, resource, selectors, options, body. One line for each element.
fn shape(request: &Request) -> String {
    let text = encode(request);
    let head = text.find("<a:Action").unwrap();
    let action = &text[head..head + text[head..].find("<a:MessageID").unwrap()];
    let resource = text.find("<w:ResourceURI").unwrap();
    let resource = &text[resource..resource + text[resource..].find("<w:MaxEnvelopeSize").unwrap()];
    let rest = text.find("</p:SessionId>").unwrap() + "</p:SessionId>".len();
    [action, resource, &text[rest..]]
        .concat()
        .replace("><", ">\n<")
}

#[test]
fn the_whole_envelope() {
    insta::assert_snapshot!(
        encode(&registry::get_value(Provider::Cimv2, "SOFTWARE\\X", "v", 4).unwrap())
            .replace("><", ">\n<")
    );
}

#[test]
fn registry_requests() {
    let key = "SOFTWARE\\A & B";
    let set = |data| registry::set_value(Provider::Cimv2, key, "n<>\"", &data);
    let all = [
        registry::enum_values(Provider::Cimv2, key),
        registry::enum_key(Provider::Cimv2, key),
        registry::create_key(Provider::Cimv2, key),
        registry::delete_key(Provider::Cimv2, key),
        registry::delete_value(Provider::Cimv2, key, ""),
        registry::get_value(Provider::Cimv2, key, "v", 1).unwrap(),
        registry::get_value(Provider::Cimv2, key, "v", 2).unwrap(),
        registry::get_value(Provider::Cimv2, key, "v", 3).unwrap(),
        registry::get_value(Provider::Cimv2, key, "v", 7).unwrap(),
        registry::get_value(Provider::Cimv2, key, "v", 11).unwrap(),
        set(RegistryData::Sz("a\r\n b".to_owned())),
        set(RegistryData::ExpandSz("%SystemRoot%".to_owned())),
        set(RegistryData::Binary(vec![0, 255])),
        set(RegistryData::Binary(Vec::new())),
        set(RegistryData::Dword(u32::MAX)),
        set(RegistryData::MultiSz(vec!["a".to_owned(), String::new()])),
        set(RegistryData::MultiSz(Vec::new())),
        set(RegistryData::Qword(u64::MAX)),
    ];
    insta::assert_snapshot!(all.iter().map(shape).collect::<Vec<_>>().join("\n\n"));
    assert!(registry::get_value(Provider::Cimv2, key, "v", 0).is_none());
    let other = encode(&registry::enum_key(Provider::Default, key));
    assert_eq!(
        other,
        encode(&registry::enum_key(Provider::Cimv2, key)).replace("root/cimv2", "root/default")
    );
}

#[test]
fn shell_and_cim_requests() {
    let envelope = b"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' xmlns:r='http://schemas.microsoft.com/wbem/wsman/1/windows/shell'><s:Header><a:RelatesTo>1</a:RelatesTo></s:Header><s:Body><r:Shell><r:ShellId>S-1</r:ShellId></r:Shell></s:Body></s:Envelope>";
    let Ok(Reply::Body(body)) = decode(envelope, "1", Bounds::default()) else {
        panic!("not a body")
    };
    let open = shell::created(&body).unwrap();
    let all = [
        shell::create(180, "M-1"),
        shell::command(&open, "reg query \"HKLM\\A B\" & ver", false),
        shell::command(&open, "sort", true),
        shell::send(&open, "C-1", b"ab", false),
        shell::send(&open, "C-1", b"", true),
        shell::receive(&open, "C-1"),
        shell::terminate(&open, "C-1"),
        shell::delete(&open),
        enumerate::shells(),
        enumerate::pull_shells("uuid:C"),
        enumerate::wql("root/cimv2", "select a from b where c < 'd'"),
        enumerate::pull("root/cimv2", "uuid:C"),
        enumerate::release("root/cimv2", "uuid:C"),
        cim::get("root/cimv2", "Win32_Service", &[("Name", "winmgmt")]),
    ];
    insta::assert_snapshot!(all.iter().map(shape).collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn identify_is_constant() {
    insta::assert_snapshot!(String::from_utf8(identify::request()).unwrap());
}

#[test]
fn what_xml_cannot_carry_is_found_before_sending() {
    assert!(
        registry::delete_value(Provider::Cimv2, "K", "a\u{1}")
            .unsendable()
            .is_some()
    );
    assert!(
        registry::delete_value(Provider::Cimv2, "K\u{0}", "a")
            .unsendable()
            .is_some()
    );
    assert!(
        registry::delete_value(Provider::Cimv2, "K", "tab\t and \u{10ffff}")
            .unsendable()
            .is_none()
    );
}
