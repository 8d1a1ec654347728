//! The real program as a child process.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::lab::PASSWORD;
use crate::terminal::{Listener, Seated};

/// A command that is about to be started.
pub struct Program {
    command: Command,
}

impl Program {
    pub(crate) fn new(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null());
        for name in [
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "RUST_LOG",
        ] {
            command.env_remove(name);
        }
        command
            .env("WINFLEET_JOURNAL", folder.join("journal.sqlite"))
            .env("HOME", folder)
            .env("XDG_STATE_HOME", folder.join("state"))
            .env("LAB_PASSWORD", PASSWORD)
            .env("NO_COLOR", "1");
        Self { command }
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    /// Takes a variable out of the environment.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Sends its standard output into a file.
    #[must_use]
    pub fn output_to(mut self, file: std::fs::File) -> Self {
        self.command.stdout(file);
        self
    }

    /// Sends its messages into a file.
    #[must_use]
    pub fn messages_to(mut self, file: std::fs::File) -> Self {
        self.command.stderr(file);
        self
    }

    /// Starts it in another folder.
    #[must_use]
    pub fn from(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// No file that it writes may grow beyond so many blocks of 512 bytes, as with a quota.
    #[cfg(unix)]
    #[must_use]
    pub fn limited_to(self, blocks: u64) -> Self {
        self.by_shell(&format!("trap '' XFSZ; ulimit -f {blocks}"))
    }

    /// Starts it so that it outlives its terminal, as `nohup` does.
    #[cfg(unix)]
    #[must_use]
    pub fn without_hang_up(self) -> Self {
        self.by_shell("trap '' HUP")
    }

    /// Starts it from a shell that has carried out `first`.
    #[cfg(unix)]
    fn by_shell(mut self, first: &str) -> Self {
        let mut shell = Command::new("sh");
        let script = format!("{first}; exec \"$0\" \"$@\"");
        shell.arg("-c").arg(script).arg(self.command.get_program());
        shell.args(self.command.get_args()).stdin(Stdio::null());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some(folder) = self.command.get_current_dir() {
            shell.current_dir(folder);
        }
        self.command = shell;
        self
    }

    /// Starts it as somebody whom the system refuses what it refuses ordinary users.
    #[cfg(unix)]
    #[must_use]
    pub fn as_nobody(mut self) -> Self {
        std::os::unix::process::CommandExt::uid(&mut self.command, 65_534);
        self
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Finished {
        let output = self.command.output().expect("the program starts");
        Finished {
            output,
            line: format!("{:?}", self.command),
        }
    }

    /// Starts it.
    pub fn spawn(mut self) -> Running {
        let line = format!("{:?}", self.command);
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stderr = Listener::new(child.stderr.take().expect("stderr is piped"));
        Running {
            child,
            line,
            stderr,
        }
    }

    /// Starts it at a terminal of its own.
    pub fn at_terminal(self) -> Seated {
        Seated::new(&self.command)
    }
}

/// The program's path: beside this test's own folder, where Cargo puts the binaries of the package.
pub fn binary() -> PathBuf {
    let mut folder = std::env::current_exe().expect("a test knows its own path");
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    folder.join(format!(
        "winfleet-under-test{}",
        std::env::consts::EXE_SUFFIX
    ))
}

/// A program under way.
pub struct Running {
    child: Child,
    line: String,
    stderr: Listener,
}

impl Running {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// It has not ended yet.
    pub fn lives(&mut self) -> bool {
        let ended = self.child.try_wait();
        ended.expect("the child can be waited for").is_none()
    }

    /// Ends it at once, without a chance to say goodbye.
    pub fn kill(&mut self) {
        self.child.kill().expect("the child can be killed");
    }

    /// Ends it at once when so much time has passed; false where it had ended by itself.
    pub fn kill_after(&mut self, patience: std::time::Duration) -> bool {
        // The instant is chance: nothing is waited for.
        std::thread::sleep(patience);
        if !self.lives() {
            return false;
        }
        self.kill();
        // It may have ended by itself just before.
        let status = self.child.wait().expect("the child can be waited for");
        if cfg!(unix) {
            status.code().is_none()
        } else {
            status.code() == Some(1)
        }
    }

    /// Waits until the file exists and `lines` lines of it are complete, or the program has ended.
    pub fn until_lines(&mut self, file: &Path, lines: usize) {
        loop {
            let count = std::fs::File::open(file)
                .map(|file| BufReader::new(file).lines().count())
                .unwrap_or_default();
            if count >= lines
                || self
                    .child
                    .try_wait()
                    .expect("the child can be waited for")
                    .is_some()
            {
                return;
            }
            std::thread::yield_now();
        }
    }

    /// Ctrl-C.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// A signal by its name, as `TERM`.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.id().to_string()])
            .status()
            .expect("kill is there");
        assert!(sent.success());
    }

    /// Waits until the text stands on stderr.
    #[track_caller]
    pub fn until_says(&self, text: &str) {
        crate::until(text, || self.stderr.heard().contains(text));
    }

    /// Waits for its end.
    pub fn finish(self) -> Finished {
        let mut output = self
            .child
            .wait_with_output()
            .expect("the child can be waited for");
        output.stderr = self.stderr.all().into_bytes();
        Finished {
            output,
            line: self.line,
        }
    }
}

/// A program that has ended.
pub struct Finished {
    output: Output,
    line: String,
}

impl Finished {
    /// The exit code; `None` after a signal.
    pub fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "{}\n{}", self.line, self.screen());
        self
    }

    /// Asserts exit code 0.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.exits(0)
    }

    /// Standard output.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Standard error.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Both.
    pub fn screen(&self) -> String {
        format!("--- stdout\n{}--- stderr\n{}", self.stdout(), self.stderr())
    }

    /// Asserts that a text stands on one of the two streams.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.screen().contains(text),
            "no '{text}' in\n{}\n{}",
            self.line,
            self.screen()
        );
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout())
            .unwrap_or_else(|error| panic!("{error}: {}", self.screen()))
    }
}
