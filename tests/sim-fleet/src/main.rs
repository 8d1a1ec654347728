//! The simulated fleet as a program: prints one line of JSON when it is ready and runs until stdin closes or SIGTERM.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use sim_fleet::{Faults, FleetSpec, SimFleet};
use tokio::io::AsyncReadExt;

/// Simulated Windows hosts that speak WinRM on loopback.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Description of the fleet (YAML, see README.md).
    #[arg(long, required_unless_present = "hosts")]
    spec: Option<PathBuf>,
    /// So many made-up hosts, besides the ones of the description.
    #[arg(long)]
    hosts: Option<usize>,
    /// Decides the prior states of made-up hosts.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Fault rules (YAML, the `faults` part of a description).
    #[arg(long)]
    faults: Option<PathBuf>,
    /// Where to write the certificate authority; a file of its own below the temporary folder when absent.
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// Open an HTTP and an HTTPS listener for each host and list them.
    #[arg(long)]
    own_listeners: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.to_string()),
    };
    let result = runtime.block_on(run(args));
    // A read of stdin may be under way in a thread that cannot be stopped: nothing waits for it.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => complain(&message),
    }
}

fn complain(message: &str) -> ExitCode {
    // Nothing is left to do where even this cannot be written.
    let _ = writeln!(std::io::stderr(), "sim-fleet: {message}");
    ExitCode::FAILURE
}

fn load(args: &Args) -> Result<FleetSpec, String> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let mut spec = match &args.spec {
        Some(path) => FleetSpec::from_yaml(&read(path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?,
        None => FleetSpec::default(),
    };
    if let Some(count) = args.hosts {
        spec.hosts
            .extend(FleetSpec::made_up(count, args.seed).hosts);
    }
    if let Some(path) = &args.faults {
        let faults = Faults::from_yaml(&read(path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        spec = spec.with_faults(faults);
    }
    Ok(spec)
}

async fn run(args: Args) -> Result<(), String> {
    let fleet = SimFleet::start(load(&args)?).await.map_err(|error| {
        let cause = std::error::Error::source(&error).map(|source| format!(": {source}"));
        format!("{error}{}", cause.unwrap_or_default())
    })?;
    let ca_file = args.ca_file.unwrap_or_else(|| {
        std::env::temp_dir().join(format!("sim-fleet-{}.pem", std::process::id()))
    });
    std::fs::write(&ca_file, fleet.ca_pem())
        .map_err(|error| format!("{}: {error}", ca_file.display()))?;
    let hosts: Vec<serde_json::Value> = fleet
        .hosts()
        .iter()
        .map(|host| {
            let mut line = serde_json::json!({ "name": host.name(), "computer_name": host.computer_name(), "machine_guid": host.machine_guid() });
            if args.own_listeners {
                line["http"] = host.own_address().to_string().into();
                line["https"] = host.own_https_address().to_string().into();
            }
            line
        })
        .collect();
    let proxies: serde_json::Map<String, serde_json::Value> = fleet
        .proxies()
        .map(|(name, proxy)| (name.to_owned(), proxy.address().to_string().into()))
        .collect();
    let ready = serde_json::json!({
        "http": fleet.http_addr().to_string(), "https": fleet.https_addr().to_string(), "ca_file": ca_file.display().to_string(), "hosts": hosts, "proxies": proxies,
    });
    writeln!(std::io::stdout(), "{ready}").map_err(|error| error.to_string())?;
    wait_for_the_end().await;
    fleet.shutdown().await;
    Ok(())
}

async fn wait_for_the_end() {
    let closed = async {
        let mut stdin = tokio::io::stdin();
        let mut buffer = [0; 256];
        while matches!(stdin.read(&mut buffer).await, Ok(count) if count > 0) {}
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                () = closed => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    closed.await;
}
