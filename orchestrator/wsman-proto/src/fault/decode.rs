//! Reads a fault out of a reply body.

use super::{Fault, Retry, table};
use crate::ns;
use crate::xml::Element;

/// Decodes the `s:Fault` element of a reply whose addressing action is `action`.
pub fn decode(fault: &Element, action: &str) -> Fault {
    let value = |path: &[(&str, &str)]| {
        let value = fault.path(path).map(Element::text);
        value.map(|value| local_part(&value).to_owned())
    };
    let subcode = value(&[
        (ns::SOAP, "Code"),
        (ns::SOAP, "Subcode"),
        (ns::SOAP, "Value"),
    ])
    // SOAP's own codes say who is to blame; where one says more (`MustUnderstand`), there is no subcode.
    .or_else(|| {
        value(&[(ns::SOAP, "Code"), (ns::SOAP, "Value")])
            .filter(|code| !matches!(code.as_str(), "Sender" | "Receiver"))
    })
    .unwrap_or_default();
    let reason = fault
        .path(&[(ns::SOAP, "Reason"), (ns::SOAP, "Text")])
        .map(|text| text.text().trim().to_owned())
        .unwrap_or_default();
    let detail = fault.child(ns::SOAP, "Detail");
    let wsman = detail.and_then(|detail| detail.child(ns::WSMANFAULT, "WSManFault"));
    // The namespace of this element names the WMI namespace that raised it: only its local name is constant.
    let wmi = detail.and_then(|detail| {
        detail
            .children()
            .find(|child| child.name() == "MSFT_WmiError")
    });

    let mut found = Fault {
        code: 0,
        subcode,
        action: action.to_owned(),
        name: "unknown",
        cause: reason,
        machine: String::new(),
        detail: detail
            .and_then(|detail| detail.child(ns::WSMAN, "FaultDetail"))
            .map(|name| {
                name.text()
                    .trim()
                    .rsplit('/')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .unwrap_or_default(),
        provider: String::new(),
        retry: Retry::No,
        remedy: None,
        wmi_status: None,
        cim_status: None,
    };
    if let Some(wsman) = wsman {
        read_wsman(wsman, &mut found);
    }
    if let Some(wmi) = wmi {
        read_wmi(wmi, &mut found);
    }
    for text in [
        &mut found.subcode,
        &mut found.action,
        &mut found.cause,
        &mut found.machine,
        &mut found.detail,
        &mut found.provider,
    ] {
        *text = crate::clip(std::mem::take(text));
    }
    table::explain(&mut found);
    found
}

fn read_wsman(fault: &Element, found: &mut Fault) {
    found.code = fault
        .attribute("", "Code")
        .and_then(|code| number(&code))
        .unwrap_or(0);
    found.machine = fault.attribute("", "Machine").unwrap_or_default();
    if let Some(message) = fault.child(ns::WSMANFAULT, "Message") {
        read_message(message, found, 0);
    }
}

/// `Message` holds text, or a provider's fault that may hold the next `WSManFault`.
fn read_message(message: &Element, found: &mut Fault, depth: u8) {
    let own = message.text();
    if !own.trim().is_empty() {
        found.cause = own.trim().to_owned();
    }
    let Some(provider) = message.child(ns::WSMANFAULT, "ProviderFault") else {
        return;
    };
    if found.provider.is_empty() {
        found.provider = provider.attribute("", "provider").unwrap_or_default();
    }
    let own = provider.text();
    if !own.trim().is_empty() {
        found.cause = own.trim().to_owned();
    }
    if let Some(nested) = provider.child(ns::WSMANFAULT, "WSManFault")
        && depth < 8
    {
        if found.code == 0 {
            found.code = nested
                .attribute("", "Code")
                .and_then(|code| number(&code))
                .unwrap_or(0);
        }
        if let Some(code) = nested.attribute("", "Code").and_then(|code| number(&code))
            && is_wmi(code)
        {
            found.wmi_status = Some(code);
        }
        if let Some(message) = nested.child(ns::WSMANFAULT, "Message") {
            read_message(message, found, depth + 1);
        }
    }
    if let Some(status) = provider.descendant("__ExtendedStatus") {
        let text = |name: &str| {
            status
                .children()
                .find(|child| child.name() == name && !child.is_nil())
                .map(Element::text)
        };
        found.wmi_status = text("StatusCode")
            .and_then(|code| number(&code))
            .or(found.wmi_status);
        if let Some(description) = text("Description").filter(|text| !text.trim().is_empty()) {
            found.cause = description.trim().to_owned();
        }
    }
}

fn read_wmi(error: &Element, found: &mut Fault) {
    let text = |name: &str| {
        error
            .children()
            .find(|child| child.name() == name && !child.is_nil())
            .map(|child| child.text().trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    found.cim_status = text("CIMStatusCode").and_then(|code| number(&code));
    let hresult = text("MessageID").and_then(|id| number(id.strip_prefix("HRESULT")?.trim()));
    if found.code == 0 {
        found.code = text("error_Code")
            .and_then(|code| number(&code))
            .or(hresult)
            .unwrap_or(0);
    }
    found.wmi_status = [Some(found.code), hresult]
        .into_iter()
        .flatten()
        .find(|code| is_wmi(*code));
    if let Some(message) = text("Message").or_else(|| text("error_WindowsErrorMessage")) {
        found.cause = message;
    }
}

/// WBEM_E_* and WBEM_S_* live in facility 4 from 0x1000 on.
fn is_wmi(code: u32) -> bool {
    matches!(code, 0x8004_1001..=0x8004_10FF | 0x8004_4001..=0x8004_40FF)
}

/// Unsigned or (as some providers write it) negative decimal, or `0x` and hex digits.
fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok();
    }
    text.parse()
        .ok()
        .or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned))
}

/// The part after the prefix of a QName in content. The prefix itself means nothing to us.
pub(crate) fn local_part(name: &str) -> &str {
    let name = name.trim();
    name.rsplit(':').next().unwrap_or(name)
}
