//! What a person can do about a failure: one sentence each, shown once per cluster of hosts.

use rollout::Reason;
use wsman::ErrorKind;

use crate::error::Situation;

const FILTERED: &str = "a local account other than the built-in Administrator is filtered by remote UAC: use a domain account, or set \
     HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System: LocalAccountTokenFilterPolicy (DWORD 1) on the host";

/// The advice for a failure, if there is any.
pub(crate) fn of(kind: &ErrorKind, reason: Reason, situation: Situation<'_>) -> Option<String> {
    let Situation { port, account, .. } = situation;
    Some(match reason {
        Reason::Dns => "check the name, or give the host an 'address' in the inventory".to_owned(),
        Reason::ConnectRefused if situation.tls => format!(
            "nothing listens on port {port}: create the HTTPS listener (winrm quickconfig -transport:https), or use transport: http"
        ),
        Reason::ConnectRefused => format!(
            "nothing listens on port {port}: enable WinRM (winrm quickconfig, or the GPO 'Allow remote server management through WinRM')"
        ),
        Reason::ConnectFailed => {
            format!("is the host on, and does its firewall let port {port} through (rule 'Windows Remote Management')?")
        }
        Reason::ConnectionLost | Reason::ServiceUnavailable | Reason::Timeout => {
            "the host may be restarting or overloaded: try again later".to_owned()
        }
        Reason::LogonRefused if situation.local_account => {
            format!("check the password of '{account}' on this host; local passwords may differ from host to host")
        }
        Reason::LogonRefused => format!(
            "check user name and password of '{account}' (winfleet credential test), and that the account may log on to this host over the network"
        ),
        Reason::CredentialGuard => format!("correct the password of '{account}', see that the account is not locked, then resume"),
        Reason::AuthNotOffered => {
            "allow Negotiate in the WinRM service (winrm/config/service/auth, or the GPO 'Disallow Negotiate authentication'), or choose another 'auth'"
                .to_owned()
        }
        Reason::Certificate => {
            "give the issuing authority as 'ca_file', or the leaf's SHA-256 as 'cert_sha256'; the certificate must carry the host's name".to_owned()
        }
        Reason::InsecureTransport => "use transport: https with a verified certificate, or auth: negotiate".to_owned(),
        Reason::SealingRefused => {
            "the host does not take sealed messages over HTTP: use transport: https; AllowUnencrypted is never needed".to_owned()
        }
        Reason::Forbidden => "the listener's IP filter or a certificate mapping forbids this client (winrm get winrm/config/service)".to_owned(),
        Reason::NotWinrm => format!("something else than WinRM answers on port {port}: check address, port and transport"),
        Reason::AccessDenied if situation.local_account => FILTERED.to_owned(),
        Reason::AccessDenied => format!("'{account}' needs to be an administrator of the host (WinRM and WMI root/cimv2)"),
        Reason::WmiBroken => {
            "check WMI on the host (winmgmt /verifyrepository, service winmgmt), or set channel: auto or shell so that reg.exe is used".to_owned()
        }
        Reason::Quota | Reason::Fault => return fault_remedy(kind),
        _ => return None,
    })
}

fn fault_remedy(kind: &ErrorKind) -> Option<String> {
    match kind {
        ErrorKind::Fault(fault) => fault.remedy.map(str::to_owned),
        _ => None,
    }
}
