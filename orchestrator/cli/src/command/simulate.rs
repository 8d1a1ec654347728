//! The simulated fleet of `rehearse` in a process of its own, so that what is measured is the controller alone.
//!
//! Reads a [`Request`] as one line of JSON from stdin, answers with one line, and ends when stdin ends.

use std::io::{BufRead, Read, Write};
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use sim_fleet::{Account, Faults, FleetSpec, ProxyMode, SimFleet, SimProxy};

use crate::drive;
use crate::exit_code;
use crate::failure::{Failure, Outcome};

/// The seed of a rehearsal that names none.
const USUAL_SEED: u64 = 1;

/// The hidden verb.
pub(crate) const VERB: &str = "simulate-fleet";

/// What the fleet is to be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Names; the fleet has exactly these hosts.
    pub hosts: Vec<String>,
    /// Seed of the prior states.
    pub seed: u64,
    /// Domain account with administrator's rights.
    pub username: String,
    /// Its password: made up for this rehearsal.
    pub password: String,
    /// Rules of `--faults` as YAML, already checked.
    pub faults: Option<String>,
}

/// Where it listens.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Address for all hosts; faults below HTTP give a host one of its own.
    pub address: String,
    /// Port of each host, in the order asked for.
    pub ports: Vec<u16>,
}

/// Serves until stdin ends.
pub(crate) fn run() -> Outcome {
    let mut line = String::new();
    let mut stdin = std::io::stdin().lock();
    stdin
        .read_line(&mut line)
        .map_err(|error| Failure::caused("cannot read the request", &error))?;
    let request: Request = serde_json::from_str(&line)
        .map_err(|error| Failure::caused("the request is not usable", &error))?;
    let runtime = drive::runtime()?;
    // Whatever proxy a playbook names, a rehearsal meets one that works: nothing leaves loopback.
    let proxy = SimProxy::start(ProxyMode::Works)
        .map_err(|error| Failure::caused("the simulated proxy did not start", &error))?;
    let fleet = runtime
        .block_on(SimFleet::start(spec(&request, proxy.address())?))
        .map_err(|error| Failure::caused("the simulated fleet did not start", &error))?;
    let shared = fleet.http_addr();
    let ports = runtime.block_on(async {
        fleet
            .hosts()
            .iter()
            .map(|host| {
                let knobs = host.knobs();
                if knobs.refuse || knobs.hang.is_some() || knobs.reboot.is_some() {
                    host.own_address().port()
                } else {
                    shared.port()
                }
            })
            .collect()
    });
    let ready = Ready {
        address: shared.ip().to_string(),
        ports,
    };
    let text =
        serde_json::to_string(&ready).map_err(|error| Failure::caused("internal error", &error))?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::caused("cannot answer", &error))?;
    // Ends with the parent, however that ends.
    let _ = stdin.read_to_end(&mut Vec::new());
    Ok(exit_code::DONE)
}

fn spec(request: &Request, proxy: SocketAddr) -> Result<FleetSpec, Failure> {
    let mut spec = FleetSpec::named(&request.hosts);
    spec.vary(request.seed);
    // The usual seed shows what a run costs on usual hosts; the others try the forms in which hosts may differ as well.
    spec.dialect_seed = (request.seed != USUAL_SEED).then_some(request.seed);
    let (domain, name) = request
        .username
        .split_once('\\')
        .unwrap_or(("", &request.username));
    let own = spec
        .hosts
        .iter_mut()
        .filter_map(|host| host.options.as_mut());
    for options in own.chain([&mut spec.defaults]) {
        options.network.proxies.insert("*".to_owned(), proxy);
    }
    spec.accounts = vec![Account::domain(domain, name, &request.password)];
    if let Some(text) = &request.faults {
        spec = spec.with_faults(faults("faults", text)?);
    }
    Ok(spec)
}

/// The rules of a faults file; `name` is how the operator calls it.
pub(crate) fn faults(name: &str, text: &str) -> Result<Faults, Failure> {
    Faults::from_yaml(text).map_err(|error| {
        // The reader of the simulated fleet draws its own excerpt: only the sentence before it fits here.
        let error = error.to_string();
        let sentence = error.split("\n").next().unwrap_or_default();
        let sentence = sentence.split(" --> ").next().unwrap_or_default().trim();
        Failure::new(format!(
            "the faults file {name} cannot be used: {}",
            sentence.trim_start_matches("error: ")
        ))
        .hint("it begins with 'faults:', a list such as { hosts: '*', every: 5, set: { access_denied: true } }")
    })
}
