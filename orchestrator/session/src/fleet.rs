//! The real fleet: from a host's name to a session with the right machine.
//!
//! Holds what a run knows of its hosts (settings, credentials, the logon guard, TLS configurations). One host's
//! work is in `session.rs`; what is sent for it in `link.rs` and below.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use inventory::{Auth, Credential, Host, HostName, Settings, Transport};
use rollout::{Fleet, HostError, Reason, Survey};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use wsman::{AuthMethod, Client, Deadlines, Endpoint, Spn, TlsConfigs, TlsPolicy, Trace};

use crate::credential::{CredentialSource, Wallet};
use crate::diagnosis::prove;
use crate::error::{Trouble, host_error};
use crate::guard::LogonBudget;
use crate::link::{Link, Terms, bare_name, cost};
use crate::session::{HostReader, HostSession};

/// All hosts of a run, over WS-Management. Implements [`Survey`] for verbs that only read, and [`Fleet`].
pub struct RealFleet {
    hosts: HashMap<HostName, Settings>,
    wallet: Wallet,
    budget: Arc<LogonBudget>,
    tls: Arc<TlsConfigs>,
    trace: Option<Arc<dyn Trace>>,
}

impl RealFleet {
    /// Takes the resolved hosts of a run. Contacts nothing and asks for no secret yet. `budget` is shared by all
    /// that the run does, so that attempts are counted over everything.
    pub fn new(
        hosts: impl IntoIterator<Item = Host>,
        credentials: BTreeMap<String, Credential>,
        source: impl CredentialSource,
        budget: Arc<LogonBudget>,
    ) -> Self {
        let hosts = hosts
            .into_iter()
            .map(|host| (host.name, host.settings))
            .collect();
        Self {
            hosts,
            wallet: Wallet::new(credentials, source),
            budget,
            tls: Arc::new(TlsConfigs::new()),
            trace: None,
        }
    }

    /// Tells `trace` what passes between here and the hosts.
    #[must_use]
    pub fn traced(mut self, trace: Option<Arc<dyn Trace>>) -> Self {
        self.trace = trace;
        self
    }

    /// Which of these hosts have something listening where WinRM should be: one TCP connection each, at most
    /// `parallel` at once, none longer than its `connect_timeout` or `patience`. Logs on nowhere.
    pub async fn answering(
        &self,
        hosts: &[HostName],
        parallel: usize,
        patience: Duration,
    ) -> Vec<bool> {
        let room = Arc::new(Semaphore::new(parallel.max(1)));
        let mut probes = JoinSet::new();
        for (index, host) in hosts.iter().enumerate() {
            let Some(settings) = self.hosts.get(host) else {
                continue;
            };
            let (address, port) = (settings.address.value.clone(), settings.port.value);
            let patience = patience.min(settings.connect_timeout.value);
            let room = Arc::clone(&room);
            probes.spawn(async move {
                // Never closed, so there is always a permit in the end.
                let _permit = room.acquire_owned().await;
                (index, wsman::answers(&address, port, patience).await)
            });
        }
        let mut answers = vec![false; hosts.len()];
        while let Some(probe) = probes.join_next().await {
            if let Ok((index, answer)) = probe {
                answers[index] = answer;
            }
        }
        answers
    }

    /// Connects, proves the machine, and logs on with the first read. Cancel safe: dropping closes the connection.
    async fn link(&self, host: &HostName) -> Result<Link, HostError> {
        let settings = self.hosts.get(host).ok_or_else(|| {
            HostError::failed(
                Reason::Internal,
                format!("'{host}' is not part of this run"),
            )
        })?;
        let mut endpoint = endpoint(host, settings)?;
        endpoint.trace.clone_from(&self.trace);
        let credential = settings.credential.value.as_deref();
        let credentials = self.wallet.open(credential).await?;
        let terms = Terms::new(host, settings, credentials.username());
        let guard = self
            .budget
            .for_credential(credential.unwrap_or_default(), bare_name(settings));
        let client = Client::connect(endpoint, credentials, guard, Arc::clone(&self.tls))
            .await
            .map_err(|error| host_error(&Trouble::Wire(error), terms.situation(false)))?;
        if settings.verify_name.value {
            // Before the logon: a wrong machine gets nothing that is derived from the password.
            if let Err(error) = prove(host, client.peer()) {
                return Err(error.with_spent(cost(client.close().await)));
            }
        }
        Link::open(client, terms).await
    }
}

impl Survey for RealFleet {
    type Observer = HostReader;

    async fn observe(&self, host: &HostName) -> Result<HostReader, HostError> {
        Ok(HostReader::new(self.link(host).await?))
    }
}

impl Fleet for RealFleet {
    type Session = HostSession;

    async fn open(&self, host: &HostName) -> Result<HostSession, HostError> {
        Ok(HostSession::new(self.link(host).await?))
    }
}

fn endpoint(host: &HostName, settings: &Settings) -> Result<Endpoint, HostError> {
    let defaults = Endpoint::http(host.as_str(), settings.port.value);
    let deadlines = Deadlines {
        connect: settings.connect_timeout.value,
        request: settings.request_timeout.value,
        ..defaults.deadlines
    };
    let tls = match settings.transport.value {
        Transport::Http => None,
        Transport::Https => Some(TlsPolicy {
            ca_file: settings.ca_file.value.clone(),
            pin: settings.cert_sha256.value.as_deref().map(pin).transpose()?,
            verify: settings.tls_verify.value,
        }),
    };
    let auth = match settings.auth.value {
        Auth::Negotiate => AuthMethod::Negotiate,
        Auth::Ntlm => AuthMethod::Ntlm,
        Auth::Basic => AuthMethod::Basic,
        Auth::Kerberos => AuthMethod::Kerberos,
        Auth::Certificate => AuthMethod::Certificate,
    };
    let address = settings.address.value.clone();
    Ok(Endpoint {
        address,
        tls,
        auth,
        allow_ntlm: settings.allow_ntlm.value,
        spn: Spn {
            class: settings.spn_class.value.as_str().to_owned(),
            name: settings.spn_name.value.clone(),
        },
        verify_name: settings.verify_name.value,
        deadlines,
        ..defaults
    })
}

fn pin(text: &str) -> Result<[u8; 32], HostError> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    let mut bytes = [0; 32];
    hex::decode_to_slice(&digits, &mut bytes).map_err(|_| {
        let text = "cert_sha256 is not the 64 hexadecimal digits of a SHA-256";
        HostError::failed(Reason::Certificate, text)
    })?;
    Ok(bytes)
}
