//! What a probe can find: a closed list, each word with its grade and what to do about it.
//!
//! Scripts and reports rely on the words. A verdict's grade follows from its finding and from nothing else, so that
//! two probes that find the same are judged alike.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::without_accounts;

/// How a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Green.
    Pass,
    /// It could not be found out. Not green.
    Inconclusive,
    /// Red.
    Fail,
}

impl Grade {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }
}

macro_rules! findings {
    ($($(#[doc = $doc:literal])+ $name:ident $grade:ident $remedy:literal;)*) => {
        /// What was found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Finding {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Finding {
            /// Every finding.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// How it counts.
            pub fn grade(self) -> Grade {
                match self { $(Self::$name => Grade::$grade,)* }
            }

            /// What to do about it.
            pub fn remedy(self) -> Option<&'static str> {
                let text = match self { $(Self::$name => $remedy,)* };
                (!text.is_empty()).then_some(text)
            }
        }
    };
}

findings! {
    /// What is there is what the playbook names.
    AsWanted Pass "";
    /// What the probe asks for is not on this host (no sensor, not onboarded, no Antivirus, no proxy at all): it proves nothing.
    NotApplicable Inconclusive "give the probe a condition (when: facts.sensor.onboarded, facts.av.present) if such hosts belong to the playbook, or leave them out of it";
    /// As `not_applicable`, and the preflight left the playbook's steps for the same missing component out: there is nothing to
    /// prove.
    StepsLeftOut Pass "";
    /// The port of the proxy takes a connection from the host.
    PortOpen Pass "";
    /// The service was reached. Says nothing on the road: the sensor falls back to a direct connection.
    Connected Pass "";
    /// The service was reached, and the proxy carried it.
    ConnectedThroughProxy Pass "";
    /// The services run.
    Running Pass "";
    /// Definitions have a way onto the host.
    UpdatesHaveARoad Pass "";
    /// The setting that counts is another than the playbook's.
    Differs Fail "something else owns the setting: look for a policy, tamper protection or a preference";
    /// The name of the proxy does not resolve on the host.
    ProxyNameUnknown Fail "the host's own DNS must know the proxy; or give its address";
    /// The proxy takes no connection from the host.
    ProxyUnreachable Fail "check the proxy's address and port, and the firewall between host and proxy";
    /// The proxy wants a logon (407).
    ProxyWantsLogon Fail "the services run as LocalSystem and cannot log on: let the Defender addresses pass without authentication";
    /// The proxy refuses the address (403).
    ProxyRefuses Fail "add the address to the proxy's allow list";
    /// The proxy cannot go on (502, 503, 504).
    ProxyCannotGoOn Fail "the proxy does not reach the service: its DNS, its own firewall, or a proxy above it";
    /// The proxy answers with something else.
    ProxyFails Fail "look at the proxy's log for this host";
    /// Somebody between host and service opens TLS.
    TlsInspected Fail "exempt the Defender addresses from inspection: the channels are pinned";
    /// TLS fails.
    TlsFailed Fail "check the host's clock, its root certificates and TLS settings";
    /// The certificate cannot be checked for revocation.
    RevocationUnreachable Fail "the host does not reach the lists of revoked certificates: give it a machine-wide WinHTTP proxy";
    /// No answer comes within the time.
    TimedOut Fail "something drops the connection without a word: firewall or proxy; proxy_tcp tells whether the proxy takes connections";
    /// The far end cannot be reached.
    Unreached Fail "check DNS and firewall of the host for this address";
    /// The connection test of Antivirus fails.
    MapsFailed Fail "go by the meaning of the code; the same test by hand: MpCmdRun.exe -ValidateMapsConnection";
    /// The sensor has not been in contact since the push.
    NotConnected Fail "a reboot is the certain way to make the sensor read its settings; then look at the events of SENSE";
    /// The sensor says that it does not reach its service, or not always.
    SensorFails Fail "the error number names the cause; compare with the probes of the proxy";
    /// A service does not run.
    ServiceStopped Fail "start the service, or look why it ended";
    /// Definitions have no way onto the host.
    UpdatesHaveNoRoad Fail "Antivirus does not use its own proxy for Windows Update: set the machine-wide proxy, or put WSUS, a share, or MMPC first in the fallback order";
    /// A tool that the probe needs is not on the host, or could not be run.
    ToolMissing Inconclusive "go by the detail: it needs curl.exe or a PowerShell that may run, and as: system also WMI, a shell and a Task Scheduler that starts tasks; or test by hand";
    /// The host does not let it be read.
    Unreadable Inconclusive "hardened sensors show some values to LocalSystem alone: let a probe of the proxy stand for this one";
    /// An answer came, and it is not clear whose.
    Unclear Inconclusive "test the address by hand on the host";
}

impl Finding {
    /// The word in reports.
    pub fn as_str(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

/// What a probe came to on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The finding that decides: the worst of the targets.
    pub finding: Finding,
    /// For people. Remote text in it is untrusted.
    pub detail: String,
    /// Each address asked, where the probe asks several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetVerdict>,
}

/// What one address came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetVerdict {
    /// Host name, or the address as the playbook gives it.
    pub target: String,
    /// What was found.
    pub finding: Finding,
    /// For people.
    pub detail: String,
}

impl Verdict {
    /// One finding. What it quotes of a host is masked where it holds an account.
    pub fn new(finding: Finding, detail: impl Into<String>) -> Self {
        Self {
            finding,
            detail: without_accounts(&detail.into()).into_owned(),
            targets: Vec::new(),
        }
    }

    /// The worst of several targets decides; the first of the worst speaks.
    pub fn of_targets(targets: Vec<TargetVerdict>) -> Self {
        let worst = targets
            .iter()
            .rev()
            .max_by_key(|target| target.finding.grade());
        let Some(worst) = worst else {
            return Self::new(Finding::Unclear, "there was nothing to ask");
        };
        let bad = targets
            .iter()
            .filter(|target| target.finding.grade() == worst.finding.grade());
        let (count, all) = (bad.count(), targets.len());
        let detail = match worst.finding.grade() {
            Grade::Pass => format!("{all} of {all} addresses: {}", worst.detail),
            _ => format!(
                "{}: {} ({count} of {all} addresses)",
                worst.target, worst.detail
            ),
        };
        Self {
            finding: worst.finding,
            detail,
            targets,
        }
    }

    /// How it counts.
    pub fn grade(&self) -> Grade {
        self.finding.grade()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_green_says_what_to_do() {
        for finding in Finding::ALL {
            let green = finding.grade() == Grade::Pass;
            assert_eq!(finding.remedy().is_none(), green, "{}", finding.as_str());
        }
    }

    #[test]
    fn the_worst_target_decides_and_connected_is_not_through_the_proxy() {
        let target = |name: &str, finding| TargetVerdict {
            target: name.to_owned(),
            finding,
            detail: "x".to_owned(),
        };
        let verdict = Verdict::of_targets(vec![
            target("a", Finding::ConnectedThroughProxy),
            target("b", Finding::ProxyRefuses),
            target("c", Finding::Unclear),
            target("d", Finding::ProxyWantsLogon),
        ]);
        assert_eq!(verdict.finding, Finding::ProxyRefuses);
        assert_eq!(verdict.detail, "b: x (2 of 4 addresses)");
        assert_ne!(Finding::Connected, Finding::ConnectedThroughProxy);
        assert_eq!(Verdict::of_targets(Vec::new()).grade(), Grade::Inconclusive);
    }
}
