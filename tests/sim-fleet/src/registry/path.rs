//! Key paths: hive names, hive numbers, and the 32-bit view.

/// The hives a path can start in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hive {
    /// HKEY_LOCAL_MACHINE.
    Machine,
    /// HKEY_USERS.
    Users,
    /// HKEY_CURRENT_CONFIG.
    Config,
}

/// A full path as a list of names; the first is the hive's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyPath {
    parts: Vec<String>,
}

impl KeyPath {
    /// A path in a hive; surplus backslashes fall away.
    pub(crate) fn within(hive: Hive, below: &str) -> Self {
        let root = match hive {
            Hive::Machine => "HKLM",
            Hive::Users => "HKU",
            Hive::Config => "HKCC",
        };
        let below = below
            .split('\\')
            .filter(|part| !part.is_empty())
            .map(String::from);
        Self {
            parts: std::iter::once(root.to_string()).chain(below).collect(),
        }
    }

    /// A path as tests and files write it: with the hive in front, or below HKLM.
    pub(crate) fn parse(text: &str) -> Self {
        Self::with_hive(text).unwrap_or_else(|| Self::within(Hive::Machine, text))
    }

    /// A path with the hive in front, long or short.
    pub(crate) fn with_hive(text: &str) -> Option<Self> {
        let (hive, below) = text.split_once('\\').unwrap_or((text, ""));
        let path = match hive.to_ascii_uppercase().as_str() {
            "HKLM" | "HKEY_LOCAL_MACHINE" => Self::within(Hive::Machine, below),
            "HKU" | "HKEY_USERS" => Self::within(Hive::Users, below),
            "HKCU" | "HKEY_CURRENT_USER" => {
                Self::within(Hive::Users, &format!(".DEFAULT\\{below}"))
            }
            "HKCR" | "HKEY_CLASSES_ROOT" => {
                Self::within(Hive::Machine, &format!("SOFTWARE\\Classes\\{below}"))
            }
            "HKCC" | "HKEY_CURRENT_CONFIG" => Self::within(Hive::Config, below),
            _ => return None,
        };
        Some(path)
    }

    /// A path by WMI's hive number; `None` for a number that is no hive.
    pub(crate) fn by_number(number: u32, below: &str) -> Option<Self> {
        let hive = match number {
            2_147_483_648 => return Self::with_hive(&format!("HKCR\\{below}")),
            2_147_483_649 => return Self::with_hive(&format!("HKCU\\{below}")),
            2_147_483_650 => Hive::Machine,
            2_147_483_651 => Hive::Users,
            2_147_483_653 => Hive::Config,
            _ => return None,
        };
        Some(Self::within(hive, below))
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(String::as_str)
    }

    /// Parent and last name; `None` for a hive.
    pub(crate) fn split_last(&self) -> Option<(Self, &str)> {
        let (last, parent) = self.parts.split_last()?;
        if parent.is_empty() {
            None
        } else {
            Some((
                Self {
                    parts: parent.to_vec(),
                },
                last,
            ))
        }
    }

    /// One level further down.
    pub(crate) fn child(&self, name: &str) -> Self {
        let mut parts = self.parts.clone();
        parts.push(name.into());
        Self { parts }
    }

    /// As `reg.exe` prints it.
    pub(crate) fn long(&self) -> String {
        let mut text = self.to_string();
        for (short, long) in [
            ("HKLM", "HKEY_LOCAL_MACHINE"),
            ("HKU", "HKEY_USERS"),
            ("HKCC", "HKEY_CURRENT_CONFIG"),
        ] {
            if self.parts.first().is_some_and(|part| part == short) {
                text.replace_range(..short.len(), long);
            }
        }
        text
    }
}

impl std::fmt::Display for KeyPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.parts.join("\\"))
    }
}

/// The 32-bit view of a path: `SOFTWARE` is redirected, but for the parts both views share.
pub(crate) fn wow64(path: &KeyPath) -> KeyPath {
    const SHARED: [&str; 4] = [
        "POLICIES",
        "CLASSES",
        "REGISTEREDAPPLICATIONS",
        "WOW6432NODE",
    ];
    let is = |index: usize, name: &str| {
        path.parts
            .get(index)
            .is_some_and(|part| part.eq_ignore_ascii_case(name))
    };
    let shared = SHARED.iter().any(|name| is(2, name))
        || (is(2, "Microsoft") && is(3, "SystemCertificates"));
    if !is(0, "HKLM") || !is(1, "SOFTWARE") || shared {
        return path.clone();
    }
    let mut parts = path.parts.clone();
    parts.insert(2, "WOW6432Node".into());
    KeyPath { parts }
}
