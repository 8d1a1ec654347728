//! A terminal to sit the program at, and ears for what it says while it runs.

use std::io::{Read, Write};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Reads a stream to its end on a thread of its own.
pub(crate) struct Listener {
    heard: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<()>,
}

impl Listener {
    pub(crate) fn new(mut stream: impl Read + Send + 'static) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let thread = thread::spawn({
            let heard = Arc::clone(&heard);
            move || {
                let mut piece = [0; 4096];
                // The end of a terminal is an error on some systems and no bytes on others.
                while let Ok(length @ 1..) = stream.read(&mut piece) {
                    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    heard.extend_from_slice(&piece[..length]);
                }
            }
        });
        Self { heard, thread }
    }

    /// What came so far.
    pub(crate) fn heard(&self) -> String {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// Everything; waits for the end of the stream.
    pub(crate) fn all(self) -> String {
        let Self { heard, thread } = self;
        thread.join().expect("reading does not fail");
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&heard).into_owned()
    }
}

/// A program at a terminal, with nobody typing.
pub struct Seated {
    child: Box<dyn Child + Send + Sync>,
    screen: Listener,
    keys: Box<dyn Write + Send>,
    // The terminal is there as long as this is.
    _terminal: Box<dyn MasterPty + Send>,
}

impl Seated {
    pub(crate) fn new(command: &Command) -> Self {
        let mut seated = CommandBuilder::new(command.get_program());
        seated.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => seated.env(name, value),
                None => seated.env_remove(name),
            }
        }
        if let Some(folder) = command.get_current_dir() {
            seated.cwd(folder);
        }
        let pair = native_pty_system()
            .openpty(PtySize {
                rows: 50,
                cols: 200,
                pixel_width: 0,
                pixel_height: 0,
            })
            .expect("a terminal opens");
        let child = pair
            .slave
            .spawn_command(seated)
            .expect("the program starts");
        let reader = pair.master.try_clone_reader().expect("a reader");
        let keys = pair.master.take_writer().expect("a keyboard");
        Self {
            child,
            screen: Listener::new(reader),
            keys,
            _terminal: pair.master,
        }
    }

    /// Waits until the text stands on the screen.
    #[track_caller]
    pub fn until_shows(&self, text: &str) {
        crate::until(text, || self.screen.heard().contains(text));
    }

    /// Ctrl-C at the keyboard: the terminal interrupts everything that runs in its foreground.
    pub fn interrupt(&mut self) {
        let pressed = self.keys.write_all(&[3]).and_then(|()| self.keys.flush());
        pressed.expect("the terminal takes keys");
    }

    /// Ends it at once, without a chance to say goodbye (`kill` of the terminal's own would hang up first).
    #[cfg(unix)]
    pub fn kill(mut self) {
        let process = self.child.process_id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-KILL", &process]).status();
        assert!(sent.expect("kill is there").success());
        self.child.wait().expect("the child can be waited for");
    }

    /// Waits for its end and asserts the exit code; returns what stood on the screen.
    #[track_caller]
    pub fn exits(mut self, code: u32) -> String {
        let status = self.child.wait().expect("the child can be waited for");
        let screen = self.screen.heard();
        assert_eq!(status.exit_code(), code, "{screen}");
        screen
    }
}
