//! The exit codes that scripts rely on, in one place.
//!
//! The numbers are a contract: they never change meaning. Which of them a finished run deserves is decided from
//! the journal by `rollout`; the codes that are given before anything is sent are chosen where the refusal is
//! made, and all of them are named here.

use std::process;

/// All that was asked for was done and read back, or there was nothing to do.
pub const DONE: u8 = 0;
/// Usage, configuration or internal error; the message says whether anything was sent.
pub const ERROR: u8 = 1;
/// Changes are pending or drift was found.
pub const CHANGES_PENDING: u8 = 2;
/// Some hosts failed without breaching a limit, or a rollback left conflicts.
pub const HOSTS_FAILED: u8 = 3;
/// Some hosts were unreachable, none failed.
pub const HOSTS_UNREACHABLE: u8 = 4;
/// Some hosts are indeterminate: a write was sent and its effect is not known.
pub const HOSTS_INDETERMINATE: u8 = 5;
/// Stopped or paused by a limit or a gate.
pub const STOPPED: u8 = 6;
/// Rolled back, wholly or in part, by a limit.
pub const ROLLED_BACK: u8 = 7;
/// Refused before anything was sent: no terminal and no `--yes`, a simulated run against real hosts, and the like.
pub const REFUSED: u8 = 8;
/// The credential guard stopped the run.
pub const CREDENTIAL_GUARD: u8 = 9;
/// The selection holds no host.
pub const NO_HOSTS: u8 = 10;
/// Interrupted; the run can be resumed.
pub const INTERRUPTED: u8 = 130;

/// Number and meaning of every code, in the order of the reference; printed by `winfleet --help`.
pub const ALL: [(u8, &str); 12] = [
    (
        DONE,
        "all that was asked for was done and read back, or nothing to do",
    ),
    (
        ERROR,
        "usage, configuration or internal error; the message says whether anything was sent",
    ),
    (CHANGES_PENDING, "changes pending or drift found"),
    (
        HOSTS_FAILED,
        "some hosts failed (limits not breached), or a rollback left conflicts",
    ),
    (HOSTS_UNREACHABLE, "some hosts unreachable, none failed"),
    (HOSTS_INDETERMINATE, "some hosts indeterminate"),
    (STOPPED, "stopped or paused by a limit or a gate"),
    (ROLLED_BACK, "rolled back, wholly or in part, by a limit"),
    (
        REFUSED,
        "refused before sending: no terminal and no --yes, or not allowed for this run",
    ),
    (CREDENTIAL_GUARD, "credential guard tripped"),
    (NO_HOSTS, "no hosts matched"),
    (INTERRUPTED, "interrupted; the run can be resumed"),
];

/// What a code means, in the words of [`ALL`].
pub fn meaning(code: u8) -> Option<&'static str> {
    ALL.iter()
        .find(|(number, _)| *number == code)
        .map(|(_, meaning)| *meaning)
}

/// As the process hands it to the operating system.
pub fn process_code(code: u8) -> process::ExitCode {
    process::ExitCode::from(code)
}

/// The table as `--help` prints it.
pub fn help_table() -> String {
    let lines: Vec<String> = ALL
        .iter()
        .map(|(code, meaning)| format!("  {code:>3}  {meaning}"))
        .collect();
    format!("Exit codes:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_contract() {
        let numbers: Vec<u8> = ALL.iter().map(|(code, _)| *code).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 130]);
    }
}
