//! The faults that concern connections and bytes, decided from knobs and counted points.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::host::{Hit, Host};
use crate::knobs::{DropPhase, GarbageKind, Hang, Hostile, PointKind, RebootSymptom};

/// What becomes of a request that was read.
pub(crate) enum Before {
    Pass(Option<Duration>),
    Reset,
    Hang,
    Status(u16),
}

/// What becomes of a reply.
pub(crate) enum After {
    Pass,
    Reset,
    Hang,
    /// So many bytes, then a reset.
    Cut(usize),
    Garbage(GarbageKind),
    Huge(u64),
    Endless,
    Hostile(Hostile),
    Trickle(Duration, usize),
}

/// Decides before a request is processed. Counts it.
pub(crate) fn before(host: &Host) -> Before {
    let down = host.down();
    let mut state = host.state();
    let knobs = Arc::clone(&state.knobs);
    let request = state.points.count(PointKind::Request);
    match down {
        Some(RebootSymptom::Refused | RebootSymptom::Reset) => return Before::Reset,
        Some(RebootSymptom::Unavailable | RebootSymptom::Aborted) => return Before::Status(503),
        None => {}
    }
    if knobs.refuse {
        return Before::Reset;
    }
    if matches!(knobs.hang, Some(Hang::Connect | Hang::Accept)) {
        return Before::Hang;
    }
    if let Some(status) = knobs.status {
        let early = status
            .lasting
            .is_none_or(|span| state.points.since.elapsed() < span.0);
        let few = status
            .first
            .is_none_or(|first| state.points.statuses_used < first);
        if request > status.after && early && few {
            state.points.statuses_used += 1;
            return Before::Status(status.code);
        }
    }
    if let Some(drop) = knobs.drop {
        let lost = drop.phase == DropPhase::Before
            && drop.after_bytes.is_none()
            && drop.at.kind == PointKind::Request;
        if lost
            && state.points.from(Some(drop.at))
            && state.points.drops_used < drop.times.unwrap_or(1)
        {
            state.points.drops_used += 1;
            return Before::Reset;
        }
    }
    Before::Pass(knobs.latency.map(|span| span.0))
}

/// Decides after a request was processed.
pub(crate) fn after(fleet: &Arc<Fleet>, host: &Arc<Host>) -> After {
    if restart(fleet, host) {
        return After::Reset;
    }
    let mut state = host.state();
    let knobs = Arc::clone(&state.knobs);
    if let Some(Hang::At(point)) = knobs.hang
        && state.points.from(Some(point))
    {
        return After::Hang;
    }
    if let Some(drop) = knobs.drop
        && (drop.phase == DropPhase::After || drop.after_bytes.is_some())
        && state.points.from(Some(drop.at))
        && state.points.drops_used < drop.times.unwrap_or(1)
    {
        state.points.drops_used += 1;
        return drop.after_bytes.map_or(After::Reset, After::Cut);
    }
    if let Some(garbage) = knobs.garbage
        && state.points.from(garbage.at)
        && garbage
            .times
            .is_none_or(|times| state.points.garbage_used < times)
    {
        state.points.garbage_used += 1;
        return After::Garbage(garbage.kind);
    }
    if let Some(huge) = knobs.huge_body
        && state.points.from(huge.at)
    {
        return After::Huge(huge.bytes);
    }
    if let Some(endless) = knobs.endless
        && state.points.from(endless.at)
    {
        return After::Endless;
    }
    if let Some(hostile) = knobs.hostile
        && state.points.from(hostile.at)
    {
        return After::Hostile(hostile);
    }
    match knobs.slow {
        Some(slow) => After::Trickle(slow.interval.0, slow.bytes.unwrap_or(1).max(1)),
        None => After::Pass,
    }
}

/// Takes the host down where its point is reached. True where the present answer is lost with it.
fn restart(fleet: &Arc<Fleet>, host: &Arc<Host>) -> bool {
    let (lasting, symptom) = {
        let mut state = host.state();
        let Some(reboot) = state.knobs.reboot else {
            return false;
        };
        if state.points.rebooted || state.points.against(reboot.at) == Hit::Before {
            return false;
        }
        state.points.rebooted = true;
        state.down = Some((Instant::now() + reboot.lasting.0, reboot.symptom));
        state.forget_sessions();
        (reboot.lasting.0, reboot.symptom)
    };
    super::own::adjust(fleet, host);
    if symptom != RebootSymptom::Aborted {
        host.break_connections();
    }
    let (fleet, host) = (Arc::clone(fleet), Arc::clone(host));
    tokio::spawn(async move {
        tokio::time::sleep(lasting).await;
        host.down();
        super::own::adjust(&fleet, &host);
    });
    symptom != RebootSymptom::Aborted
}
