//! The connect gate: lets a session dial exactly once.
//!
//! hyper's pool may find no idle connection for a moment although the session's one is about to come back (its return
//! is a spawned task), and would then dial a second, unauthenticated one. Behind the closed gate that dial waits for
//! the pool and fails instead; if the session's connection is really gone, the failure says so and nothing was sent
//! (auth-crates.md 4.1, 4.2).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

/// Long enough for a busy runtime to give the connection back, short enough as the price of noticing a loss.
const WAIT_FOR_POOL: Duration = Duration::from_millis(500);

/// The session's connection is not there any more; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("the session's connection is gone")]
pub(crate) struct ConnectionGone;

/// Shared by the connector and the session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    dialled: AtomicBool,
    connected: AtomicBool,
}

impl Gate {
    /// The one dial has succeeded: TCP, and TLS where there is some.
    pub(crate) fn is_connected(&self) -> bool {
        self.0.connected.load(Ordering::Acquire)
    }
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated {
            inner,
            gate: self.clone(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Gated<S> {
    inner: S,
    gate: Gate,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<R, S> Service<R> for Gated<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        if self.gate.0.dialled.swap(true, Ordering::AcqRel) {
            return Box::pin(async {
                tokio::time::sleep(WAIT_FOR_POOL).await;
                Err(ConnectionGone.into())
            });
        }
        let gate = self.gate.clone();
        let dial = self.inner.call(request);
        Box::pin(async move {
            let connection = dial.await?;
            gate.0.connected.store(true, Ordering::Release);
            Ok(connection)
        })
    }
}
