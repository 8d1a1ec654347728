//! Diagnostics of the program itself, on stderr, by `-v`. Never secrets, and never the wire library's own text.

use std::io;

use tracing_subscriber::EnvFilter;

/// Starts logging: warnings, with `-vv` what the program does, with `-vvv` each message.
///
/// `sspi` stays at `warn` whatever is asked for: below that it logs what secrets are derived from.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 | 1 => "error",
        2 => "info,wsman=debug,session=debug,rollout=debug",
        _ => "debug,wsman=trace,session=trace,rollout=trace,wsman_proto=trace",
    };
    let quiet = "sspi=warn,hyper=warn,hyper_util=warn,h2=warn,reqwest=warn,rustls=warn,zbus=warn";
    let filter = EnvFilter::new(format!("{level},{quiet}"));
    // A second call in one process (tests) keeps the first subscriber.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // It would tell of a stderr that is gone on stderr, and panic.
        .log_internal_errors(false)
        // Asks a terminal of Windows for colours, which it does not show by itself; honours NO_COLOR.
        .with_ansi(console::colors_enabled_stderr())
        .try_init();
}
