//! What a host has before anything is written: compiled for it, read, and summed up in a digest. The same code
//! serves a plan, which only reads, and a push, so that both judge alike.
//!
//! Decides nothing about writing but one thing: what could not be put back exactly is not overwritten
//! ([`not_restorable`]). Who reads many hosts at once is `survey.rs`, who writes is `host/work.rs`.

use playbooks::{
    Change, CompileError, Desired, FactSet, Facts, HostProbe, HostScope, Observed, Playbook,
    Target, Vars, WinHttpSettings,
};
use sha2::{Digest, Sha256};

use crate::event::{Intent, PlannedChange, PlannedStep};
use crate::fleet::{HostError, Observe, Reason, Standing};
use crate::spec::{HostSpec, RingPlan, UndoStep};

/// A step with what it would write, not yet read: name, reason of a skip, changes.
pub(crate) type WantedStep = (String, Option<String>, Vec<Intent>);

/// What a host is asked for: steps, and what has to be green.
pub(crate) struct Wanted {
    pub(crate) steps: Vec<WantedStep>,
    pub(crate) probes: Vec<HostProbe>,
    /// Of each step, whether it is left out because the host's software would not heed it.
    pub(crate) below_gate: Vec<bool>,
    /// What conditions and templates asked for.
    pub(crate) facts: Option<Facts>,
}

/// Compiles the playbook for one host, reading the facts that it asks for.
pub(crate) async fn wanted<O: Observe>(
    playbook: &Playbook,
    rings: &[RingPlan],
    host: &HostSpec,
    observer: &mut O,
) -> Result<Wanted, HostError> {
    let vars = Vars(host.vars.clone());
    let scope = HostScope {
        name: host.host.name.as_str(),
        short: host.host.name.short(),
        ring: rings.get(host.ring).map(|ring| ring.name.as_str()),
        groups: &host.host.groups,
        vars: &vars,
    };
    let asked = playbook.facts_for(&scope);
    let facts = if asked.all.is_empty() {
        None
    } else {
        let facts = observer.facts(&asked.all).await?;
        readable(&facts, &asked.needed)?;
        Some(facts)
    };
    let refused = |error: CompileError| {
        let detail = format!(
            "step '{}', line {}, {}: {}",
            error.step, error.line, error.field, error.detail
        );
        let failed = HostError::failed(Reason::Playbook, detail);
        match error.hint {
            Some(hint) => failed.with_remedy(hint),
            None => failed,
        }
    };
    let steps = playbook.compile(&scope, facts.as_ref()).map_err(refused)?;
    let probes = playbook
        .compile_probes(&scope, facts.as_ref())
        .map_err(refused)?;
    let intents = |changes: Vec<Change>| changes.into_iter().map(Intent::Apply).collect();
    let below_gate = steps.iter().map(|step| step.below_gate).collect();
    let steps = steps
        .into_iter()
        .map(|step| (step.name, step.skipped, intents(step.changes)))
        .collect();
    Ok(Wanted {
        steps,
        probes,
        below_gate,
        facts,
    })
}

/// A condition is not decided by a fact that nobody could read.
fn readable(facts: &Facts, wanted: &FactSet) -> Result<(), HostError> {
    let Some((fact, why)) = facts.failures().find(|(fact, _)| wanted.contains(*fact)) else {
        return Ok(());
    };
    let detail = format!("facts.{} cannot be read: {why}", fact.name());
    Err(HostError::failed(Reason::FactUnread, detail).with_remedy(
        "winfleet facts shows what can be read of the host; a step without this condition needs no such fact",
    ))
}

/// A step of a rollback, as what it would write.
pub(crate) fn undo_step(step: UndoStep) -> WantedStep {
    let intents = step.items.into_iter().map(Intent::Undo).collect();
    (step.name, None, intents)
}

/// Reads every target of these steps, in their order.
pub(crate) async fn read<O: Observe>(
    wanted: Vec<WantedStep>,
    observer: &mut O,
) -> Result<Vec<PlannedStep>, HostError> {
    let targets: Vec<Target> = wanted
        .iter()
        .flat_map(|step| &step.2)
        .map(target_of)
        .cloned()
        .collect();
    let found = if targets.is_empty() {
        Vec::new()
    } else {
        observer.observe(&targets).await?
    };
    if found.len() != targets.len() {
        return Err(HostError::failed(
            Reason::Internal,
            "not every value was read",
        ));
    }
    let mut states = found.into_iter();
    Ok(wanted
        .into_iter()
        .map(|(name, skipped, intents)| PlannedStep {
            name,
            skipped,
            changes: intents
                .into_iter()
                .zip(states.by_ref())
                .map(|(intent, prior)| PlannedChange { intent, prior })
                .collect(),
            preflight: Vec::new(),
        })
        .collect())
}

fn target_of(intent: &Intent) -> &Target {
    match intent {
        Intent::Apply(change) => &change.target,
        Intent::Undo(undo) => &undo.target,
    }
}

/// Promise 1: what cannot be put back exactly is not overwritten. The refusal, where these steps would do that.
pub fn not_restorable(steps: &[PlannedStep]) -> Option<HostError> {
    let change = steps
        .iter()
        .flat_map(|step| &step.changes)
        .find(|change| overwritten(change) && !change.prior.restorable())?;
    if let (Observed::Opaque { why, .. }, true) =
        (&change.prior, change.target().is_av_preference())
    {
        let detail = format!(
            "{}: the preference as it stands cannot be read, and so could not be restored: {why}",
            change.target()
        );
        return Some(
            HostError::failed(Reason::PriorNotRestorable, detail).with_remedy(
                "write the policy instead of the preference, or take the policy of that name away first",
            ),
        );
    }
    let why = match &change.prior {
        Observed::Opaque { kind, why } => format!("registry type {kind}, {why}"),
        Observed::Present(value) => format!(
            "registry type {}, bytes {}",
            value.kind,
            value.shown_bytes().as_deref().unwrap_or("***")
        ),
        _ => "unknown".to_owned(),
    };
    let detail = format!(
        "{}: the present value could not be restored exactly ({why})",
        change.target()
    );
    Some(
        HostError::failed(Reason::PriorNotRestorable, detail)
            .with_remedy("save and remove the value by hand, then push again"),
    )
}

fn overwritten(change: &PlannedChange) -> bool {
    match &change.intent {
        Intent::Apply(_) => change.needed(),
        Intent::Undo(undo) => match undo.judge(&change.prior) {
            Standing::Prior => false,
            Standing::Ours => true,
            Standing::Foreign => undo.force,
        },
    }
}

/// What was found, by target, in the order in which it would be written.
pub fn found(steps: &[PlannedStep]) -> Vec<(Target, Observed)> {
    let changes = steps.iter().flat_map(|step| &step.changes);
    changes
        .map(|change| (change.target().clone(), change.prior.clone()))
        .collect()
}

/// SHA-256 over what would be written to a host and what was found there, lower-case hex. Equal exactly where a push
/// would do the same to the same bytes; names of hosts and steps are not in it.
///
/// Each text is preceded by its length, so that no two sequences of fields read alike.
pub fn prior_digest(steps: &[PlannedStep]) -> String {
    let mut sum = Sum(Sha256::new());
    sum.text("winfleet.prior/1");
    for change in steps.iter().flat_map(|step| &step.changes) {
        sum.text("change");
        sum.text(change.target().key.as_str());
        sum.text(&change.target().value);
        match &change.intent {
            Intent::Apply(apply) => sum.desired(&apply.desired),
            Intent::Undo(undo) => {
                sum.text("undo");
                sum.observed(&undo.prior);
                sum.observed(&undo.ours);
            }
        }
        sum.observed(&change.prior);
    }
    hex::encode(sum.0.finalize())
}

/// What tells apart two hosts in a plan file: the digest, and behind it one of what the preflight found, where it found
/// anything. What it finds may change without what is written changing.
pub(crate) fn state_key(steps: &[PlannedStep]) -> String {
    let found: Vec<_> = steps.iter().map(|step| &step.preflight).collect();
    let digest = prior_digest(steps);
    if found.iter().all(|found| found.is_empty()) {
        return digest;
    }
    // Our own types serialised to memory: cannot fail.
    let text = serde_json::to_string(&found).unwrap_or_default();
    format!(
        "{digest}-{}",
        hex::encode(&Sha256::digest(text.as_bytes())[..8])
    )
}

/// The digest in such a key.
pub(crate) fn digest_of_key(key: &str) -> &str {
    key.split('-').next().unwrap_or(key)
}

/// The steps for a file that is handed on, and whether anything had to be masked in them: accounts in values that would be
/// overwritten. A value that is as wanted says no more than the wish.
pub(crate) fn without_accounts(steps: &[PlannedStep]) -> (Vec<PlannedStep>, bool) {
    let mut steps = steps.to_vec();
    let mut hides = false;
    for change in steps.iter_mut().flat_map(|step| &mut step.changes) {
        let masked = change.prior.without_accounts();
        if let Some(masked) = masked.filter(|_| change.needed()) {
            change.prior = masked;
            hides = true;
        }
    }
    (steps, hides)
}

/// Refuses a host that is not as a plan saw it, naming what moved.
pub(crate) fn unmoved(
    digest: &str,
    seen: &[(Target, Observed)],
    steps: &[PlannedStep],
) -> Result<(), HostError> {
    if prior_digest(steps) == digest {
        return Ok(());
    }
    let now = found(steps);
    let pairs = now.iter().filter_map(|(target, now)| {
        let (_, then) = seen.iter().find(|(seen, _)| seen == target)?;
        // A plan holds no account, so that of two values that differ in theirs it cannot be told here which moved.
        let alike = now.without_accounts().is_some_and(|now| now == *then);
        (then != now && !alike).then_some((target, then, now))
    });
    let moved: Vec<_> = pairs.collect();
    // A value says more than a key that came or went around an absent one.
    let first = moved
        .iter()
        .find(|(_, then, now)| !then.same_content(now))
        .or(moved.first());
    let moved = first.map(|(target, then, now)| {
        let (then, now) = (words(then), words(now));
        let more = match moved.len() - 1 {
            0 => String::new(),
            more => format!("; {more} more moved"),
        };
        format!("{target} was {then} when the plan was made and is {now} now{more}")
    });
    // The same bytes under another wish: the facts that conditions or templates ask for are others than then.
    let detail = moved.unwrap_or_else(|| {
        let asks = "the playbook asks for something else on this host than when the plan was made";
        match now.iter().find(|(_, now)| now.without_accounts().is_some()) {
            Some((target, _)) => {
                format!(
                    "{target} holds another user or password than when the plan was made, or {asks}"
                )
            }
            None => asks.to_owned(),
        }
    });
    Err(HostError::failed(Reason::MovedSincePlan, detail)
        .with_remedy("plan again: nothing was written to the host"))
}

/// As [`words`], with the settings of WinHTTP in the form of `netsh`.
pub(crate) fn words_at(target: &Target, observed: &Observed) -> String {
    let settings = observed
        .value()
        .filter(|_| *target == Target::win_http_settings())
        .and_then(|value| WinHttpSettings::decode_value(value).ok());
    settings.map_or_else(|| words(observed), |settings| format!("'{settings}'"))
}

pub(crate) fn words(observed: &Observed) -> String {
    match observed {
        Observed::KeyAbsent { .. } => "absent (no key)".to_owned(),
        Observed::ValueAbsent => "absent".to_owned(),
        Observed::Present(value) => format!("'{}' (registry type {})", value.text(), value.kind),
        Observed::Opaque { kind: 0, why } => format!("not readable ({why})"),
        Observed::Opaque { kind, why } => {
            format!("a value of registry type {kind} whose exact content cannot be read: {why}")
        }
    }
}

struct Sum(Sha256);

impl Sum {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn value(&mut self, kind: u32, bytes: &[u8]) {
        self.bytes(&kind.to_be_bytes());
        self.bytes(bytes);
    }

    fn desired(&mut self, desired: &Desired) {
        match desired {
            Desired::Value(value) => {
                self.text("value");
                self.value(value.kind, &value.bytes);
            }
            Desired::Absent => self.text("absent"),
            Desired::WinHttp(proxy) => {
                self.text("winhttp");
                self.text(&proxy.server);
                self.bytes(&(proxy.bypass.len() as u64).to_be_bytes());
                proxy.bypass.iter().for_each(|entry| self.text(entry));
            }
            Desired::WinHttpDirect => self.text("winhttp_direct"),
        }
    }

    fn observed(&mut self, observed: &Observed) {
        match observed {
            Observed::KeyAbsent { first_missing } => {
                self.text("key_absent");
                self.text(first_missing.as_str());
            }
            Observed::ValueAbsent => self.text("value_absent"),
            Observed::Present(value) => {
                self.text("present");
                self.value(value.kind, &value.bytes);
            }
            Observed::Opaque { kind, why } => {
                self.text("opaque");
                self.value(*kind, why.as_bytes());
            }
        }
    }
}
