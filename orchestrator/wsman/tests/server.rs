//! A WinRM listener for one account, just enough for tests of the carrier: NTLM acceptor and sealing by `sspi`, one
//! security context for each TCP connection, and a script that decides what becomes of each operation.
//!
//! It is no judge of the protocol: it shares code with the client. The simulated fleet and the Python endpoint are.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sspi::{
    AuthIdentity, BufferType, DataRepresentation, EncryptionFlags, Ntlm, SecurityBuffer,
    SecurityBufferRef, ServerRequestFlags, Sspi, SspiEx, SspiImpl, Username,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wsman::{Client, Credentials, Endpoint, Error, LogonGuard, Secret, TlsConfigs, Unguarded};
use wsman_proto::seal;

/// What becomes of an operation.
pub(crate) enum Act {
    /// SOAP body, sealed, 200.
    Body(String),
    /// SOAP fault with that code, sealed, 500.
    Fault(u32),
    /// A whole envelope, sealed, 200.
    Envelope(String),
    /// The same, then the connection is closed.
    BodyThenClose(String),
    /// Plain HTTP answer without sealing.
    Plain(u16, String),
    /// The request was read; the connection is closed without an answer.
    Close,
    /// Never answered.
    Hang,
    /// A head that promises a body, then a byte of it now and then.
    Trickle,
    /// An answer with these header lines.
    Headers(String),
}

/// One operation as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) connection: usize,
    pub(crate) action: String,
    pub(crate) soap: String,
}

type Script = dyn Fn(usize, &Seen) -> Act + Send + Sync;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A host that refuses every account. Counts what it was asked: connections, and logons.
pub(crate) async fn refusing() -> (Endpoint, Arc<Mutex<(u32, u32)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let counts = Arc::new(Mutex::new((0, 0)));
    let counted = Arc::clone(&counts);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.lock().unwrap().0 += 1;
            while let Some((Some(token), _, _)) = request(&mut stream).await {
                let token = STANDARD
                    .decode(token.trim_start_matches("Negotiate "))
                    .unwrap();
                let mut header = "WWW-Authenticate: Negotiate\r\n".to_owned();
                if token[8] == 1 {
                    let challenge = STANDARD.encode(challenge(&token).1);
                    header = format!("WWW-Authenticate: Negotiate {challenge}\r\n");
                } else {
                    counted.lock().unwrap().1 += 1;
                }
                answer(&mut stream, 401, &header, b"").await;
            }
        }
    });
    let mut endpoint = Endpoint::http("pc-1.corp.example", port);
    endpoint.address = "127.0.0.1".to_owned();
    (endpoint, counts)
}

impl Server {
    /// `script` gets the number of the operation (from 0) and what was seen.
    pub(crate) async fn start(
        script: impl Fn(usize, &Seen) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(script);
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                tokio::spawn(serve(
                    stream,
                    connection,
                    Arc::clone(&log),
                    Arc::clone(&script),
                ));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Last parts of the actions seen.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.seen()
            .into_iter()
            .map(|seen| seen.action.rsplit('/').next().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        let mut endpoint = Endpoint::http("pc-1.corp.example", self.address.port());
        endpoint.address = "127.0.0.1".to_owned();
        endpoint
    }

    pub(crate) async fn client(&self) -> Client {
        connect(self.endpoint()).await.unwrap()
    }
}

pub(crate) async fn connect(endpoint: Endpoint) -> Result<Client, Error> {
    connect_with(endpoint, Arc::new(Unguarded)).await
}

pub(crate) async fn connect_with(
    endpoint: Endpoint,
    guard: Arc<dyn LogonGuard>,
) -> Result<Client, Error> {
    let credentials = Credentials::password("CORP\\svc", Secret::new("pw"));
    Client::connect(endpoint, credentials, guard, Arc::new(TlsConfigs::new())).await
}

/// OUTPUT of a method of `StdRegProv`.
pub(crate) fn output(method: &str, inside: &str) -> String {
    format!(
        "<r:{method}_OUTPUT xmlns:r='http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/StdRegProv'>\
         {inside}<r:ReturnValue>0</r:ReturnValue></r:{method}_OUTPUT>"
    )
}

/// An envelope that relates to `message`.
pub(crate) fn envelope(message: &str, body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' \
         xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing'><s:Header><a:Action>x</a:Action>\
         <a:RelatesTo>{message}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
}

fn fault(code: u32) -> String {
    format!(
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Detail>\
         <f:WSManFault xmlns:f='http://schemas.microsoft.com/wbem/wsman/1/wsmanfault' Code='{code}' Machine=''/>\
         </s:Detail></s:Fault>"
    )
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let from = text.find(start).map_or(0, |at| at + start.len());
    let rest = &text[from..];
    &rest[..rest.find(end).unwrap_or(0)]
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    log: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Script>,
) {
    // Head and body are written one by one: without this each answer waits for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let mut context = None;
    while let Some((authorization, content_type, body)) = request(&mut stream).await {
        if let Some(token) = authorization {
            let token = STANDARD
                .decode(token.trim_start_matches("Negotiate "))
                .unwrap();
            if token[8] == 1 {
                let (acceptor, challenge) = challenge(&token);
                context = Some(acceptor);
                let header = format!(
                    "WWW-Authenticate: Negotiate {}\r\n",
                    STANDARD.encode(challenge)
                );
                answer(&mut stream, 401, &header, b"").await;
                continue;
            }
            accept(context.as_mut().unwrap(), &token);
            if body.is_empty() {
                answer(&mut stream, 200, "", b"").await;
                continue;
            }
        }
        let Some(acceptor) = &mut context else {
            answer(&mut stream, 401, "WWW-Authenticate: Negotiate\r\n", b"").await;
            continue;
        };
        assert!(
            content_type.starts_with("multipart/encrypted"),
            "only sealed bodies are expected"
        );
        let soap = open(acceptor, &content_type, &body);
        let action = between(&soap, "<a:Action s:mustUnderstand=\"true\">", "</").to_owned();
        let message = between(&soap, "<a:MessageID>", "</").to_owned();
        let seen = Seen {
            connection,
            action,
            soap,
        };
        let number = {
            let mut log = log.lock().unwrap();
            log.push(seen.clone());
            log.len() - 1
        };
        let (status, text, close) = match script(number, &seen) {
            Act::Body(body) => (200, envelope(&message, &body), false),
            Act::BodyThenClose(body) => (200, envelope(&message, &body), true),
            Act::Fault(code) => (500, envelope(&message, &fault(code)), false),
            Act::Envelope(text) => (200, text, false),
            Act::Plain(status, body) => {
                answer(
                    &mut stream,
                    status,
                    "Content-Type: application/soap+xml\r\n",
                    body.as_bytes(),
                )
                .await;
                continue;
            }
            Act::Close => return,
            Act::Trickle => {
                let head = format!(
                    "HTTP/1.1 200 X\r\nContent-Type: {}\r\nContent-Length: 9000\r\n\r\n",
                    seal::Protocol::Spnego.content_type()
                );
                let _ = stream.write_all(head.as_bytes()).await;
                while stream.write_all(b"-").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                return;
            }
            Act::Headers(lines) => {
                answer(&mut stream, 200, &lines, b"").await;
                continue;
            }
            Act::Hang => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                return;
            }
        };
        let sealed = seal(acceptor, text.as_bytes());
        answer(
            &mut stream,
            status,
            &format!(
                "Content-Type: {}\r\n",
                seal::Protocol::Spnego.content_type()
            ),
            &sealed,
        )
        .await;
        if close {
            return;
        }
    }
}

/// Header block and body of one request; `None` when the client has closed.
async fn request(stream: &mut TcpStream) -> Option<(Option<String>, String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    assert!(head.starts_with("POST /wsman HTTP/1.1\r\n"), "{head}");
    assert!(
        head.to_ascii_lowercase()
            .contains("\r\nhost: pc-1.corp.example"),
        "{head}"
    );
    let header = |name: &str| {
        head.lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then(|| value.to_owned()))
    };
    let length: usize = header("content-length")
        .expect("a length is needed")
        .parse()
        .unwrap();
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some((
        header("authorization"),
        header("content-type").unwrap_or_default(),
        body,
    ))
}

async fn answer(stream: &mut TcpStream, status: u16, headers: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body).await;
}

fn step(context: &mut Ntlm, token: &[u8]) -> Vec<u8> {
    let mut input = [SecurityBuffer::new(token.to_vec(), BufferType::Token)];
    let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
    let mut credentials = None;
    let builder = context
        .accept_security_context()
        .with_credentials_handle(&mut credentials)
        .with_context_requirements(ServerRequestFlags::CONFIDENTIALITY)
        .with_target_data_representation(DataRepresentation::Native)
        .with_input(&mut input)
        .with_output(&mut output);
    context
        .accept_security_context_impl(builder)
        .unwrap()
        .resolve_to_result()
        .unwrap();
    output[0].buffer.clone()
}

fn challenge(token: &[u8]) -> (Ntlm, Vec<u8>) {
    let mut context = Ntlm::new();
    let challenge = step(&mut context, token);
    (context, challenge)
}

fn accept(context: &mut Ntlm, token: &[u8]) {
    step(context, token);
    let username = Username::new("svc", Some("CORP")).unwrap();
    context
        .custom_set_auth_identity(AuthIdentity {
            username,
            password: "pw".to_owned().into(),
        })
        .unwrap();
    context.complete_auth_token(&mut []).unwrap();
}

fn open(context: &mut Ntlm, content_type: &str, body: &[u8]) -> String {
    let frame = seal::decode(content_type, body).unwrap();
    let (mut header, mut data) = (body[frame.header].to_vec(), body[frame.data].to_vec());
    let mut buffers = [
        SecurityBufferRef::token_buf(&mut header),
        SecurityBufferRef::data_buf(&mut data),
    ];
    context.decrypt_message(&mut buffers).unwrap();
    String::from_utf8(buffers[1].data().to_vec()).unwrap()
}

fn seal(context: &mut Ntlm, plain: &[u8]) -> Vec<u8> {
    let (mut header, mut data) = (vec![0; 16], plain.to_vec());
    let mut buffers = [
        SecurityBufferRef::token_buf(&mut header),
        SecurityBufferRef::data_buf(&mut data),
    ];
    context
        .encrypt_message(EncryptionFlags::empty(), &mut buffers)
        .unwrap();
    seal::encode(
        seal::Protocol::Spnego,
        buffers[0].data(),
        buffers[1].data(),
        plain.len(),
    )
}
