//! Words to stop from outside: Ctrl-C, the signals that end a process or tell it that its terminal is gone, and their
//! like on Windows. All take the same way, because all may come while shells are open on hosts.
//!
//! One thread listens from the first [`Interrupts`] on until the process ends: a handler, once in place, takes the
//! system's own answer away. While nobody is there to settle anything, it gives that answer: the process ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, mpsc};

use tokio::sync::watch;

use crate::{exit_code, out};

/// How urgent a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// Once: stop. Twice: leave now.
    Stop,
    /// The terminal is gone. As a first `Stop`, and never a second one: the system and the shell both tell of it.
    #[cfg_attr(windows, allow(dead_code, reason = "Windows ends such programs"))]
    HangUp,
    /// The system ends the process in a few seconds whatever it does.
    #[cfg_attr(
        not(windows),
        allow(dead_code, reason = "only Windows sets such a term")
    )]
    Leave,
}

/// What was said since the process began.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    stops: u32,
    hang_ups: u32,
    leaves: u32,
}

impl Said {
    fn hear(&mut self, word: Word) {
        let count = match word {
            Word::Stop => &mut self.stops,
            Word::HangUp => &mut self.hang_ups,
            Word::Leave => &mut self.leaves,
        };
        *count = count.saturating_add(1);
    }

    /// 0: go on, 1: stop, 2 and more: leave now.
    fn level(self, before: Self) -> u32 {
        let stops = self.stops - before.stops;
        let hung_up = u32::from(self.hang_ups > before.hang_ups);
        let leave = if self.leaves > before.leaves { 2 } else { 0 };
        stops.max(hung_up).max(leave)
    }
}

static SAID: LazyLock<watch::Sender<Said>> = LazyLock::new(|| {
    let (ready, is_ready) = mpsc::channel();
    // Without the thread the system's own answer stays in place.
    let _ = std::thread::Builder::new()
        .name("interrupts".to_owned())
        .spawn(move || attend(ready));
    // Nothing comes where it cannot listen; it says no word before this was built.
    let _ = is_ready.recv();
    watch::Sender::new(Said::default())
});

static HUNG_UP: AtomicBool = AtomicBool::new(false);

/// The terminal is gone: nobody reads what is written to it.
pub(crate) fn hung_up() -> bool {
    HUNG_UP.load(Ordering::Acquire)
}

/// Listens from now on; while one of these lives, no word ends the process by itself.
pub(crate) struct Interrupts {
    said: watch::Receiver<Said>,
    before: Said,
}

impl Interrupts {
    pub(crate) fn listen() -> Self {
        let said = SAID.subscribe();
        let before = *said.borrow();
        Self { said, before }
    }

    /// Waits until this side is asked to stop. Cancel safe.
    pub(crate) async fn stop(&mut self) {
        self.reached(1).await;
    }

    /// Waits until this side is asked to leave at once. Cancel safe.
    pub(crate) async fn leave(&mut self) {
        self.reached(2).await;
    }

    async fn reached(&mut self, level: u32) {
        let before = self.before;
        let heard = self.said.wait_for(|said| said.level(before) >= level);
        if heard.await.is_err() {
            // The sender is static; without one nobody ever says anything.
            std::future::pending::<()>().await;
        }
    }
}

/// The listening thread's life; the channel is told when the handlers are in place, or closed.
fn attend(ready: mpsc::Sender<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    // Without it the system's own answer stays in place.
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let Ok(mut words) = system::Words::new() else {
            return;
        };
        let _ = ready.send(());
        while let Some(word) = words.next().await {
            if word == Word::HangUp {
                HUNG_UP.store(true, Ordering::Release);
            }
            if SAID.receiver_count() == 0 {
                end();
            }
            SAID.send_modify(|said| said.hear(word));
        }
    });
}

#[expect(
    clippy::exit,
    reason = "what the system would have done: nothing is under way, and the main thread may be waiting for a line"
)]
fn end() -> ! {
    out::note("interrupted");
    std::process::exit(i32::from(exit_code::INTERRUPTED))
}

#[cfg(unix)]
mod system {
    use std::io;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::Word;

    pub(super) struct Words {
        interrupt: Signal,
        terminate: Signal,
        /// Not where the program was started to outlive its terminal.
        hang_up: Option<Signal>,
    }

    impl Words {
        pub(super) fn new() -> io::Result<Self> {
            let hang_up = (!outlives_its_terminal())
                .then(|| signal(SignalKind::hangup()))
                .transpose()?;
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up,
            })
        }

        pub(super) async fn next(&mut self) -> Option<Word> {
            let hang_up = async {
                match &mut self.hang_up {
                    Some(hang_up) => hang_up.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                said = self.interrupt.recv() => said.map(|()| Word::Stop),
                said = self.terminate.recv() => said.map(|()| Word::Stop),
                said = hang_up => said.map(|()| Word::HangUp),
            }
        }
    }

    /// Started by `nohup` or its like: the signal is ignored, and has to stay so.
    #[expect(
        unsafe_code,
        reason = "no safe library asks for a signal's disposition"
    )]
    fn outlives_its_terminal() -> bool {
        let mut present = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: without a new action the call only fills in the present one, which it has room for; all zeroes is
        // a value of that type.
        unsafe {
            let asked = libc::sigaction(libc::SIGHUP, std::ptr::null(), present.as_mut_ptr());
            asked == 0 && present.assume_init().sa_sigaction == libc::SIG_IGN
        }
    }
}

#[cfg(windows)]
mod system {
    use std::io;

    use tokio::signal::windows::{
        CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
    };

    use super::Word;

    pub(super) struct Words {
        c: CtrlC,
        break_: CtrlBreak,
        close: CtrlClose,
        shutdown: CtrlShutdown,
    }

    impl Words {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                c: ctrl_c()?,
                break_: ctrl_break()?,
                close: ctrl_close()?,
                shutdown: ctrl_shutdown()?,
            })
        }

        pub(super) async fn next(&mut self) -> Option<Word> {
            tokio::select! {
                said = self.c.recv() => said.map(|()| Word::Stop),
                said = self.break_.recv() => said.map(|()| Word::Stop),
                said = self.close.recv() => said.map(|()| Word::Leave),
                said = self.shutdown.recv() => said.map(|()| Word::Leave),
            }
        }
    }
}

#[cfg(not(any(unix, windows)))]
mod system {
    use std::io;

    use super::Word;

    pub(super) struct Words;

    impl Words {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn next(&mut self) -> Option<Word> {
            tokio::signal::ctrl_c().await.ok().map(|()| Word::Stop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Said, Word};

    fn level(words: &[Word]) -> u32 {
        let before = Said {
            stops: 3,
            hang_ups: 1,
            leaves: 0,
        };
        let mut said = before;
        words.iter().for_each(|word| said.hear(*word));
        said.level(before)
    }

    #[test]
    fn a_terminal_that_is_gone_is_told_of_more_than_once_and_never_gives_hosts_up() {
        assert_eq!(level(&[]), 0);
        assert_eq!(level(&[Word::Stop]), 1);
        assert_eq!(level(&[Word::Stop, Word::Stop]), 2);
        assert_eq!(level(&[Word::HangUp, Word::HangUp, Word::HangUp]), 1);
        assert_eq!(level(&[Word::HangUp, Word::Stop]), 1);
        assert_eq!(level(&[Word::HangUp, Word::Stop, Word::Stop]), 2);
        assert_eq!(level(&[Word::Leave]), 2);
    }
}
