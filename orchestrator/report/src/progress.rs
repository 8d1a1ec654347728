//! Progress on stderr while a run is under way: bars on a terminal, plain lines elsewhere, or nothing.
//!
//! A failing terminal never fails the run: what cannot be written is dropped here, the journal has it all.

use std::io::Write;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use rollout::{Event, EventKind, RunRecord};

use crate::lines::{Chatter, line};
use crate::tally::Tally;
use crate::text::neutral;

/// More rings than this do not fit on a screen: only the fleet's bar is shown.
const SHOWN_RINGS: usize = 12;
/// Plain progress says how far it is this often.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// A consumer of events. Create it before the engine starts, feed it every event, then [`Progress::finish`].
pub struct Progress {
    tally: Tally,
    chatter: Chatter,
    display: Display,
}

enum Display {
    Quiet,
    Plain {
        out: Box<dyn Write + Send>,
        said: Option<Timestamp>,
    },
    Bars(Box<Bars>),
}

struct Bars {
    screen: MultiProgress,
    fleet: ProgressBar,
    rings: Vec<ProgressBar>,
    failures: ProgressBar,
}

impl Progress {
    /// Shows nothing.
    pub fn quiet(record: &RunRecord) -> Self {
        Self {
            tally: Tally::new(record),
            chatter: Chatter::Normal,
            display: Display::Quiet,
        }
    }

    /// Lines to `out`.
    pub fn plain(record: &RunRecord, chatter: Chatter, out: Box<dyn Write + Send>) -> Self {
        Self {
            tally: Tally::new(record),
            chatter,
            display: Display::Plain { out, said: None },
        }
    }

    /// Bars: the fleet with the time left, one per ring, and the failures so far.
    pub fn bars(record: &RunRecord, chatter: Chatter, target: ProgressDrawTarget) -> Self {
        let tally = Tally::new(record);
        let bars = Bars::new(&tally, target);
        Self {
            tally,
            chatter,
            display: Display::Bars(Box::new(bars)),
        }
    }

    /// Takes one event.
    pub fn event(&mut self, event: &Event) {
        let fresh = self.tally.take(event);
        let text = line(event, self.chatter, fresh);
        match &mut self.display {
            Display::Quiet => {}
            Display::Plain { out, said } => {
                if let Some(text) = text {
                    let _ = writeln!(out, "{text}");
                }
                let ring_ended = matches!(event.kind, EventKind::RingFinished { .. });
                let due = said.is_none_or(|said| {
                    event.time.duration_since(said).unsigned_abs() >= PLAIN_EVERY
                });
                let counts = matches!(event.kind, EventKind::HostFinished { .. });
                if said.is_none() && !ring_ended {
                    *said = Some(event.time);
                } else if ring_ended || (due && counts) {
                    *said = Some(event.time);
                    let _ = writeln!(out, "{}", progress_line(&self.tally));
                }
            }
            Display::Bars(bars) => bars.update(&self.tally, text),
        }
    }

    /// Where words that are no event go while the run is under way: above the bars, where there are any.
    pub fn screen(&self) -> Option<MultiProgress> {
        match &self.display {
            Display::Bars(bars) => Some(bars.screen.clone()),
            Display::Quiet | Display::Plain { .. } => None,
        }
    }

    /// Takes the bars off the screen, so that the summary stands alone.
    pub fn finish(self) {
        if let Display::Bars(bars) = self.display {
            // A terminal that cannot be cleared shows a stale bar, no more.
            let _ = bars.screen.clear();
        }
    }
}

/// `120 of 2000 hosts done, 40 at work, 3 failed (fault 3)`.
fn progress_line(tally: &Tally) -> String {
    let (hosts, done) = tally.total();
    format!(
        "{done} of {hosts} hosts done, {} at work, {}",
        tally.active,
        tally.failures()
    )
}

impl Bars {
    fn new(tally: &Tally, target: ProgressDrawTarget) -> Self {
        let screen = MultiProgress::with_draw_target(target);
        let width = tally
            .rings
            .iter()
            .map(|ring| ring.name.chars().count())
            .max()
            .unwrap_or(0)
            .clamp(5, 20);
        let style = |template: &str| {
            // The templates are constants below; a broken one shows indicatif's default bar.
            ProgressStyle::with_template(template).map_or_else(
                |_| ProgressStyle::default_bar(),
                |style| style.progress_chars("█▉▊▋▌▍▎▏ "),
            )
        };
        let (hosts, _) = tally.total();
        let fleet_template = format!(
            "{{prefix:{width}}} {{bar:30}} {{pos}}/{{len}} {{percent:>3}}%  {{elapsed}} gone, {{eta}} left  {{msg}}"
        );
        let fleet = screen.add(
            ProgressBar::new(u64::from(hosts))
                .with_style(style(&fleet_template))
                .with_prefix("fleet"),
        );
        let ring_template = format!("{{prefix:{width}}} {{bar:30}} {{pos}}/{{len}} {{msg}}");
        let shown = if tally.rings.len() <= SHOWN_RINGS {
            tally.rings.as_slice()
        } else {
            &[]
        };
        let rings = shown.iter().map(|ring| {
            let name = neutral(&ring.name).into_owned();
            let bar = ProgressBar::new(u64::from(ring.hosts))
                .with_style(style(&ring_template))
                .with_prefix(name);
            screen.add(bar)
        });
        let rings = rings.collect();
        let failures = screen.add(ProgressBar::new_spinner().with_style(style("{msg}")));
        let mut bars = Self {
            screen,
            fleet,
            rings,
            failures,
        };
        bars.update(tally, None);
        // The clock moves on even while no host ends.
        bars.fleet.enable_steady_tick(Duration::from_millis(500));
        bars
    }

    fn update(&mut self, tally: &Tally, text: Option<String>) {
        if let Some(text) = text {
            let _ = self.screen.println(text);
        }
        let (_, done) = tally.total();
        self.fleet.set_position(u64::from(done));
        self.fleet.set_message(format!(
            "{} at work, {} changed",
            tally.active, tally.changed
        ));
        for (bar, ring) in self.rings.iter().zip(&tally.rings) {
            bar.set_position(u64::from(ring.done));
            bar.set_message(if ring.bad > 0 {
                format!("{} not ok", ring.bad)
            } else {
                String::new()
            });
        }
        self.failures.set_message(tally.failures());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use rollout::{Outcome, Reason};

    use super::*;
    use crate::sample::{finished, host, run};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn pending(names: &[&str]) -> RunRecord {
        let mut hosts: Vec<_> = names
            .iter()
            .map(|name| host(name, Outcome::NotStarted, None))
            .collect();
        hosts.iter_mut().for_each(|host| host.settled = false);
        run(hosts)
    }

    #[test]
    fn plain_lines_say_how_far_it_is_now_and_then() {
        let out = Shared::default();
        let record = pending(&["pc-1", "pc-2", "pc-3"]);
        let mut progress = Progress::plain(&record, Chatter::Normal, Box::new(out.clone()));
        for (second, name) in [(0, "pc-1"), (2, "pc-2"), (7, "pc-3")] {
            let mut event = finished(name, Outcome::Failed, Some(Reason::Dns));
            event.time += Duration::from_secs(second);
            progress.event(&event);
        }
        progress.finish();
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            "pc-1: failed: dns: says <U+001B>[2Jno\n3 of 3 hosts done, 0 at work, 3 failed (dns 3)\n"
        );
    }

    #[test]
    fn bars_take_every_event() {
        let record = pending(&["pc-1"]);
        let mut progress = Progress::bars(&record, Chatter::Normal, ProgressDrawTarget::hidden());
        progress.event(&finished("pc-1", Outcome::Failed, Some(Reason::Dns)));
        let Display::Bars(bars) = &progress.display else {
            panic!("bars")
        };
        assert_eq!(bars.failures.message(), "1 failed (dns 1)");
        assert_eq!(
            (bars.fleet.position(), bars.rings[0].message()),
            (1, "1 not ok".to_owned())
        );
        progress.finish();
    }
}
