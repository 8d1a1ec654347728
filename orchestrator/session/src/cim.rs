//! The registry through `StdRegProv` (wsman reference 4.5): one request per key and one per value that is there.

use std::collections::{HashMap, HashSet};

use playbooks::registry::{REG_BINARY, REG_EXPAND_SZ, REG_MULTI_SZ, REG_SZ};
use playbooks::{KeyPath, Observed, RawValue, Target, Typed};
use rollout::Reason;
use wsman::{Client, ErrorKind, RegistryData};

use crate::error::Trouble;
use crate::link::OfKind;

/// What a read through `StdRegProv` is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Exact(Observed),
    /// There is a value, but this channel may not show its exact text.
    Doubtful {
        kind: u32,
        why: String,
    },
}

/// Reads the targets, each key enumerated once.
pub(crate) async fn observe(
    client: &mut Client,
    targets: &[Target],
) -> Result<Vec<Reading>, Trouble> {
    let mut keys = Keys::new(targets);
    let mut readings = Vec::with_capacity(targets.len());
    for target in targets {
        let reading = match keys.list(client, &target.key).await? {
            None => Reading::Exact(key_absent(client, &mut keys, &target.key).await?),
            Some(values) => match kind_of(values, &target.value) {
                None if target.value.is_empty() => unlisted_default(client, target).await?,
                None => Reading::Exact(Observed::ValueAbsent),
                Some(kind) => value(client, target, kind).await?,
            },
        };
        readings.push(reading);
    }
    Ok(readings)
}

/// Reads all values of a key but the one called `except`; `None` where the key is absent.
pub(crate) async fn values(
    client: &mut Client,
    key: &KeyPath,
    except: Option<&str>,
) -> Result<Option<(Vec<Target>, Vec<Reading>)>, Trouble> {
    let Some(listed) = client.enum_values(key.as_str()).await? else {
        return Ok(None);
    };
    let (mut targets, mut readings) = (Vec::new(), Vec::new());
    for (name, kind) in listed {
        if except == Some(&name) {
            continue;
        }
        let target = Target {
            key: key.clone(),
            value: name,
        };
        readings.push(value(client, &target, kind).await?);
        targets.push(target);
    }
    Ok(Some((targets, readings)))
}

/// The keys listed so far. Of what a key holds only the values asked for are kept: a host may list a hundred thousand.
struct Keys<'a> {
    targets: &'a [Target],
    listed: HashMap<KeyPath, Option<Vec<(String, u32)>>>,
}

impl<'a> Keys<'a> {
    fn new(targets: &'a [Target]) -> Self {
        Self {
            targets,
            listed: HashMap::new(),
        }
    }

    /// Name and type of the values asked for that are there; `None` where the key is absent. Asks once for each key.
    async fn list(
        &mut self,
        client: &mut Client,
        key: &KeyPath,
    ) -> Result<Option<&[(String, u32)]>, Trouble> {
        if !self.listed.contains_key(key) {
            let values = client.enum_values(key.as_str()).await?;
            let values = values.map(|values| self.asked_for(key, values));
            self.listed.insert(key.clone(), values);
        }
        let listed = self.listed.get(key).and_then(Option::as_deref);
        Ok(listed)
    }

    fn asked_for(&self, key: &KeyPath, mut values: Vec<(String, u32)>) -> Vec<(String, u32)> {
        let asked = self.targets.iter().filter(|target| target.key == *key);
        let asked: HashSet<String> = asked.map(|target| target.value.to_lowercase()).collect();
        values.retain(|(name, _)| asked.contains(&name.to_lowercase()));
        values.shrink_to_fit();
        values
    }
}

/// Reads a value that should have this type; see `Link::of_kind`.
pub(crate) async fn of_kind(
    client: &mut Client,
    target: &Target,
    kind: u32,
) -> Result<OfKind, Trouble> {
    let read = client
        .read_value(target.key.as_str(), &target.value, kind)
        .await;
    match read {
        Ok(data) => Ok(OfKind::Found(
            data.map(|data| Observed::Present(typed(data).to_raw())),
        )),
        Err(error) if matches!(error.kind, ErrorKind::TypeMismatch) => Ok(OfKind::Other),
        Err(error) => Err(error.into()),
    }
}

/// Reads a value by the Get of its type; `None` where it is absent, or has another type.
pub(crate) async fn typed_value(
    client: &mut Client,
    target: &Target,
    kind: u32,
) -> Result<Option<RawValue>, Trouble> {
    match client
        .read_value(target.key.as_str(), &target.value, kind)
        .await
    {
        Ok(data) => Ok(data.map(|data| typed(data).to_raw())),
        Err(error) if matches!(error.kind, ErrorKind::TypeMismatch) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether the key is there without values and without subkeys; `None` where it is not there.
pub(crate) async fn key_is_empty(
    client: &mut Client,
    key: &KeyPath,
) -> Result<Option<bool>, Trouble> {
    let Some(values) = client.enum_values(key.as_str()).await? else {
        return Ok(None);
    };
    if !values.is_empty() {
        return Ok(Some(false));
    }
    match client.enum_keys(key.as_str()).await? {
        None => return Ok(None),
        Some(names) if !names.is_empty() => return Ok(Some(false)),
        Some(_) => {}
    }
    // A default value may be set and not listed; deleting the key would take it along.
    match client.read_value(key.as_str(), "", REG_SZ).await {
        Ok(default) => Ok(Some(default.is_none())),
        Err(error) if matches!(error.kind, ErrorKind::TypeMismatch) => Ok(Some(false)),
        Err(error) => Err(error.into()),
    }
}

/// The value as the wire carries it, or why it cannot be sent exactly.
pub(crate) fn registry_data(raw: &RawValue) -> Result<RegistryData, Trouble> {
    let refused = |why: &str| Trouble::Refused(Reason::PriorNotRestorable, why.to_owned());
    let typed = raw
        .to_typed()
        .ok_or_else(|| refused("the value has a form that no channel writes back byte for byte"))?;
    let sendable = |text: &str| {
        text.chars()
            .all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'))
    };
    let clean = match &typed {
        Typed::Sz(text) | Typed::ExpandSz(text) => sendable(text),
        Typed::MultiSz(items) => items.iter().all(|item| sendable(item)),
        _ => true,
    };
    if !clean {
        return Err(refused(
            "the value holds control characters that XML cannot carry",
        ));
    }
    Ok(match typed {
        Typed::Sz(text) => RegistryData::Sz(text),
        Typed::ExpandSz(text) => RegistryData::ExpandSz(text),
        Typed::Binary(bytes) => RegistryData::Binary(bytes),
        Typed::Dword(number) => RegistryData::Dword(number),
        Typed::MultiSz(items) => RegistryData::MultiSz(items),
        Typed::Qword(number) => RegistryData::Qword(number),
    })
}

/// Some hosts leave the default value out of the listing although it is set (wsman reference 4.5): a Get tells.
async fn unlisted_default(client: &mut Client, target: &Target) -> Result<Reading, Trouble> {
    let get = client
        .read_value(target.key.as_str(), &target.value, REG_SZ)
        .await;
    match get {
        Ok(None) => Ok(Reading::Exact(Observed::ValueAbsent)),
        Ok(Some(_)) => value(client, target, REG_SZ).await,
        Err(error) if matches!(error.kind, ErrorKind::TypeMismatch) => Ok(Reading::Doubtful {
            kind: 0,
            why: "StdRegProv does not say which type the default value has".to_owned(),
        }),
        Err(error) => Err(error.into()),
    }
}

/// The highest missing ancestor: RB0 wants each of them known, RB2 removes no other.
async fn key_absent(
    client: &mut Client,
    keys: &mut Keys<'_>,
    key: &KeyPath,
) -> Result<Observed, Trouble> {
    let mut first_missing = key.clone();
    for ancestor in key.self_and_ancestors().skip(1) {
        if keys.list(client, &ancestor).await?.is_some() {
            break;
        }
        first_missing = ancestor;
    }
    Ok(Observed::KeyAbsent { first_missing })
}

fn kind_of(values: &[(String, u32)], name: &str) -> Option<u32> {
    let folded = name.to_lowercase();
    values
        .iter()
        .find(|(known, _)| known.to_lowercase() == folded)
        .map(|(_, kind)| *kind)
}

async fn value(client: &mut Client, target: &Target, kind: u32) -> Result<Reading, Trouble> {
    let opaque = |why: &str| {
        Reading::Exact(Observed::Opaque {
            kind,
            why: why.to_owned(),
        })
    };
    let doubtful = |why: &str| Reading::Doubtful {
        kind,
        why: why.to_owned(),
    };
    match kind {
        1 | 3 | 4 | 7 | 11 => {}
        REG_EXPAND_SZ => return Ok(doubtful("StdRegProv shows an expandable text expanded")),
        _ => {
            return Ok(opaque(
                "no channel reads and writes a value of this registry type",
            ));
        }
    }
    let read = client
        .read_value(target.key.as_str(), &target.value, kind)
        .await;
    let data = match read {
        Ok(Some(data)) => typed(data),
        // It was there a moment ago: somebody is changing it right now.
        Ok(None) => return Ok(Reading::Exact(Observed::ValueAbsent)),
        Err(error) if matches!(error.kind, ErrorKind::TypeMismatch) => {
            return Ok(opaque("the value cannot be read as the type it has"));
        }
        Err(error) => return Err(error.into()),
    };
    let reading = match &data {
        _ if weight(&data) > MAX_WEIGHT => {
            opaque("the value is too large to be written back in one request")
        }
        Typed::Binary(bytes) if bytes.is_empty() => {
            doubtful("in which form StdRegProv writes a binary value without bytes is not known")
        }
        Typed::Sz(text) if !is_plain(text) => {
            doubtful("WMI may have replaced characters of the text")
        }
        Typed::MultiSz(items) if items.is_empty() || items.iter().any(String::is_empty) => opaque(
            "a multi string that is empty or has empty items cannot be told apart or written back",
        ),
        Typed::MultiSz(items) if !items.iter().all(|item| is_plain(item)) => {
            doubtful("WMI may have replaced characters of the texts")
        }
        _ => Reading::Exact(Observed::Present(data.to_raw())),
    };
    debug_assert!(
        matches!(kind, REG_SZ | REG_MULTI_SZ | REG_BINARY) || matches!(reading, Reading::Exact(_))
    );
    Ok(reading)
}

/// Whether [`observe`] would show this value without doubt.
pub(crate) fn shows(raw: &RawValue) -> bool {
    match raw.to_typed() {
        Some(Typed::Sz(text)) => is_plain(&text),
        Some(Typed::MultiSz(items)) => {
            !items.is_empty() && items.iter().all(|item| !item.is_empty() && is_plain(item))
        }
        Some(Typed::Binary(bytes)) => !bytes.is_empty(),
        Some(Typed::Dword(_) | Typed::Qword(_)) => true,
        Some(Typed::ExpandSz(_)) | None => false,
    }
}

/// Bytes of an envelope that a value may take: the least that present Windows allows is 500 KB.
const MAX_WEIGHT: usize = 400_000;

/// About how many bytes a value takes in an envelope. Binary data has an element for each byte.
fn weight(data: &Typed) -> usize {
    // `<p:uValue>255</p:uValue>`; an item of a list has as much around it.
    const ELEMENT: usize = 24;
    match data {
        Typed::Sz(text) | Typed::ExpandSz(text) => text.len(),
        Typed::MultiSz(items) => items.iter().map(|item| item.len() + ELEMENT).sum(),
        Typed::Binary(bytes) => bytes.len() * ELEMENT,
        Typed::Dword(_) | Typed::Qword(_) => 0,
    }
}

/// WMI writes `?` for control characters, XML readers fold line ends, and an unpaired surrogate has no text form:
/// where one of those signs occurs, the text may be another one on the host.
fn is_plain(text: &str) -> bool {
    !text.contains(['?', '\u{FFFD}', '\n', '\r'])
}

pub(crate) fn typed(data: RegistryData) -> Typed {
    match data {
        RegistryData::Sz(text) => Typed::Sz(text),
        RegistryData::ExpandSz(text) => Typed::ExpandSz(text),
        RegistryData::Binary(bytes) => Typed::Binary(bytes),
        RegistryData::Dword(number) => Typed::Dword(number),
        RegistryData::MultiSz(items) => Typed::MultiSz(items),
        RegistryData::Qword(number) => Typed::Qword(number),
    }
}
