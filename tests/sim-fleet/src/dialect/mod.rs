//! What may differ between two correct hosts: where sources about Windows are silent or contradict each other, a host
//! speaks one reading of each such point. A client that depends on a reading fails on some host.
//!
//! One file for each subject; `axes` holds how they are declared, `rewrite` writes an envelope anew in other prefixes
//! and another layout. Strictness is no axis: what Windows refuses is refused in every dialect.

mod axes;
mod cim;
mod faults;
mod http;
mod logon;
mod preferences;
mod programs;
mod registry;
mod rewrite;
mod shell;
mod xml;

use serde::Deserialize;

pub use cim::*;
pub use faults::*;
pub use http::*;
pub use logon::*;
pub use preferences::*;
pub use programs::*;
pub use registry::*;
pub(crate) use rewrite::rewritten;
pub use shell::*;
pub use xml::*;

/// The dialect of a host. The default is what recordings of present Windows show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dialect {
    /// Tokens, challenges, and bodies that stand beside them.
    pub logon: LogonDialect,
    /// Heads, framing, and the parts of sealed bodies.
    pub http: HttpDialect,
    /// How an envelope is written down.
    pub xml: XmlDialect,
    /// Shapes of faults.
    pub faults: FaultDialect,
    /// `StdRegProv`.
    pub registry: RegistryDialect,
    /// Instances and their enumeration.
    pub cim: CimDialect,
    /// The cmd shell.
    pub shell: ShellDialect,
    /// What programs on the host do.
    pub programs: ProgramDialect,
    /// The methods of `MSFT_MpPreference`.
    pub preferences: PreferenceDialect,
}

impl Dialect {
    /// Every single form alone, by name (`shell.end_streams: never`).
    pub fn features() -> Vec<(String, Self)> {
        let mut found = Vec::new();
        let mut add = |dialect: Self| found.push((dialect.to_string(), dialect));
        let usual = Self::default();
        LogonDialect::alone()
            .into_iter()
            .for_each(|logon| add(Self { logon, ..usual }));
        HttpDialect::alone()
            .into_iter()
            .for_each(|http| add(Self { http, ..usual }));
        XmlDialect::alone()
            .into_iter()
            .for_each(|xml| add(Self { xml, ..usual }));
        FaultDialect::alone()
            .into_iter()
            .for_each(|faults| add(Self { faults, ..usual }));
        RegistryDialect::alone()
            .into_iter()
            .for_each(|registry| add(Self { registry, ..usual }));
        CimDialect::alone()
            .into_iter()
            .for_each(|cim| add(Self { cim, ..usual }));
        ShellDialect::alone()
            .into_iter()
            .for_each(|shell| add(Self { shell, ..usual }));
        ProgramDialect::alone()
            .into_iter()
            .for_each(|programs| add(Self { programs, ..usual }));
        PreferenceDialect::alone()
            .into_iter()
            .for_each(|preferences| {
                add(Self {
                    preferences,
                    ..usual
                });
            });
        found
    }

    /// A combination: the same one for the same seed.
    pub fn drawn(seed: u64) -> Self {
        let dice = &mut Dice::new(seed);
        Self {
            logon: LogonDialect::drawn(dice),
            http: HttpDialect::drawn(dice),
            xml: XmlDialect::drawn(dice),
            faults: FaultDialect::drawn(dice),
            registry: RegistryDialect::drawn(dice),
            cim: CimDialect::drawn(dice),
            shell: ShellDialect::drawn(dice),
            programs: ProgramDialect::drawn(dice),
            preferences: PreferenceDialect::drawn(dice),
        }
    }

    /// The dialect that a host of this name draws from a fleet's seed.
    pub fn of_host(seed: u64, name: &str) -> Self {
        // FNV-1a: the same everywhere, whatever else is in the fleet.
        let hash = name
            .to_lowercase()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Self::drawn(hash ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// The seed that the environment asks for (`SIM_FLEET_DIALECTS`), for tests that hold in every dialect.
    pub fn seed_of_environment() -> Option<u64> {
        std::env::var("SIM_FLEET_DIALECTS")
            .ok()?
            .trim()
            .parse()
            .ok()
    }
}

/// The forms that are not usual, as YAML names them; `usual` where there is none.
impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let subjects = [
            ("logon", self.logon.words()),
            ("http", self.http.words()),
            ("xml", self.xml.words()),
            ("faults", self.faults.words()),
            ("registry", self.registry.words()),
            ("cim", self.cim.words()),
            ("shell", self.shell.words()),
            ("programs", self.programs.words()),
            ("preferences", self.preferences.words()),
        ];
        let mut first = true;
        for (subject, words) in subjects {
            for word in words {
                let comma = if first { "" } else { ", " };
                write!(f, "{comma}{subject}.{word}")?;
                first = false;
            }
        }
        if first { f.write_str("usual") } else { Ok(()) }
    }
}

/// xorshift64*: small, and the same everywhere.
pub(crate) struct Dice(u64);

impl Dice {
    /// Neighbouring seeds give unlike sequences.
    fn new(seed: u64) -> Self {
        let mut dice = Self((seed ^ 0xD1B5_4A32_D192_ED03).wrapping_mul(0x2545_F491_4F6C_DD1D) | 1);
        for _ in 0..4 {
            dice.roll(2);
        }
        dice
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Dialect;

    #[test]
    fn every_form_is_drawn_sooner_or_later_and_a_seed_decides_all() {
        let all: HashSet<String> = Dialect::features()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert!(all.len() > 100, "{}", all.len());
        let mut drawn = HashSet::new();
        for seed in 0..400 {
            let dialect = Dialect::drawn(seed);
            assert_eq!(dialect, Dialect::drawn(seed));
            drawn.extend(dialect.to_string().split(", ").map(str::to_owned));
        }
        drawn.remove("usual");
        assert_eq!(drawn, all);
    }

    #[test]
    fn two_hosts_of_a_fleet_speak_differently() {
        let of = |name| Dialect::of_host(7, name);
        assert_ne!(of("pc-1.corp.example"), of("pc-2.corp.example"));
        assert_eq!(of("PC-1.corp.example"), of("pc-1.corp.example"));
    }
}
