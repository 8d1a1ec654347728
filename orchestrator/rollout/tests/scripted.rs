//! Hosts as maps of values, with a script of misfortunes; every read and write is told to the test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use inventory::{HostName, Inventory};
use playbooks::{Change, Desired, FactSet, Facts, Observed, Playbook, RawValue, Target, Typed};
use rollout::{
    Cost, Fleet, HostError, HostIdentity, HostSpec, HostWork, Observe, PlaybookRecord, Reason,
    Restored, RunId, RunSpec, Session, Standing, Survey, Undo, Verb, assign_rings, ring_plans,
};

pub(crate) type Values = BTreeMap<Target, RawValue>;
type Watch = Arc<dyn Fn(&HostName, &Change) + Send + Sync>;

/// One host.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) values: Values,
    /// Connections are refused before this many attempts.
    pub(crate) refuse_first: u32,
    /// Every open fails like this.
    pub(crate) open: Option<HostError>,
    /// Contact is lost at this write (from 1), once; true: after it took effect.
    pub(crate) lose: Option<(u32, bool)>,
    /// Every open after the loss fails.
    pub(crate) stays_away: bool,
    /// This write (from 1) is refused.
    pub(crate) deny: Option<u32>,
    pub(crate) guid: Option<String>,
    pub(crate) writes: u32,
    pub(crate) opened: u32,
    pub(crate) lost: bool,
}

pub(crate) struct Scripted {
    pub(crate) hosts: Arc<Mutex<BTreeMap<HostName, Script>>>,
    pub(crate) watch: Watch,
}

pub(crate) struct Open {
    name: HostName,
    hosts: Arc<Mutex<BTreeMap<HostName, Script>>>,
    watch: Watch,
    identity: HostIdentity,
}

impl Scripted {
    pub(crate) fn new(hosts: impl IntoIterator<Item = (HostName, Script)>) -> Self {
        Self {
            hosts: Arc::new(Mutex::new(hosts.into_iter().collect())),
            watch: Arc::new(|_, _| ()),
        }
    }

    fn connect(&self, name: &HostName) -> Result<Open, HostError> {
        let mut hosts = self.hosts.lock().unwrap();
        let host = hosts.get_mut(name).unwrap();
        host.opened += 1;
        if let Some(error) = &host.open {
            return Err(error.clone());
        }
        if host.opened <= host.refuse_first || (host.lost && host.stays_away) {
            return Err(HostError::unreachable(
                Reason::ConnectRefused,
                "the port is closed",
            ));
        }
        let identity = HostIdentity {
            machine_guid: host.guid.clone(),
            auth: "scripted".into(),
            ..Default::default()
        };
        Ok(Open {
            name: name.clone(),
            hosts: Arc::clone(&self.hosts),
            watch: Arc::clone(&self.watch),
            identity,
        })
    }
}

impl Survey for Scripted {
    type Observer = Open;

    async fn observe(&self, host: &HostName) -> Result<Open, HostError> {
        self.connect(host)
    }
}

impl Fleet for Scripted {
    type Session = Open;

    async fn open(&self, host: &HostName) -> Result<Open, HostError> {
        self.connect(host)
    }
}

fn found(values: &Values, target: &Target) -> Observed {
    values.get(target).map_or(Observed::ValueAbsent, |value| {
        Observed::Present(value.clone())
    })
}

impl Observe for Open {
    fn identity(&self) -> &HostIdentity {
        &self.identity
    }

    async fn facts(&mut self, _: FactSet) -> Result<Facts, HostError> {
        Ok(Facts::default())
    }

    async fn observe(&mut self, targets: &[Target]) -> Result<Vec<Observed>, HostError> {
        let hosts = self.hosts.lock().unwrap();
        let values = &hosts[&self.name].values;
        Ok(targets.iter().map(|target| found(values, target)).collect())
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }

    async fn close(self) -> Cost {
        Cost::default()
    }
}

impl Session for Open {
    async fn apply(&mut self, change: &Change) -> Result<Observed, HostError> {
        (self.watch)(&self.name, change);
        let mut hosts = self.hosts.lock().unwrap();
        let host = hosts.get_mut(&self.name).unwrap();
        host.writes += 1;
        if host.deny == Some(host.writes) {
            return Err(HostError::failed(Reason::AccessDenied, "access denied"));
        }
        let lose = host.lose.filter(|(at, _)| *at == host.writes && !host.lost);
        if lose.is_none_or(|(_, effective)| effective) {
            match &change.desired {
                Desired::Value(value) => {
                    drop(host.values.insert(change.target.clone(), value.clone()))
                }
                _ => drop(host.values.remove(&change.target)),
            }
        }
        if lose.is_some() {
            host.lost = true;
            return Err(HostError::lost(
                Reason::ConnectionLost,
                "the connection broke",
            ));
        }
        Ok(found(&host.values, &change.target))
    }

    async fn restore(&mut self, undo: &Undo) -> Result<Restored, HostError> {
        let mut hosts = self.hosts.lock().unwrap();
        let host = hosts.get_mut(&self.name).unwrap();
        let current = found(&host.values, &undo.target);
        Ok(match undo.judge(&current) {
            Standing::Prior => Restored::AlreadyPrior,
            Standing::Foreign if !undo.force => Restored::Conflict { current },
            _ => {
                match undo.prior.value() {
                    Some(value) => drop(host.values.insert(undo.target.clone(), value.clone())),
                    None => drop(host.values.remove(&undo.target)),
                }
                Restored::Done
            }
        })
    }
}

pub(crate) const PLAYBOOK: &str = "version: 1\nname: test\nsteps:\n  - name: edr\n    edr_proxy: { server: '10.0.0.6:8080' }\n  - name: av\n    av_proxy: { server: 'http://10.0.0.6:8080' }\n";

pub(crate) fn host(number: usize) -> HostName {
    HostName::new(format!("pc-{number:04}.corp.example"))
}

pub(crate) fn old_proxy() -> (Target, RawValue) {
    let key = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DataCollection";
    let target = Target {
        key: playbooks::KeyPath::parse(key).unwrap(),
        value: "TelemetryProxyServer".into(),
    };
    (target, Typed::Sz("old.corp.example:1".into()).to_raw())
}

/// A push of [`PLAYBOOK`] with this `rollout` block over so many hosts.
pub(crate) fn push(count: usize, rollout_block: &str) -> RunSpec {
    let text = format!("{PLAYBOOK}{rollout_block}");
    let document = document::Document::from_bytes("p.yaml", text.as_bytes()).unwrap();
    let playbook = Playbook::load(&document).unwrap();
    let hosts: String = (0..count)
        .map(|number| format!("  - {{ name: {}, host_timeout: 2s }}\n", host(number)))
        .collect();
    let text = format!("version: 1\nhosts:\n{hosts}");
    let inventory =
        Inventory::load(&[document::Document::from_bytes("i.yaml", text.as_bytes()).unwrap()])
            .unwrap();
    let refs: Vec<_> = inventory.hosts.iter().collect();
    let rings = assign_rings(&playbook.strategy, &refs, &|_| Err("no lists here".into())).unwrap();
    RunSpec {
        id: RunId::generate(),
        verb: Verb::Push,
        simulated: false,
        operator: "test".into(),
        reason: None,
        playbook: PlaybookRecord {
            name: playbook.name.clone(),
            file: "p.yaml".into(),
            text: playbook.text.clone(),
            digest: playbook.digest(),
        },
        rings: ring_plans(&playbook.strategy, &rings),
        limits: playbook.strategy.limits,
        on_breach: playbook.strategy.on_breach,
        deadline: None,
        groups: playbook.strategy.groups.clone(),
        retries: playbook.strategy.retries,
        hosts: inventory
            .hosts
            .iter()
            .zip(&rings)
            .map(|(host, ring)| HostSpec {
                host: host.clone(),
                ring: *ring,
                vars: BTreeMap::new(),
                credential: None,
                work: HostWork::Apply,
            })
            .collect(),
        source_run: None,
    }
}
