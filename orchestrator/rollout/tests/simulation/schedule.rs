//! What a seed stands for: a fleet, a run over it, and what disturbs it.

use std::fmt;
use std::time::Duration;

use playbooks::{Fact, FactValue, KeyPath};
use rollout::state::Command;
use rollout::testing::{Dice, Fault, PLAYBOOK, Point, Script, host_name, old_proxy, push};
use rollout::{HostError, Reason, RunSpec};

/// Everything that a seed decides.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) spec: RunSpec,
    pub(crate) scripts: Vec<Script>,
    /// The controllers of the run, one after the other; those that follow are not disturbed.
    pub(crate) lives: Vec<Life>,
    /// Ended with hosts that are not well, the run is reopened for them once.
    pub(crate) again: Option<Again>,
    /// After this controller another machine answers under the name of this host.
    pub(crate) swap: Option<(usize, usize)>,
    /// Before the rollback somebody else changes a value on every host that has this remainder by three.
    pub(crate) foreign: Option<usize>,
    /// The controllers of the rollback.
    pub(crate) back: Vec<Life>,
    /// What happens to hosts while they are taken back.
    pub(crate) back_faults: Vec<Option<Fault>>,
    /// Nothing in the script depends on when, so that an undisturbed run ends the same.
    pub(crate) timeless: bool,
}

/// `resume --only failed,unreachable,indeterminate`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Again {
    /// What stood in the way does no more.
    pub(crate) healed: bool,
}

/// How one controller fares.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    /// The process is gone at this moment.
    pub(crate) dies: Option<Duration>,
    /// From this many further events on, nothing can be written to the journal.
    pub(crate) cut: Option<u64>,
    /// First Ctrl-C.
    pub(crate) stop: Option<Duration>,
    /// Second Ctrl-C.
    pub(crate) cancel: Option<Duration>,
    /// What other terminals say, in the order of the moments.
    pub(crate) orders: Vec<(Duration, Command)>,
    pub(crate) attended: bool,
}

impl Schedule {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let timeless = dice.once_in(2);
        let count = 2 + usize::try_from(dice.below(6)).unwrap();
        // Dice of its own: what else a seed stands for does not hang on it.
        let marker = Dice::new(!seed).once_in(2);
        let mut block = rollout_block(&mut dice, timeless);
        if marker {
            block.push_str("  host_marker: auto\n");
        }
        let mut spec = push(count, &block);
        for host in &mut spec.hosts {
            if dice.once_in(2) {
                host.host.groups.push("paris".to_owned());
            }
        }
        if dice.once_in(2) {
            let cap = u32::try_from(1 + dice.below(2)).unwrap();
            spec.groups.insert("paris".to_owned(), cap);
        }
        let mut scripts: Vec<Script> = (0..count).map(|_| script(&mut dice, timeless)).collect();
        if marker {
            scripts.iter_mut().for_each(tells_its_clock);
        }
        let lives = lives(&mut dice, timeless);
        let again = dice.once_in(2).then(|| Again {
            healed: dice.once_in(2),
        });
        let swap =
            (!timeless && dice.once_in(3)).then(|| (place(&mut dice, 2), place(&mut dice, count)));
        let foreign = dice.once_in(3).then(|| place(&mut dice, 3));
        let back = lives_of_rollback(&mut dice);
        let back_faults = (0..count).map(|_| back_fault(&mut dice)).collect();
        Self {
            spec,
            scripts,
            lives,
            again,
            swap,
            foreign,
            back,
            back_faults,
            timeless,
        }
    }
}

impl Life {
    /// For the trace.
    pub(crate) fn text(&self) -> String {
        let words = [
            self.dies.map(|at| format!("dies at {at:?}")),
            self.cut
                .map(|more| format!("its journal fails after {more} events")),
            self.stop.map(|at| format!("Ctrl-C at {at:?}")),
            self.cancel.map(|at| format!("again at {at:?}")),
            self.orders
                .first()
                .map(|(at, order)| format!("{} at {at:?}", order.as_str())),
            self.attended.then(|| "attended".to_owned()),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// For the trace.
impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ring in &self.spec.rings {
            writeln!(out, "{ring:?}")?;
        }
        writeln!(
            out,
            "run: {:?}, {:?}; groups {:?}",
            self.spec.limits, self.spec.on_breach, self.spec.groups
        )?;
        for (number, (host, script)) in self.spec.hosts.iter().zip(&self.scripts).enumerate() {
            let at = (
                script.latency,
                &script.faults,
                &script.closed,
                script.breaks_after,
                &script.denied,
            );
            writeln!(
                out,
                "{}: ring {}, groups {:?}: {at:?}",
                host_name(number),
                host.ring,
                host.host.groups
            )?;
        }
        for life in &self.lives {
            writeln!(out, "controller: {}", life.text())?;
        }
        writeln!(
            out,
            "again {:?}, swap {:?}, foreign {:?}, timeless {}",
            self.again, self.swap, self.foreign, self.timeless
        )?;
        writeln!(out, "back: {:?}", self.back_faults)
    }
}

fn place(dice: &mut Dice, of: usize) -> usize {
    usize::try_from(dice.below(of as u64)).unwrap()
}

fn rollout_block(dice: &mut Dice, timeless: bool) -> String {
    let mut rings = String::new();
    let names = ["a", "b", "c"];
    let last = usize::try_from(dice.below(3)).unwrap();
    for (index, name) in names.iter().enumerate().take(last + 1) {
        let select = match index == last {
            true => "rest".to_owned(),
            false => format!("'{},{}'", host_name(2 * index), host_name(2 * index + 1)),
        };
        let mut ring = format!(
            "{{ name: {name}, select: {select}, max_parallel: {}",
            1 + dice.below(4)
        );
        if dice.once_in(3) {
            ring.push_str(&format!(", soak: {}s", 1 + dice.below(30)));
        }
        if dice.once_in(4) {
            ring.push_str(", approve: true");
        }
        ring.push_str(&limits(dice, timeless));
        rings.push_str(&format!("    - {ring} }}\n"));
    }
    let run_wide: Vec<String> = limits(dice, timeless)
        .split(", ")
        .filter(|part| !part.is_empty())
        .map(|part| format!("  {part}\n"))
        .collect();
    format!("rollout:\n{}  rings:\n{rings}", run_wide.concat())
}

fn limits(dice: &mut Dice, timeless: bool) -> String {
    if timeless {
        return String::new();
    }
    let mut text = String::new();
    for key in ["max_failed", "max_unreachable", "max_indeterminate"] {
        if dice.once_in(4) {
            let limit = dice.pick(&["0", "1", "'30%'"]);
            text.push_str(&format!(", {key}: {limit}"));
        }
    }
    if dice.once_in(2) {
        let action = dice.pick(&["stop", "pause", "rollback_ring", "rollback_run"]);
        text.push_str(&format!(", on_breach: {action}"));
    }
    text
}

fn script(dice: &mut Dice, timeless: bool) -> Script {
    let mut script = Script::default().guid("g");
    if dice.once_in(2) {
        script = script.value(old_proxy());
    }
    let write = u32::try_from(1 + dice.below(3)).unwrap();
    let most = if timeless { 80 } else { 250 };
    script = script.slow(Duration::from_millis(dice.below(most)));
    let unreachable = HostError::unreachable(Reason::ConnectRefused, "the port is closed");
    let refused = HostError::failed(Reason::LogonRefused, "no");
    match dice.below(if timeless { 8 } else { 16 }) {
        0 => drop(script.denied.insert(last_target())),
        1 => drop(script.denied.insert(old_proxy().0)),
        2 => script.closed = Some(unreachable),
        3 => script.closed = Some(refused),
        4 => script = script.lost_at(write, dice.once_in(2)),
        8 => script = script.unreachable_first(write),
        9 => script = script.at(Point::Write(write), Fault::Hang),
        10 => script = script.at(Point::Write(write), Fault::Panic),
        11 => script = script.flapping(1 + write),
        12 => script = script.undo_refused(),
        13 => {
            script = script.lost_at(write, dice.once_in(2));
            script.stays_away = true;
        }
        14 => script = script.at(Point::Read(1), Fault::Slow(Duration::from_secs(5))),
        _ => {}
    }
    script
}

/// Without a clock no marker could expire, and none is left.
fn tells_its_clock(script: &mut Script) {
    let noon = FactValue::Text("2026-11-24T12:00:00Z".to_owned());
    script.facts.set(Fact::ClockLocal, noon);
    // Every Windows has it; keys above that of the markers are not taken away with it.
    let software = KeyPath::below_local_machine("SOFTWARE").unwrap();
    script.registry.create_key(&software);
}

/// The value of the second step.
fn last_target() -> playbooks::Target {
    let text = PLAYBOOK.as_bytes();
    let document = document::Document::from_bytes("p.yaml", text).unwrap();
    let playbook = playbooks::Playbook::load(&document).unwrap();
    let vars = playbooks::Vars::default();
    let scope = playbooks::HostScope {
        name: "h",
        short: "h",
        ring: None,
        groups: &[],
        vars: &vars,
    };
    let steps = playbook.compile(&scope, None).unwrap();
    steps[1].changes[0].target.clone()
}

fn lives(dice: &mut Dice, timeless: bool) -> Vec<Life> {
    let kinds = if timeless { 6 } else { 8 };
    (0..dice.below(4)).map(|_| life(dice, kinds)).collect()
}

/// A rollback is disturbed by crashes and by the keyboard.
fn lives_of_rollback(dice: &mut Dice) -> Vec<Life> {
    (0..dice.below(3)).map(|_| life(dice, 5)).collect()
}

fn life(dice: &mut Dice, kinds: u64) -> Life {
    let mut life = Life {
        attended: dice.once_in(3),
        ..Life::default()
    };
    let mut moment = |most| Duration::from_millis(dice.below(most));
    let (early, late) = (moment(1_500), moment(20_000));
    match dice.below(kinds) {
        0 => life.dies = Some(early),
        1 => life.dies = Some(late),
        2 | 3 => life.cut = Some(dice.below(60)),
        4 => life.stop = Some(early),
        5 => life.orders.push((early, Command::Pause)),
        6 => {
            life.stop = Some(early);
            life.cancel = Some(early + late / 20);
        }
        _ => life.orders.push((early, Command::Abort)),
    }
    if life.attended {
        for turn in 1..15 {
            let at = Duration::from_secs(10 * turn);
            life.orders.push((at, Command::Resume));
            life.orders.push((at, Command::Approve(None)));
        }
    }
    life
}

/// A misfortune of the first undo.
fn back_fault(dice: &mut Dice) -> Option<Fault> {
    let refused = HostError::failed(Reason::AccessDenied, "no");
    match dice.below(12) {
        0 => Some(Fault::Lose(true)),
        1 => Some(Fault::Lose(false)),
        2 => Some(Fault::Refuse(refused)),
        3 => Some(Fault::Hang),
        4 => Some(Fault::Slow(Duration::from_secs(1))),
        _ => None,
    }
}
