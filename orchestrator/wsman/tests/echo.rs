//! A host that says back what it was sent: nothing of what proves the account is shown, or kept in an error.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};
use wsman::{
    AuthMethod, Client, Credentials, Endpoint, Error, Secret, Seen, TlsConfigs, TlsPolicy, Trace,
    Unguarded,
};

const PASSWORD: &str = "Tr0ub4dor&3x";

/// What becomes of the head of a request.
type Answer = fn(&str) -> String;

/// All that it is told, as text.
#[derive(Debug, Default)]
struct Kept(Mutex<String>);

impl Trace for Kept {
    fn saw(&self, _host: &str, seen: &Seen<'_>) {
        // Of the endpoint this trace itself would be shown.
        if !matches!(seen, Seen::Begin { .. }) {
            self.0.lock().unwrap().push_str(&format!("{seen:?}\n"));
        }
    }
}

/// An HTTPS server that answers every request with what `answer` makes of its head.
fn server(answer: Answer) -> Endpoint {
    let made = rcgen::generate_simple_self_signed(["pc-1.corp.example".to_owned()]).unwrap();
    let pin: [u8; 32] = Sha256::digest(made.cert.der()).into();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(tls, stream);
            let mut bytes = Vec::new();
            let mut chunk = [0; 4096];
            while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
                match stream.read(&mut chunk) {
                    Ok(size) if size > 0 => bytes.extend_from_slice(&chunk[..size]),
                    _ => break,
                }
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let head = text.split("\r\n\r\n").next().unwrap_or_default();
            let _ = stream.write_all(answer(head).as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    let mut endpoint = Endpoint::http("pc-1.corp.example", port);
    endpoint.address = "127.0.0.1".to_owned();
    endpoint.auth = AuthMethod::Basic;
    endpoint.tls = Some(TlsPolicy {
        pin: Some(pin),
        ..TlsPolicy::default()
    });
    endpoint
}

async fn asked(answer: Answer) -> (Error, String) {
    let mut endpoint = server(answer);
    let kept = Arc::new(Kept::default());
    endpoint.trace = Some(Arc::clone(&kept) as Arc<dyn Trace>);
    let credentials = Credentials::password("CORP\\svc", Secret::new(PASSWORD));
    let tls = Arc::new(TlsConfigs::new());
    let mut client = Client::connect(endpoint, credentials, Arc::new(Unguarded), tls)
        .await
        .unwrap();
    let error = client.enum_keys("SOFTWARE").await.unwrap_err();
    let shown = kept.0.lock().unwrap().clone();
    (error, shown)
}

fn http(status: u16, kind: &str, extra: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{extra}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn token(head: &str) -> &str {
    let line = head
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("authorization:"));
    line.and_then(|line| line.rsplit(' ').next())
        .unwrap_or_default()
}

fn clear(head: &str) -> String {
    String::from_utf8(STANDARD.decode(token(head)).unwrap()).unwrap()
}

const SOAP: &str = "application/soap+xml;charset=UTF-8";

fn fault(text: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>\
         </s:Code><s:Reason><s:Text>{text}</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>"
    )
}

#[tokio::test]
async fn what_proves_the_account_is_neither_shown_nor_kept() {
    let answers: [(&str, Answer); 10] = [
        ("a page", |head| {
            http(500, "text/html", "", &format!("<pre>{head}</pre>"))
        }),
        ("a page, cut inside of the token", |head| {
            let before = "x".repeat(990);
            http(500, "text/html", "", &[&before, token(head)].concat())
        }),
        ("no XML", |head| http(200, SOAP, "", head)),
        ("the token alone", |head| {
            http(200, SOAP, "", &format!("you={};", token(head)))
        }),
        ("the name and the password", |head| {
            http(500, "text/html", "", &format!("hello {}", clear(head)))
        }),
        ("a page that is HTML", |head| {
            let said = clear(head).replace('&', "&amp;");
            http(500, "text/html", "", &format!("<p>hello {said}</p>"))
        }),
        ("a page that is JSON", |head| {
            let said = clear(head).replace('\\', "\\\\");
            http(500, "text/html", "", &format!("{{\"you\":\"{said}\"}}"))
        }),
        ("a fault", |head| {
            let text = format!("no: {} {}", token(head), clear(head).replace('&', "&amp;"));
            http(500, SOAP, "", &fault(&text))
        }),
        ("other headers", |head| {
            let extra = format!("Server: S {}\r\nVia: 1.1 {}\r\n", token(head), token(head));
            http(502, "text/html", &extra, "")
        }),
        ("the schemes on offer", |head| {
            let extra = format!("WWW-Authenticate: {}\r\n", token(head));
            http(401, "text/html", &extra, "")
        }),
    ];
    let encoded = STANDARD.encode(format!("CORP\\svc:{PASSWORD}"));
    for (what, answer) in answers {
        let (error, shown) = asked(answer).await;
        assert!(shown.contains("scheme: Some(\"Basic\")"), "{what}: {shown}");
        for text in [&shown, &error.to_string(), &format!("{error:?}")] {
            // Ten characters of the token are seven of name and password.
            for secret in [PASSWORD, "Tr0ub4dor", &encoded[10..20], &encoded] {
                assert!(!text.contains(secret), "{what} shows {secret}: {text}");
            }
        }
    }
}
