//! Sockets: listeners, TLS, HTTP/1.1, and the faults that concern connections and bytes.
//!
//! Knows nothing of SOAP. One task per connection; `connection` is its life, `own` the listeners single hosts have.

mod connection;
mod faults;
mod http;
mod multipart;
pub(crate) mod own;
mod send;
mod session;
pub(crate) mod tls;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::{TcpListener, TcpStream};

use crate::fleet::Fleet;
use crate::host::Host;
pub(crate) use own::OwnListeners;

/// Accepts until the fleet ends. `host` is fixed for a host's own listener.
pub(crate) async fn accept(
    fleet: Arc<Fleet>,
    listener: TcpListener,
    host: Option<Arc<Host>>,
    secure: bool,
) {
    let mut end = fleet.end.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = end.wait_for(|ended| *ended) => return,
        };
        // An error here concerns one connection that is already gone, or the limit of open files: go on either way.
        let Ok((stream, _)) = accepted else {
            tokio::task::yield_now().await;
            continue;
        };
        tokio::spawn(one(Arc::clone(&fleet), stream, host.clone(), secure));
    }
}

async fn one(fleet: Arc<Fleet>, stream: TcpStream, host: Option<Arc<Host>>, secure: bool) {
    let open = fleet.connections.fetch_add(1, Ordering::Relaxed) + 1;
    fleet.peak_connections.fetch_max(open, Ordering::Relaxed);
    let mut end = fleet.end.subscribe();
    tokio::select! {
        () = connection::serve(Arc::clone(&fleet), stream, host, secure) => {}
        _ = end.wait_for(|ended| *ended) => {}
    }
    fleet.connections.fetch_sub(1, Ordering::Relaxed);
}
