//! A shell whose id never arrived: its Create was carried out and the answer lost.
//!
//! Such a shell would count against the account's quota until its idle time is over. It is found among the host's
//! shells by the mark it was created with, and deleted; no other shell is touched.

use std::time::Duration;

use wsman_proto::enumerate;
use wsman_proto::shell::{self, ShellRef};

use super::cleanup;
use crate::error::{Error, ErrorKind, Sent};
use crate::session::Session;

/// A host has a few dozen shells at most.
const MOST_PAGES: usize = 20;
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Deletes the shell with this mark, if there is one. Best effort, bounded.
pub(super) async fn delete(session: &mut Session, mark: &str) {
    let work = async {
        let mut pause = FIRST_PAUSE;
        for _ in 0..TRIES {
            match find(session, mark).await {
                Ok(Some(shell)) => {
                    let deleted = cleanup::persistently(session, &shell).await;
                    tracing::debug!(?deleted, "a shell whose Create was not answered");
                    return;
                }
                Ok(None) => return,
                Err(error) => tracing::debug!(%error, "the host's shells were not listed"),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    };
    if tokio::time::timeout(cleanup::BOUND, work).await.is_err() {
        tracing::debug!("a shell whose Create was not answered was not found in time");
    }
}

async fn find(session: &mut Session, mark: &str) -> Result<Option<ShellRef>, Error> {
    let mut request = enumerate::shells();
    let mut context: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let body = match session.exchange(&request).await {
            // Nothing ready in time: the same context again.
            Err(error)
                if context.is_some()
                    && error.fault().is_some_and(wsman_proto::Fault::is_timeout) =>
            {
                continue;
            }
            answer => answer?,
        };
        let page = enumerate::page(&body, context.as_deref()).ok_or_else(|| {
            let detail = "the reply is not a page of the shells".to_owned();
            Error::new("Enumerate", Sent::NotProcessed, ErrorKind::Protocol(detail))
        })?;
        let found = page.items.iter().find_map(|item| shell::marked(item, mark));
        match (found, page.next) {
            (None, Some(next)) => request = enumerate::pull_shells(context.insert(next)),
            (found, _) => return Ok(found),
        }
    }
    Ok(None)
}
