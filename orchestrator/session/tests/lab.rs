//! A laboratory: simulated hosts, and the fleet of the crate under test pointed at them.

use std::fmt::Write as _;
use std::sync::Arc;

use document::Document;
use inventory::{Credential, HostName, Inventory};
use playbooks::{KeyPath, Observed, RawValue, Target, Typed};
use rollout::{Fleet, HostError, Observe};
use session::{CredentialSource, HostSession, LogonBudget, LogonLimits, RealFleet};
use sim_fleet::{Dialect, FleetSpec, HostHandle, Knobs, SimFleet};
use wsman_proto::Secret;

/// The password of every account here.
pub(crate) const PASSWORD: &str = "Sim-Passw0rd!";
/// The account of the domain.
pub(crate) const OPERATOR: &str = r"CORP\operator";

struct Fixed(String);

impl CredentialSource for Fixed {
    fn secret(&self, _: &Credential) -> Result<Secret, String> {
        Ok(Secret::new(self.0.clone()))
    }
}

/// Running hosts and how they are spoken to.
pub(crate) struct Lab {
    pub(crate) sim: SimFleet,
    /// Settings of the inventory's `defaults`, in YAML's flow form.
    defaults: String,
    username: String,
    password: String,
    own_listeners: bool,
    folder: tempfile::TempDir,
}

impl Lab {
    /// Healthy hosts `pc-1`, `pc-2`...
    pub(crate) async fn hosts(count: usize) -> Self {
        let names = (1..=count).map(|number| format!("pc-{number}.corp.example"));
        Self::of(FleetSpec::named(names)).await
    }

    /// One healthy host.
    pub(crate) async fn one() -> Self {
        Self::hosts(1).await
    }

    /// One healthy host that speaks as hosts mostly do, whatever the environment asks for: where requests are counted.
    pub(crate) async fn usual() -> Self {
        let spec = FleetSpec::named(["pc-1.corp.example"]);
        Self::of(spec.with_dialect(Dialect::default())).await
    }

    /// Any fleet.
    pub(crate) async fn of(spec: FleetSpec) -> Self {
        Self {
            sim: SimFleet::start(spec.with_dialects_of_environment())
                .await
                .unwrap(),
            defaults: "channel: auto".to_owned(),
            username: OPERATOR.to_owned(),
            password: PASSWORD.to_owned(),
            own_listeners: false,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Other settings for all hosts, e.g. `channel: cim`. `{ca}` stands for the authority of the hosts' certificates.
    pub(crate) fn defaults(mut self, defaults: &str) -> Self {
        let authority = self.folder.path().join("ca.pem");
        std::fs::write(&authority, self.sim.ca_pem()).unwrap();
        self.defaults = defaults.replace("{ca}", &authority.display().to_string());
        self
    }

    /// Another account.
    pub(crate) fn account(mut self, username: &str, password: &str) -> Self {
        username.clone_into(&mut self.username);
        password.clone_into(&mut self.password);
        self
    }

    /// A listener for each host: needed for faults below HTTP.
    pub(crate) fn own_listeners(mut self) -> Self {
        self.own_listeners = true;
        self
    }

    /// The first host.
    pub(crate) fn host(&self) -> HostHandle {
        self.sim.hosts().remove(0)
    }

    /// The first host with these faults, in the words of the simulated fleet's README.
    pub(crate) fn faults(&self, set: &str) {
        self.host().set_knobs(knobs(set));
    }

    /// The crate's fleet over all hosts, with a budget of its own.
    pub(crate) fn fleet(&self) -> RealFleet {
        self.fleet_with(LogonBudget::new(LogonLimits::default()))
    }

    /// The crate's fleet over all hosts.
    pub(crate) fn fleet_with(&self, budget: Arc<LogonBudget>) -> RealFleet {
        let secure = self.defaults.contains("https");
        let mut text = format!(
            "version: 1\ndefaults: {{ {}, credential: c }}\ncredentials:\n  c: {{ username: '{}', password: prompt }}\nhosts:\n",
            self.defaults, self.username
        );
        for host in self.sim.hosts() {
            let address = match (self.own_listeners, secure) {
                (true, false) => host.own_address(),
                (true, true) => host.own_https_address(),
                (false, false) => self.sim.http_addr(),
                (false, true) => self.sim.https_addr(),
            };
            let (name, ip, port) = (host.name(), address.ip(), address.port());
            writeln!(text, "  - {{ name: {name}, address: {ip}, port: {port} }}").unwrap();
        }
        let document = Document::from_bytes("lab.yaml", text.as_bytes()).unwrap();
        let inventory = Inventory::load(&[document]).unwrap();
        RealFleet::new(
            inventory.hosts,
            inventory.credentials,
            Fixed(self.password.clone()),
            budget,
        )
    }

    /// A session with the first host.
    pub(crate) async fn open(&self) -> HostSession {
        self.try_open().await.unwrap()
    }

    /// A session with the first host, or why there is none.
    pub(crate) async fn try_open(&self) -> Result<HostSession, HostError> {
        self.fleet().open(&self.name()).await
    }

    /// The first host's name.
    pub(crate) fn name(&self) -> HostName {
        HostName::new(self.host().name())
    }

    /// What a fresh session finds at a place of the first host.
    pub(crate) async fn look(&self, target: &Target) -> Result<Observed, HostError> {
        let mut session = self.try_open().await?;
        let found = session.observe(std::slice::from_ref(target)).await;
        session.close().await;
        Ok(found?.remove(0))
    }
}

/// Faults in the words of the simulated fleet's README.
pub(crate) fn knobs(set: &str) -> Knobs {
    let text = format!("faults: [ {{ hosts: '*', set: {set} }} ]");
    let mut faults = sim_fleet::Faults::from_yaml(&text).unwrap();
    faults.faults.remove(0).set
}

/// A place below HKLM.
pub(crate) fn target(key: &str, value: &str) -> Target {
    Target {
        key: key_path(key),
        value: value.to_owned(),
    }
}

pub(crate) fn key_path(key: &str) -> KeyPath {
    KeyPath::below_local_machine(key).unwrap()
}

/// A text of the client's side as stored bytes.
pub(crate) fn sz(text: &str) -> RawValue {
    Typed::Sz(text.to_owned()).to_raw()
}

/// The same value in the words of the simulated fleet.
pub(crate) fn theirs(value: &RawValue) -> sim_fleet::RawValue {
    sim_fleet::RawValue::new(value.kind, &value.bytes)
}
