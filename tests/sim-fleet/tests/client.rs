//! A client of a hundred lines: HTTP by hand, Basic, plain bodies. Sealing is judged by others' clients and the unit tests.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sim_fleet::{Account, FleetSpec, HostHandle, HostOptions, Knobs, SimFleet};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const STDREG: &str =
    "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/StdRegProv";
pub(crate) const CMD: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd";
pub(crate) const SHELL: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell";
pub(crate) const TRANSFER: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer";

pub(crate) struct World {
    pub(crate) fleet: SimFleet,
    pub(crate) host: HostHandle,
}

/// One host that takes Basic and plain bodies over HTTP.
pub(crate) async fn world(change: impl FnOnce(&mut HostOptions)) -> World {
    let mut spec =
        FleetSpec::named(["pc-0001.corp.example"]).with_account(Account::local("admin", "secret"));
    spec.defaults = HostOptions {
        basic: true,
        allow_unencrypted: true,
        ..HostOptions::default()
    };
    change(&mut spec.defaults);
    let fleet = SimFleet::start(spec).await.unwrap();
    let host = fleet.host("PC-0001.corp.example");
    World { fleet, host }
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    /// The code of a fault; 0 where there is none.
    pub(crate) fn fault(&self) -> u32 {
        let at = |mark: &str| Some(self.body.split_once(mark)?.1);
        let text = at("Code=\"").or_else(|| at("error_Code xsi:type=\"cim:cimUnsignedInt\">"));
        text.map_or(0, |text| {
            text.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
                .parse()
                .unwrap()
        })
    }

    /// The text of the first element of this local name.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let doc = roxmltree::Document::parse(&self.body).unwrap();
        doc.descendants()
            .find(|node| node.tag_name().name() == name)
            .map(|node| node.text().unwrap_or_default().to_string())
    }

    /// The texts of all elements of this local name.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let doc = roxmltree::Document::parse(&self.body).unwrap();
        doc.descendants()
            .filter(|node| node.tag_name().name() == name)
            .map(|node| node.text().unwrap_or_default().to_string())
            .collect()
    }
}

pub(crate) struct Connection(pub(crate) TcpStream);

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Option<Self> {
        Some(Self(TcpStream::connect(address).await.ok()?))
    }

    /// Sends bytes and reads a reply; `None`: the connection broke.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) -> Option<Response> {
        self.0.write_all(bytes).await.ok()?;
        let mut seen = Vec::new();
        loop {
            if let Some(end) = seen.windows(4).position(|part| part == b"\r\n\r\n") {
                let head = String::from_utf8(seen[..end].to_vec()).ok()?;
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("Content-Length: "))?
                    .parse::<usize>()
                    .ok()?;
                if seen.len() >= end + 4 + length {
                    let body = String::from_utf8(seen[end + 4..end + 4 + length].to_vec()).ok()?;
                    return Some(Response {
                        status: head.get(9..12)?.parse().ok()?,
                        head,
                        body,
                    });
                }
            }
            if self.0.read_buf(&mut seen).await.ok()? == 0 {
                return None;
            }
        }
    }

    pub(crate) async fn post(&mut self, body: &str) -> Option<Response> {
        self.raw(request(body, "").as_bytes()).await
    }
}

/// An HTTP request with Basic and a plain body. The id of [`envelope`] becomes one of its own: none may come twice.
pub(crate) fn request(body: &str, more: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let body = body.replace("uuid:AbC", &format!("uuid:AbC-{number}"));
    let basic = STANDARD.encode("admin:secret");
    format!(
        "POST /wsman HTTP/1.1\r\nHost: pc-0001.corp.example:5985\r\nAuthorization: Basic {basic}\r\nContent-Type: application/soap+xml;charset=UTF-8\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// An envelope; `more` are further headers.
pub(crate) fn envelope(action: &str, resource: &str, more: &str, body: &str) -> String {
    format!(
        r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd" xmlns:rsp="{SHELL}"><s:Header><a:To>http://x/wsman</a:To><a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo><a:Action>{action}</a:Action><a:MessageID>uuid:AbC</a:MessageID><w:ResourceURI>{resource}</w:ResourceURI>{more}</s:Header><s:Body>{body}</s:Body></s:Envelope>"#
    )
}

/// An Invoke of StdRegProv; parameters as XML.
pub(crate) fn invoke(method: &str, parameters: &[(&str, &str)]) -> String {
    let inner: String = parameters
        .iter()
        .map(|(name, value)| format!("<r:{name}>{value}</r:{name}>"))
        .collect();
    let body = format!(r#"<r:{method}_INPUT xmlns:r="{STDREG}">{inner}</r:{method}_INPUT>"#);
    envelope(&format!("{STDREG}/{method}"), STDREG, "", &body)
}

impl World {
    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.fleet.http_addr()).await.unwrap()
    }

    /// One request on a connection of its own, given up after some seconds.
    pub(crate) async fn post(&self, body: &str) -> Option<Response> {
        let mut connection = self.connect().await;
        tokio::time::timeout(Duration::from_secs(20), connection.post(body))
            .await
            .unwrap()
    }

    /// ReturnValue of an Invoke.
    pub(crate) async fn invoke(
        &self,
        method: &str,
        parameters: &[(&str, &str)],
    ) -> (u32, Response) {
        let response = self.post(&invoke(method, parameters)).await.unwrap();
        let value = response
            .text("ReturnValue")
            .unwrap_or_else(|| panic!("{response:?}"));
        (value.parse().unwrap(), response)
    }

    pub(crate) fn knobs(&self, change: impl FnOnce(&mut Knobs)) {
        let mut knobs = Knobs::default();
        change(&mut knobs);
        self.host.set_knobs(knobs);
    }
}
