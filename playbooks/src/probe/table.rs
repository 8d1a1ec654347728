//! The kinds of probes: one row each, from which the reader, the schema and the documentation take their words.

/// One kind of probe.
#[derive(Clone, Copy, Debug)]
pub struct ProbeRow {
    /// The word in the playbook.
    pub kind: &'static str,
    /// Its rung of the ladder in the reference.
    pub rung: &'static str,
    /// Its keys.
    pub keys: &'static [&'static str],
    /// Which of them are needed.
    pub needed: &'static [&'static str],
    /// It runs programs on the host, so it may run as LocalSystem (`as: system`).
    pub programs: bool,
    /// What it proves.
    pub proves: &'static str,
}

/// Every kind, in the order of the ladder. V0 is not among them: every step is read back anyway.
pub const PROBES: &[ProbeRow] = &[
    ProbeRow {
        kind: "winhttp_is",
        rung: "V1",
        keys: &["server"],
        needed: &["server"],
        programs: false,
        proves: "the machine-wide WinHTTP proxy is this one ('direct' for none)",
    },
    ProbeRow {
        kind: "av_effective",
        rung: "V2",
        keys: &["server", "pac_url", "within"],
        needed: &[],
        programs: false,
        proves: "Antivirus goes by this proxy after it merged policy and preference",
    },
    ProbeRow {
        kind: "proxy_tcp",
        rung: "V3",
        keys: &["via", "candidate"],
        needed: &["via"],
        programs: true,
        proves: "the host gets a TCP connection to the proxy",
    },
    ProbeRow {
        kind: "proxy_connect",
        rung: "V4",
        keys: &["via", "to", "region", "connectivity", "candidate"],
        needed: &["via", "to"],
        programs: true,
        proves: "the host reaches the addresses through the proxy ('via: direct' for none), and nobody opens TLS",
    },
    ProbeRow {
        kind: "maps",
        rung: "V5",
        keys: &["again_after"],
        needed: &[],
        programs: true,
        proves: "Antivirus reaches its cloud, by its own test; with 'again_after' still so when its memory of the last proxy is gone",
    },
    ProbeRow {
        kind: "sensor_events",
        rung: "V6",
        keys: &["within"],
        needed: &[],
        programs: false,
        proves: "the sensor's log speaks of a connection since the push, and whether its proxy is defined by policy",
    },
    ProbeRow {
        kind: "sensor_connected",
        rung: "V7",
        keys: &["within"],
        needed: &[],
        programs: false,
        proves: "the EDR sensor was in contact since the push; not by which road",
    },
    ProbeRow {
        kind: "services",
        rung: "V8",
        keys: &["names"],
        needed: &[],
        programs: false,
        proves: "the services run",
    },
    ProbeRow {
        kind: "updates",
        rung: "S36",
        keys: &[],
        needed: &[],
        programs: false,
        proves: "definitions have a way onto the host: an internal source or the machine-wide proxy",
    },
];
