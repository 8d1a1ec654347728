//! Replies: own fixtures after the shapes that real hosts send, with prefixes no host uses.

use proptest::prelude::*;
use wsman_proto::registry::{self, RegistryData, RegistryError};
use wsman_proto::reply::{Reply, ReplyError, decode};
use wsman_proto::xml::{Bounds, Element};
use wsman_proto::{CimValue, enumerate, identify, shell};

const ID: &str = "uuid:A";

pub(crate) fn envelope(body: &str) -> String {
    format!(
        "<q:Envelope xml:lang='de-DE' xmlns:q='http://www.w3.org/2003/05/soap-envelope' \
         xmlns:s='http://schemas.xmlsoap.org/ws/2004/08/addressing'><q:Header><s:Action>x</s:Action>\
         <s:RelatesTo>{ID}</s:RelatesTo></q:Header><q:Body>{body}</q:Body></q:Envelope>"
    )
}

fn body(text: &str) -> Element {
    match decode(envelope(text).as_bytes(), ID, Bounds::default()).unwrap() {
        Reply::Body(body) => body,
        Reply::Fault(fault) => panic!("{fault}"),
    }
}

fn output(method: &str, inside: &str) -> Element {
    body(&format!(
        "<k:{method}_OUTPUT xmlns:k='urn:any' xmlns:i='http://www.w3.org/2001/XMLSchema-instance' \
         i:type='k:{method}_OUTPUT_Type'>{inside}</k:{method}_OUTPUT>"
    ))
}

#[test]
fn relates_to_is_compared_but_for_its_letter_case() {
    let text = envelope("<a/>");
    for same in [ID, "uuid:a"] {
        assert!(decode(text.as_bytes(), same, Bounds::default()).is_ok());
    }
    for other in ["uuid:B", "uuid:", "uuid:AA", "A"] {
        assert_eq!(
            decode(text.as_bytes(), other, Bounds::default()),
            Err(ReplyError::RelatesTo)
        );
    }
    let without = text.replace("<s:RelatesTo>uuid:A</s:RelatesTo>", "");
    assert_eq!(
        decode(without.as_bytes(), ID, Bounds::default()),
        Err(ReplyError::RelatesTo)
    );
    assert_eq!(
        decode(b"<html/>", ID, Bounds::default()),
        Err(ReplyError::NotSoap)
    );
}

/// Null, left out, or one empty element: a list without items has three forms, and the default value has no name.
#[test]
fn lists_without_items() {
    let nil = |name: &str| format!("<k:{name} i:nil='true'/>");
    let done = "<k:ReturnValue>0</k:ReturnValue>";
    let names = |inside: &str| registry::value_names(&output("EnumValues", inside));
    for (names_form, types_form) in [
        (nil("sNames"), nil("Types")),
        (String::new(), String::new()),
        ("<k:sNames/>".to_owned(), "<k:Types/>".to_owned()),
        (nil("sNames"), "<k:Types></k:Types>".to_owned()),
    ] {
        let inside = [&types_form, done, &names_form].concat();
        assert_eq!(names(&inside), Ok(Vec::new()), "{inside}");
    }
    let only_default = ["<k:Types>1</k:Types>", done, "<k:sNames/>"].concat();
    assert_eq!(names(&only_default), Ok(vec![(String::new(), 1)]));
    let no_type = ["<k:Types/>", done, "<k:sNames>a</k:sNames>"].concat();
    assert!(names(&no_type).is_err());
    let two = ["<k:Types/><k:Types/>", done, "<k:sNames/><k:sNames/>"].concat();
    assert!(names(&two).is_err());

    let keys = |inside: &str| registry::key_names(&output("EnumKey", inside));
    for form in [nil("sNames"), String::new(), "<k:sNames/>".to_owned()] {
        assert_eq!(keys(&[done, &form].concat()), Ok(Vec::new()));
        let form = form.replace("sNames", "uValue");
        let bytes = registry::value(3, &output("GetBinaryValue", &[done, &form].concat()));
        assert_eq!(bytes, Ok(RegistryData::Binary(Vec::new())), "{form}");
    }
}

#[test]
fn typed_values() {
    let check = |kind, method, inside: &str, expected| {
        let inside = format!("{inside}<k:ReturnValue>0</k:ReturnValue>");
        assert_eq!(
            registry::value(kind, &output(method, &inside)),
            Ok(expected)
        );
    };
    let nil = "<k:sValue i:nil='true'/>";
    check(
        1,
        "GetStringValue",
        "<k:sValue>a &amp; b</k:sValue>",
        RegistryData::Sz("a & b".to_owned()),
    );
    check(1, "GetStringValue", nil, RegistryData::Sz(String::new()));
    check(
        2,
        "GetExpandedStringValue",
        "<k:sValue> </k:sValue>",
        RegistryData::ExpandSz(" ".to_owned()),
    );
    check(
        3,
        "GetBinaryValue",
        "<k:uValue>0</k:uValue><k:uValue>255</k:uValue>",
        RegistryData::Binary(vec![0, 255]),
    );
    check(3, "GetBinaryValue", "", RegistryData::Binary(Vec::new()));
    check(
        4,
        "GetDWORDValue",
        "<k:uValue>4294967295</k:uValue>",
        RegistryData::Dword(u32::MAX),
    );
    check(
        7,
        "GetMultiStringValue",
        "<k:sValue/><k:sValue>b</k:sValue>",
        RegistryData::MultiSz(vec![String::new(), "b".to_owned()]),
    );
    check(
        7,
        "GetMultiStringValue",
        nil,
        RegistryData::MultiSz(Vec::new()),
    );
    check(
        11,
        "GetQWORDValue",
        "<k:uValue>18446744073709551615</k:uValue>",
        RegistryData::Qword(u64::MAX),
    );
}

#[test]
fn return_values_are_never_looked_over() {
    let check = |code: &str, expected| {
        let inside = format!("<k:ReturnValue>{code}</k:ReturnValue>");
        assert_eq!(
            registry::value(1, &output("GetStringValue", &inside)),
            Err(expected)
        );
    };
    check("1", RegistryError::Absent);
    check("2", RegistryError::Absent);
    check("2147749893", RegistryError::TypeMismatch);
    check("-2147217403", RegistryError::TypeMismatch);
    let denied = RegistryError::Returned {
        method: "GetStringValue",
        code: 5,
        name: "ERROR_ACCESS_DENIED",
    };
    check("5", denied);
    let protocol = |result: Result<RegistryData, RegistryError>| {
        matches!(result, Err(RegistryError::Protocol(_)))
    };
    assert!(protocol(registry::value(1, &output("GetStringValue", ""))));
    assert!(protocol(registry::value(
        1,
        &output("GetBinaryValue", "<k:ReturnValue>0</k:ReturnValue>")
    )));
    assert!(protocol(registry::value(
        3,
        &output(
            "GetBinaryValue",
            "<k:uValue>256</k:uValue><k:ReturnValue>0</k:ReturnValue>"
        )
    )));
    assert!(protocol(registry::value(
        4,
        &output("GetDWORDValue", "<k:ReturnValue>0</k:ReturnValue>")
    )));
    assert_eq!(
        registry::nothing(
            "SetDWORDValue",
            &output("SetDWORDValue", "<k:ReturnValue>1</k:ReturnValue>")
        ),
        Err(RegistryError::Returned {
            method: "SetDWORDValue",
            code: 1,
            name: "ERROR_INVALID_FUNCTION"
        })
    );
}

#[test]
fn names_and_types_are_parallel() {
    let values = output(
        "EnumValues",
        "<k:ReturnValue>0</k:ReturnValue><k:Types>4</k:Types><k:Types>1</k:Types><k:sNames>a</k:sNames><k:sNames/>",
    );
    assert_eq!(
        registry::value_names(&values),
        Ok(vec![("a".to_owned(), 4), (String::new(), 1)])
    );
    let none = output(
        "EnumValues",
        "<k:Types i:nil='true'/><k:sNames i:nil='true'/><k:ReturnValue>0</k:ReturnValue>",
    );
    assert_eq!(registry::value_names(&none), Ok(Vec::new()));
    let uneven = output(
        "EnumValues",
        "<k:sNames>a</k:sNames><k:ReturnValue>0</k:ReturnValue>",
    );
    assert!(registry::value_names(&uneven).is_err());
    let keys = output(
        "EnumKey",
        "<k:sNames>x</k:sNames><k:ReturnValue>0</k:ReturnValue>",
    );
    assert_eq!(registry::key_names(&keys), Ok(vec!["x".to_owned()]));
}

const N: &str = "xmlns:n='http://schemas.xmlsoap.org/ws/2004/09/enumeration' xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'";

#[test]
fn pages_of_an_enumeration() {
    let first = body(&format!(
        "<n:EnumerateResponse {N}><n:EnumerationContext>uuid:1</n:EnumerationContext><w:Items><w:XmlFragment>\
         <Items>5</Items><EndOfSequence/><List>a</List><List>b</List>\
         <Nil xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'/>\
         <At><c:Datetime xmlns:c='http://schemas.dmtf.org/wbem/wscim/1/common'>2024-02-03T04:05:06Z</c:Datetime></At>\
         </w:XmlFragment></w:Items></n:EnumerateResponse>"
    ));
    let page = enumerate::page(&first, None).unwrap();
    assert_eq!(page.next.as_deref(), Some("uuid:1"));
    let item = &page.items[0];
    assert_eq!(
        (item.text("items"), item.texts("LIST")),
        (Some("5"), vec!["a", "b"])
    );
    assert_eq!(
        (item.values("Nil"), item.text("At")),
        (&[CimValue::Null][..], Some("2024-02-03T04:05:06Z"))
    );
    let last = body(&format!(
        "<n:PullResponse {N}><n:Items><a/><a/></n:Items><n:EndOfSequence/></n:PullResponse>"
    ));
    let page = enumerate::page(&last, Some("uuid:1")).unwrap();
    assert_eq!((page.items.len(), page.next), (2, None));
    let unchanged = body(&format!("<n:PullResponse {N}><n:Items/></n:PullResponse>"));
    assert_eq!(
        enumerate::page(&unchanged, Some("uuid:1"))
            .unwrap()
            .next
            .as_deref(),
        Some("uuid:1")
    );
    assert!(enumerate::page(&body("<x/>"), None).is_none());
}

#[test]
fn identity_of_a_listener() {
    let text = "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Header/><e:Body>\
        <d:IdentifyResponse xmlns:d='http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd'>\
        <d:ProductVendor>Microsoft Corporation</d:ProductVendor>\
        <d:ProductVersion>OS: 10.0.17763 SP: 0.0 Stack: 3.0</d:ProductVersion>\
        <d:SecurityProfiles><d:SecurityProfileName>p</d:SecurityProfileName></d:SecurityProfiles>\
        </d:IdentifyResponse></e:Body></e:Envelope>";
    let identity = identify::decode(text.as_bytes(), Bounds::default()).unwrap();
    assert_eq!(
        (identity.os(), identity.stack()),
        (Some("10.0.17763"), Some("3.0"))
    );
    assert_eq!(identity.security_profiles, ["p"]);
}

proptest! {
    /// However a host cuts its output, the bytes are the same.
    #[test]
    fn output_split_at_any_byte(data in proptest::collection::vec(any::<u8>(), 0..200), cuts in proptest::collection::vec(1usize..40, 0..20)) {
        use base64::Engine as _;
        let mut output = shell::Output::default();
        let mut rest = data.as_slice();
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            rest = after;
            let encoded = base64::engine::general_purpose::STANDARD.encode(piece);
            let reply = body(&format!(
                "<z:ReceiveResponse xmlns:z='http://schemas.microsoft.com/wbem/wsman/1/windows/shell'>\
                 <z:Stream Name='stdout' CommandId='C'>{encoded}</z:Stream><z:Stream Name='stderr' CommandId='C' End='true'/>\
                 </z:ReceiveResponse>"
            ));
            output.add(&reply, "C").unwrap();
        }
        prop_assert_eq!(output.stdout, data);
        prop_assert!(!output.done && output.stderr.is_empty());
    }

    /// What is written as text comes back as it was, through any XML reader that follows the rules.
    #[test]
    fn text_survives_an_envelope(text in "[\\PC\\t\\r\\n]{0,60}") {
        let request = registry::set_value(registry::Provider::Cimv2, "K", &text, &RegistryData::Sz(text.clone()));
        prop_assume!(request.unsendable().is_none());
        let addressing = wsman_proto::Addressing { to: "x", message_id: ID, session_id: "y", operation_timeout_ms: 1 };
        let tree = wsman_proto::xml::parse(&request.encode(&addressing), Bounds::default()).unwrap();
        prop_assert_eq!(tree.descendant("sValue").unwrap().text(), text.clone());
        prop_assert_eq!(tree.descendant("sValueName").unwrap().text(), text);
    }
}

/// Each would once have cost the square of its size, or gone into our own requests and the journal as it is.
#[test]
fn what_a_hostile_host_can_make_long_stays_short_and_quick() {
    let distinct: String = (0..60_000).map(|n| format!("<p{n}/>")).collect();
    let one = wsman_proto::cim::instance(&body(&format!("<k:X xmlns:k='u'>{distinct}</k:X>")));
    assert_eq!(one.unwrap().properties.len(), 60_000);

    let long = "x".repeat(100_000);
    const N: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
    let page = body(&format!(
        "<n:PullResponse xmlns:n='{N}'><n:EnumerationContext>{long}</n:EnumerationContext></n:PullResponse>"
    ));
    assert_eq!(enumerate::page(&page, None), None);
    const R: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell";
    let created = body(&format!(
        "<r:Shell xmlns:r='{R}'><r:ShellId>{long}</r:ShellId></r:Shell>"
    ));
    assert_eq!(shell::created(&created), None);
    let started = body(&format!(
        "<r:CommandResponse xmlns:r='{R}'><r:CommandId>{long}</r:CommandId></r:CommandResponse>"
    ));
    assert_eq!(shell::command_id(&started), None);
    let fault = envelope(&format!(
        "<q:Fault><q:Reason><q:Text>{long}</q:Text></q:Reason></q:Fault>"
    ));
    match decode(fault.as_bytes(), ID, Bounds::default()).unwrap() {
        Reply::Fault(fault) => assert!(fault.cause.len() < 3000 && fault.to_string().len() < 4000),
        Reply::Body(_) => panic!("a fault"),
    }
}
