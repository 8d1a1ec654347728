//! Secrets on demand: asked for once per credential, kept for the run.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use inventory::{Credential, PasswordSource};
use rollout::{HostError, Reason};
use tokio::sync::OnceCell;
use wsman::{ClientCertificate, Credentials, Proof};
use wsman_proto::Secret;

/// Where secrets come from. The session never reads a keyring, a file or the environment itself.
pub trait CredentialSource: Send + Sync + 'static {
    /// The password of a credential. May block (keyring, program, prompt): it is called on a thread of its own, at
    /// most once per credential and run. The error is a text for people, without the secret.
    fn secret(&self, credential: &Credential) -> Result<Secret, String>;
}

/// Made once and cloned for each host: the clones share the tickets of the account.
type Slot = Arc<OnceCell<Result<Credentials, String>>>;

/// The credentials of a run.
pub(crate) struct Wallet {
    credentials: BTreeMap<String, Credential>,
    source: Arc<dyn CredentialSource>,
    // A plain mutex: held to find the slot, never while a secret is fetched.
    slots: Mutex<HashMap<String, Slot>>,
}

impl Wallet {
    pub(crate) fn new(
        credentials: BTreeMap<String, Credential>,
        source: impl CredentialSource,
    ) -> Self {
        Self {
            credentials,
            source: Arc::new(source),
            slots: Mutex::default(),
        }
    }

    /// The account and what proves it. A failure is kept as well: nobody is asked for a password twice.
    pub(crate) async fn open(&self, name: Option<&str>) -> Result<Credentials, HostError> {
        let unavailable = |text: String| HostError::failed(Reason::CredentialUnavailable, text);
        let name = name.ok_or_else(|| {
            unavailable("the host has no credential".to_owned())
                .with_remedy("set 'credential' for the host or in the defaults of the inventory")
        })?;
        let credential = self
            .credentials
            .get(name)
            .ok_or_else(|| unavailable(format!("no credential is called '{name}'")))?;
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(name.to_owned()).or_default())
        };
        let made = slot
            .get_or_init(|| async {
                let proof = match credential.password.clone() {
                    PasswordSource::Tickets(cache) => Proof::TicketCache(cache),
                    PasswordSource::Keytab(path) => Proof::Keytab(path),
                    PasswordSource::Certificate { certificate, key } => {
                        Proof::Certificate(ClientCertificate { certificate, key })
                    }
                    _ => Proof::Password(self.read(credential.clone()).await?),
                };
                Ok(Credentials::new(credential.username.clone(), proof))
            })
            .await;
        made.clone()
            .map_err(|why| unavailable(format!("the password of '{name}' is not available: {why}")))
    }

    async fn read(&self, credential: Credential) -> Result<Secret, String> {
        let source = Arc::clone(&self.source);
        tokio::task::spawn_blocking(move || source.secret(&credential))
            .await
            .unwrap_or_else(|_| Err("reading it broke off".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use inventory::PasswordSource;

    use super::*;

    struct Counting(Arc<AtomicU32>);

    impl CredentialSource for Counting {
        fn secret(&self, credential: &Credential) -> Result<Secret, String> {
            self.0.fetch_add(1, Ordering::Relaxed);
            match credential.name.as_str() {
                "good" => Ok(Secret::new("pw")),
                _ => Err("the keyring is locked".to_owned()),
            }
        }
    }

    fn wallet(calls: &Arc<AtomicU32>) -> Wallet {
        let credential = |name: &str| Credential {
            name: name.to_owned(),
            username: r"CORP\svc".to_owned(),
            password: PasswordSource::Prompt,
        };
        let all = ["good", "bad"].map(|name| (name.to_owned(), credential(name)));
        Wallet::new(BTreeMap::from(all), Counting(Arc::clone(calls)))
    }

    #[tokio::test]
    async fn each_secret_is_fetched_once() {
        let calls = Arc::new(AtomicU32::new(0));
        let wallet = wallet(&calls);
        for _ in 0..3 {
            assert_eq!(
                wallet.open(Some("good")).await.unwrap().username(),
                r"CORP\svc"
            );
            let error = wallet.open(Some("bad")).await.unwrap_err();
            assert_eq!(error.reason, Reason::CredentialUnavailable);
            assert!(error.detail.ends_with("the keyring is locked"));
        }
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_missing_credential_is_said_by_name() {
        let wallet = wallet(&Arc::default());
        assert!(
            wallet
                .open(Some("other"))
                .await
                .unwrap_err()
                .detail
                .contains("'other'")
        );
        assert!(wallet.open(None).await.unwrap_err().remedy.is_some());
    }
}
