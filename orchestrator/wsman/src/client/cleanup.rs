//! Deleting shells that nobody waits for: after a cancelled operation, or when a [`super::Client`] is dropped.
//!
//! The process should wait for [`cleanup_finished`] before it ends; otherwise the host deletes the shell itself after
//! its idle time.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use wsman_proto::Retry;
use wsman_proto::shell::{self, ShellRef};

use crate::error::{Error, ErrorKind};
use crate::session::Session;

/// A clean-up that takes longer is given up: the shell's idle time ends it.
pub(super) const BOUND: Duration = Duration::from_secs(20);
/// Deletion may be repeated without harm: it is, where contact is lost. The pause doubles each time.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How many deletions are under way in this process. A channel because it is awaited, by any number of waiters.
static UNDER_WAY: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// Counts one clean-up until it is dropped.
pub(super) struct UnderWay(());

pub(super) fn begin() -> UnderWay {
    UNDER_WAY.send_modify(|count| *count += 1);
    UnderWay(())
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.send_modify(|count| *count -= 1);
    }
}

/// Waits until no shell is being opened or deleted in the background of this process, at most `bound`. To be called
/// before the runtime ends. True when all is done. Cancel safe.
pub async fn cleanup_finished(bound: Duration) -> bool {
    let mut under_way = UNDER_WAY.subscribe();
    tokio::time::timeout(bound, under_way.wait_for(|count| *count == 0))
        .await
        .is_ok()
}

/// Deletes a shell within the bound; gives the session back for further use.
pub(super) async fn delete(mut session: Session, shell: ShellRef) -> Session {
    match tokio::time::timeout(BOUND, persistently(&mut session, &shell)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the shell was not deleted"),
        Err(_) => tracing::debug!("the shell was not deleted in time"),
    }
    session
}

/// Deletes a shell, again where the connection broke or the host was away for a moment.
pub(super) async fn persistently(session: &mut Session, shell: &ShellRef) -> Result<(), Error> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match session.exchange(&shell::delete(shell)).await {
            Err(error) if may_pass(&error) => tokio::time::sleep(pause).await,
            result => return result.map(drop),
        }
        pause *= 2;
    }
    session.exchange(&shell::delete(shell)).await.map(drop)
}

/// Whether another try makes sense. A refused logon is never repeated (account lockout).
fn may_pass(error: &Error) -> bool {
    match &error.kind {
        ErrorKind::ConnectRefused
        | ErrorKind::ConnectFailed(_)
        | ErrorKind::ConnectTimeout
        | ErrorKind::ConnectionLost(_)
        | ErrorKind::Timeout
        | ErrorKind::Protocol(_)
        | ErrorKind::SealingRefused(_)
        | ErrorKind::NotHttp(_)
        | ErrorKind::TooLarge(_) => true,
        ErrorKind::Proxy { status, .. } => *status >= 500,
        ErrorKind::Http(status) => *status >= 500 || *status == 401,
        // What was broken off may have left the shell; where it did not, the next answer is that there is none.
        ErrorKind::Fault(fault) => fault.outcome_unknown() || fault.retry == Retry::Backoff,
        _ => false,
    }
}

/// The same in a task of its own.
pub(super) fn spawn_delete(session: Session, shell: ShellRef) -> JoinHandle<Session> {
    let guard = begin();
    tokio::spawn(async move {
        let session = delete(session, shell).await;
        drop(guard);
        session
    })
}
