//! The fields of each kind of step: which there are, which are needed, which exclude each other.

use document::{Node, Value};

use super::field;
use crate::load::reader::Reader;
use crate::rules::{Acknowledge, Invalid, KnownValue, kind_names, known_value};
use crate::step::{
    AvAbsent, AvProxy, AvSslOptions, AvStore, EdrProxy, Ensure, Field, PreferStaticProxy,
    RegistryStep, WinHttpStep,
};

pub(in crate::load) const REGISTRY: [&str; 6] =
    ["key", "value", "type", "data", "ensure", "acknowledge"];
pub(in crate::load) const EDR: [&str; 2] = ["server", "ensure"];
pub(in crate::load) const PREFER: [&str; 2] = ["value", "ensure"];
pub(in crate::load) const AV: [&str; 5] = ["server", "pac_url", "bypass", "store", "ensure"];
pub(in crate::load) const AV_STORES: [(&str, AvStore); 2] = [
    ("policy", AvStore::Policy),
    ("preference", AvStore::Preference),
];
pub(in crate::load) const SSL: [&str; 3] = ["value", "acknowledge", "ensure"];
pub(in crate::load) const WINHTTP: [&str; 3] = ["server", "bypass", "ensure"];

/// Keys by which people ask other tools to delete whole keys.
const SWEEPING: [&str; 10] = [
    "recursive",
    "recurse",
    "delete_key",
    "delete_subkeys",
    "remove_key",
    "purge",
    "purge_values",
    "tree",
    "force",
    "subkeys",
];

pub(super) fn registry(reader: &mut Reader<'_>, node: &Node) -> Option<RegistryStep> {
    let entries = reader.entries(node, "registry")?;
    let mut sweeping = false;
    for (key, _) in entries {
        if SWEEPING.contains(&key.value.as_str()) {
            sweeping = true;
            reader.refuse_key(key, key_deletion(node, &format!("'{}'", key.value)));
        } else if !REGISTRY.contains(&key.value.as_str()) {
            reader.unknown_key(key, "registry", &REGISTRY);
        }
    }
    let ensure = ensure(reader, node)?;
    let key = reader
        .required(node, "key", "registry")
        .map(|node| field("key", node));
    let value = value(reader, node, ensure, sweeping);
    let kind = match node.entry("type") {
        Some(node) => reader
            .word(node, &kind_names().map(|kind| (kind, ())))
            .map(|(kind, ())| kind),
        None if ensure == Ensure::Present => {
            reader.refuse(
                node,
                Invalid::new("the key 'type' is missing in registry")
                    .expected(format!("one of {}", kind_names().join(", "))),
            );
            None
        }
        None => None,
    };
    let data = match (ensure, node.entry("data")) {
        (Ensure::Present, Some(node)) => Some(field("data", node)),
        (Ensure::Present, None) => {
            let error = Invalid::new("the key 'data' is missing in registry");
            reader.refuse(
                node,
                error.hint("to take the value away write 'ensure: absent'"),
            );
            None
        }
        (Ensure::Absent, Some(node)) => {
            reader.warn(
                node.line,
                "with 'ensure: absent' the key 'data' is not looked at",
            );
            None
        }
        (Ensure::Absent, None) => None,
    };
    let acknowledge = acknowledge(reader, node)?;
    let step = RegistryStep {
        key: key?,
        value: value?,
        kind,
        data,
        ensure,
        acknowledge,
    };
    if let (Some(given), Some(target)) = (node.entry("acknowledge"), step.literal_target())
        && known_value(&target) != Some(KnownValue::SslOptions)
    {
        reader.warn(
            given.line,
            "there is nothing to acknowledge: this value is not known to lower security",
        );
    }
    Some(step)
}

/// The value's name; without one the step could only mean the whole key.
fn value(reader: &mut Reader<'_>, node: &Node, ensure: Ensure, sweeping: bool) -> Option<Field> {
    match node.entry("value") {
        Some(value) => return Some(field("value", value)),
        // Said already.
        None if sweeping => {}
        None if ensure == Ensure::Absent => {
            reader.refuse(node, key_deletion(node, "'ensure: absent' without 'value'"));
        }
        None => {
            let error = Invalid::new("the key 'value' is missing in registry")
                .expected("the name of a value");
            reader.refuse(node, error.hint("the unnamed default value is ''"));
        }
    }
    None
}

/// Fact 9: policy keys hold more than proxies.
fn key_deletion(node: &Node, what: &str) -> Invalid {
    let key = match node.entry("key").map(|node| &node.value) {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    let lower = key.to_ascii_lowercase();
    let holds = if lower.contains("windows advanced threat protection") {
        "it also holds the onboarding blob and the device tags"
    } else if lower.contains("windows defender") {
        "it also holds every other Antivirus policy"
    } else if lower.contains("datacollection") {
        "it also holds AllowTelemetry"
    } else {
        "others keep settings there too"
    };
    Invalid::new(format!("{what} asks to delete the key '{key}'; keys are never deleted, with or without what is below"))
        .expected("'value': the name of one value to take away")
        .hint(holds)
}

fn acknowledge(reader: &mut Reader<'_>, node: &Node) -> Option<Acknowledge> {
    match node.entry("acknowledge") {
        Some(node) => {
            let words = [("lowers_security", Acknowledge::LowersSecurity)];
            reader.word(node, &words).map(|(_, value)| value)
        }
        None => Some(Acknowledge::No),
    }
}

fn ensure(reader: &mut Reader<'_>, node: &Node) -> Option<Ensure> {
    match node.entry("ensure") {
        None => Some(Ensure::Present),
        Some(node) => reader
            .word(
                node,
                &[("present", Ensure::Present), ("absent", Ensure::Absent)],
            )
            .map(|(_, value)| value),
    }
}

/// `ensure` of a typed step; says which fields are then not looked at.
fn typed(reader: &mut Reader<'_>, node: &Node, what: &str, keys: &[&str]) -> Option<Ensure> {
    reader.mapping(node, what, keys)?;
    let ensure = ensure(reader, node)?;
    if ensure == Ensure::Absent {
        for key in keys
            .iter()
            .filter(|key| !matches!(**key, "ensure" | "store"))
        {
            if let Some(given) = node.entry(key) {
                reader.warn(
                    given.line,
                    format!("with 'ensure: absent' the key '{key}' is not looked at"),
                );
            }
        }
    }
    Some(ensure)
}

fn server(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Field> {
    let given = node.entry("server").map(|node| field("server", node));
    if given.is_none() {
        let error = Invalid::new(format!("the key 'server' is missing in {what}"));
        reader.refuse(
            node,
            error.hint("to take the proxy away write 'ensure: absent'"),
        );
    }
    given
}

pub(super) fn edr_proxy(reader: &mut Reader<'_>, node: &Node) -> Option<EdrProxy> {
    match typed(reader, node, "edr_proxy", &EDR)? {
        Ensure::Absent => Some(EdrProxy::absent()),
        Ensure::Present => Some(EdrProxy {
            server: Some(server(reader, node, "edr_proxy")?),
        }),
    }
}

pub(super) fn edr_prefer_static_proxy(
    reader: &mut Reader<'_>,
    node: &Node,
) -> Option<PreferStaticProxy> {
    // Nothing has to be said: the value is 1.
    if matches!(node.value, Value::Null) {
        return Some(PreferStaticProxy {
            value: None,
            ensure: Ensure::Present,
        });
    }
    let ensure = typed(reader, node, "edr_prefer_static_proxy", &PREFER)?;
    let value = match ensure {
        Ensure::Present => node.entry("value").map(|node| field("value", node)),
        Ensure::Absent => None,
    };
    Some(PreferStaticProxy { value, ensure })
}

pub(super) fn av_ssl_options(reader: &mut Reader<'_>, node: &Node) -> Option<AvSslOptions> {
    let ensure = typed(reader, node, "av_ssl_options", &SSL)?;
    let acknowledge = acknowledge(reader, node)?;
    let value = match ensure {
        Ensure::Present => {
            let given = node.entry("value").map(|node| field("value", node));
            if given.is_none() {
                let error = Invalid::new("the key 'value' is missing in av_ssl_options");
                let error = error.expected("0 to 3: 2 leaves out revocation, 1 pinning, 0 both");
                reader.refuse(
                    node,
                    error.hint("where it has to be, 2 is the smallest loss"),
                );
                return None;
            }
            given
        }
        Ensure::Absent => None,
    };
    Some(AvSslOptions {
        value,
        ensure,
        acknowledge,
    })
}

pub(super) fn av_proxy(reader: &mut Reader<'_>, node: &Node) -> Option<AvProxy> {
    let ensure = typed(reader, node, "av_proxy", &AV)?;
    let store = match node.entry("store") {
        Some(node) => reader.word(node, &AV_STORES)?.1,
        None => AvStore::Policy,
    };
    if ensure == Ensure::Absent {
        return Some(AvProxy {
            store,
            server: None,
            pac_url: None,
            bypass: None,
            absent: Some(AvAbsent::ALL),
        });
    }
    let of = |key: &'static str| node.entry(key).map(|node| field(key, node));
    let step = AvProxy {
        store,
        server: of("server"),
        pac_url: of("pac_url"),
        bypass: of("bypass"),
        absent: None,
    };
    if step.server.is_none() && step.pac_url.is_none() && step.bypass.is_none() {
        let error = Invalid::new("av_proxy sets nothing").expected("server, pac_url or bypass");
        reader.refuse(
            node,
            error.hint("to take the proxy away write 'ensure: absent'"),
        );
        return None;
    }
    if step.server.is_some() && step.pac_url.is_some() {
        reader.warn(
            node.line,
            "Defender Antivirus takes ProxyServer first: the PAC is used only where it fails",
        );
    }
    if step.server.is_none() && step.pac_url.is_none() {
        reader.warn(
            node.line,
            "a bypass alone has no effect unless the host has a proxy or PAC from elsewhere",
        );
    }
    Some(step)
}

pub(super) fn winhttp_proxy(reader: &mut Reader<'_>, node: &Node) -> Option<WinHttpStep> {
    match typed(reader, node, "winhttp_proxy", &WINHTTP)? {
        Ensure::Absent => Some(WinHttpStep::absent()),
        Ensure::Present => {
            let bypass = node.entry("bypass").map(|node| field("bypass", node));
            Some(WinHttpStep {
                server: Some(server(reader, node, "winhttp_proxy")?),
                bypass,
            })
        }
    }
}
