//! `netsh winhttp`: set, reset and show, on the bytes of `WinHttpSettings`; advproxy has a store of its own.

use super::run::Ended;
use super::{Context, texts};
use crate::dialect::{AdvProxyStore, NetshExit, WinhttpTail};
use crate::knobs::{NetshKnob, PointKind};
use crate::registry::{KeyPath, RawValue, kind, winhttp_blob};

const CONNECTIONS: &str =
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
const NARROW: &str =
    r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
/// Key of the advproxy document among the host's files; no file can have this name.
pub(crate) const ADVPROXY: &str = "?advproxy";

/// Runs `netsh`; the path it was started by decides which view it writes.
pub(super) fn run(context: &Context, args: &[&str], words: &str) -> Ended {
    let language = context.host.options.language;
    let lower: Vec<String> = args
        .iter()
        .take(3)
        .map(|arg| arg.to_ascii_lowercase())
        .collect();
    let key = if words.to_ascii_lowercase().contains("syswow64") {
        NARROW
    } else {
        CONNECTIONS
    };
    let path = KeyPath::parse(key);
    let advanced = context.host.options.advproxy;
    match lower
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["winhttp", "set", "proxy"] => match proxy_arguments(&args[3..]) {
            Some((proxy, bypass)) => change(context, &path, &proxy, &bypass, "set proxy"),
            None => Ended {
                out: texts::netsh_failed(language),
                code: failure(context),
                ..Ended::default()
            },
        },
        ["winhttp", "reset", "proxy"] => change(context, &path, "", "", "reset proxy"),
        ["winhttp", "show", "proxy"] => Ended::out(show(context, &path)),
        ["winhttp", "show", "advproxy"] if advanced => {
            let state = context.host.state();
            let stored = state.files.get(ADVPROXY).map_or_else(
                || "{\r\n}".into(),
                |bytes| String::from_utf8_lossy(bytes).into_owned(),
            );
            Ended::out(format!(
                "\r\n{}\r\n{stored}\r\n\r\n",
                texts::winhttp_heading(language)
            ))
        }
        ["winhttp", "set", "advproxy"] if advanced => set_advproxy(context, &args[3..]),
        ["winhttp", "reset", "advproxy"] if advanced => {
            context.host.state().files.remove(ADVPROXY);
            Ended::out("\r\n")
        }
        _ => Ended {
            out: texts::netsh_unknown(language),
            code: 1,
            ..Ended::default()
        },
    }
}

/// `proxy-server=` and `bypass-list=`, named or by position.
fn proxy_arguments(args: &[&str]) -> Option<(String, String)> {
    let (mut proxy, mut bypass) = (None, None);
    for arg in args {
        match arg
            .split_once('=')
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
        {
            Some((name, value)) if name == "proxy-server" => proxy = Some(value.to_string()),
            Some((name, value)) if name == "bypass-list" => bypass = Some(value.to_string()),
            _ if proxy.is_none() => proxy = Some((*arg).to_string()),
            _ if bypass.is_none() => bypass = Some((*arg).to_string()),
            _ => return None,
        }
    }
    let proxy = proxy.filter(|proxy| !proxy.is_empty() && proxy.is_ascii())?;
    Some((proxy, bypass.unwrap_or_default()))
}

fn change(context: &Context, path: &KeyPath, proxy: &str, bypass: &str, verb: &str) -> Ended {
    let language = context.host.options.language;
    let knob = context.host.knobs().netsh;
    let code = u32::from(knob == Some(NetshKnob::Fails));
    context.host.state().points.count(PointKind::Write);
    context.host.record(
        &context.user,
        &format!("netsh winhttp {verb}"),
        &format!("{proxy} {bypass}"),
        &format!("exit {code}"),
        true,
    );
    if code != 0 {
        return Ended {
            out: texts::netsh_failed(language),
            code: failure(context),
            ..Ended::default()
        };
    }
    if knob.is_none() {
        let blob = winhttp(context, proxy, bypass);
        context.host.state().registry.create(path);
        context.host.write_value(
            path,
            "WinHttpSettings",
            RawValue {
                kind: kind::BINARY,
                bytes: blob,
            },
        );
    }
    let text = if proxy.is_empty() {
        texts::winhttp_direct(language)
    } else {
        texts::winhttp_proxy(language, proxy, bypass)
    };
    Ended::out(format!(
        "\r\n{}\r\n{text}\r\n",
        texts::winhttp_heading(language)
    ))
}

/// The exit code of a failure.
fn failure(context: &Context) -> u32 {
    match context.host.dialect().programs.netsh_exit {
        NetshExit::Honest => 1,
        NetshExit::AlwaysZero => 0,
    }
}

/// `WinHttpSettings` as this host writes it. What stands behind the two texts is not told by any document.
fn winhttp(context: &Context, proxy: &str, bypass: &str) -> Vec<u8> {
    let mut blob = winhttp_blob(context.host.options.winhttp_marker, proxy, bypass);
    match context.host.dialect().programs.winhttp_tail {
        WinhttpTail::Nothing => {}
        WinhttpTail::Zeros => blob.extend([0; 36]),
        WinhttpTail::PacUrl => {
            let url = b"http://wpad.corp.example/wpad.dat";
            blob.extend((url.len() as u32).to_le_bytes());
            blob.extend(url);
        }
    }
    blob
}

fn show(context: &Context, path: &KeyPath) -> String {
    let language = context.host.options.language;
    let text_at = |bytes: &[u8], at: usize| -> Option<(String, usize)> {
        let length = u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize;
        let end = (at + 4).checked_add(length)?;
        Some((
            String::from_utf8_lossy(bytes.get(at + 4..end)?).into_owned(),
            end,
        ))
    };
    let value = context.host.read_value(path, "WinHttpSettings");
    let decoded = value.and_then(|value| {
        let (proxy, next) = text_at(&value.bytes, 12)?;
        let (bypass, _) = text_at(&value.bytes, next)?;
        Some((proxy, bypass))
    });
    let text = match decoded {
        Some((proxy, bypass)) if !proxy.is_empty() => {
            texts::winhttp_proxy(language, &proxy, &bypass)
        }
        _ => texts::winhttp_direct(language),
    };
    format!("\r\n{}\r\n{text}\r\n", texts::winhttp_heading(language))
}

fn set_advproxy(context: &Context, args: &[&str]) -> Ended {
    let language = context.host.options.language;
    let wrong = || Ended {
        out: texts::netsh_failed(language),
        code: 1,
        ..Ended::default()
    };
    let named = |name: &str| {
        args.iter().find_map(|arg| {
            arg.split_once('=')
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        })
    };
    let text = match (named("settings"), named("settings-file")) {
        (Some(text), _) => text.to_string(),
        (None, Some(file)) => super::run::read_file(context, file).unwrap_or_default(),
        _ => return wrong(),
    };
    let complete = serde_json::from_str::<serde_json::Value>(&text)
        .ok()
        .filter(|settings| {
            ["Proxy", "ProxyBypass", "AutoconfigUrl", "AutoDetect"]
                .iter()
                .all(|member| settings.get(member).is_some())
        });
    if complete.is_none() || named("setting-scope").is_none() {
        return wrong();
    }
    context.host.record(
        &context.user,
        "netsh winhttp set advproxy",
        &text,
        "exit 0",
        true,
    );
    if context.host.dialect().programs.adv_proxy_store == AdvProxyStore::WinHttpToo {
        keep_in_winhttp(context, complete.as_ref());
    }
    context
        .host
        .state()
        .files
        .insert(ADVPROXY.into(), text.into_bytes());
    Ended::out("\r\n")
}

/// Where both interfaces share a store, the older one shows the proxy too.
fn keep_in_winhttp(context: &Context, settings: Option<&serde_json::Value>) {
    let text = |member: &str| {
        let value = settings.and_then(|settings| settings.get(member));
        value.and_then(|value| value.as_str()).unwrap_or_default()
    };
    let bytes = winhttp(context, text("Proxy"), text("ProxyBypass"));
    let path = KeyPath::parse(CONNECTIONS);
    context.host.state().registry.create(&path);
    let value = RawValue {
        kind: kind::BINARY,
        bytes,
    };
    context.host.write_value(&path, "WinHttpSettings", value);
}
