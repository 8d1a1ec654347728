//! What each cause of a failure means and what a person can do, in general words: for the user's page, and where nobody
//! nearer to the failure knows better.

use crate::fleet::Reason;

impl Reason {
    /// Every cause, in the order in which a host's work passes them.
    pub const ALL: [Self; 35] = [
        Self::CredentialUnavailable,
        Self::InsecureTransport,
        Self::Dns,
        Self::ConnectRefused,
        Self::ConnectFailed,
        Self::Certificate,
        Self::Timeout,
        Self::ConnectionLost,
        Self::ServiceUnavailable,
        Self::NotWinrm,
        Self::Forbidden,
        Self::WrongHost,
        Self::AuthNotOffered,
        Self::Kerberos,
        Self::LogonRefused,
        Self::CredentialGuard,
        Self::SealingRefused,
        Self::AccessDenied,
        Self::WmiBroken,
        Self::Quota,
        Self::Fault,
        Self::Protocol,
        Self::HeldByAnother,
        Self::PreflightBlocked,
        Self::PriorNotRestorable,
        Self::MovedSincePlan,
        Self::UnreadAtPlan,
        Self::Playbook,
        Self::FactUnread,
        Self::ReadBackDiffers,
        Self::ChangedSince,
        Self::UndoNotProved,
        Self::ProbeRed,
        Self::ProbeInconclusive,
        Self::Conflict,
    ];

    /// What happened.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Dns => "the name does not resolve",
            Self::ConnectRefused => "the host answers, but nothing listens on the port",
            Self::ConnectFailed => {
                "no answer to the connect (firewall that drops, host off), or no route to the host"
            }
            Self::Timeout => "a deadline passed: that of a request, or the host's own",
            Self::ConnectionLost => "the connection broke",
            Self::ServiceUnavailable => {
                "HTTP 503: the WinRM service is stopped, starting or overloaded; 502 or 504: what stands in between has lost it"
            }
            Self::LogonRefused => "the host, or the KDC, refused the account or its proof",
            Self::Kerberos => {
                "Kerberos did not work: no KDC, clocks apart, service name, ticket refused"
            }
            Self::AuthNotOffered => "the host offers no authentication that is allowed here",
            Self::CredentialUnavailable => {
                "the password, ticket, keytab or certificate could not be read on this side"
            }
            Self::CredentialGuard => {
                "further logons were stopped on this side, so that the account is not locked out"
            }
            Self::Certificate => {
                "TLS failed: unknown authority, another name, expired, pin that differs, or no TLS at all"
            }
            Self::InsecureTransport => {
                "a setting would have sent a secret in clear; refused on this side"
            }
            Self::SealingRefused => {
                "the host wants, or answered, plain text where sealing is needed"
            }
            Self::Forbidden => "HTTP 403: an address filter or a certificate mapping forbids it",
            Self::NotWinrm => "HTTP 404, a proxy in between, or something else than WinRM answers",
            Self::WrongHost => "another machine answers under this name; nothing was written",
            Self::AccessDenied => {
                "the logon worked, and then access was denied: no administrator, or the remote UAC filter"
            }
            Self::Quota => "a WS-Management quota of the host is used up",
            Self::WmiBroken => "WMI does not work on the host, and no shell helped",
            Self::Fault => "the host refused with another fault or number",
            Self::Protocol => "the answer breaks the protocol, or a bound of size, depth or number",
            Self::PreflightBlocked => {
                "preflight found what speaks against the change; nothing was written"
            }
            Self::PriorNotRestorable => {
                "a prior value could not be put back exactly, so nothing was written"
            }
            Self::ReadBackDiffers => "the value read back is not the one that was written",
            Self::ChangedSince => {
                "somebody changed the value between the recorded prior state and the resume"
            }
            Self::UndoNotProved => {
                "taken back for prove_undo, the host was not as it had been before"
            }
            Self::HeldByAnother => "another controller is at work on the host",
            Self::ProbeRed => "a probe says that the change does not do what it is for",
            Self::ProbeInconclusive => "a probe could not find out what it asks",
            Self::MovedSincePlan => "what is there is not what the plan saw; nothing was written",
            Self::UnreadAtPlan => "the plan could not read the host; it is left to a catch-up",
            Self::Playbook => "a template or condition of the playbook failed on this host",
            Self::FactUnread => "a fact that a condition asks for cannot be read on this host",
            Self::Conflict => "a rollback found values that somebody else changed since",
            Self::Internal => "an error of winfleet itself",
        }
    }

    /// What a person can do.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Dns => "check the name, or give the host an `address` in the inventory",
            Self::ConnectRefused => {
                "enable WinRM on the host (`winrm quickconfig`, or the GPO *Allow remote server management through \
                 WinRM*); check port and transport"
            }
            Self::ConnectFailed => {
                "is the host on, and does every firewall on the way let the port through (rule *Windows Remote \
                 Management*)?"
            }
            Self::Timeout | Self::ConnectionLost | Self::ServiceUnavailable => {
                "the host may be restarting or overloaded: `winfleet resume RUN --only unreachable`, or `winfleet \
                 catch-up RUN`"
            }
            Self::LogonRefused => {
                "check user name and password (`winfleet credential test`), and that the account may log on to this \
                 host over the network"
            }
            Self::Kerberos => {
                "the message names the cause and what mends it; `auth: ntlm` works without Kerberos where NTLM is \
                 allowed"
            }
            Self::AuthNotOffered => {
                "allow what `auth` asks for in the WinRM service (`winrm get winrm/config/service/auth`), or choose an `auth` \
                 that the host offers: the message lists them"
            }
            Self::CredentialUnavailable => {
                "correct the credential in the inventory, or store it (`winfleet credential set NAME`)"
            }
            Self::CredentialGuard => {
                "correct the password, see that the account is not locked, then `winfleet resume RUN`"
            }
            Self::Certificate => {
                "give the issuing authority as `ca_file`, or the leaf's SHA-256 as `cert_sha256`; the certificate \
                 must carry the host's name"
            }
            Self::InsecureTransport => {
                "use `transport: https` with a verified certificate, or `auth: negotiate`"
            }
            Self::SealingRefused => "use `transport: https`; AllowUnencrypted is never needed",
            Self::Forbidden => {
                "look at the address filters and certificate mappings (`winrm get winrm/config/service`)"
            }
            Self::NotWinrm => {
                "check address, port and transport; take the hosts out of any proxy in between"
            }
            Self::WrongHost => {
                "check the name in DNS and the host's `address`; where the names differ on purpose `verify_name: \
                 false`"
            }
            Self::AccessDenied => {
                "use an administrator of the host; a local account other than the built-in Administrator needs \
                 `LocalAccountTokenFilterPolicy` = 1"
            }
            Self::Quota => {
                "wait until other tools are done, or raise the quota (`winrm get winrm/config`)"
            }
            Self::WmiBroken => {
                "check WMI (`winmgmt /verifyrepository`, service `winmgmt`), or set `channel: auto` or `shell`"
            }
            Self::Fault => "see the numbers of faults on this page",
            Self::Protocol => {
                "look at what answers (`winfleet ping -vvv`), and keep a trace (`winfleet ping --trace FILE`)"
            }
            Self::PreflightBlocked => {
                "the finding says what to do; where it is meant to be so, allow it by its name in `preflight` of the \
                 playbook"
            }
            Self::PriorNotRestorable => {
                "look at the value on the host; set it to a plain one, or take the step out for this host"
            }
            Self::ReadBackDiffers => {
                "a group policy or another tool writes the same value: find it, then `winfleet resume RUN --only failed`"
            }
            Self::ChangedSince | Self::MovedSincePlan => {
                "see who changes the value, then plan and push again"
            }
            Self::UndoNotProved => {
                "see what the report says of the host; do not go on before it is understood"
            }
            Self::HeldByAnother => {
                "wait until the other run has ended; `winfleet audit --leftovers` finds markers that were left, `--void-marker RUN` goes \
                 on where you know that nothing works for that run any more"
            }
            Self::ProbeRed | Self::ProbeInconclusive => {
                "the verdict in `winfleet report RUN --host NAME` says what was asked and what came; mend it, then \
                 resume"
            }
            Self::UnreadAtPlan => "`winfleet catch-up RUN` when the host is reachable",
            Self::Playbook | Self::FactUnread => {
                "correct the playbook (`winfleet check`, `winfleet facts`), then push again"
            }
            Self::Conflict => {
                "look at the values; `winfleet rollback RUN --on-conflict force` puts the prior state back all the same"
            }
            Self::Internal => {
                "the message says whether anything was sent; `winfleet resume RUN`, and report it"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Reason;

    /// The schema is made from the type: it has every word.
    #[test]
    fn the_list_has_every_cause_once() {
        let schema = schemars::schema_for!(Reason).to_value();
        let listed: BTreeSet<&str> = Reason::ALL
            .iter()
            .map(|reason| reason.as_str())
            .chain(["internal"])
            .collect();
        assert_eq!(listed.len(), Reason::ALL.len() + 1, "one stands twice");
        let text = schema.to_string();
        let words = text.matches("\"const\":").count();
        assert_eq!(listed.len(), words, "{text}");
    }

    #[test]
    fn each_says_what_happened_and_what_to_do() {
        for reason in Reason::ALL {
            assert!(
                reason.meaning().len() > 15 && reason.remedy().len() > 10,
                "{reason}"
            );
        }
    }
}
