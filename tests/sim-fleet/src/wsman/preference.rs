//! Invoke on `MSFT_MpPreference`: the static methods `Set`, `Add` and `Remove` (reference 4.6), strict about names and
//! types of parameters. Only the proxies and `Force` are known.

use super::envelope::is;
use super::fault::{BAD_PARAMETER, Fault, NO_ACTION};
use super::xml::{escape, text};
use super::{Body, Call, Request, uri};
use crate::dialect::{PreferenceFailure, PreferenceList, PreferenceSuccess};
use crate::host::Preferences;

/// Not a fault of SOAP: the provider says that the service does not run.
const NOT_RUNNING: u32 = 0x8001_06BA;
const TYPE_MISMATCH: u32 = 0x8004_1005;

/// The parameters as they came: name, values.
type Input = Vec<(String, Vec<String>)>;

/// Carries out a method.
pub(super) fn run(call: &Call<'_>, request: &Request<'_, '_>, method: &str) -> Result<Body, Fault> {
    if !matches!(method, "Set" | "Add" | "Remove") {
        return Err(Fault::new(NO_ACTION));
    }
    let input = read(request, method)?;
    let antivirus = call.host.options.antivirus.as_ref();
    let dialect = call.host.dialect().preferences;
    let status = match antivirus {
        Some(antivirus) if antivirus.stopped => NOT_RUNNING,
        Some(antivirus) if antivirus.ignores_preferences => 0,
        _ => {
            let mut state = call.host.state();
            let method = match (method, dialect.list) {
                ("Set", PreferenceList::Added) => "Add",
                (method, _) => method,
            };
            change(&mut state.preferences, method, &input)?;
            0
        }
    };
    let names: Vec<&str> = input
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| *name != "Force")
        .collect();
    call.host.record(
        &call.user.name,
        &format!("MSFT_MpPreference.{method}"),
        &names.join(" "),
        &status.to_string(),
        true,
    );
    let value = match (status, dialect.success) {
        (0, PreferenceSuccess::EmptyOutput) => String::new(),
        (0, PreferenceSuccess::Zero) => text("p:ReturnValue", "0"),
        _ if dialect.failure == PreferenceFailure::Fault => {
            return Err(Fault::wmi(BAD_PARAMETER, status));
        }
        _ => text("p:ReturnValue", &status.to_string()),
    };
    let output = format!(
        "<p:{method}_OUTPUT xmlns:p=\"{}\">{value}</p:{method}_OUTPUT>",
        escape(&request.resource),
    );
    Ok(Body {
        action: format!("{}Response", request.action),
        xml: output,
    })
}

fn read(request: &Request<'_, '_>, method: &str) -> Result<Input, Fault> {
    let wrong = || Fault::new(BAD_PARAMETER);
    let element = request.body.first_element_child().ok_or_else(wrong)?;
    let namespace = element.tag_name().namespace().unwrap_or_default();
    if element.tag_name().name() != format!("{method}_INPUT")
        || !namespace.eq_ignore_ascii_case(&request.resource)
    {
        return Err(wrong());
    }
    let mut input: Input = Vec::new();
    for node in element.children().filter(|node| node.is_element()) {
        let name = node.tag_name().name();
        let known = matches!(
            name,
            "Force" | "ProxyServer" | "ProxyPacUrl" | "ProxyBypass"
        );
        if !known || !is(&node, namespace, name) {
            return Err(wrong());
        }
        if node.attribute((uri::XSI, "nil")) == Some("true") {
            continue;
        }
        let value = super::envelope::content(&node);
        let array = name == "ProxyBypass" && method != "Remove";
        match input.iter_mut().find(|(other, _)| other == name) {
            Some((_, values)) if array => values.push(value),
            Some(_) => return Err(wrong()),
            None => input.push((name.to_owned(), vec![value])),
        }
    }
    Ok(input)
}

fn change(preferences: &mut Preferences, method: &str, input: &Input) -> Result<(), Fault> {
    for (name, values) in input {
        let switch = name == "Force" || method == "Remove";
        let one = values.first().map(String::as_str).unwrap_or_default();
        if switch && !matches!(one, "true" | "false" | "1" | "0") {
            return Err(Fault::wmi(BAD_PARAMETER, TYPE_MISMATCH));
        }
        if name == "Force" || (switch && matches!(one, "false" | "0")) {
            continue;
        }
        let removed = method == "Remove";
        match name.as_str() {
            "ProxyServer" => {
                preferences.server = if removed {
                    String::new()
                } else {
                    one.to_owned()
                }
            }
            "ProxyPacUrl" => {
                preferences.pac_url = if removed {
                    String::new()
                } else {
                    one.to_owned()
                }
            }
            _ if removed => preferences.bypass.clear(),
            _ if method == "Add" => preferences.bypass.extend(values.iter().cloned()),
            _ => preferences.bypass.clone_from(values),
        }
    }
    Ok(())
}
