//! Simulated hosts, and the files that describe them to the product.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sim_fleet::{Account, Faults, FleetSpec, HostHandle, Knobs, SimFleet};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::program::{Finished, Program, Running};

/// The account of every laboratory, as an inventory writes it.
pub const USER: &str = r"CORP\svc-rollout";
/// Its password. Odd on purpose: one test looks for it in everything the product writes.
pub const PASSWORD: &str = "Tr0ub4dor & <3 %PATH% \"quoted\"";

/// More settings of a host, by its position and name.
type HostSettings = Box<dyn Fn(usize, &str) -> String>;

/// Describes a laboratory.
pub struct LabBuilder {
    spec: FleetSpec,
    host_settings: HostSettings,
    defaults: String,
    own_listeners: bool,
}

impl LabBuilder {
    /// `count` hosts `pc-0001.corp.example` and so on, all alike, with the policy keys present and no proxy set.
    pub fn hosts(count: usize) -> Self {
        let names = (1..=count).map(|number| format!("pc-{number:04}.corp.example"));
        Self::of(FleetSpec::named(names))
    }

    /// Any fleet; the laboratory's account is added.
    pub fn of(spec: FleetSpec) -> Self {
        let (domain, name) = USER.split_once('\\').expect("USER has a domain");
        Self {
            spec: spec.with_account(Account::domain(domain, name, PASSWORD)),
            host_settings: Box::new(|_, _| String::new()),
            defaults: "transport: http, auth: negotiate, credential: rollout".to_owned(),
            own_listeners: false,
        }
    }

    /// Changes the description of the fleet.
    #[must_use]
    pub fn fleet(mut self, change: impl FnOnce(&mut FleetSpec)) -> Self {
        change(&mut self.spec);
        self
    }

    /// The `defaults` of the inventory as a flow mapping without braces. `{ca}` stands for the authority's file.
    #[must_use]
    pub fn defaults(mut self, text: &str) -> Self {
        text.clone_into(&mut self.defaults);
        self
    }

    /// More settings of each host, by position and name, e.g. `ring: canary`.
    #[must_use]
    pub fn settings(mut self, of: impl Fn(usize, &str) -> String + 'static) -> Self {
        self.host_settings = Box::new(of);
        self
    }

    /// Gives each host a listener of its own: needed for faults below HTTP.
    #[must_use]
    pub fn own_listeners(mut self) -> Self {
        self.own_listeners = true;
        self
    }

    /// Starts the hosts and writes the inventory.
    pub fn start(self) -> Lab {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime starts");
        let fleet = runtime
            .block_on(SimFleet::start(self.spec.with_dialects_of_environment()))
            .expect("the simulated fleet starts");
        let folder = TempDir::new().expect("a temporary folder");
        let lab = Lab {
            fleet,
            folder,
            _runtime: runtime,
        };
        let authority = lab.write("ca.pem", lab.fleet.ca_pem());
        let defaults = self
            .defaults
            .replace("{ca}", &authority.display().to_string());
        let secure = defaults.contains("https");
        let mut text = format!(
            "version: 1\ndefaults: {{ {defaults} }}\ncredentials:\n  rollout:\n    username: '{USER}'\n    password: {{ env: LAB_PASSWORD }}\nhosts:\n"
        );
        for (position, host) in lab.fleet.hosts().iter().enumerate() {
            let address = match (self.own_listeners, secure) {
                (true, false) => host.own_address(),
                (true, true) => host.own_https_address(),
                (false, false) => lab.fleet.http_addr(),
                (false, true) => lab.fleet.https_addr(),
            };
            let more = (self.host_settings)(position, host.name());
            let more = if more.is_empty() {
                more
            } else {
                format!(", {more}")
            };
            let name = host.name();
            writeln!(
                text,
                "  - {{ name: {name}, address: {}, port: {}{more} }}",
                address.ip(),
                address.port()
            )
            .expect("writing to a string");
        }
        lab.write("inventory.yaml", &text);
        lab
    }
}

/// Faults of a host, written as the set of a rule in a file of faults.
///
/// # Panics
/// The text is none.
pub fn knobs(set: &str) -> Knobs {
    let text = format!("faults: [ {{ hosts: '*', set: {set} }} ]");
    let mut faults = Faults::from_yaml(&text).expect("faults");
    faults.faults.remove(0).set
}

/// Running hosts, a folder with the product's files, and the program to start.
pub struct Lab {
    /// The hosts.
    pub fleet: SimFleet,
    folder: TempDir,
    // Last: the hosts' tasks live on it.
    _runtime: Runtime,
}

impl Lab {
    /// Writes a file into the laboratory's folder.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the temporary folder is writable");
        path
    }

    /// A path in the laboratory's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The laboratory's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// One of the playbooks that come with the product.
    pub fn shipped(name: &str) -> String {
        format!("{}/../../playbooks/{name}", env!("CARGO_MANIFEST_DIR"))
    }

    /// A shipped playbook without its rollout block: one ring, no limits, so that a failed host is no breach.
    pub fn unlimited(&self, name: &str) -> String {
        let text = std::fs::read_to_string(Self::shipped(name)).expect("a shipped playbook");
        let steps = text.split("\nrollout:").next().unwrap_or_default();
        self.write(name, &format!("{steps}\n"))
            .display()
            .to_string()
    }

    /// The hosts in the order of the inventory.
    pub fn hosts(&self) -> Vec<HostHandle> {
        self.fleet.hosts()
    }

    /// The program with the laboratory's journal and password, its arguments, not started yet.
    pub fn program(&self, arguments: &[&str]) -> Program {
        Program::new(self.folder(), arguments)
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.program(arguments).run()
    }

    /// Starts the program and returns at once.
    pub fn spawn(&self, arguments: &[&str]) -> Running {
        self.program(arguments).spawn()
    }

    /// `push` of a playbook over the laboratory's inventory, with the usual proxy.
    pub fn push(&self, playbook: &str, more: &[&str]) -> Finished {
        self.run(
            &self
                .push_arguments(playbook, more)
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        )
    }

    /// The arguments of [`Lab::push`].
    pub fn push_arguments(&self, playbook: &str, more: &[&str]) -> Vec<String> {
        let inventory = self.path("inventory.yaml").display().to_string();
        let usual = [
            "push",
            "-i",
            &inventory,
            "-p",
            playbook,
            "-e",
            "proxy=10.0.0.6:8080",
            "--yes",
        ];
        usual
            .iter()
            .chain(more)
            .map(|word| (*word).to_owned())
            .collect()
    }

    /// `report last --format json`, parsed.
    pub fn report(&self) -> serde_json::Value {
        self.run(&["report", "last", "--format", "json"])
            .succeeds()
            .json()
    }
}
