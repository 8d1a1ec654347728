//! What HTTP statuses mean where WinRM should answer (wsman.md 1.4): cause, whether to try again, what a person can do.
//!
//! HTTP.sys on the host, or something between here and there, answers most of them without WinRM having seen the
//! request. The user's page "what to do when" is printed from here.

use crate::fault::Retry;
use Body::{Empty, Html, Other, Soap};

/// What the answer carries; some statuses mean different things with and without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// Nothing, or a page of HTML: not the service itself.
    Other,
    /// Nothing, where a page of HTML means something else.
    Empty,
    /// A page of HTML, where nothing means something else.
    Html,
    /// A SOAP envelope, sealed or not.
    Soap,
}

/// One status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// HTTP status code.
    pub code: u16,
    /// With which body.
    pub body: Body,
    /// What happened.
    pub cause: &'static str,
    /// What the client does or may do; `None` where there is nothing to mend.
    pub retry: Option<Retry>,
    /// What a person can do.
    pub remedy: &'static str,
}

const fn row(
    code: u16,
    body: Body,
    cause: &'static str,
    retry: Option<Retry>,
    remedy: &'static str,
) -> Status {
    Status {
        code,
        body,
        cause,
        retry,
        remedy,
    }
}

const NOTHING: &str = "nothing";
const WAIT: &str = "the host or what stands before it is busy or starting: try again later";
const PROXY: &str = "something between this machine and the host answers in its place: take the hosts' addresses out of that proxy or \
     gateway, or use transport: https";
const FOREIGN: &str = "check address, port and transport: something else than WinRM answers there";

#[rustfmt::skip] // one line each, so that it can be compared with the reference
const TABLE: &[Status] = &[
    row(200, Empty, "the token was taken; the operation follows on the same connection", None, NOTHING),
    row(200, Html, "a web server, or a portal that wants a logon of its own, answers", Some(Retry::No), FOREIGN),
    row(200, Soap, "the operation was carried out", None, NOTHING),
    row(400, Other, "the sealed body could not be opened (another connection, wrong key), or the headers are too large (a Kerberos ticket with very many groups)", Some(Retry::Reauthenticate),
        "winfleet logs on again and sends once more; where it comes again: auth: ntlm for accounts in very many groups, or raise MaxFieldLength and MaxRequestBytes of HTTP.sys on the host"),
    row(401, Other, "the host wants a logon, or refused this one, or forgot the connection", Some(Retry::Reauthenticate),
        "check user name and password (winfleet credential test), that the account may log on over the network, and winrm/config/service/auth on the host"),
    row(403, Other, "the listener's IP filter, or a client certificate that is mapped to no account", Some(Retry::No),
        "look at the IP filters and certificate mappings (winrm get winrm/config/service, winrm enumerate winrm/config/service/certmapping)"),
    row(404, Other, "HTTP.sys has the port, but no WinRM listener for this address", Some(Retry::No),
        "look at the listeners and their addresses (winrm enumerate winrm/config/listener); something else may answer on this port"),
    row(405, Other, "the method is not taken: something else than WinRM answers", Some(Retry::FixRequest), FOREIGN),
    row(407, Other, "an HTTP proxy in between wants a logon of its own", Some(Retry::No), PROXY),
    row(411, Other, "no length: something else than WinRM answers, or a proxy in between changes requests", Some(Retry::FixRequest), FOREIGN),
    row(413, Other, "the request is larger than the host takes", Some(Retry::FixRequest),
        "raise MaxEnvelopeSizekb on the host (winrm set winrm/config @{MaxEnvelopeSizekb=\"500\"})"),
    row(425, Other, "something in between wants the request later", Some(Retry::Backoff), WAIT),
    row(429, Other, "something in between counts requests", Some(Retry::Backoff), WAIT),
    row(500, Other, "over HTTP: the host takes no message that is not sealed (AllowUnencrypted is false); over HTTPS: it broke the request off", Some(Retry::No),
        "over HTTP: transport: https, or another proof than Basic (AllowUnencrypted is never needed); over HTTPS: try again later, the host's event log (Microsoft-Windows-WinRM/Operational) says why"),
    row(500, Soap, "a SOAP fault: its number says what", None, "see the numbers of faults"),
    row(502, Other, "a proxy or gateway in between cannot reach the host", Some(Retry::Backoff), PROXY),
    row(503, Other, "the WinRM service is stopped, starting or stopping, or has no connection left (MaxConnections)", Some(Retry::Backoff),
        "the host may be restarting or overloaded: try again later; if it stays, start the service WinRM on the host"),
    row(504, Other, "a proxy or gateway in between got no answer from the host; it may have been carried out", Some(Retry::Backoff), PROXY),
];

/// Every status that is known, in ascending order.
pub fn statuses() -> &'static [Status] {
    TABLE
}

/// What a status means, if it is known.
pub fn status(code: u16, body: Body) -> Option<&'static Status> {
    TABLE
        .iter()
        .find(|status| status.code == code && status.body == body)
}
