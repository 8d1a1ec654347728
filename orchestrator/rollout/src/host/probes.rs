//! Probes of one host: planned before the first write, asked before it (candidates) or after the steps, and waited
//! for where they may still turn green. The host is `ok` only with all of them green.

use std::sync::atomic::Ordering;
use std::time::Duration;

use playbooks::{Fact, FactSet, Finding, Grade, HostProbe, Verdict};
use tokio::time::Instant;

use super::Flow;
use crate::event::EventKind;
use crate::fleet::{Fleet, HostError, Observe, Reason};
use crate::history::is_green;

/// Between two questions of a probe that waits. Far below what an idle connection lives.
const PAUSE: Duration = Duration::from_secs(15);

impl<F: Fleet> Flow<F> {
    /// Notes what will be asked, and what time it is on the host.
    pub(super) async fn plan_probes(
        &mut self,
        session: &mut F::Session,
        probes: Vec<HostProbe>,
    ) -> Result<(), HostError> {
        if probes.is_empty() {
            return Ok(());
        }
        let since = if probes.iter().any(|probe| probe.probe.needs_since()) {
            let clock: FactSet = [Fact::ClockLocal].into_iter().collect();
            let facts = session.facts(&clock).await?;
            let text = facts.text(Fact::ClockLocal);
            text.and_then(|text| text.parse().ok())
        } else {
            None
        };
        self.note(EventKind::ProbesPlanned { probes, since });
        Ok(())
    }

    /// Asks what is not green yet, in order, and stops at the first that does not become so. Candidates come before
    /// the first write; whatever of them is open afterwards is asked with the rest.
    pub(super) async fn probes(
        &mut self,
        session: &mut F::Session,
        candidates: bool,
    ) -> Result<(), HostError> {
        for index in 0..self.history.probes.len() {
            let record = &self.history.probes[index];
            if is_green(record) || (candidates && !record.probe.candidate) {
                continue;
            }
            let probe = record.probe.clone();
            let verdict = self.verdict(session, index, &probe).await?;
            self.note(EventKind::ProbeFinished {
                probe: u32::try_from(index).unwrap_or(u32::MAX),
                verdict: verdict.clone(),
            });
            judge(&probe, &verdict, candidates)?;
        }
        Ok(())
    }

    async fn verdict(
        &mut self,
        session: &mut F::Session,
        index: usize,
        probe: &HostProbe,
    ) -> Result<Verdict, HostError> {
        let since = self.history.since;
        // A lost connection does not begin the wait anew.
        let until = *self
            .patience
            .entry(index)
            .or_insert_with(|| Instant::now() + probe.probe.within());
        loop {
            let verdict = self.ask(session, probe, since).await?;
            let verdict = probe
                .probe
                .after_preflight(verdict, &self.history.preflight);
            let left = until.saturating_duration_since(Instant::now());
            if verdict.finding == Finding::StepsLeftOut {
                return Ok(verdict);
            }
            if verdict.grade() == Grade::Pass {
                return self.again(session, probe, verdict).await;
            }
            if left.is_zero() {
                return Ok(verdict);
            }
            self.wait(left.min(PAUSE)).await;
        }
    }

    /// Some answers are green for a while because of what the host remembers.
    async fn again(
        &mut self,
        session: &mut F::Session,
        probe: &HostProbe,
        first: Verdict,
    ) -> Result<Verdict, HostError> {
        let until = Instant::now() + probe.probe.again_after();
        let mut verdict = first;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(verdict);
            }
            self.wait(left.min(PAUSE)).await;
            // Asked on the way as well: that keeps the connection, and shows a change early.
            verdict = self.ask(session, probe, self.history.since).await?;
            if verdict.grade() != Grade::Pass {
                verdict.detail.push_str("; green at first");
                return Ok(verdict);
            }
        }
    }

    async fn wait(&self, pause: Duration) {
        let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.waited.fetch_add(millis, Ordering::Relaxed);
        tokio::time::sleep(pause).await;
    }
}

fn judge(probe: &HostProbe, verdict: &Verdict, candidate: bool) -> Result<(), HostError> {
    let reason = match verdict.grade() {
        Grade::Pass => return Ok(()),
        Grade::Fail => Reason::ProbeRed,
        Grade::Inconclusive => Reason::ProbeInconclusive,
    };
    let when = if candidate {
        ", before the first write"
    } else {
        ""
    };
    let detail = format!(
        "{}{when}: {}: {}",
        probe.name,
        verdict.finding.as_str(),
        verdict.detail
    );
    let error = HostError::failed(reason, detail);
    Err(match verdict.finding.remedy() {
        Some(remedy) => error.with_remedy(remedy),
        None => error,
    })
}
