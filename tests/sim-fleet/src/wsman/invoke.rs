//! Invoke: the methods of StdRegProv on the host's registry (reference 4.5); those of Antivirus are `preference`'s.
//! Methods of other classes are not there: a process cannot be made this way.

use super::envelope::{content, is};
use super::fault::{BAD_PARAMETER, Fault, NO_ACTION, NOT_FOUND};
use super::xml::{escape, text};
use super::{Body, Call, Request, uri};
use crate::dialect::{
    AbsentOut, AbsentValue, Architecture, CallsCount, ClassIn, EmptyBinary, EmptyList, EmptyMulti,
    MissingKey, Order, RegistryDialect, ReturnValue, SubkeysRefusal, TypeMismatch, UserHive,
};
use crate::host::Host;
use crate::registry::{Deleted, KeyPath, RawValue, fold, kind, wow64};

/// Not a status of the registry but of WMI: the value has another type.
const TYPE_MISMATCH: u32 = 0x8004_1005;
const ABSENT: u32 = 1;
const NO_KEY: u32 = 2;
const DENIED: u32 = 5;
const BAD_HANDLE: u32 = 6;
/// ERROR_INVALID_PARAMETER.
const BAD_VALUE: u32 = 87;
const HKCU: u32 = 2_147_483_649;

/// The methods with the parameters they take behind `hDefKey` and `sSubKeyName`.
const METHODS: [(&str, &[&str]); 18] = [
    ("CreateKey", &[]),
    ("DeleteKey", &[]),
    ("DeleteValue", &["sValueName"]),
    ("EnumKey", &[]),
    ("EnumValues", &[]),
    ("CheckAccess", &["uRequired"]),
    ("SetDWORDValue", &["sValueName", "uValue"]),
    ("SetQWORDValue", &["sValueName", "uValue"]),
    ("SetStringValue", &["sValueName", "sValue"]),
    ("SetExpandedStringValue", &["sValueName", "sValue"]),
    ("SetMultiStringValue", &["sValueName", "sValue"]),
    ("SetBinaryValue", &["sValueName", "uValue"]),
    ("GetDWORDValue", &["sValueName"]),
    ("GetQWORDValue", &["sValueName"]),
    ("GetStringValue", &["sValueName"]),
    ("GetExpandedStringValue", &["sValueName"]),
    ("GetMultiStringValue", &["sValueName"]),
    ("GetBinaryValue", &["sValueName"]),
];

/// True for methods that change something.
pub(super) fn writes(method: &str) -> bool {
    method.starts_with("Set")
        || matches!(
            method,
            "CreateKey" | "DeleteKey" | "DeleteValue" | "Add" | "Remove"
        )
}

/// One out parameter; `None`: it has no value, which is not the same as a list without items.
type Out = (&'static str, Option<Vec<String>>);

/// Carries out a method.
pub(super) fn run(
    call: &Call<'_>,
    request: &Request<'_, '_>,
    namespace: &str,
    class: &str,
    method: &str,
) -> Result<Body, Fault> {
    if namespace.eq_ignore_ascii_case("root/Microsoft/Windows/TaskScheduler")
        && class.eq_ignore_ascii_case("PS_ScheduledTask")
    {
        return super::task::run(call, request, method);
    }
    if namespace.eq_ignore_ascii_case("root/Microsoft/Windows/Defender")
        && class.eq_ignore_ascii_case("MSFT_MpPreference")
        && crate::cim::knows(call.host, namespace, class)
    {
        return super::preference::run(call, request, method);
    }
    let dialect = call.host.dialect().registry;
    let known = match dialect.class_in {
        ClassIn::Both => ["root/cimv2", "root/default"].as_slice(),
        ClassIn::DefaultOnly => &["root/default"],
        ClassIn::Cimv2Only => &["root/cimv2"],
    };
    let known = known
        .iter()
        .any(|known| known.eq_ignore_ascii_case(namespace));
    if !known || !class.eq_ignore_ascii_case("StdRegProv") {
        let known = crate::cim::knows(call.host, namespace, class);
        return Err(if known {
            Fault::new(NO_ACTION)
        } else {
            Fault::wmi(NOT_FOUND, 0x8004_1010)
        });
    }
    let (method, allowed) = METHODS
        .iter()
        .find(|(name, _)| *name == method)
        .ok_or_else(|| Fault::new(NO_ACTION))?;
    count_call(call, dialect)?;
    let mut input = Input::read(request, method, allowed)?;
    input.narrow = dialect.architecture == Architecture::Honoured && asks_for_32_bits(request);
    let (outs, status) = execute(call.host, method, &input)?;
    let target = match input.one("sValueName") {
        Some(name) => format!("{}: {name}", input.path_text()),
        None => input.path_text(),
    };
    call.host.record(
        &call.user.name,
        &format!("StdRegProv.{method}"),
        &target,
        &status.to_string(),
        writes(method),
    );
    Ok(Body {
        action: format!("{}Response", request.action),
        xml: output(&request.resource, method, &outs, status, dialect),
    })
}

/// Where calls count, this one does until its connection is closed.
fn count_call(call: &Call<'_>, dialect: RegistryDialect) -> Result<(), Fault> {
    if dialect.calls_count == CallsCount::Never {
        return Ok(());
    }
    let limit = call.host.max_operations();
    let mut state = call.host.state();
    if state.operations_of(&call.user.name) >= limit {
        drop(state);
        return Err(super::shells::quota_fault(call, 2_150_859_174));
    }
    let calls = state.calls.entry(call.peer).or_default();
    calls.owner.clone_from(&call.user.name);
    calls.count += 1;
    Ok(())
}

fn asks_for_32_bits(request: &Request<'_, '_>) -> bool {
    request.options.iter().any(|option| {
        option
            .name
            .eq_ignore_ascii_case("wmi:__ProviderArchitecture")
            && option.value.trim() == "32"
    })
}

/// The parameters of a call.
struct Input {
    values: Vec<(String, Option<String>)>,
    /// The 32-bit view of the registry is meant.
    narrow: bool,
}

impl Input {
    fn read(request: &Request<'_, '_>, method: &str, allowed: &[&str]) -> Result<Self, Fault> {
        let wrong = || Fault::new(BAD_PARAMETER);
        let input = request.body.first_element_child().ok_or_else(wrong)?;
        let namespace = input.tag_name().namespace().unwrap_or_default();
        if input.tag_name().name() != format!("{method}_INPUT")
            || !namespace.eq_ignore_ascii_case(&request.resource)
        {
            return Err(wrong());
        }
        let mut values = Vec::new();
        for node in input.children().filter(|node| node.is_element()) {
            let name = node.tag_name().name();
            let known = name == "hDefKey" || name == "sSubKeyName" || allowed.contains(&name);
            if !is(&node, namespace, name) || !known {
                return Err(wrong());
            }
            let array = matches!(
                (method, name),
                ("SetMultiStringValue", "sValue") | ("SetBinaryValue", "uValue")
            );
            if !array && values.iter().any(|(other, _)| other == name) {
                return Err(wrong());
            }
            let nil = node.attribute((uri::XSI, "nil")) == Some("true");
            values.push((name.to_string(), (!nil).then(|| content(&node))));
        }
        Ok(Self {
            values,
            narrow: false,
        })
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.values
            .iter()
            .find(|(other, _)| other == name)?
            .1
            .as_deref()
    }

    fn all(&self, name: &str) -> Vec<&str> {
        self.values
            .iter()
            .filter(|(other, _)| other == name)
            .filter_map(|(_, value)| value.as_deref())
            .collect()
    }

    /// A number in the range of its type; out of range or no number is a fault of WMI.
    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Fault> {
        self.one(name)
            .map(|text| {
                text.trim()
                    .parse()
                    .map_err(|_| Fault::wmi(BAD_PARAMETER, 0x8004_1005))
            })
            .transpose()
    }

    fn hive(&self) -> Result<u32, Fault> {
        Ok(self.number("hDefKey")?.unwrap_or(2_147_483_650))
    }

    fn path(&self) -> Result<Option<KeyPath>, Fault> {
        let below = self.one("sSubKeyName").unwrap_or_default();
        let path = KeyPath::by_number(self.hive()?, below);
        Ok(path.map(|path| if self.narrow { wow64(&path) } else { path }))
    }

    fn path_text(&self) -> String {
        self.path()
            .ok()
            .flatten()
            .map(|path| path.to_string())
            .unwrap_or_default()
    }
}

fn execute(host: &Host, method: &str, input: &Input) -> Result<(Vec<Out>, u32), Fault> {
    let Some(path) = input.path()? else {
        return Ok((Vec::new(), BAD_HANDLE));
    };
    let dialect = host.dialect().registry;
    if dialect.user_hive == UserHive::NotLoaded && input.hive()? == HKCU {
        return Ok((Vec::new(), NO_KEY));
    }
    let name = input.one("sValueName").unwrap_or_default();
    let none = |status| Ok((Vec::new(), status));
    match method {
        "CreateKey" => {
            host.state().registry.create(&path);
            none(0)
        }
        "DeleteKey" => none(match host.state().registry.delete_key(&path) {
            Deleted::Done => 0,
            Deleted::Absent => NO_KEY,
            Deleted::HasSubkeys => match dialect.subkeys_refusal {
                SubkeysRefusal::AccessDenied => DENIED,
                SubkeysRefusal::NotEmpty => 145,
                SubkeysRefusal::HasChildren => 1020,
                SubkeysRefusal::WmiFailed => 0x8004_1001,
            },
        }),
        "DeleteValue" => none(if host.remove_value(&path, name) == Deleted::Done {
            0
        } else {
            NO_KEY
        }),
        "EnumKey" => Ok(enumerate_keys(host, &path)),
        "EnumValues" => Ok(enumerate_values(host, &path)),
        "CheckAccess" => {
            input.number::<u32>("uRequired")?;
            let there = host.state().registry.key(&path).is_some();
            Ok((
                vec![("bGranted", Some(vec![there.to_string()]))],
                if there { 0 } else { NO_KEY },
            ))
        }
        _ if method.starts_with("Get") => get(host, method, &path, name),
        _ => {
            let Some(value) = new_value(method, input, dialect)? else {
                return none(BAD_VALUE);
            };
            if dialect.missing_key == MissingKey::Created {
                host.state().registry.create(&path);
            }
            none(if host.write_value(&path, name, value) {
                0
            } else {
                NO_KEY
            })
        }
    }
}

fn enumerate_keys(host: &Host, path: &KeyPath) -> (Vec<Out>, u32) {
    let state = host.state();
    match state.registry.key(path) {
        None => (vec![("sNames", None)], NO_KEY),
        Some(key) => {
            let names: Vec<String> = key.subkeys().map(|(name, _)| name.to_string()).collect();
            (vec![("sNames", Some(names))], 0)
        }
    }
}

fn enumerate_values(host: &Host, path: &KeyPath) -> (Vec<Out>, u32) {
    let state = host.state();
    match state.registry.key(path) {
        None => (vec![("Types", None), ("sNames", None)], NO_KEY),
        Some(key) => {
            let default_too = host.options.lists_default_value;
            let mut listed: Vec<_> = key
                .values()
                .filter(|(name, _)| default_too || !name.is_empty())
                .collect();
            match host.dialect().registry.order {
                Order::AsSet => {}
                Order::ByName => listed.sort_by_key(|(name, _)| fold(name)),
                Order::Reversed => listed.reverse(),
            }
            let names = listed.iter().map(|(name, _)| (*name).to_string());
            // `sint32` in the MOF: a type number above 2^31 comes out negative.
            let types = listed
                .iter()
                .map(|(_, value)| value.kind.cast_signed().to_string());
            (
                vec![
                    ("Types", Some(types.collect())),
                    ("sNames", Some(names.collect())),
                ],
                0,
            )
        }
    }
}

fn get(host: &Host, method: &str, path: &KeyPath, name: &str) -> Result<(Vec<Out>, u32), Fault> {
    let dialect = host.dialect().registry;
    let (out, wanted): (&'static str, u32) = match method {
        "GetDWORDValue" => ("uValue", kind::DWORD),
        "GetQWORDValue" => ("uValue", kind::QWORD),
        "GetBinaryValue" => ("uValue", kind::BINARY),
        "GetMultiStringValue" => ("sValue", kind::MULTI_SZ),
        "GetExpandedStringValue" => ("sValue", kind::EXPAND_SZ),
        _ => ("sValue", kind::SZ),
    };
    if host.state().registry.key(path).is_none() {
        return Ok((vec![(out, None)], NO_KEY));
    }
    let absent = match dialect.absent_value {
        AbsentValue::One => ABSENT,
        AbsentValue::Two => NO_KEY,
    };
    let mismatch = || match dialect.type_mismatch {
        TypeMismatch::Fault => Err(Fault::wmi(BAD_PARAMETER, TYPE_MISMATCH)),
        TypeMismatch::ReturnValue | TypeMismatch::Negative => {
            Ok((vec![(out, None)], TYPE_MISMATCH))
        }
    };
    let Some(value) = host.read_value(path, name) else {
        return Ok((vec![(out, None)], absent));
    };
    if value.kind != wanted {
        return mismatch();
    }
    let items = match wanted {
        kind::DWORD => value.as_dword().map(|number| vec![number.to_string()]),
        kind::QWORD => value.as_qword().map(|number| vec![number.to_string()]),
        kind::BINARY => Some(value.bytes.iter().map(u8::to_string).collect()),
        kind::MULTI_SZ => Some(value.as_items()),
        kind::EXPAND_SZ => Some(vec![host.expand(&value.as_text())]),
        _ => Some(vec![value.as_text()]),
    };
    match items {
        Some(items) => Ok((vec![(out, Some(items))], 0)),
        // A number with the wrong count of bytes.
        None => mismatch(),
    }
}

/// `None`: no value of that type, by this dialect.
fn new_value(
    method: &str,
    input: &Input,
    dialect: RegistryDialect,
) -> Result<Option<RawValue>, Fault> {
    let text = || input.one("sValue").unwrap_or_default();
    Ok(Some(match method {
        // 3 is the default of the MOF.
        "SetDWORDValue" => RawValue::dword(input.number("uValue")?.unwrap_or(3)),
        "SetQWORDValue" => RawValue::new(
            kind::QWORD,
            &input.number::<u64>("uValue")?.unwrap_or(3).to_le_bytes(),
        ),
        "SetStringValue" => RawValue::sz(text()),
        "SetExpandedStringValue" => RawValue::text(kind::EXPAND_SZ, text()),
        "SetMultiStringValue" => match input.all("sValue").as_slice() {
            [""] if dialect.empty_multi == EmptyMulti::NoItem => RawValue::multi::<&str>(&[]),
            items => RawValue::multi(items),
        },
        _ => {
            let null = input.values.iter().any(|(name, _)| name == "uValue");
            let taken = match dialect.empty_binary {
                EmptyBinary::Nil => true,
                EmptyBinary::OmittedOnly => !null,
                EmptyBinary::Never => false,
            };
            if input.all("uValue").is_empty() && !taken {
                return Ok(None);
            }
            let byte = |text: &&str| {
                text.trim()
                    .parse::<u8>()
                    .map_err(|_| Fault::wmi(BAD_PARAMETER, TYPE_MISMATCH))
            };
            RawValue {
                kind: kind::BINARY,
                bytes: input
                    .all("uValue")
                    .iter()
                    .map(byte)
                    .collect::<Result<_, _>>()?,
            }
        }
    }))
}

fn output(
    resource: &str,
    method: &str,
    outs: &[Out],
    status: u32,
    dialect: RegistryDialect,
) -> String {
    let negative = dialect.type_mismatch == TypeMismatch::Negative && status == TYPE_MISMATCH;
    let status = match negative {
        true => status.cast_signed().to_string(),
        false => status.to_string(),
    };
    let returned = text("p:ReturnValue", &status);
    let before = |name: &str| match dialect.return_value {
        ReturnValue::ByName => name < "ReturnValue",
        ReturnValue::First => false,
        ReturnValue::Last => true,
    };
    let some = |early: bool| {
        outs.iter()
            .filter(move |(name, _)| before(name) == early)
            .map(|(name, items)| parameter(name, items.as_deref(), dialect))
            .collect::<String>()
    };
    let inner = some(true) + &returned + &some(false);
    format!(
        "<p:{method}_OUTPUT xmlns:xsi=\"{}\" xmlns:p=\"{}\" xmlns:cim=\"{}\">{inner}</p:{method}_OUTPUT>",
        uri::XSI,
        escape(resource),
        uri::CIM
    )
}

fn parameter(name: &str, items: Option<&[String]>, dialect: RegistryDialect) -> String {
    let null = || format!("<p:{name} xsi:nil=\"true\"/>");
    match (items, dialect.absent_out, dialect.empty_list) {
        (None, AbsentOut::Nil, _) => null(),
        (None, AbsentOut::Omitted, _) => String::new(),
        (Some([]), _, EmptyList::Nil) => null(),
        (Some([]), _, EmptyList::Omitted) => String::new(),
        (Some([]), _, EmptyList::EmptyElement) => format!("<p:{name}/>"),
        (Some(items), _, _) => items
            .iter()
            .map(|item| text(&format!("p:{name}"), item))
            .collect(),
    }
}
