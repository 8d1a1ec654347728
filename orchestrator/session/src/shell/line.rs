//! Command lines of `reg.exe` and `netsh` (wsman reference 11.4, 11.5). Always the 64-bit view, always `/f`: a
//! program that asks back waits for ever.

use playbooks::registry::{REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_QWORD, REG_SZ};
use playbooks::{Desired, KeyPath, RawValue, Target, Typed};
use rollout::Reason;

use super::quote::{Unquotable, argument, bounded};
use crate::error::Trouble;

/// `reg query` of one value.
pub(super) fn query_value(target: &Target) -> Result<String, Unquotable> {
    bounded(format!(
        "reg query {} {} /reg:64",
        key(&target.key)?,
        name(target)?
    ))
}

/// A value that every Windows has, a text of digits: key below HKLM, name.
pub(super) const SPECIMEN: (&str, &str) = (
    r"SOFTWARE\Microsoft\Windows NT\CurrentVersion",
    "CurrentBuildNumber",
);

/// `reg query` of [`SPECIMEN`].
pub(super) fn query_specimen() -> String {
    let (key, name) = SPECIMEN;
    format!(r#"reg query "HKLM\{key}" /v "{name}" /reg:64"#)
}

/// `reg query` of one multi string with a separator of its own.
pub(super) fn query_separated(target: &Target, separator: char) -> Result<String, Unquotable> {
    let separator = argument(&separator.to_string())?;
    bounded(format!(
        "reg query {} {} /se {separator} /reg:64",
        key(&target.key)?,
        name(target)?
    ))
}

/// `reg query` of a key: its values and the names of its subkeys. `None` is the hive.
pub(super) fn query_key(path: Option<&KeyPath>) -> Result<String, Unquotable> {
    let path = path.map_or_else(|| Ok("HKLM".to_owned()), key)?;
    bounded(format!("reg query {path} /reg:64"))
}

/// `reg delete` of one value.
pub(super) fn delete_value(target: &Target) -> Result<String, Unquotable> {
    bounded(format!(
        "reg delete {} {} /f /reg:64",
        key(&target.key)?,
        name(target)?
    ))
}

/// `reg delete` of a key.
pub(super) fn delete_key(path: &KeyPath) -> Result<String, Unquotable> {
    bounded(format!("reg delete {} /f /reg:64", key(path)?))
}

/// `reg add` of one value, or why `reg.exe` cannot write exactly this.
pub(super) fn add_value(target: &Target, raw: &RawValue) -> Result<String, Trouble> {
    let refused = |why: &str| {
        Trouble::Refused(
            Reason::PriorNotRestorable,
            format!("{target} cannot be written through reg.exe: {why}"),
        )
    };
    let typed = raw
        .to_typed()
        .ok_or_else(|| refused("its bytes are not those of its type"))?;
    let mut separator = None;
    let (kind, data) = match typed {
        Typed::Sz(text) => ("REG_SZ", text),
        Typed::ExpandSz(text) => ("REG_EXPAND_SZ", text),
        Typed::Dword(number) => ("REG_DWORD", number.to_string()),
        Typed::Qword(number) => ("REG_QWORD", number.to_string()),
        Typed::Binary(bytes) => ("REG_BINARY", hex::encode(bytes)),
        Typed::MultiSz(items) => {
            if items.is_empty() || items.iter().any(String::is_empty) {
                return Err(refused("a multi string with empty items has no form there"));
            }
            let free = |mark: &&str| !items.iter().any(|item| item.contains(*mark));
            let mark = ["\\0", "|", "#", ";", "~", "^"].into_iter().find(free);
            let mark = mark.ok_or_else(|| refused("no separator is free"))?;
            separator = (mark != "\\0").then_some(mark);
            ("REG_MULTI_SZ", items.join(mark))
        }
    };
    let quoted = || -> Result<String, Unquotable> {
        let (key, name, data) = (key(&target.key)?, name(target)?, argument(&data)?);
        let separator = match separator {
            Some(mark) => format!(" /s {}", argument(mark)?),
            None => String::new(),
        };
        bounded(format!(
            "reg add {key} {name} /t {kind}{separator} /d {data} /f /reg:64"
        ))
    };
    quoted().map_err(|error| refused(&error.to_string()))
}

/// The `netsh` line for a WinHTTP state; `None` for states that are not netsh's business. Its effect is judged by
/// the bytes it leaves, never by its exit code or text.
pub(crate) fn netsh(desired: &Desired) -> Option<Result<String, Trouble>> {
    match desired {
        Desired::WinHttpDirect => Some(Ok("netsh winhttp reset proxy".to_owned())),
        Desired::WinHttp(proxy) => {
            let mut line = match plain("proxy-server", &proxy.server) {
                Ok(server) => format!("netsh winhttp set proxy {server}"),
                Err(error) => return Some(Err(error)),
            };
            if !proxy.bypass.is_empty() {
                match plain("bypass-list", &proxy.bypass.join(";")) {
                    Ok(bypass) => line = format!("{line} {bypass}"),
                    Err(error) => return Some(Err(error)),
                }
            }
            let refused = |error: Unquotable| Trouble::Refused(Reason::Fault, error.to_string());
            Some(bounded(line).map_err(refused))
        }
        Desired::Value(_) | Desired::Absent => None,
    }
}

/// The other store of WinHTTP, shown (reference 2.7).
pub(crate) const SHOW_ADVPROXY: &str = "netsh winhttp show advproxy";

/// Shows the other store of WinHTTP and then runs `netsh`, in one command; what each printed is parted by `mark`. `None`
/// where the two do not fit on one line. The exit code is that of the second.
pub(crate) fn showing_advproxy(netsh: &str, mark: &str) -> Option<String> {
    bounded(format!("{SHOW_ADVPROXY} & echo {mark}& {netsh}")).ok()
}

/// `name="text"`. `netsh` has rules of its own for escapes, so nothing that needs one is sent.
fn plain(name: &str, text: &str) -> Result<String, Trouble> {
    let clean = !text.is_empty()
        && text.is_ascii()
        && !text.contains(|c: char| c.is_control() || matches!(c, '"' | '%' | ' ' | '^' | '!'))
        && !text.ends_with('\\');
    if clean {
        Ok(format!("{name}=\"{text}\""))
    } else {
        let text = format!("netsh cannot be given {name} '{}'", text.escape_debug());
        Err(Trouble::Refused(Reason::Fault, text))
    }
}

/// The type number for a message, where only the word is readable; 0 if there is none.
pub(super) fn type_hint(output: &str) -> u32 {
    let words = [
        ("REG_EXPAND_SZ", REG_EXPAND_SZ),
        ("REG_MULTI_SZ", REG_MULTI_SZ),
        ("REG_SZ", REG_SZ),
        ("REG_BINARY", REG_BINARY),
        ("REG_QWORD", REG_QWORD),
        ("REG_DWORD", REG_DWORD),
    ];
    words
        .iter()
        .find(|(word, _)| output.contains(word))
        .map_or(0, |(_, kind)| *kind)
}

fn key(path: &KeyPath) -> Result<String, Unquotable> {
    argument(&format!(r"HKLM\{}", path.as_str()))
}

fn name(target: &Target) -> Result<String, Unquotable> {
    if target.value.is_empty() {
        Ok("/ve".to_owned())
    } else {
        Ok(format!("/v {}", argument(&target.value)?))
    }
}

#[cfg(test)]
mod tests {
    use playbooks::WinHttpProxy;

    use super::*;

    fn target(value: &str) -> Target {
        Target {
            key: KeyPath::parse(r"HKLM\SOFTWARE\Sub key").unwrap(),
            value: value.to_owned(),
        }
    }

    #[track_caller]
    fn add(typed: Typed, tail: &str) {
        let line = add_value(&target("N"), &typed.to_raw()).unwrap();
        assert_eq!(
            line,
            format!(r#"reg add "HKLM\SOFTWARE\Sub key" /v "N" {tail} /f /reg:64"#)
        );
    }

    #[test]
    fn values_are_written_by_type() {
        add(Typed::Sz("a b".into()), r#"/t REG_SZ /d "a b""#);
        add(Typed::Sz(String::new()), r#"/t REG_SZ /d """#);
        add(
            Typed::ExpandSz("%SystemRoot%".into()),
            r#"/t REG_EXPAND_SZ /d ^"^%SystemRoot^%^""#,
        );
        add(Typed::Dword(1), r#"/t REG_DWORD /d "1""#);
        add(Typed::Qword(1 << 40), r#"/t REG_QWORD /d "1099511627776""#);
        add(
            Typed::Binary(vec![0x18, 0xff]),
            r#"/t REG_BINARY /d "18ff""#,
        );
        add(
            Typed::MultiSz(vec!["a".into(), "b".into()]),
            r#"/t REG_MULTI_SZ /d "a\0b""#,
        );
        add(
            Typed::MultiSz(vec!["a\\0".into(), "b".into()]),
            r#"/t REG_MULTI_SZ /s "|" /d "a\0|b""#,
        );
    }

    #[test]
    fn what_reg_cannot_write_is_refused() {
        let refused = |typed: Typed| add_value(&target("N"), &typed.to_raw()).is_err();
        assert!(refused(Typed::MultiSz(vec![])));
        assert!(refused(Typed::MultiSz(vec!["a".into(), String::new()])));
        assert!(refused(Typed::Sz("a\nb".into())));
        assert!(refused(Typed::Sz("x".repeat(9000))));
        assert!(
            add_value(
                &target("N"),
                &RawValue {
                    kind: REG_SZ,
                    bytes: vec![0x41]
                }
            )
            .is_err()
        );
    }

    #[test]
    fn the_default_value_has_a_switch_of_its_own() {
        assert_eq!(
            query_value(&target("")).unwrap(),
            r#"reg query "HKLM\SOFTWARE\Sub key" /ve /reg:64"#
        );
        assert_eq!(
            delete_value(&target("x")).unwrap(),
            r#"reg delete "HKLM\SOFTWARE\Sub key" /v "x" /f /reg:64"#
        );
        assert_eq!(query_key(None).unwrap(), "reg query HKLM /reg:64");
    }

    #[test]
    fn netsh_lines() {
        let proxy = |server: &str, bypass: &[&str]| {
            let bypass = bypass.iter().map(|&item| item.to_owned()).collect();
            netsh(&Desired::WinHttp(WinHttpProxy {
                server: server.to_owned(),
                bypass,
            }))
            .unwrap()
        };
        assert_eq!(
            proxy("10.0.0.6:8080", &["<local>", "*.corp.example"]).unwrap(),
            r#"netsh winhttp set proxy proxy-server="10.0.0.6:8080" bypass-list="<local>;*.corp.example""#
        );
        assert_eq!(
            proxy("http=a:1;https=b:2", &[]).unwrap(),
            r#"netsh winhttp set proxy proxy-server="http=a:1;https=b:2""#
        );
        for bad in ["", "a:1\" & del", "%x%:1", "a b:1", "ä:1"] {
            assert!(proxy(bad, &[]).is_err(), "{bad}");
        }
        assert_eq!(
            netsh(&Desired::WinHttpDirect).unwrap().unwrap(),
            "netsh winhttp reset proxy"
        );
        assert!(netsh(&Desired::Absent).is_none());
    }
}
