//! `reg add`, `reg delete`, `reg query` (reference 11.4): exit codes 0 and 1, columns as Windows prints them, raw texts.

use super::run::Ended;
use super::{Context, texts};
use crate::dialect::DefaultName;
use crate::registry::{Deleted, KeyPath, RawValue, kind, wow64};
use crate::spec::Language;

const TYPES: [(&str, u32); 7] = [
    ("REG_SZ", kind::SZ),
    ("REG_EXPAND_SZ", kind::EXPAND_SZ),
    ("REG_BINARY", kind::BINARY),
    ("REG_DWORD", kind::DWORD),
    ("REG_MULTI_SZ", kind::MULTI_SZ),
    ("REG_QWORD", kind::QWORD),
    ("REG_NONE", kind::NONE),
];

/// Switches of a call.
#[derive(Default)]
struct Options<'a> {
    value: Option<&'a str>,
    kind: Option<&'a str>,
    data: Option<&'a str>,
    separator: Option<&'a str>,
    force: bool,
    all_values: bool,
    below: bool,
    narrow: bool,
}

fn options<'a>(args: &[&'a str]) -> Option<Options<'a>> {
    let mut options = Options::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.to_ascii_lowercase().as_str() {
            "/v" => options.value = Some(args.next()?),
            "/ve" => options.value = Some(""),
            "/va" => options.all_values = true,
            "/t" => options.kind = Some(args.next()?),
            "/d" => options.data = Some(args.next()?),
            "/s" => match options.kind {
                Some(kind) if kind.eq_ignore_ascii_case("REG_MULTI_SZ") => {
                    options.separator = Some(args.next()?)
                }
                _ => options.below = true,
            },
            // One character, between the items of a list that is printed.
            "/se" => {
                options.separator = Some(args.next().filter(|mark| mark.chars().count() == 1)?);
            }
            "/f" => options.force = true,
            "/reg:64" => options.narrow = false,
            "/reg:32" => options.narrow = true,
            "/z" => {}
            _ => return None,
        }
    }
    Some(options)
}

/// Runs `reg`.
pub(super) fn run(context: &Context, args: &[&str]) -> Ended {
    let language = context.host.options.language;
    let wrong = || Ended::failed(1, texts::reg_syntax(language));
    let [verb, key, rest @ ..] = args else {
        return wrong();
    };
    let Some(path) = KeyPath::with_hive(key.trim_end_matches('\\')) else {
        return wrong();
    };
    let Some(options) = options(rest) else {
        return wrong();
    };
    let path = if options.narrow { wow64(&path) } else { path };
    let verb = verb.to_ascii_lowercase();
    let ended = match verb.as_str() {
        "add" => add(context, &path, &options),
        "delete" => delete(context, &path, &options),
        "query" => return query(context, &path, &options),
        _ => return wrong(),
    };
    let target = options
        .value
        .map_or_else(|| path.to_string(), |value| format!("{path}: {value}"));
    context
        .host
        .state()
        .points
        .count(crate::knobs::PointKind::Write);
    context.host.record(
        &context.user,
        &format!("reg {verb}"),
        &target,
        &format!("exit {}", ended.code),
        true,
    );
    ended
}

fn done(context: &Context) -> Ended {
    Ended::out(texts::reg_done(context.host.options.language))
}

/// It asks, nobody answers: end of input counts as "no".
fn asked(context: &Context) -> Ended {
    Ended::failed(1, texts::reg_syntax(context.host.options.language))
}

fn add(context: &Context, path: &KeyPath, options: &Options<'_>) -> Ended {
    let language = context.host.options.language;
    if options.value.is_none() && options.data.is_none() && options.kind.is_none() {
        context.host.state().registry.create(path);
        return done(context);
    }
    let name = options.value.unwrap_or_default();
    let kind = match options.kind {
        None => kind::SZ,
        Some(text) => match TYPES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
        {
            Some((_, kind)) => *kind,
            None => return Ended::failed(1, texts::reg_syntax(language)),
        },
    };
    let Some(value) = value_of(kind, options) else {
        return Ended::failed(1, texts::reg_syntax(language));
    };
    if !options.force && context.host.read_value(path, name).is_some() {
        return asked(context);
    }
    context.host.state().registry.create(path);
    context.host.write_value(path, name, value);
    done(context)
}

fn value_of(wanted: u32, options: &Options<'_>) -> Option<RawValue> {
    let data = options.data.unwrap_or_default();
    let number = || match data.strip_prefix("0x").or(data.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => data.parse().ok(),
    };
    Some(match wanted {
        kind::DWORD => {
            RawValue::dword(u32::try_from(if data.is_empty() { 0 } else { number()? }).ok()?)
        }
        kind::QWORD => RawValue::new(
            kind::QWORD,
            &(if data.is_empty() { 0 } else { number()? }).to_le_bytes(),
        ),
        kind::BINARY | kind::NONE => {
            let digits = if data.len() % 2 == 1 {
                format!("0{data}")
            } else {
                data.into()
            };
            RawValue {
                kind: wanted,
                bytes: hex::decode(digits).ok()?,
            }
        }
        kind::MULTI_SZ => {
            let separator = options.separator.unwrap_or("\\0");
            let trimmed = data.strip_suffix(separator).unwrap_or(data);
            if trimmed.is_empty() {
                return Some(RawValue::multi::<&str>(&[]));
            }
            let items: Vec<&str> = trimmed.split(separator).collect();
            if items.iter().any(|item| item.is_empty()) {
                return None;
            }
            RawValue::multi(&items)
        }
        _ => RawValue::text(wanted, data),
    })
}

fn delete(context: &Context, path: &KeyPath, options: &Options<'_>) -> Ended {
    let language = context.host.options.language;
    if !options.force {
        return asked(context);
    }
    if context.host.state().registry.key(path).is_none() {
        return Ended::failed(1, texts::reg_absent(language));
    }
    if options.all_values {
        let mut state = context.host.state();
        let names: Vec<String> = state
            .registry
            .key(path)
            .into_iter()
            .flat_map(|key| key.values())
            .map(|(name, _)| name.into())
            .collect();
        for name in names {
            state.registry.delete_value(path, &name);
        }
        drop(state);
        return done(context);
    }
    let deleted = match options.value {
        Some(name) => context.host.remove_value(path, name),
        None => context.host.state().registry.delete_tree(path),
    };
    match deleted {
        Deleted::Done => done(context),
        Deleted::Absent => Ended::failed(1, texts::reg_absent(language)),
        Deleted::HasSubkeys => Ended::failed(1, texts::reg_denied(language)),
    }
}

fn query(context: &Context, path: &KeyPath, options: &Options<'_>) -> Ended {
    let language = context.host.options.language;
    let absent = || Ended::failed(1, texts::reg_absent(language));
    // The path is printed in the letter case the caller used, the value in its own.
    let mut out = String::new();
    if let Some(name) = options.value {
        let stored = {
            let state = context.host.state();
            match state.registry.key(path).and_then(|key| key.value(name)) {
                Some((stored, _)) => stored.to_string(),
                None => return absent(),
            }
        };
        let Some(value) = context.host.read_value(path, name) else {
            return absent();
        };
        out += &format!(
            "\r\n{}\r\n{}\r\n",
            path.long(),
            row(context, &stored, &value, options)
        );
        return Ended::out(out);
    }
    let (values, subkeys) = {
        let state = context.host.state();
        let Some(key) = state.registry.key(path) else {
            return absent();
        };
        let values: Vec<(String, RawValue)> = key
            .values()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        (
            values,
            key.subkeys()
                .map(|(name, _)| name.to_string())
                .collect::<Vec<_>>(),
        )
    };
    out += "\r\n";
    if !values.is_empty() || subkeys.is_empty() {
        out += &format!("{}\r\n", path.long());
        for (name, value) in &values {
            let seen = context
                .host
                .read_value(path, name)
                .unwrap_or_else(|| value.clone());
            out += &row(context, name, &seen, options);
        }
        out += "\r\n";
    }
    for name in subkeys {
        let child = path.child(&name);
        if options.below {
            out += query(context, &child, options)
                .out
                .trim_start_matches("\r\n");
        } else {
            out += &format!("{}\r\n", child.long());
        }
    }
    Ended::out(out)
}

/// Four blanks, name, four blanks, type, four blanks, data.
fn row(context: &Context, name: &str, value: &RawValue, options: &Options<'_>) -> String {
    let name = if name.is_empty() {
        texts::default_name(match context.host.dialect().programs.default_name {
            DefaultName::Translated => context.host.options.language,
            DefaultName::English => Language::En,
        })
    } else {
        name
    };
    let kind_name = TYPES
        .iter()
        .find(|(_, number)| *number == value.kind)
        .map_or_else(|| format!("0x{:x}", value.kind), |(name, _)| (*name).into());
    let data = match value.kind {
        kind::SZ | kind::EXPAND_SZ => value.as_text(),
        kind::MULTI_SZ => value.as_items().join(options.separator.unwrap_or("\\0")),
        kind::DWORD if value.bytes.len() == 4 => {
            format!("0x{:x}", value.as_dword().unwrap_or_default())
        }
        kind::QWORD if value.bytes.len() == 8 => {
            format!("0x{:x}", value.as_qword().unwrap_or_default())
        }
        _ => hex::encode_upper(&value.bytes),
    };
    format!("    {name}    {kind_name}    {data}\r\n")
}
