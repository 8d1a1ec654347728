//! Builds a [`RunRecord`] from the events of a run.

use inventory::HostName;
use jiff::Timestamp;

use crate::event::EventKind;
use crate::history::HostHistory;
use crate::journal::shown_state;
use crate::outcome::Totals;
use crate::progress::{HostId, IllegalEvent, Progress};
use crate::record::{Approval, HoldRecord, RingRecord, RunRecord};
use crate::spec::RunSpec;

/// A record under construction.
pub(crate) struct Fold {
    spec: RunSpec,
    hosts: Vec<(HostName, HostHistory)>,
    progress: Progress,
    rings: Vec<(Option<Timestamp>, Option<Timestamp>)>,
    started: Option<Timestamp>,
    ended: Option<(Timestamp, u8)>,
    stop_text: Option<String>,
    hold_text: String,
    approvals: Vec<Approval>,
}

impl Fold {
    /// From a run's input (its `hosts` are not looked at) and the names and rings of its hosts.
    pub(crate) fn new(spec: RunSpec, hosts: Vec<(HostName, u32)>) -> Self {
        let progress = Progress::of_rings(
            spec.rings.len(),
            hosts.iter().map(|(_, ring)| *ring as usize),
        );
        Self {
            rings: vec![(None, None); spec.rings.len()],
            hosts: hosts
                .into_iter()
                .map(|(name, _)| (name, HostHistory::default()))
                .collect(),
            spec,
            progress,
            started: None,
            ended: None,
            stop_text: None,
            hold_text: String::new(),
            approvals: Vec::new(),
        }
    }

    pub(crate) fn note(
        &mut self,
        time: Timestamp,
        host: Option<HostId>,
        event: EventKind,
    ) -> Result<(), IllegalEvent> {
        self.progress.apply(host, &event)?;
        self.started = self.started.or(Some(time));
        if let Some(id) = host {
            self.hosts[id.index()].1.note(&event);
        }
        match event {
            EventKind::RunResumed { .. } => {
                self.ended = None;
                if self.progress.stop.is_none() {
                    self.stop_text = None;
                }
            }
            EventKind::RingStarted { ring, .. } => {
                let times = &mut self.rings[ring as usize];
                *times = (times.0.or(Some(time)), None);
            }
            EventKind::RingFinished { ring, .. } => {
                if let Some(times) = self.rings.get_mut(ring as usize) {
                    times.1 = Some(time);
                }
            }
            EventKind::RunHeld { detail, .. } => self.hold_text = detail,
            EventKind::RingApproved { name, operator, .. } => self.approvals.push(Approval {
                ring: name,
                operator,
                time,
            }),
            EventKind::LimitBreached { text, .. } => self.stop_text = Some(text),
            EventKind::StopRequested { detail, .. } | EventKind::GuardTripped { detail } => {
                self.stop_text = Some(detail);
            }
            EventKind::RunFinished { exit_code, .. } => self.ended = Some((time, exit_code)),
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn finish(self, held: bool, chain_head: Option<String>) -> RunRecord {
        let mut totals = Totals::default();
        let mut ring_totals = vec![Totals::default(); self.spec.rings.len()];
        let names: Vec<String> = self
            .spec
            .rings
            .iter()
            .map(|ring| ring.name.clone())
            .collect();
        let mut hosts = Vec::with_capacity(self.hosts.len());
        for ((name, history), progress) in self.hosts.into_iter().zip(&self.progress.hosts) {
            let ring = progress.ring as usize;
            let ring_name = names.get(ring).cloned().unwrap_or_default();
            let record = history.into_record(name, ring_name, progress.outcome().0);
            totals.add(record.outcome, record.changed);
            if let Some(totals) = ring_totals.get_mut(ring) {
                totals.add(record.outcome, record.changed);
            }
            hosts.push(record);
        }
        let hold = self.progress.hold.map(|hold| HoldRecord {
            cause: hold.cause,
            ring: hold.ring.and_then(|ring| names.get(ring as usize)).cloned(),
            until: hold.until,
            text: self.hold_text,
        });
        let playbook = self.spec.playbook.loaded();
        let declared = playbook
            .as_ref()
            .map_or(0, |playbook| playbook.probes.len());
        let rings = self.spec.rings.into_iter().zip(self.rings).zip(ring_totals);
        RunRecord {
            id: self.spec.id,
            verb: self.spec.verb,
            simulated: self.spec.simulated,
            operator: self.spec.operator,
            reason: self.spec.reason,
            playbook: self.spec.playbook.name,
            digest: self.spec.playbook.digest,
            declared_probes: u32::try_from(declared).unwrap_or(u32::MAX),
            candidate_remedy: playbook.map(|playbook| playbook.candidate_remedy()),
            source_run: self.spec.source_run,
            plan_hash: self.spec.plan_hash,
            started: self.started,
            finished: self.ended.map(|(time, _)| time),
            state: shown_state(self.progress.state, self.ended.is_some(), held),
            stopped: self.progress.stop,
            exit_code: self.ended.map(|(_, code)| code),
            rolled_back: self.progress.rollback.is_some(),
            stop_text: self.stop_text,
            hold,
            approvals: self.approvals,
            chain_head,
            limits: self.spec.limits,
            rings: rings
                .map(|((plan, (started, finished)), totals)| RingRecord {
                    name: plan.name,
                    max_parallel: plan.max_parallel,
                    limits: plan.limits,
                    on_breach: plan.on_breach,
                    gates: plan.gates,
                    started,
                    finished,
                    totals,
                })
                .collect(),
            hosts,
            totals,
        }
    }
}
