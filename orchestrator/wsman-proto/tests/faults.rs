//! Both fault shapes, and the number that counts in each.

use wsman_proto::reply::{Reply, decode};
use wsman_proto::xml::Bounds;
use wsman_proto::{Fault, Retry};

fn fault(subcode: &str, detail: &str) -> Fault {
    let text = format!(
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' \
         xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' xmlns:w='urn:unimportant'>\
         <s:Header><a:Action>http://schemas.dmtf.org/wbem/wsman/1/wsman/fault</a:Action></s:Header><s:Body><s:Fault>\
         <s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:{subcode}</s:Value></s:Subcode></s:Code>\
         <s:Reason><s:Text xml:lang=''>Der Vorgang ist fehlgeschlagen. \r\n</s:Text></s:Reason>\
         <s:Detail>{detail}</s:Detail></s:Fault></s:Body></s:Envelope>"
    );
    match decode(text.as_bytes(), "uuid:any", Bounds::default()).unwrap() {
        Reply::Fault(fault) => fault,
        Reply::Body(_) => panic!("not a fault"),
    }
}

fn wsman(code: &str, inside: &str) -> String {
    format!(
        "<f:WSManFault xmlns:f='http://schemas.microsoft.com/wbem/wsman/1/wsmanfault' Code='{code}' Machine='pc'>\
         <f:Message>{inside}</f:Message></f:WSManFault>"
    )
}

#[test]
fn the_code_decides_and_the_text_is_kept() {
    let found = fault("TimedOut", &wsman("2150858793", ""));
    assert!(found.is_timeout());
    assert_eq!(
        (found.code, found.retry, found.machine.as_str()),
        (2_150_858_793, Retry::Poll, "pc")
    );
    assert_eq!(found.cause, "Der Vorgang ist fehlgeschlagen.");
    let found = fault("InvalidSelectors", &wsman("2150858843", "weg"));
    assert_eq!(
        (found.retry, found.cause.as_str()),
        (Retry::NewShell, "weg")
    );
    let found = fault("AccessDenied", &wsman("5", ""));
    assert!(found.is_access_denied() && found.remedy.is_some());
    assert_eq!(found.retry, Retry::No);
}

#[test]
fn a_nested_provider_fault_names_the_wmi_status() {
    let inside = "<f:ProviderFault provider='WMI Provider' path='x'><f:ExtendedError>\
        <e:__ExtendedStatus xmlns:e='urn:any' xmlns:i='http://www.w3.org/2001/XMLSchema-instance'>\
        <e:Description i:nil='true'/><e:StatusCode>2147749904</e:StatusCode></e:__ExtendedStatus>\
        </f:ExtendedError></f:ProviderFault>";
    let found = fault("DestinationUnreachable", &wsman("2150858752", inside));
    assert_eq!(
        (found.wmi_status, found.name),
        (Some(0x8004_1010), "WBEM_E_INVALID_CLASS")
    );
    assert_eq!(found.provider, "WMI Provider");
    let inside = "<f:ProviderFault provider='Shell provider'><f:WSManFault Code='2150858843'><f:Message>fort</f:Message>\
        </f:WSManFault></f:ProviderFault>";
    assert_eq!(
        fault("InvalidSelectors", &wsman("2150858843", inside)).cause,
        "fort"
    );
}

fn wmi(fields: &str) -> String {
    format!(
        "<p:MSFT_WmiError xmlns:p='urn:root/standardcimv2/MSFT_WmiError'>{fields}</p:MSFT_WmiError>"
    )
}

#[test]
fn the_second_shape_and_its_fallbacks() {
    let all = "<p:CIMStatusCode>27</p:CIMStatusCode><p:Message>Kontingent</p:Message>\
        <p:MessageID>HRESULT 0x803381a6</p:MessageID><p:error_Code>2150859174</p:error_Code>";
    let found = fault("QuotaLimit", &wmi(all));
    assert_eq!(
        (found.code, found.retry, found.cim_status),
        (2_150_859_174, Retry::NewShell, Some(27))
    );
    assert!(found.is_quota());
    assert_eq!(found.cause, "Kontingent");
    let found = fault(
        "QuotaLimit",
        &wmi("<p:MessageID>HRESULT 0x803381a5</p:MessageID>"),
    );
    assert_eq!((found.code, found.retry), (2_150_859_173, Retry::Backoff));
    let found = fault("QuotaLimit", "");
    assert_eq!((found.code, found.name), (0, "ERROR_WSMAN_QUOTA_LIMIT"));
    assert!(fault("TimedOut", "").is_timeout());
    let found = fault("Unheard", &wsman("77", ""));
    assert_eq!(
        (found.code, found.name, found.retry),
        (77, "unknown", Retry::No)
    );
}

#[test]
fn a_fault_without_a_number_is_shown_by_its_word() {
    let shown = |subcode: &str, detail: &str| fault(subcode, detail).to_string();
    let said = "Der Vorgang ist fehlgeschlagen";
    let word = "InternalError, a fault without a number: ";
    assert_eq!(shown("InternalError", ""), [word, said].concat());
    let word = "a fault without a number: ";
    assert_eq!(shown("", ""), [word, said].concat());
    let number = format!("ERROR_ACCESS_DENIED (5): {said}");
    assert_eq!(shown("AccessDenied", &wsman("5", "")), number);
}

#[test]
fn what_may_have_run_all_the_same() {
    for (code, unknown) in [
        ("995", true),
        ("2150858793", true),
        ("1726", true),
        ("5", false),
        ("2150858843", false),
    ] {
        assert_eq!(
            fault("x", &wsman(code, "")).outcome_unknown(),
            unknown,
            "{code}"
        );
    }
}

/// A number that is not known keeps its place; only what to do is taken from the words beside it.
#[test]
fn words_help_where_the_number_is_not_known() {
    let found = fault("QuotaLimit", &wsman("77", ""));
    assert_eq!((found.code, found.name), (77, "unknown"));
    assert_eq!(found.retry, Retry::Backoff);
    let status = "<p:CIMStatusCode>2</p:CIMStatusCode>";
    let found = fault("InternalError", &wmi(status));
    assert_eq!((found.code, found.name), (0, "WBEM_E_ACCESS_DENIED"));
    assert!(found.is_access_denied() && found.retry == Retry::No);
    let status = "<p:CIMStatusCode>27</p:CIMStatusCode>";
    let found = fault("InternalError", &wmi(status));
    assert!(found.is_quota() && found.retry == Retry::Backoff);
}
