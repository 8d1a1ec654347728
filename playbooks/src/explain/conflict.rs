//! What does not go together on a host, or is not what it looks like: a closed list of named findings. What each rule
//! looks at is `rules.rs`; the trap it stands for is in section 7 of the domain reference.

use super::seen::Seen;
use super::{Route, rules};
use crate::registry::without_accounts;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Two settings say different things, or one has no effect.
    Conflict,
    /// It works, and may not do what is expected.
    Warning,
    /// Worth knowing.
    Note,
}

impl Weight {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One row of the list.
#[derive(Clone, Copy, Debug)]
pub struct ConflictRow {
    /// Which.
    pub conflict: Conflict,
    /// Its name, e.g. `stores_differ`.
    pub name: &'static str,
    /// How much it matters.
    pub weight: Weight,
    /// Rows of the domain reference it stands for.
    pub rows: &'static str,
    /// What it is.
    pub about: &'static str,
}

macro_rules! conflicts {
    ($($conflict:ident $name:literal $weight:ident $rows:literal, $about:literal;)*) => {
        /// What can be found; its row says what it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Conflict { $(#[doc = $about] $conflict,)* }

        /// Every finding, gravest first.
        pub const CONFLICTS: &[ConflictRow] = &[$(ConflictRow {
            conflict: Conflict::$conflict, name: $name, weight: Weight::$weight, rows: $rows, about: $about,
        },)*];
    };
}

conflicts! {
    EdrMalformed "edr_malformed" Conflict "S20, A24", "the sensor's proxy is not host:port, the one form that it takes";
    AvMalformed "av_malformed" Conflict "S28", "Antivirus' proxy or script is no URL of the form that it takes";
    WinHttpMalformed "winhttp_malformed" Conflict "S41", "WinHttpSettings cannot be decoded; that never means direct";
    ValueMalformed "value_malformed" Conflict "S19, S20, S22, S30, S32", "a setting of Defender stands there in another type than its own, or as a number that has no meaning";
    StoresDiffer "stores_differ" Conflict "S12, S40, A23", "the stores name different proxies";
    AdvProxyDiffers "advproxy_differs" Conflict "S41, A17", "the two stores of WinHTTP disagree; 'reset proxy' clears only one of them";
    WinHttp32Differs "winhttp_32bit_differs" Conflict "S41", "32-bit programs have another WinHTTP proxy than 64-bit ones; netsh of 64-bit Windows writes only theirs";
    PolicyOverwrites "policy_overwrites" Conflict "S17, S18, S27", "group policy wants other data than stand there, and will write them";
    PolicyNotEffective "policy_not_effective" Conflict "S39", "Antivirus does not go by its policy";
    MmaIgnoresStatic "mma_ignores_static" Conflict "S10", "this Windows has the Monitoring Agent, which does not read the sensor's static proxy";
    PreferIgnored "prefer_ignored" Conflict "S22, S24", "PreferStaticProxyForHttpRequest is set, and has no effect";
    WinHttpHttpOnly "winhttp_http_only" Conflict "S41", "WinHTTP's proxy is not for HTTPS, which Defender uses";
    LoopbackToken "loopback_token" Conflict "A9", "'<-loopback>' belongs to WinINet and has no effect in WinHTTP";
    MdmNotRead "mdm_not_read" Conflict "S18", "a telemetry proxy was set by MDM, where the sensor does not look";
    DiscoveryOff "discovery_off" Warning "S8", "discovery is switched off, and nothing else names a proxy";
    PairIncomplete "pair_incomplete" Warning "S16", "of the sensor's two values only one is set";
    PacHidden "pac_hidden" Warning "S37", "Antivirus has a proxy and a PAC file; the proxy wins";
    PreferenceHidden "preference_hidden" Warning "S39", "Antivirus' policy hides a preference of another kind";
    WinHttpDirect "winhttp_direct" Warning "S21, S35, A5, A7", "Defender has a static proxy and Windows itself goes direct: revocation lists and updates take another road";
    WinInetOnly "wininet_only" Warning "S5, A8, A14", "only browsers have a proxy; neither the sensor nor WinHTTP reads that";
    WinInetSeen "wininet_seen" Warning "S5, A21", "ProxySettingsPerUser is 0: automatic WinHTTP users see the machine-wide WinINet proxy too";
    ChecksOff "checks_off" Warning "S32", "Antivirus leaves out checks of certificates";
    FallsBack "falls_back" Note "A1", "the sensor goes direct where its proxy does not answer: fresh contact does not prove the proxy";
    UnneededStatic "unneeded_static" Note "S9", "the sensor connects without a static proxy; none is needed";
    VariablesNotRead "variables_not_read" Note "S2, S6", "machine variables name a proxy that only some programs look at";
}

impl Conflict {
    /// Its row.
    pub fn row(self) -> &'static ConflictRow {
        // INVARIANT: rows stand in the order of the enumeration, from which both are made.
        &CONFLICTS[self as usize]
    }
}

/// A finding on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Which.
    pub conflict: Conflict,
    /// What it is on this host, for people. Remote text in it is untrusted.
    pub detail: String,
}

/// Everything that is found, gravest first. A rule whose facts were not read finds nothing.
pub(super) fn found(seen: Seen<'_>, routes: &[Route]) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for row in CONFLICTS {
        let detail = rules::judged(row.conflict, seen, routes);
        found.extend(detail.map(|detail| Contradiction {
            conflict: row.conflict,
            detail: without_accounts(&detail).into_owned(),
        }));
    }
    found
}
