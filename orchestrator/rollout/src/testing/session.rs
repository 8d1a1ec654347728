//! The scripted fleet behind the engine's door: connections, reads, writes, undo.

use std::time::Duration;

use inventory::HostName;
use jiff::Timestamp;
use playbooks::{
    Change, Desired, FactSet, Facts, Finding, HostProbe, KeyPath, Observed, RawValue, Target,
    Verdict, registry,
};

use super::Scripted;
use super::host::{Fault, Point, Registry, denied, port_closed};
use crate::fleet::{
    Cost, Fleet, HostError, HostIdentity, Observe, Reason, Restored, Session, Standing, Survey,
    SystemTask, Undo,
};

/// One connection to a scripted host.
pub struct ScriptedSession {
    name: HostName,
    fleet: Scripted,
    identity: HostIdentity,
    requests: u32,
    broken: bool,
    advproxy: Option<String>,
}

impl Survey for Scripted {
    type Observer = ScriptedSession;

    async fn observe(&self, host: &HostName) -> Result<ScriptedSession, HostError> {
        self.open(host).await
    }
}

impl Fleet for Scripted {
    type Session = ScriptedSession;

    async fn open(&self, name: &HostName) -> Result<ScriptedSession, HostError> {
        (self.doorman)(name);
        let (fault, latency) = self.with(name, |host| (host.ask(Point::Open), host.script.latency));
        let lost = pass(fault, latency).await?;
        self.with(name, |host| {
            if let Some(error) = &host.script.closed {
                return Err(error.clone());
            }
            if lost.is_some() || (host.lost && host.script.stays_away) {
                return Err(port_closed());
            }
            host.counters.connected += 1;
            let counters = &mut host.counters;
            counters.most_connected = counters.most_connected.max(counters.connected);
            Ok(ScriptedSession {
                name: name.clone(),
                fleet: self.clone(),
                identity: HostIdentity {
                    machine_guid: host.script.guid.clone(),
                    auth: "scripted".to_owned(),
                    ..HostIdentity::default()
                },
                requests: 0,
                broken: false,
                advproxy: None,
            })
        })
    }
}

impl Drop for ScriptedSession {
    fn drop(&mut self) {
        self.fleet
            .with(&self.name, |host| host.counters.connected -= 1);
    }
}

impl ScriptedSession {
    /// A request on its way: `Some(effective)` where contact is lost over it.
    async fn request(&mut self, kind: fn(u32) -> Point) -> Result<Option<bool>, HostError> {
        if self.broken {
            return Err(broken());
        }
        self.requests += 1;
        let (fault, latency, breaks) = self.fleet.with(&self.name, |host| {
            let script_breaks = host.script.breaks_after;
            (host.ask(kind), host.script.latency, script_breaks)
        });
        let mut lost = pass(fault, latency).await?;
        if breaks.is_some_and(|most| self.requests > most) {
            // Now with effect, now without: whoever asks cannot know.
            lost = lost.or(Some(self.requests.is_multiple_of(2)));
        }
        self.broken = lost.is_some();
        Ok(lost)
    }
}

impl ScriptedSession {
    fn permitted(&self, target: &Target) -> Result<(), HostError> {
        self.fleet.with(&self.name, |host| {
            if host.script.denied.contains(target) {
                return Err(denied());
            }
            Ok(())
        })
    }
}

impl Observe for ScriptedSession {
    fn identity(&self) -> &HostIdentity {
        &self.identity
    }

    async fn facts(&mut self, _: &FactSet) -> Result<Facts, HostError> {
        match self.request(Point::Read).await? {
            Some(_) => Err(broken()),
            None => Ok(self
                .fleet
                .with(&self.name, |host| host.script.facts.clone())),
        }
    }

    async fn values(
        &mut self,
        key: &KeyPath,
        except: Option<&str>,
    ) -> Result<Vec<(String, Observed)>, HostError> {
        if self.request(Point::Read).await?.is_some() {
            return Err(broken());
        }
        Ok(self.fleet.with(&self.name, |host| {
            let values = host.registry.values.iter();
            values
                .filter(|(target, _)| target.key == *key && except != Some(&target.value))
                .map(|(target, value)| (target.value.clone(), Observed::Present(value.clone())))
                .collect()
        }))
    }

    async fn keys(&mut self, key: &KeyPath) -> Result<Vec<String>, HostError> {
        if self.request(Point::Read).await?.is_some() {
            return Err(broken());
        }
        let below = format!(r"{}\", key.as_str());
        Ok(self.fleet.with(&self.name, |host| {
            let names = host.tasks.iter();
            names
                .filter(|_| below.ends_with(r"TaskCache\Tree\"))
                .cloned()
                .collect()
        }))
    }

    async fn probe(
        &mut self,
        probe: &HostProbe,
        _: Option<Timestamp>,
    ) -> Result<Verdict, HostError> {
        if self.request(Point::Read).await?.is_some() {
            return Err(broken());
        }
        Ok(self.fleet.with(&self.name, |host| {
            host.counters.probes += 1;
            host.counters.probes_before_write += u32::from(host.counters.writes == 0);
            match host.script.verdicts.get_mut(&probe.name) {
                Some(found) if found.len() > 1 => found.remove(0),
                Some(found) if !found.is_empty() => found[0].clone(),
                _ => Verdict::new(Finding::AsWanted, "scripted"),
            }
        }))
    }

    async fn observe(&mut self, targets: &[Target]) -> Result<Vec<Observed>, HostError> {
        match self.request(Point::Read).await? {
            Some(_) => Err(broken()),
            None => Ok(self.fleet.with(&self.name, |host| {
                let found = targets.iter().map(|target| host.registry.observe(target));
                found.collect()
            })),
        }
    }

    fn cost(&self) -> Cost {
        Cost {
            requests: self.requests,
            connections: 1,
            ..Cost::default()
        }
    }

    async fn close(self) -> Cost {
        self.cost()
    }
}

impl Session for ScriptedSession {
    async fn apply(&mut self, change: &Change) -> Result<Observed, HostError> {
        (self.fleet.watch)(&self.name, &change.target);
        let (unread, theirs) = self.fleet.with(&self.name, |host| {
            let next = Point::Write(host.counters.writes + 1);
            match host.script.faults.get(&next) {
                Some(Fault::Unread(error)) => (Some(error.clone()), None),
                Some(Fault::Overwritten(value)) => (None, Some(value.clone())),
                _ => (None, None),
            }
        });
        let lost = self.request(Point::Write).await?;
        self.permitted(&change.target)?;
        if matches!(change.desired, Desired::WinHttp(_) | Desired::WinHttpDirect) {
            self.advproxy = self
                .fleet
                .with(&self.name, |host| host.script.advproxy.clone());
        }
        let found = self.fleet.with(&self.name, |host| {
            if lost != Some(false) {
                let before = host.registry.clone();
                write(&mut host.registry, change);
                if host.registry != before {
                    host.counters.effects += 1;
                    *host.applied.entry(change.target.clone()).or_default() += 1;
                }
            }
            if let Some(theirs) = theirs {
                host.registry.set(&change.target, theirs);
            }
            host.registry.observe(&change.target)
        });
        match (lost, unread) {
            (Some(_), _) => Err(lost_contact()),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(found),
        }
    }

    fn advproxy(&mut self) -> Option<String> {
        self.advproxy.take()
    }

    async fn restore(&mut self, undo: &Undo) -> Result<Restored, HostError> {
        (self.fleet.watch)(&self.name, &undo.target);
        let lost = self.request(Point::Undo).await?;
        // What is there already is not written again, so that nobody has to be allowed to.
        let there = self.fleet.with(&self.name, |host| {
            undo.judge(&host.registry.observe(&undo.target)) == Standing::Prior
        });
        if !there {
            self.permitted(&undo.target)?;
        }
        let restored = self.fleet.with(&self.name, |host| {
            let spoiled = host.script.spoiled_undo.clone();
            let restored = (lost != Some(false)).then(|| restore(&mut host.registry, undo));
            if let (Some(Restored::Done), Some(value)) = (&restored, spoiled) {
                host.registry.set(&undo.target, value);
            }
            restored
        });
        match (lost, restored) {
            (None, Some(restored)) => Ok(restored),
            _ => Err(lost_contact()),
        }
    }

    async fn clear(&mut self, target: &Target) -> Result<(), HostError> {
        (self.fleet.watch)(&self.name, target);
        let lost = self.request(Point::Undo).await?;
        self.permitted(target)?;
        self.fleet.with(&self.name, |host| {
            if lost != Some(false) {
                host.registry.values.remove(target);
                host.registry.remove_empty(&target.key, &target.key);
            }
        });
        lost.map_or(Ok(()), |_| Err(lost_contact()))
    }

    async fn probe_as_system(
        &mut self,
        probe: &HostProbe,
        since: Option<Timestamp>,
        task: &SystemTask,
    ) -> Result<Verdict, HostError> {
        (self.fleet.watch)(&self.name, &task.result);
        let made = self.request(Point::Write).await?;
        self.fleet.with(&self.name, |host| {
            if made != Some(false) {
                host.tasks.insert(task.name.clone());
                host.counters.tasks += 1;
            }
        });
        if made.is_some() {
            return Err(broken());
        }
        self.probe(probe, since).await
    }

    async fn remove_task(&mut self, task: &SystemTask) -> Result<(), HostError> {
        let lost = self.request(Point::Undo).await?;
        self.fleet.with(&self.name, |host| {
            if lost != Some(false) {
                host.tasks.remove(&task.name);
            }
        });
        lost.map_or(Ok(()), |_| Err(broken()))
    }
}

/// Lets time pass and carries out what needs no host: `Some(effective)` where contact is lost.
async fn pass(fault: Option<Fault>, latency: Duration) -> Result<Option<bool>, HostError> {
    let mut wait = latency;
    let lost = match fault {
        None | Some(Fault::Unread(_) | Fault::Overwritten(_)) => None,
        Some(Fault::Slow(longer)) => {
            wait += longer;
            None
        }
        Some(Fault::Lose(effective)) => Some(effective),
        Some(Fault::Refuse(error)) => {
            tokio::time::sleep(wait).await;
            return Err(error);
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Panic) => panic!("a scripted panic"),
    };
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    Ok(lost)
}

fn write(registry: &mut Registry, change: &Change) {
    match &change.desired {
        Desired::Value(value) => registry.set(&change.target, value.clone()),
        Desired::Absent => drop(registry.values.remove(&change.target)),
        Desired::WinHttp(proxy) => {
            let value = win_http(&proxy.server, &proxy.bypass.join(";"));
            registry.set(&change.target, value);
        }
        Desired::WinHttpDirect => registry.set(&change.target, win_http("", "")),
    }
}

fn restore(registry: &mut Registry, undo: &Undo) -> Restored {
    let current = registry.observe(&undo.target);
    let restored = match undo.judge(&current) {
        Standing::Prior => Restored::AlreadyPrior,
        Standing::Foreign if !undo.force => return Restored::Conflict { current },
        Standing::Ours | Standing::Foreign => {
            match undo.prior.value() {
                Some(value) => registry.set(&undo.target, value.clone()),
                None => drop(registry.values.remove(&undo.target)),
            }
            Restored::Done
        }
    };
    if let Some(highest) = undo.created_from() {
        registry.remove_empty(&undo.target.key, highest);
    }
    restored
}

/// The bytes of `netsh winhttp` as far as its reader here looks at them: marker, counter, flags, two texts.
fn win_http(server: &str, bypass: &str) -> RawValue {
    let mut bytes = vec![0x28, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend_from_slice(&if server.is_empty() { 1_u32 } else { 3 }.to_le_bytes());
    for text in [server, bypass] {
        bytes.extend_from_slice(&u32::try_from(text.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    RawValue {
        kind: registry::REG_BINARY,
        bytes,
    }
}

fn broken() -> HostError {
    HostError::unreachable(Reason::ConnectionLost, "the connection broke")
}

fn lost_contact() -> HostError {
    HostError::lost(Reason::ConnectionLost, "the connection broke")
}
