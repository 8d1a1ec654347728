//! What has proved the account on the wire: a host may say it back, and then it goes no further.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::HeaderValue;
use wsman_proto::shown::{self, Known};

use crate::credentials::Credentials;
use crate::endpoint::AuthMethod;
use crate::error::ErrorKind;
use crate::loss::Loss;

/// Shared by all that one session consists of. Cheap to clone.
// A lock: each connection adds its tokens, and traces and errors ask from other calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spoken(Arc<Mutex<Known>>);

impl Spoken {
    /// Of all proofs only Basic hands the password itself to the host.
    pub(crate) fn of(credentials: &Credentials, auth: AuthMethod) -> Self {
        let mut known = Known::default();
        if let (AuthMethod::Basic, Some(password)) = (auth, credentials.secret()) {
            known.account(&credentials.username, password);
        }
        Self(Arc::new(Mutex::new(known)))
    }

    /// An `Authorization` that is going out.
    pub(crate) fn sending(&self, authorization: &HeaderValue) {
        let value = String::from_utf8_lossy(authorization.as_bytes());
        // Without a token it is a word that says which scheme is meant.
        if value.contains(' ') {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.header(&value);
        }
    }

    pub(crate) fn known(&self) -> Known {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Takes it out of the host's words in an error: from there they come into reports and into the journal.
    pub(crate) fn out_of(&self, kind: &mut ErrorKind) {
        let known = self.known();
        kind.map_words(|words| shown::words(words, &known));
    }

    /// The same of a request without an answer.
    pub(crate) fn out_of_loss(&self, mut loss: Loss) -> Loss {
        self.out_of(&mut loss.kind);
        loss
    }
}
