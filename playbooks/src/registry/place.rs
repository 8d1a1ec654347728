//! Where a value lives: key and name, compared as the registry compares them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A key below `HKEY_LOCAL_MACHINE`, without hive and without leading or trailing backslash, in the letter case
/// the user wrote. Equality and order ignore letter case, as the registry does.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct KeyPath(String);

/// Why a text is not a key below `HKLM`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyPathError {
    /// The hive is another one, or missing.
    #[error("the key must start with HKLM\\ (found '{0}')")]
    NotLocalMachine(String),
    /// Nothing after the hive, or an empty component.
    #[error("the key has an empty component")]
    EmptyComponent,
    /// More than 255 characters in one component, or a control character.
    #[error("the key has a component that Windows does not accept: '{0}'")]
    BadComponent(String),
    /// More than 512 components.
    #[error("the key has more than {DEEPEST_KEY} components")]
    TooDeep,
    /// The name under which another store than the registry is kept apart.
    #[error(
        "there is no key '{AV_PREFERENCES}' below HKLM: it stands for Antivirus' own preferences"
    )]
    Reserved,
    /// The way in which settings of LocalSystem are asked for.
    #[error(
        "there is no key 'HKEY_USERS' below HKLM: that is a hive of its own, which winfleet does not write to"
    )]
    Users,
}

/// Stands in the place of a key for values that are no registry values: Antivirus' own preferences, which have no keys.
/// INVARIANT: no key of the registry has this path; [`KeyPath::below_local_machine`] refuses it, and Windows lets nobody
/// create a key directly below the hive.
const AV_PREFERENCES: &str = "MSFT_MpPreference";

/// The keys below which group policy keeps registry settings.
const POLICIES: [&str; 2] = [
    r"SOFTWARE\Policies\",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\",
];

/// Windows' limit on levels below a hive.
const DEEPEST_KEY: usize = 512;

impl KeyPath {
    /// Parses `HKLM\...`, `HKEY_LOCAL_MACHINE\...` (any letter case).
    pub fn parse(text: &str) -> Result<Self, KeyPathError> {
        let (hive, rest) = text.split_once('\\').unwrap_or((text, ""));
        let known = ["HKLM", "HKEY_LOCAL_MACHINE", "HKLM:"];
        if !known.iter().any(|name| name.eq_ignore_ascii_case(hive)) {
            return Err(KeyPathError::NotLocalMachine(text.to_owned()));
        }
        Self::below_local_machine(rest)
    }

    /// A path that stands in this program.
    pub(crate) fn constant(path: &str) -> Self {
        debug_assert!(Self::below_local_machine(path).is_ok(), "{path}");
        Self(path.to_owned())
    }

    /// Takes a path that already stands below `HKLM`.
    pub fn below_local_machine(path: &str) -> Result<Self, KeyPathError> {
        if path.is_empty() {
            return Err(KeyPathError::EmptyComponent);
        }
        if path.eq_ignore_ascii_case(AV_PREFERENCES) {
            return Err(KeyPathError::Reserved);
        }
        let first = path.split('\\').next().unwrap_or_default();
        if first.eq_ignore_ascii_case("HKEY_USERS") {
            return Err(KeyPathError::Users);
        }
        if path.split('\\').count() > DEEPEST_KEY {
            return Err(KeyPathError::TooDeep);
        }
        for component in path.split('\\') {
            if component.is_empty() {
                return Err(KeyPathError::EmptyComponent);
            }
            if component.encode_utf16().count() > 255 || component.chars().any(char::is_control) {
                return Err(KeyPathError::BadComponent(component.to_owned()));
            }
        }
        Ok(Self(path.to_owned()))
    }

    /// The plain name of a policy key that was reached through `WOW6432Node`; `None` for every other key. `SOFTWARE\Policies`
    /// is one of the keys that Windows shares between both views, so both names are one place.
    pub fn shared_policies(&self) -> Option<Self> {
        const OF_32_BITS: &str = r"SOFTWARE\WOW6432Node\Policies";
        let below = self.0.get(OF_32_BITS.len()..)?;
        let shared = self
            .0
            .get(..OF_32_BITS.len())?
            .eq_ignore_ascii_case(OF_32_BITS)
            && (below.is_empty() || below.starts_with('\\'));
        shared.then(|| Self(format!(r"SOFTWARE\Policies{below}")))
    }

    /// The path without the hive, as `StdRegProv` wants it (`sSubKeyName`).
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key one level up, or `None` for a direct child of the hive.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('\\').map(|(up, _)| Self(up.to_owned()))
    }

    /// The last component.
    pub fn leaf(&self) -> &str {
        self.0.rsplit('\\').next().unwrap_or(&self.0)
    }

    /// This key and its ancestors, nearest first.
    pub fn self_and_ancestors(&self) -> impl Iterator<Item = Self> + use<> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }

    fn folded(&self) -> String {
        folded(&self.0)
    }
}

impl PartialEq for KeyPath {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}
impl Eq for KeyPath {}
impl PartialOrd for KeyPath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for KeyPath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded().cmp(&other.folded())
    }
}
impl std::hash::Hash for KeyPath {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == AV_PREFERENCES {
            return f.write_str(AV_PREFERENCES);
        }
        write!(f, "HKLM\\{}", self.0)
    }
}

/// Upper case one character for one, as the registry compares names (`ß` stays `ß`).
fn folded(name: &str) -> String {
    let upper = |c: char| {
        let mut mapped = c.to_uppercase();
        match (mapped.next(), mapped.next()) {
            // No non-ASCII letter equals an ASCII one: Windows' table does not map across.
            (Some(one), None) if one.is_ascii() == c.is_ascii() => one,
            _ => c,
        }
    };
    name.chars().map(upper).collect()
}

/// One value: the place, not the content. `value` is empty for the unnamed default value.
///
/// Besides registry values there are Antivirus' own preferences ([`Target::av_preference`]): their text is kept as a
/// `REG_SZ`, a list of texts as a `REG_MULTI_SZ`, so that prior state, undo and reports need no second form.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The key below `HKLM`, 64-bit view; `MSFT_MpPreference` for a preference of Antivirus.
    pub key: KeyPath,
    /// The value's name; compared without regard to letter case.
    pub value: String,
}

impl Target {
    /// Where `netsh winhttp` keeps the machine-wide proxy (S41).
    pub fn win_http_settings() -> Self {
        Self {
            key: KeyPath::constant(
                r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections",
            ),
            value: "WinHttpSettings".to_owned(),
        }
    }

    /// The 32-bit view's copy of [`Self::win_http_settings`]: 32-bit programs read it. Compared, never written.
    pub fn win_http_settings_32() -> Self {
        Self {
            key: KeyPath::constant(
                r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Internet Settings\Connections",
            ),
            ..Self::win_http_settings()
        }
    }

    /// A preference of Defender Antivirus: a property of `MSFT_MpPreference` (S39), not a policy.
    pub fn av_preference(property: &str) -> Self {
        Self {
            key: KeyPath(AV_PREFERENCES.to_owned()),
            value: property.to_owned(),
        }
    }

    /// True for what [`Self::av_preference`] makes.
    pub fn is_av_preference(&self) -> bool {
        self.key.0 == AV_PREFERENCES
    }

    /// Whether it lies where group policy keeps its settings, and takes them back when a policy goes.
    pub fn is_policy(&self) -> bool {
        POLICIES.iter().any(|head| {
            let start = self.key.0.get(..head.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(head))
        })
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && folded(&self.value) == folded(&other.value)
    }
}
impl Eq for Target {}
impl PartialOrd for Target {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Target {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.key, folded(&self.value)).cmp(&(&other.key, folded(&other.value)))
    }
}
impl std::hash::Hash for Target {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key.hash(state);
        folded(&self.value).hash(state);
    }
}
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.value.is_empty() {
            "(default)"
        } else {
            &self.value
        };
        write!(f, "{}: {name}", self.key)
    }
}
