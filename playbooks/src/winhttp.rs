//! The `WinHttpSettings` value: what `netsh winhttp set proxy` writes and every WinHTTP user reads.
//!
//! Layout: defender-proxy reference 3.3 (not published as a schema; agreed by a Microsoft script, KB 4494447 and
//! independent tools). Decodes for judging and reporting only; a restore always writes the recorded bytes back,
//! it never rebuilds them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::{REG_BINARY, RawValue, masked};

/// A machine-wide proxy as a playbook asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WinHttpProxy {
    /// `host:port`, or `http=h:p;https=h:p`. ASCII.
    pub server: String,
    /// Entries of the bypass list, e.g. `<local>`, `*.corp.example`. ASCII, no `;`, no blank.
    pub bypass: Vec<String>,
}

impl fmt::Display for WinHttpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.server)?;
        if !self.bypass.is_empty() {
            write!(f, " (bypass {})", self.bypass.join(";"))?;
        }
        Ok(())
    }
}

/// The first number of the blob. It differs between machines and nothing is known to depend on it; a restore keeps what it
/// finds, and only a file that is made without a machine has to choose one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WinHttpMarker {
    /// 0x18, in Microsoft's article (KB 4494447).
    #[default]
    Article,
    /// 0x28, written and accepted by another tool.
    Newer,
}

impl WinHttpMarker {
    fn number(self) -> u32 {
        match self {
            Self::Article => 0x18,
            Self::Newer => 0x28,
        }
    }
}

impl fmt::Display for WinHttpMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.number())
    }
}

/// Flag of a blob without proxy.
const DIRECT: u32 = 1;
/// Flags of a blob with a named proxy.
const NAMED: u32 = 3;

/// Offset of the proxy's length.
const PROXY: usize = 12;

/// A decoded blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WinHttpSettings {
    /// Header marker: 0x18 or 0x28 seen. Never judged.
    pub marker: u32,
    /// Counter or reserved; 0 in every sample. Never judged.
    pub counter: u32,
    /// 1 direct, 3 named proxy; other numbers are reported raw.
    pub flags: u32,
    /// Proxy text, empty when direct.
    pub proxy: String,
    /// Bypass text, separated by `;`.
    pub bypass: String,
    /// Bytes behind the bypass text; tolerated.
    pub trailing: usize,
}

/// Why a blob cannot be read. Malformed never means "direct".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WinHttpError {
    /// The registry type is another one than `REG_BINARY`.
    #[error("the value has registry type {0}, not REG_BINARY")]
    WrongType(u32),
    /// Less than 20 bytes.
    #[error("the value has {0} bytes, at least 20 are needed")]
    TooShort(usize),
    /// A length field runs past the end.
    #[error("the length field at offset {offset} says {length} bytes, {left} are left")]
    Overrun {
        /// Offset of the length field.
        offset: usize,
        /// What it says.
        length: u32,
        /// Bytes behind it.
        left: usize,
    },
    /// A byte above 0x7F in one of the texts.
    #[error("the text at offset {0} is not ASCII")]
    NotAscii(usize),
}

impl WinHttpSettings {
    /// Decodes a registry value.
    pub fn decode_value(value: &RawValue) -> Result<Self, WinHttpError> {
        if value.kind != REG_BINARY {
            return Err(WinHttpError::WrongType(value.kind));
        }
        Self::decode(&value.bytes)
    }

    /// Decodes the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, WinHttpError> {
        if bytes.len() < 20 {
            return Err(WinHttpError::TooShort(bytes.len()));
        }
        let (proxy, next) = text_at(bytes, PROXY)?;
        let (bypass, end) = text_at(bytes, next)?;
        Ok(Self {
            marker: number_at(bytes, 0).unwrap_or_default(),
            counter: number_at(bytes, 4).unwrap_or_default(),
            flags: number_at(bytes, 8).unwrap_or_default(),
            proxy,
            bypass,
            trailing: bytes.len() - end,
        })
    }

    /// The bytes for a proxy, or for direct access, with no counter and nothing behind: for files that are made without a
    /// machine. On a host Windows builds them itself, and a restore writes what was recorded.
    pub fn build(proxy: Option<&WinHttpProxy>, marker: WinHttpMarker) -> RawValue {
        let bypass = proxy.map(|proxy| proxy.bypass.join(";"));
        let texts = [
            proxy.map(|proxy| proxy.server.as_str()).unwrap_or_default(),
            bypass.as_deref().unwrap_or_default(),
        ];
        let flags = if proxy.is_some() { NAMED } else { DIRECT };
        let mut bytes = Vec::new();
        for number in [marker.number(), 0, flags] {
            bytes.extend(number.to_le_bytes());
        }
        for text in texts {
            // Rules bound both texts far below.
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            bytes.extend(length.to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        RawValue {
            kind: REG_BINARY,
            bytes,
        }
    }

    /// The bytes with another text for the proxy, and all else as it is; `None` where they are no such value.
    pub(crate) fn with_proxy(bytes: &[u8], text: impl Fn(String) -> String) -> Option<Vec<u8>> {
        let proxy = Self::decode(bytes).ok()?.proxy;
        let behind = PROXY + 4 + proxy.len();
        let proxy = text(proxy);
        let mut all = bytes[..PROXY].to_vec();
        all.extend(u32::try_from(proxy.len()).ok()?.to_le_bytes());
        all.extend(proxy.as_bytes());
        all.extend(&bytes[behind..]);
        Some(all)
    }

    /// True where WinHTTP goes direct.
    pub fn is_direct(&self) -> bool {
        self.flags == DIRECT
    }

    /// True where it names a proxy.
    pub fn is_named(&self) -> bool {
        self.flags == NAMED && !self.proxy.is_empty()
    }

    /// True where the blob names this proxy with this bypass list. Host names compare without regard to letter
    /// case; the order of bypass entries counts, because the text is what other tools read.
    pub fn matches(&self, want: &WinHttpProxy) -> bool {
        self.flags == NAMED
            && self.proxy.eq_ignore_ascii_case(&want.server)
            && self.bypass.eq_ignore_ascii_case(&want.bypass.join(";"))
    }
}

impl fmt::Display for WinHttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = masked(&self.proxy);
        let proxy = masked.as_deref().unwrap_or(&self.proxy);
        match self.flags {
            DIRECT => f.write_str("direct"),
            NAMED if self.bypass.is_empty() => f.write_str(proxy),
            NAMED => write!(f, "{proxy} (bypass {})", self.bypass),
            other => write!(
                f,
                "flags {other}, proxy '{proxy}', bypass '{}'",
                self.bypass
            ),
        }
    }
}

fn number_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let field = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_le_bytes(field.try_into().ok()?))
}

fn text_at(bytes: &[u8], offset: usize) -> Result<(String, usize), WinHttpError> {
    let start = offset + 4;
    let left = bytes.len().saturating_sub(start);
    let length = number_at(bytes, offset).ok_or(WinHttpError::TooShort(bytes.len()))?;
    let end = start.saturating_add(length as usize);
    let text = bytes.get(start..end).ok_or(WinHttpError::Overrun {
        offset,
        length,
        left,
    })?;
    if !text.is_ascii() {
        return Err(WinHttpError::NotAscii(start));
    }
    Ok((String::from_utf8_lossy(text).into_owned(), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE_A: &str = "1800000000000000010000000000000000000000";
    const EXAMPLE_B: &str = "1800000000000000030000000d00000031302e302e302e363a38303830150000003c6c6f63616c3e3b2a2e636f6e746f736f2e636f6d";
    const NO_BYPASS: &str = "1800000000000000030000000d00000031302e302e302e363a3830383000000000";
    const NEWER: &str = "28000000000000000300000004000000613a3432040000002a2e3432";

    fn decode(hex_text: &str) -> Result<WinHttpSettings, WinHttpError> {
        WinHttpSettings::decode(&hex::decode(hex_text).unwrap())
    }

    #[test]
    fn the_worked_examples_decode() {
        assert!(decode(EXAMPLE_A).unwrap().is_direct());
        let want = WinHttpProxy {
            server: "10.0.0.6:8080".into(),
            bypass: vec!["<local>".into(), "*.contoso.com".into()],
        };
        assert!(decode(EXAMPLE_B).unwrap().matches(&want));
        assert!(!decode(NO_BYPASS).unwrap().matches(&want));
        assert!(decode(NO_BYPASS).unwrap().matches(&WinHttpProxy {
            bypass: vec![],
            ..want
        }));
        let newer = decode(NEWER).unwrap();
        assert_eq!(
            (newer.marker, newer.proxy.as_str(), newer.bypass.as_str()),
            (0x28, "a:42", "*.42")
        );
        assert_eq!(decode(&format!("{EXAMPLE_A}00000000")).unwrap().trailing, 4);
    }

    #[test]
    fn what_is_built_are_the_worked_examples() {
        let proxy = WinHttpProxy {
            server: "10.0.0.6:8080".into(),
            bypass: vec!["<local>".into(), "*.contoso.com".into()],
        };
        let built = |proxy, marker| hex::encode(WinHttpSettings::build(proxy, marker).bytes);
        assert_eq!(built(None, WinHttpMarker::Article), EXAMPLE_A);
        assert_eq!(built(Some(&proxy), WinHttpMarker::Article), EXAMPLE_B);
        let newer = EXAMPLE_B.replacen("18", "28", 1);
        assert_eq!(built(Some(&proxy), WinHttpMarker::Newer), newer);
    }

    #[test]
    fn malformed_never_means_direct() {
        assert_eq!(decode("01000000"), Err(WinHttpError::TooShort(4)));
        let overrun = "18000000000000000300000000ffffff00000000";
        assert!(matches!(
            decode(overrun),
            Err(WinHttpError::Overrun { offset: 12, .. })
        ));
        let not_ascii = "180000000000000003000000010000008000000000";
        assert_eq!(decode(not_ascii), Err(WinHttpError::NotAscii(16)));
        for cut in 0..EXAMPLE_B.len() / 2 {
            assert!(decode(&EXAMPLE_B[..cut * 2]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn other_flags_are_neither_direct_nor_named() {
        let odd = decode("1800000000000000090000000000000000000000").unwrap();
        assert!(!odd.is_direct());
        assert_eq!(odd.to_string(), "flags 9, proxy '', bypass ''");
    }
}
