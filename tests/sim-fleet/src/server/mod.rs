//! Sockets: listeners, TLS, HTTP/1.1, and the faults that concern connections and bytes.
//!
//! Knows nothing of SOAP. One task per connection; `connection` is its life, `own` the listeners single hosts have.

mod connection;
mod faults;
mod hostile;
mod http;
mod multipart;
pub(crate) mod own;
mod send;
mod session;
pub(crate) mod tls;

use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use tokio::net::{TcpListener, TcpStream};

use crate::fleet::Fleet;
use crate::host::Host;
pub(crate) use own::OwnListeners;

/// A listener that can be closed at once from outside, whatever its task is doing.
pub(crate) type Listener = Arc<Mutex<Option<TcpListener>>>;

/// Accepts until the fleet ends or the listener is taken away. `host` is fixed for a host's own listener.
pub(crate) async fn accept(
    fleet: Arc<Fleet>,
    listener: Listener,
    host: Option<Arc<Host>>,
    secure: bool,
) {
    let mut end = fleet.end.subscribe();
    loop {
        let next =
            poll_fn(
                |context| match &*listener.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some(listener) => listener.poll_accept(context).map(Some),
                    None => Poll::Ready(None),
                },
            );
        let accepted = tokio::select! {
            accepted = next => accepted,
            _ = end.wait_for(|ended| *ended) => return,
        };
        match accepted {
            None => return,
            Some(Ok((stream, _))) => drop(tokio::spawn(one(
                Arc::clone(&fleet),
                stream,
                host.clone(),
                secure,
            ))),
            // This concerns one connection that is already gone, or the limit of open files: go on either way.
            Some(Err(_)) => tokio::task::yield_now().await,
        }
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
