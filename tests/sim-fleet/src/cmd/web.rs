//! `curl.exe`, and the scripts of PowerShell that look at a proxy: real connections over loopback, no other network.
//!
//! Of PowerShell only what is sent here is understood; the rest is refused like a script with a mistake.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::Context;
use super::line::arguments;
use super::policy_file;
use super::run::Ended;
use crate::internet::{House, client};
use crate::spec::AntivirusSpec;

/// Runs it; `None` where it is another program.
pub(super) async fn run(context: &Context, program: &str, words: &str) -> Option<Ended> {
    match program {
        "curl" if !context.host.options.network.no_curl => Some(curl(context, words).await),
        "mpcmdrun" => context.host.options.antivirus.as_ref().map(maps),
        "powershell" => Some(powershell(context, words).await),
        _ => None,
    }
}

/// `MpCmdRun.exe -ValidateMapsConnection`.
fn maps(antivirus: &AntivirusSpec) -> Ended {
    match &antivirus.maps_error {
        None => {
            Ended::out("ValidateMapsConnection successfully established a connection to MAPS\r\n")
        }
        Some(error) => Ended {
            out: format!(
                "ValidateMapsConnection failed to establish a connection to MAPS (hr={error} httpcore=451)\r\n"
            ),
            code: 2,
            ..Ended::default()
        },
    }
}

/// How a certificate is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// By the host's own trust, with revocation.
    Checked,
    /// By the host's own trust.
    NoRevocation,
    /// Any is taken and shown.
    Any,
}

/// What happened on the way to an address.
#[derive(Default)]
struct Trip {
    exit: u32,
    connect: u16,
    status: u16,
    issuer: Option<&'static str>,
    said: String,
}

impl Trip {
    fn ended(mut self, exit: u32, said: &str) -> Self {
        self.exit = exit;
        self.said = format!("curl: ({exit}) {said}\r\n");
        self
    }
}

async fn curl(context: &Context, words: &str) -> Ended {
    let args = arguments(words);
    let behind = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).cloned()
    };
    let url = args.last().cloned().unwrap_or_default();
    let via = behind("-x").map(|via| via.trim_start_matches("http://").to_owned());
    let unchecked = args.iter().any(|arg| arg == "--ssl-no-revoke");
    let look = if unchecked {
        Look::NoRevocation
    } else {
        Look::Checked
    };
    let limit = context.host.options.network.patience();
    let trip = match tokio::time::timeout(limit, travel(context, via.as_deref(), &url, look)).await
    {
        Ok(trip) => trip,
        Err(_) => Trip {
            connect: 0,
            ..Trip::default()
        }
        .ended(28, "Operation timed out"),
    };
    let ends_line = behind("-w").is_some_and(|format| format.ends_with("\\n"));
    let line_end = if ends_line { "\r\n" } else { "" };
    Ended {
        out: format!("{:03} {:03} 0{line_end}", trip.connect, trip.status),
        err: trip.said,
        code: trip.exit,
        ..Ended::default()
    }
}

/// Where a proxy really listens. Only loopback is ever connected to.
fn real(context: &Context, via: &str) -> Option<SocketAddr> {
    let network = &context.host.options.network;
    let known = network
        .proxies
        .get(via)
        .or_else(|| network.proxies.get("*"));
    let address = known.copied().or_else(|| via.parse().ok())?;
    address.ip().is_loopback().then_some(address)
}

async fn travel(context: &Context, via: Option<&str>, url: &str, look: Look) -> Trip {
    let trip = Trip::default();
    let Some(via) = via else {
        if context.host.options.network.lists_direct && url.contains("ctldl.windowsupdate.com/") {
            return Trip {
                status: 200,
                ..trip
            };
        }
        return trip.ended(7, "Failed to connect");
    };
    let Some(address) = real(context, via) else {
        return match via.starts_with(|c: char| c.is_ascii_digit()) {
            true => trip.ended(7, "Failed to connect"),
            false => trip.ended(5, "Could not resolve proxy"),
        };
    };
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return trip.ended(7, "Failed to connect");
    };
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if scheme == "http" {
        let status = ask(&mut stream, url, host).await;
        return Trip { status, ..trip };
    }
    let request = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n");
    let connect = status_of(&mut stream, &request).await;
    let trip = Trip { connect, ..trip };
    if connect != 200 {
        return trip.ended(56, &format!("CONNECT tunnel failed, response {connect}"));
    }
    secure(context, trip, stream, host, &format!("/{path}"), look).await
}

async fn secure(
    context: &Context,
    mut trip: Trip,
    stream: TcpStream,
    host: &str,
    path: &str,
    look: Look,
) -> Trip {
    let network = &context.host.options.network;
    let both = [House::Service, House::Company];
    let trusted = if network.trusts_company || look == Look::Any {
        &both[..]
    } else {
        &both[..1]
    };
    let Some((config, name)) = client(trusted).zip(ServerName::try_from(host.to_owned()).ok())
    else {
        return trip.ended(35, "no TLS");
    };
    let mut secure = match TlsConnector::from(Arc::clone(&config))
        .connect(name, stream)
        .await
    {
        Ok(secure) => secure,
        Err(error) if error.to_string().contains("certificate") => {
            return trip.ended(60, "SEC_E_UNTRUSTED_ROOT (0x80090325)");
        }
        Err(_) => return trip.ended(35, "Recv failure: Connection was reset"),
    };
    trip.issuer = secure.get_ref().1.peer_certificates().and_then(|chain| {
        // The name of the authority stands in its certificates as plain bytes.
        let bytes = chain.first()?.as_ref();
        both.into_iter().map(House::issuer).find(|issuer| {
            let name = issuer.split(", ").next().unwrap_or_default();
            let name = name.trim_start_matches("CN=").as_bytes();
            bytes.windows(name.len()).any(|window| window == name)
        })
    });
    if look == Look::Checked && network.revocation_unreachable {
        return trip.ended(35, "CRYPT_E_REVOCATION_OFFLINE (0x80092013)");
    }
    trip.status = ask(&mut secure, path, host).await;
    trip
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), path: &str, host: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    status_of(stream, &request).await
}

/// Sends a request and reads the head of the reply; 0 where none comes.
async fn status_of(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> u16 {
    if stream.write_all(request.as_bytes()).await.is_err() || stream.flush().await.is_err() {
        return 0;
    }
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16 * 1024 {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    let head = String::from_utf8_lossy(&head);
    head.split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(0)
}

/// The script behind `-EncodedCommand`, where it is nothing but a program's name and plain words: PowerShell runs that as
/// cmd does. Ansible sends its `raw` lines so.
pub(super) fn bare_program(words: &str) -> Option<String> {
    let args = arguments(words);
    let at = args
        .iter()
        .position(|arg| arg.eq_ignore_ascii_case("-EncodedCommand"))?;
    let bytes = STANDARD.decode(args.get(at + 1)?).ok()?;
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let line = String::from_utf16(&units).ok()?;
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | ':' | '/' | '\\' | '-');
    line.chars().all(plain).then_some(line)
}

async fn powershell(context: &Context, words: &str) -> Ended {
    if words.contains("Test-NetConnection") {
        let args = arguments(words.trim_end_matches('"'));
        let script = args.last().cloned().unwrap_or_default();
        let word = |name: &str| {
            let mut words = script.split_whitespace();
            words.find(|word| *word == name)?;
            words.next().map(str::to_owned)
        };
        // The cmdlet takes names and addresses; brackets belong to neither.
        let host = match word("-ComputerName").unwrap_or_default() {
            host if host.starts_with('[') => String::new(),
            host if host.contains(':') => format!("[{host}]"),
            host => host,
        };
        let via = format!("{host}:{}", word("-Port").unwrap_or_default());
        let open = match real(context, &via) {
            Some(address) => TcpStream::connect(address).await.is_ok(),
            None => false,
        };
        return Ended::out(if open { "True\r\n" } else { "False\r\n" });
    }
    if words.contains("Microsoft-Windows-SENSE/Operational") {
        let mut out: String = context
            .host
            .options
            .sensor_log
            .iter()
            .map(|line| format!("{line}\r\n"))
            .collect();
        if context.host.options.sensor_log_refused {
            out = "refused Attempted to perform an unauthorized operation.\r\n".to_owned();
        }
        out += "done\r\n";
        return Ended::out(out);
    }
    let constrained = context.host.options.network.constrained_language;
    if words.contains(r"GroupPolicy\Machine\Registry.pol") {
        if constrained {
            return Ended::failed(1, CONSTRAINED_CALL);
        }
        return policy_file::shown(context, words);
    }
    if words.contains("Net.Security.SslStream") {
        if constrained {
            return constrained_look(words);
        }
        return looked(context, words).await;
    }
    Ended::failed(1, "At line:1 char:1\r\n")
}

const CONSTRAINED_CALL: &str = "Cannot invoke method. Method invocation is supported only on core types in this language mode.\r\n";

/// As the script says it where each of its `try` blocks ends at once.
fn constrained_look(words: &str) -> Ended {
    let list = words.split_once("$u='").map_or("", |(_, rest)| rest);
    let list = list.split_once("';").map_or("", |(list, _)| list);
    let each = format!("error {CONSTRAINED_CALL}next\r\n");
    Ended::out(each.repeat(list.split("','").count()))
}

/// The script that shows the issuer for each address of `$u`.
async fn looked(context: &Context, words: &str) -> Ended {
    let between = |from: &str, to: &str| {
        let rest = words.split_once(from)?.1;
        rest.split_once(to).map(|(text, _)| text.to_owned())
    };
    let via = format!(
        "{}:{}",
        between("$p='", "'").unwrap_or_default(),
        between("$o=", ";").unwrap_or_default()
    );
    let list = between("$u='", "';").unwrap_or_default();
    let mut out = String::new();
    for entry in list.split("','") {
        let (host, path) = entry.split_once('|').unwrap_or((entry, "/"));
        let url = format!("https://{host}{path}");
        let limit: Duration = context.host.options.network.patience();
        match tokio::time::timeout(limit, travel(context, Some(&via), &url, Look::Any)).await {
            Ok(trip) => {
                if trip.connect > 0 {
                    out += &format!("connect {}\r\n", trip.connect);
                }
                if let Some(issuer) = trip.issuer {
                    out += &format!("issuer {issuer}\r\n");
                }
                if trip.status > 0 {
                    out += &format!("answer {}\r\n", trip.status);
                }
                if trip.exit > 0 {
                    out += &format!("error {}", trip.said);
                }
            }
            Err(_) => out += "error timeout\r\n",
        }
        out += "next\r\n";
    }
    Ended::out(out)
}
