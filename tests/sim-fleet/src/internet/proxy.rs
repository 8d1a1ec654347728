//! An HTTP proxy on a free port of loopback, on a thread of its own, that forwards or misbehaves as it is told.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tokio::io::{AsyncWriteExt, copy_bidirectional, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::{House, service};

/// What a proxy does with who comes. In a description `works`, `answers: 407`, `intercepts`, `blackholes`, `cuts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProxyMode {
    /// Forwards.
    Works,
    /// Answers everything with this status: 407, 403, 502...
    Answers(u16),
    /// Forwards, and opens TLS with a certificate of the company.
    Intercepts,
    /// Takes the connection and never answers.
    Blackholes,
    /// Lets the connection through and cuts it then.
    Cuts,
}

/// What a proxy has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProxyCounters {
    /// Connections taken.
    pub connections: u64,
    /// CONNECT requests.
    pub connects: u64,
    /// Bytes carried between host and service, both ways.
    pub bytes: u64,
}

#[derive(Default)]
struct Seen {
    connections: AtomicU64,
    connects: AtomicU64,
    bytes: AtomicU64,
}

/// A running proxy. Ends when it is dropped.
pub struct SimProxy {
    address: SocketAddr,
    mode: Arc<Mutex<ProxyMode>>,
    seen: Arc<Seen>,
    end: Option<oneshot::Sender<()>>,
}

impl SimProxy {
    /// Starts one.
    ///
    /// # Errors
    /// No port is free, or no thread.
    pub fn start(mode: ProxyMode) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let mode = Arc::new(Mutex::new(mode));
        let seen = Arc::new(Seen::default());
        let (end, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (told, counted) = (Arc::clone(&mode), Arc::clone(&seen));
        std::thread::Builder::new()
            .name("sim-proxy".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(listener, told, counted) => {}
                        _ = ended => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            mode,
            seen,
            end: Some(end),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does from now on.
    pub fn set_mode(&self, mode: ProxyMode) {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    /// What it has seen.
    pub fn counters(&self) -> ProxyCounters {
        ProxyCounters {
            connections: self.seen.connections.load(Ordering::Relaxed),
            connects: self.seen.connects.load(Ordering::Relaxed),
            bytes: self.seen.bytes.load(Ordering::Relaxed),
        }
    }
}

impl Drop for SimProxy {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = end.send(());
        }
    }
}

async fn accept(listener: std::net::TcpListener, mode: Arc<Mutex<ProxyMode>>, seen: Arc<Seen>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::Relaxed);
        let mode = *mode.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            let _ = carry(stream, mode, &seen).await;
        });
    }
}

async fn carry(mut stream: TcpStream, mode: ProxyMode, seen: &Seen) -> io::Result<()> {
    let Some(head) = service::head(&mut stream).await else {
        return Ok(());
    };
    let mut words = head.split(' ');
    let (method, to) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let connect = method == "CONNECT";
    seen.connects
        .fetch_add(u64::from(connect), Ordering::Relaxed);
    match mode {
        ProxyMode::Blackholes => std::future::pending().await,
        ProxyMode::Answers(status) => {
            let headers = match status {
                407 => "Proxy-Authenticate: Negotiate\r\n",
                _ => "",
            };
            service::answer(&mut stream, status, headers).await
        }
        _ if !connect => {
            // Plain HTTP is carried as it is: the far end sees the path.
            let (mut here, there) = duplex(16 * 1024);
            tokio::spawn(service::serve(there));
            here.write_all(head.as_bytes()).await?;
            let (up, down) = copy_bidirectional(&mut stream, &mut here).await?;
            seen.bytes.fetch_add(up + down, Ordering::Relaxed);
            Ok(())
        }
        _ => {
            stream
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?;
            if mode == ProxyMode::Cuts {
                return Ok(());
            }
            let house = match mode {
                ProxyMode::Intercepts => House::Company,
                _ => House::Service,
            };
            let name = to.split(':').next().unwrap_or_default();
            let Some(config) = house.server(name) else {
                return Ok(());
            };
            let (mut here, there) = duplex(16 * 1024);
            tokio::spawn(async move {
                if let Ok(secure) = TlsAcceptor::from(config).accept(there).await {
                    service::serve(secure).await;
                }
            });
            let (up, down) = copy_bidirectional(&mut stream, &mut here).await?;
            seen.bytes.fetch_add(up + down, Ordering::Relaxed);
            Ok(())
        }
    }
}
