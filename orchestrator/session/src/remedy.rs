//! What a person can do about a failure: one sentence each, shown once per cluster of hosts.

use rollout::Reason;
use wsman::{ErrorKind, KerberosProblem, NtlmProof, TlsProblem};
use wsman_proto::{fault, status};

use crate::error::Situation;

#[cfg(test)]
mod tests;

const FILTERED: &str = "a local account other than the built-in Administrator is filtered by remote UAC: use a domain account, or set \
     HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System: LocalAccountTokenFilterPolicy (DWORD 1) on the host";

/// The advice for a failure, if there is any.
pub(crate) fn of(kind: &ErrorKind, reason: Reason, situation: Situation<'_>) -> Option<String> {
    let Situation { port, account, .. } = situation;
    if let ErrorKind::Kerberos(error) = kind {
        return Some(kerberos(error.problem, account));
    }
    match kind {
        ErrorKind::CertificateNotAsked => return Some(ASK_EARLY.to_owned()),
        ErrorKind::CertificateRefused(_) => return Some(MAP.to_owned()),
        ErrorKind::Tls(error) => return Some(tls(error.problem).to_owned()),
        ErrorKind::NtlmRefused { no_kerberos, .. } => {
            return Some(no_ntlm(no_kerberos.as_deref(), situation));
        }
        ErrorKind::NoRoute(_) => return Some(NO_ROUTE.to_owned()),
        ErrorKind::ConnectTimeout => return Some(dropped(port)),
        ErrorKind::Proxy { status: 401, .. } => return Some(spoilt_by_proxy(situation)),
        ErrorKind::NotKept(_) => return Some(not_kept(port)),
        ErrorKind::NotHttp(_) if !situation.tls => return Some(not_http(port)),
        ErrorKind::ConnectionLost(_) if !situation.tls => return Some(cut_on_http(port)),
        ErrorKind::Proxy { .. } => return Some(proxy(port)),
        _ => {}
    }
    if matches!(kind, ErrorKind::Http(500)) {
        let remedy = if situation.tls { BROKE_OFF } else { NOT_SEALED };
        return Some(remedy.to_owned());
    }
    if let ErrorKind::Http(code) = kind
        && let Some(remedy) = by_status(*code)
    {
        return Some(remedy);
    }
    Some(match reason {
        Reason::Dns if is_resolver_down(kind) => {
            "the name server of this machine does not answer: check the network and the resolver of this machine (VPN, /etc/resolv.conf), then try again; \
             the name itself may be right"
                .to_owned()
        }
        Reason::Dns => "check the name, or give the host an 'address' in the inventory".to_owned(),
        Reason::ConnectRefused if situation.tls => format!(
            "nothing listens on port {port}: create the HTTPS listener (winrm quickconfig -transport:https), or use transport: http"
        ),
        Reason::ConnectRefused => format!(
            "nothing listens on port {port}: enable WinRM (winrm quickconfig, or the GPO 'Allow remote server management through WinRM')"
        ),
        Reason::ConnectFailed => format!(
            "is the host on, and does its firewall let port {port} through (rule 'Windows Remote Management')? With https: is a certificate \
             bound to the port (netsh http show sslcert)?"
        ),
        Reason::ConnectionLost | Reason::ServiceUnavailable | Reason::Timeout => {
            "the host may be restarting or overloaded: try again later".to_owned()
        }
        Reason::LogonRefused => check_password(situation),
        Reason::CredentialGuard => format!("correct the password of '{account}', see that the account is not locked, then resume"),
        Reason::AuthNotOffered => not_offered(kind).to_owned(),
        Reason::Certificate => "give 'cert_sha256' as 64 hexadecimal digits, or the issuing authority as 'ca_file'".to_owned(),
        Reason::InsecureTransport => "use transport: https with a verified certificate, or auth: negotiate".to_owned(),
        Reason::SealingRefused => {
            "the host does not take sealed messages over HTTP: use transport: https; AllowUnencrypted is never needed".to_owned()
        }
        Reason::Forbidden => "the listener's IP filter or a certificate mapping forbids this client (winrm get winrm/config/service)".to_owned(),
        Reason::NotWinrm => format!("something else than WinRM answers on port {port}: check address, port and transport"),
        Reason::AccessDenied if situation.local_account => FILTERED.to_owned(),
        Reason::AccessDenied if !account.contains(['\\', '@']) => {
            format!("'{account}' needs to be an administrator of the host (WinRM and WMI root/cimv2); if it is an account of the host itself: {FILTERED}")
        }
        Reason::AccessDenied => format!("'{account}' needs to be an administrator of the host (WinRM and WMI root/cimv2)"),
        Reason::WmiBroken => {
            "check WMI on the host (winmgmt /verifyrepository, service winmgmt), or set channel: auto or shell so that reg.exe is used".to_owned()
        }
        Reason::Quota | Reason::Fault => return fault_remedy(kind),
        Reason::Protocol => "look at what answers (ping -vvv); a trace (ping --trace FILE) helps support".to_owned(),
        _ => return None,
    })
}

/// What to allow, or to ask for, by what the host offers.
fn not_offered(kind: &ErrorKind) -> &'static str {
    let offered = match kind {
        ErrorKind::AuthNotOffered(offered) => offered.as_slice(),
        _ => &[],
    };
    let offers = |name: &str| {
        offered
            .iter()
            .any(|scheme| scheme.eq_ignore_ascii_case(name))
    };
    if offers("Negotiate") {
        "allow Basic in the WinRM service (winrm set winrm/config/service/auth @{Basic=\"true\"}, or the GPO 'Allow Basic authentication'), or use \
         auth: negotiate, which the host offers"
    } else if offers("Kerberos") {
        "use auth: kerberos, which the host offers; or allow Negotiate in the WinRM service (winrm/config/service/auth, or the GPO 'Disallow Negotiate \
         authentication')"
    } else if offers("Basic") {
        "allow Negotiate in the WinRM service (winrm/config/service/auth, or the GPO 'Disallow Negotiate authentication'), or use auth: basic with \
         transport: https and a verified certificate"
    } else {
        "allow Negotiate in the WinRM service (winrm/config/service/auth, or the GPO 'Disallow Negotiate authentication'), or choose another 'auth'"
    }
}

/// EAI_AGAIN, which has no kind of its own: the words of glibc and macOS, of musl, and Windows' WSATRY_AGAIN.
fn is_resolver_down(kind: &ErrorKind) -> bool {
    let ErrorKind::Dns(text) = kind else {
        return false;
    };
    ["Temporary failure", "Try again", "os error 11002"]
        .iter()
        .any(|words| text.contains(words))
}

fn check_password(situation: Situation<'_>) -> String {
    let account = situation.account;
    match situation.local_account {
        true => format!(
            "check the password of '{account}' on this host; local passwords may differ from host to host"
        ),
        false => format!(
            "check user name and password of '{account}' (winfleet credential test), and that the account may log on to this host over the network"
        ),
    }
}

/// A host that takes no NTLM.
fn no_ntlm(no_kerberos: Option<&str>, situation: Situation<'_>) -> String {
    let account = situation.account;
    match situation.local_account {
        false if no_kerberos.is_some() => format!(
            "{}; or allow NTLM on the host ({RESTRICT})",
            mend_kerberos(account)
        ),
        true => format!(
            "'{account}' is an account of the host itself, which Kerberos does not know: use a domain account written as user@REALM, or allow NTLM on the \
             host ({RESTRICT})"
        ),
        false => format!(
            "use auth: kerberos (or negotiate) with the host's full DNS name and the account as user@REALM; or allow NTLM on the host ({RESTRICT})"
        ),
    }
}

/// Kerberos was tried before NTLM: to recommend it is no help. The error says why it was not possible.
fn mend_kerberos(account: &str) -> String {
    format!(
        "auth: kerberos with '{account}' says at length what stands in its way (winfleet ping); it needs the account as user@REALM, the host's full \
         DNS name, and a domain controller that this machine reaches"
    )
}

/// The policy that turns NTLM off.
const RESTRICT: &str =
    "policy 'Network security: Restrict NTLM: Incoming NTLM traffic', winrm/config/service/auth";

/// A 401 after a right-looking proof says nothing of its cause: what a hardened host may demand beyond what it was given.
pub(crate) fn refused_ntlm(proof: &NtlmProof, situation: Situation<'_>) -> String {
    let mut text = check_password(situation);
    text.push_str("; if the password is right, it may demand what NTLM did not bring: ");
    match &proof.no_kerberos {
        // Kerberos knows no account of a host.
        _ if situation.local_account => {}
        Some(_) => text.push_str(&format!(
            "Kerberos (policies 'Restrict NTLM', group Protected Users), which was not possible: {}; ",
            mend_kerberos(situation.account)
        )),
        None => text.push_str(
            "Kerberos (policies 'Restrict NTLM', group Protected Users): auth: kerberos with the full DNS name and user@REALM; ",
        ),
    }
    text.push_str(&format!(
        "another target name than {}: spn_class and spn_name, or the name that the host has in the directory",
        proof.service
    ));
    text.push_str(UNKEPT);
    text.push_str(match proof.bound {
        true => "; a channel binding that a proxy which opens TLS spoils: connect past it",
        false => "; a channel binding, which only TLS has: transport: https",
    });
    text
}

/// A load balancer need not say that it is there.
const UNKEPT: &str = "; a proxy or load balancer in between that does not keep connections spoils NTLM, whatever the password";

/// A logon that failed behind a proxy.
fn spoilt_by_proxy(situation: Situation<'_>) -> String {
    format!(
        "NTLM and Kerberos belong to one connection, which this proxy may not keep: take the hosts' addresses and port {} out of it, make it keep \
         connections, or use transport: https past it; if it does keep them, {}",
        situation.port,
        check_password(situation)
    )
}

fn not_kept(port: u16) -> String {
    format!(
        "NTLM and Kerberos belong to one connection, and a proxy or load balancer on the way does not keep it: take the hosts' addresses and port {port} \
         out of it, or make it keep connections"
    )
}

fn not_http(port: u16) -> String {
    format!(
        "something else than WinRM answers on port {port}: check address and port; is it the HTTPS port (then transport: https)?"
    )
}

fn cut_on_http(port: u16) -> String {
    format!(
        "the host may be restarting or overloaded: try again later; where it stays so: is port {port} the HTTPS port (then transport: https)?"
    )
}

/// What an empty 500 is about: sealing, which is no question over TLS.
const NOT_SEALED: &str =
    "use transport: https, or another proof than Basic; AllowUnencrypted is never needed";
const BROKE_OFF: &str = "the host broke the request off: try again later; where it stays so, the host's event log says why \
     (Microsoft-Windows-WinRM/Operational)";

/// On its own network a host that is off is no route, too: nobody answers for its address.
const NO_ROUTE: &str = "nobody with this address answers on its network (host off, wrong address), a firewall on the way rejects, or this machine has or \
     allows no way to it: VPN, gateway, routes, its own firewall";

fn dropped(port: u16) -> String {
    format!(
        "something drops the connect: a firewall on the way or on the host (rule 'Windows Remote Management' for port {port}, this machine among \
         its remote addresses), or the host is off"
    )
}

fn proxy(port: u16) -> String {
    format!(
        "an HTTP proxy on the way answers in place of the host: take the hosts' addresses and port {port} out of it, or use transport: https"
    )
}

/// A 401 is a matter of the account, of which more is known here; a success is none of a status.
fn by_status(code: u16) -> Option<String> {
    let found = status::status(code, status::Body::Other)?;
    (found.retry.is_some() && code != 401).then(|| found.remedy.to_owned())
}

/// One for each cause: they are told apart so that each can be mended.
fn kerberos(problem: KerberosProblem, account: &str) -> String {
    use KerberosProblem as P;
    match problem {
        P::Library => LIBRARY.to_owned(),
        P::WrongPassword => format!("correct the password of '{account}' (winfleet credential test); it was sent once and is not sent again"),
        P::AccountRefused => format!("see that '{account}' is not locked, disabled or expired in the directory"),
        P::PasswordExpired => format!("give '{account}' a new password"),
        P::UnknownPrincipal => {
            format!("'{account}' is not known to its KDC: write it as user@REALM, with the realm of the account's own domain")
        }
        P::ClockSkew => "set the clock of this machine by the domain's time (5 minutes are the limit); if it is right, that of the host".to_owned(),
        P::SpnUnknown => {
            "use the host's full DNS name in the inventory; if the name is right, the SPN is not registered (setspn -L HOST): try spn_class: HOST or WSMAN, or set spn_name"
                .to_owned()
        }
        P::KdcUnreachable if cfg!(windows) => {
            "check that this machine reaches a domain controller (nltest /dsgetdc:DOMAIN, port 88) and knows the domain by DNS".to_owned()
        }
        P::KdcUnreachable => {
            "check the domain's DNS (SRV records _kerberos._tcp) or krb5.conf on this machine, and that a domain controller answers on port 88".to_owned()
        }
        P::NoTicket if cfg!(windows) => {
            "log on to Windows with a domain account (klist shows its tickets), or give the credential a user name and a password".to_owned()
        }
        P::NoTicket => "get a ticket (kinit), or give the credential a password or a keytab".to_owned(),
        P::Keytab => "make the keytab anew (ktutil, ktpass) after each change of the account's password; only its owner should read it".to_owned(),
        P::NoName => {
            "Kerberos needs the host's name as 'name' (the address goes into 'address') and a domain account written as user@REALM; auth: ntlm works without"
                .to_owned()
        }
        P::TicketRefused => {
            "the SPN may belong to another account or the host may have been joined anew (setspn -Q HTTP/HOST, Test-ComputerSecureChannel); is Kerberos allowed in winrm/config/service/auth?"
                .to_owned()
        }
        P::WeakKey => {
            "give the accounts of user and host AES keys (msDS-SupportedEncryptionTypes, then a new password; klist shows the kind of a ticket's key), or \
             use transport: https, where TLS protects the messages"
                .to_owned()
        }
        P::NotMutual => "something else than the host answers, or a proxy in between drops its answer: check the address".to_owned(),
        P::Other if cfg!(windows) => "klist shows the tickets, the System event log what went wrong; auth: ntlm works without Kerberos".to_owned(),
        P::Other => "KRB5_TRACE=/dev/stderr shows what the library did; auth: ntlm works without Kerberos".to_owned(),
    }
}

/// One for each cause: they are told apart so that each can be mended.
fn tls(problem: TlsProblem) -> &'static str {
    use TlsProblem as P;
    match problem {
        P::UnknownAuthority => {
            "give the issuing authority as 'ca_file' (PEM); a self-signed certificate has none: give its SHA-256 as 'cert_sha256'"
        }
        P::OtherName => {
            "write the name that the certificate carries as 'name' (the address goes into 'address'), or give the listener a certificate for this name; if the name is right, the address may lead to another machine"
        }
        P::Expired => {
            "renew the host's certificate and give the new one to its listener (winrm set winrm/config/Listener?Address=*+Transport=HTTPS @{CertificateThumbprint=\"..\"}); if its time is not over, set the clock of this machine"
        }
        P::NotYetValid => {
            "set the clock of this machine; if it is right, the certificate was made with a wrong one"
        }
        P::WrongPurpose => {
            "give the listener a certificate with the purpose Server Authentication (1.3.6.1.5.5.7.3.1)"
        }
        P::IsAuthority => {
            "give the listener a certificate of its own (New-SelfSignedCertificate makes one), or pin this one with 'cert_sha256'"
        }
        P::PinMismatch => {
            "compare with the certificate on the host itself; if it was renewed, correct 'cert_sha256', otherwise something else answers"
        }
        P::Revoked => "give the listener a new certificate, and find out why this one was revoked",
        P::WeakSignature => {
            "give the listener a certificate that is signed with SHA-256 or better, from an RSA key of 2048 bits or more or an ECDSA one"
        }
        P::Broken => {
            "look at the certificate (openssl s_client -connect HOST:5986 -showcerts) and give the listener a sound one"
        }
        P::Handshake => {
            "is it the HTTPS port (5986)? TLS 1.2 or later with an AEAD cipher suite is needed: Server 2012 R2 has none for RSA certificates, give it an ECDSA one or use transport: http, which is sealed"
        }
        P::NoAnswer => {
            "bind a certificate to the port (netsh http show sslcert; winrm quickconfig -transport:https): HTTP.sys cuts connections to one without; is it the HTTPS port (5986)?"
        }
        P::File => "ca_file, certificate and key are PEM files that this account can read",
    }
}

/// HTTP.sys asks for a client certificate after the request unless its binding says otherwise.
const ASK_EARLY: &str = "make the host ask in the handshake: netsh http show sslcert ipport=0.0.0.0:5986 shows hash and appid; then netsh http delete \
     sslcert ipport=0.0.0.0:5986 and netsh http add sslcert ipport=0.0.0.0:5986 certhash=HASH appid=APPID clientcertnegotiation=enable; and \
     winrm set winrm/config/service/auth @{Certificate=\"true\"}";
const MAP: &str = "allow certificates (winrm set winrm/config/service/auth @{Certificate=\"true\"}) and map this one on the host (winrm create winrm/config/service/certmapping?Issuer=THUMBPRINT+Subject=UPN+URI=* @{UserName=..;Password=..}), put the \
     issuing authority into its Trusted Root store; the certificate needs the purpose clientAuth and the subject as UPN in its alternative name";

/// What to install, by system.
const LIBRARY: &str = if cfg!(windows) {
    "log on to Windows with a domain account, or give a user name and a password; ticket caches by name and keytabs are for Unix"
} else if cfg!(target_os = "macos") {
    "macOS brings GSS.framework; if it does not do, brew install krb5"
} else {
    "install MIT Kerberos' library: apt install libgssapi-krb5-2 (Debian, Ubuntu), dnf install krb5-libs (Fedora, RHEL), zypper install krb5 (SUSE), apk add krb5-libs (Alpine)"
};

fn fault_remedy(kind: &ErrorKind) -> Option<String> {
    match kind {
        ErrorKind::Fault(fault) => Some(match fault.remedy {
            Some(remedy) => remedy.to_owned(),
            None if fault.code == 0 => WITHOUT_NUMBER.to_owned(),
            None => look_up(fault.code),
        }),
        ErrorKind::Registry { code, .. } => Some(match fault::meaning(*code) {
            Some(meaning) => meaning.remedy.to_owned(),
            None => look_up(*code),
        }),
        _ => None,
    }
}

const WITHOUT_NUMBER: &str = "the fault carries no number that could be looked up: go by the host's own words, and send a trace (winfleet ping \
     --trace FILE)";

/// A number that no table has.
fn look_up(code: u32) -> String {
    format!(
        "look the number up on any Windows machine (certutil -error {code:#010x}), and at the key or class on the host; a trace (ping --trace \
         FILE) helps support"
    )
}
