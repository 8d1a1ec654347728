//! `ping --replay FILE`: the messages of a trace, through the same decoder and the same judgement as those of a host.

mod words;

use std::collections::BTreeMap;

use inventory::HostName;
use rollout::{Cost, HostError, HostIdentity};
use serde::Serialize;
use session::Scene;
use wsman::{Error, ErrorKind, NtlmProof, Peer, Sent};
use wsman_proto::reply::{self, Reply};
use wsman_proto::xml::{Bounds, Element, parse};
use wsman_proto::{enumerate, fault, identify, ns, shell};

use words::{clipped, ends, ends_in_shell, is_of_registry, is_of_shell, named, of_old, received};

use super::checks::{Check, Road};
use super::{Answer, Found};
use crate::trace::End;
use crate::trace::record::{Event, Line};

/// A message that was indented and masked is larger than it was on the wire.
const BOUNDS: Bounds = Bounds {
    bytes: 16 << 20,
    depth: 64,
    nodes: 400_000,
};

/// One message of the host and what this program makes of it.
#[derive(Debug, Serialize)]
pub(super) struct Understood {
    /// Milliseconds since the trace began.
    pub(super) at_ms: u64,
    /// What was asked.
    pub(super) operation: String,
    /// What came.
    pub(super) text: String,
}

/// A host of which the trace does not tell what became of it.
pub(super) struct Open {
    /// The last check that it is known to have passed.
    pub(super) passed: Option<Check>,
    /// Where the trace ends.
    pub(super) why: String,
}

/// What to do about it.
pub(super) const REMEDY: &str = "record it anew (winfleet ping --trace FILE) and let the command end by itself; copy the whole file";

/// A warning about a trace that does not end as it should.
pub(super) fn ended(end: End) -> Option<String> {
    match end {
        End::Whole => None,
        End::Full => Some(
            "the trace had come to its bound of 64 MiB: what happened later is not in it"
                .to_owned(),
        ),
        End::Cut(line) => Some(format!(
            "line {line} is cut off and left out: what happened later is not in the trace"
        )),
    }
}

/// Judges every host of a trace, in the order of their first lines.
pub(super) fn judge(lines: Vec<Line>, end: End) -> Vec<Answer> {
    let mut order = Vec::new();
    let mut hosts: BTreeMap<String, Replay> = BTreeMap::new();
    for line in lines {
        if line.host.is_empty() {
            continue;
        }
        let replay = hosts.entry(line.host.clone()).or_insert_with(|| {
            order.push(line.host.clone());
            Replay::default()
        });
        replay.take(line.at_ms, line.event);
    }
    let answers = order.into_iter().filter_map(|name| {
        let replay = hosts.remove(&name)?;
        Some(replay.answer(name, end))
    });
    answers.collect()
}

/// One host's session, as far as it has been read.
#[derive(Default)]
struct Replay {
    scene: Begun,
    peer: Option<Peer>,
    /// The id that the reply has to relate to.
    message_id: String,
    command: String,
    asked: bool,
    guid: Option<String>,
    wants_guid: bool,
    /// The host's shells are listed: one is looked for whose id never arrived.
    lists_shells: bool,
    requests: u32,
    /// What was asked last, and not answered.
    pending: Option<String>,
    /// Something was read.
    read: bool,
    /// A registry operation was answered by WMI.
    read_by_wmi: bool,
    /// A shell was opened.
    opened: bool,
    /// A command has ended in a shell.
    ran: bool,
    /// What the host does without where the shell takes WMI's place.
    without_wmi: Option<HostError>,
    failure: Option<Failure>,
    verdict: Option<Verdict>,
    understood: Vec<Understood>,
}

/// Where the session went, and how.
#[derive(Default)]
struct Begun {
    address: String,
    port: u16,
    tls: bool,
    basic: bool,
    account: String,
    verify_name: bool,
}

/// The last failure that nothing made up for.
struct Failure {
    what: What,
    /// It was in a shell.
    in_shell: bool,
}

enum What {
    Again(Error),
    /// Only the words of then are known.
    Words(String),
}

/// What was said of the host then.
struct Verdict {
    error: Option<HostError>,
    partly: Option<HostError>,
}

impl Replay {
    fn take(&mut self, at_ms: u64, event: Event) {
        match event {
            Event::Begin {
                address,
                port,
                tls,
                auth,
                account,
                verify_name,
            } => {
                self.scene = Begun {
                    address,
                    port,
                    tls,
                    basic: auth == "basic",
                    account,
                    verify_name,
                }
            }
            Event::Http(_) => self.requests += 1,
            Event::Peer(who) => self.peer = Some(who.into()),
            Event::Request {
                operation,
                envelope,
            } => {
                self.request(&envelope);
                if !self.cleans_up(&operation) {
                    self.pending = Some(operation);
                }
            }
            Event::Reply {
                operation,
                envelope,
            } => {
                self.settled(&operation);
                let text = clipped(self.reply(&operation, &envelope));
                self.understood.push(Understood {
                    at_ms,
                    operation,
                    text,
                });
            }
            Event::Failed {
                operation,
                sent,
                kind,
                proof,
            } => {
                self.settled(&operation);
                let text = match kind.into_error() {
                    Ok(kind) => {
                        let text = kind.to_string();
                        self.failed(&operation, kind, sent.into(), proof.map(NtlmProof::from));
                        text
                    }
                    Err(text) => {
                        self.failure = Some(Failure {
                            what: What::Words(text.clone()),
                            in_shell: is_of_shell(&operation),
                        });
                        text
                    }
                };
                self.understood.push(Understood {
                    at_ms,
                    operation,
                    text,
                });
            }
            Event::Verdict { error, partly } => self.verdict = Some(Verdict { error, partly }),
            Event::Trace { .. } | Event::Full => {}
        }
    }

    /// An answer came, or is known not to come. That of a clean-up says nothing of what it follows.
    fn settled(&mut self, operation: &str) {
        if !self.cleans_up(operation) {
            self.pending = None;
        }
    }

    /// It takes something away that was left behind.
    fn cleans_up(&self, operation: &str) -> bool {
        match operation {
            "Delete" | "Signal" | "Release" => true,
            "Enumerate" | "Pull" => self.lists_shells,
            _ => false,
        }
    }

    fn failed(&mut self, operation: &str, kind: ErrorKind, sent: Sent, proof: Option<NtlmProof>) {
        // What the clean-up after a failure meets is not the failure.
        if self.cleans_up(operation) {
            return;
        }
        let error = Error {
            operation: named(operation),
            kind,
            sent,
            source: proof.map(|proof| Box::new(proof) as _),
            spent: wsman::Cost::default(),
        };
        if self.without_wmi.is_none() && is_of_registry(operation) {
            self.without_wmi = session::in_part(&error);
        }
        self.failure = Some(Failure {
            what: What::Again(error),
            in_shell: is_of_shell(operation),
        });
    }

    fn request(&mut self, envelope: &str) {
        self.asked = true;
        let Ok(tree) = parse(envelope.as_bytes(), BOUNDS) else {
            return;
        };
        let id = tree.path(&[(ns::SOAP, "Header"), (ns::ADDRESSING, "MessageID")]);
        self.message_id = id.map(Element::text).unwrap_or_default();
        let resource = tree.path(&[(ns::SOAP, "Header"), (ns::WSMAN, "ResourceURI")]);
        self.lists_shells = resource.is_some_and(|uri| uri.text().trim() == ns::SHELL);
        let desired = tree.descendant("DesiredStream");
        if let Some(id) = desired.and_then(|stream| stream.attribute("", "CommandId")) {
            self.command = id;
        }
        let name = tree.descendant("sValueName").map(Element::text);
        self.wants_guid = name.as_deref() == Some("MachineGuid");
    }

    /// Decodes a reply as the client does; what it says in a few words.
    fn reply(&mut self, operation: &str, envelope: &str) -> String {
        if operation == "Identify" {
            return match identify::decode(envelope.as_bytes(), BOUNDS) {
                Ok(identity) => {
                    self.failure = None;
                    self.read = true;
                    format!("{} {}", identity.product_vendor, identity.product_version)
                }
                Err(error) => self.broken(operation, error.to_string()),
            };
        }
        match reply::decode(envelope.as_bytes(), &self.message_id, BOUNDS) {
            Ok(Reply::Fault(found)) => {
                let text = format!("fault {found}");
                self.failed(
                    operation,
                    ErrorKind::Fault(Box::new(found)),
                    Sent::NotProcessed,
                    None,
                );
                text
            }
            Ok(Reply::Body(body)) => self.body(operation, &body),
            Err(error) => self.broken(operation, error.to_string()),
        }
    }

    fn broken(&mut self, operation: &str, text: String) -> String {
        self.failed(
            operation,
            ErrorKind::Protocol(text.clone()),
            Sent::Unknown,
            None,
        );
        text
    }

    fn body(&mut self, operation: &str, body: &Element) -> String {
        if !self.cleans_up(operation) {
            self.failure = None;
            self.read = true;
            if is_of_registry(operation) {
                self.read_by_wmi = true;
                // In another namespace, or a moment later, it does work.
                self.without_wmi = None;
            }
        }
        if let Some(shell) = shell::created(body) {
            self.opened = true;
            return format!("shell {}", shell.id());
        }
        if let Some(id) = shell::command_id(body) {
            return format!("command {id}");
        }
        if let Some(page) = enumerate::page(body, None) {
            let more = if page.next.is_some() {
                ", and more"
            } else {
                ""
            };
            return format!("{} items{more}", page.items.len());
        }
        let Some(first) = body.children().next() else {
            return "done".to_owned();
        };
        match first.name() {
            "ReceiveResponse" => {
                let (text, done) = received(body, &self.command);
                self.ran |= done;
                text
            }
            name if name.ends_with("_OUTPUT") => self.output(operation, first),
            name => name.to_owned(),
        }
    }

    /// What a method of `StdRegProv` gave back.
    fn output(&mut self, operation: &str, output: &Element) -> String {
        let text = |name: &str| {
            let found = output.children().find(|child| child.name() == name);
            found.filter(|child| !child.is_nil()).map(Element::text)
        };
        let code = text("ReturnValue").and_then(|text| text.trim().parse::<u32>().ok());
        let Some(code) = code else {
            return self.broken(operation, "the output has no ReturnValue".to_owned());
        };
        let name = fault::return_value_name(code);
        if !matches!(code, 0..=2) {
            let method = named(operation);
            let kind = ErrorKind::Registry { method, code, name };
            self.failed(operation, kind, Sent::NotProcessed, None);
        }
        let value = text("sValue").or_else(|| text("uValue"));
        if self.wants_guid && code == 0 {
            self.guid.clone_from(&value);
        }
        match value {
            Some(value) => format!("{code} ({name}), {value}"),
            None => format!("{code} ({name})"),
        }
    }

    fn answer(self, name: String, end: End) -> Answer {
        let host = HostName::new(name.clone());
        let Begun {
            address,
            port,
            tls,
            basic,
            account,
            verify_name,
        } = self.scene;
        let road = Road {
            literal: address.parse::<std::net::IpAddr>().is_ok(),
            tls,
            verifies: verify_name,
        };
        let scene = Scene {
            host: host.clone(),
            account,
            basic,
            tls,
            port,
        };
        // A session that ends after the host has said who it is ended because of it.
        let stopped = self.peer.as_ref().filter(|_| verify_name && !self.asked);
        let ended_well = self.verdict.as_ref().is_some_and(|it| it.error.is_none());
        let (then, partly_then) = match self.verdict {
            Some(Verdict { error, partly }) => (error, partly),
            None => (None, None),
        };
        let failure = match self.pending {
            // What was asked after it may have made up for it.
            Some(_) => None,
            // What failed was not needed.
            None if ended_well => None,
            None => self.failure,
        };
        let in_shell = match &self.pending {
            Some(operation) => is_of_shell(operation),
            None => failure.as_ref().is_some_and(|it| it.in_shell),
        };
        let in_shell = in_shell && self.read_by_wmi;
        let now = match failure.map(|failure| failure.what) {
            Some(What::Again(error)) => Some(session::diagnose(&scene, error)),
            Some(What::Words(text)) => Some(then.clone().unwrap_or_else(|| of_old(text))),
            None => stopped.and_then(|peer| session::prove(&host, peer).err()),
        };
        let partly = match self.ran {
            true => partly_then.or(self.without_wmi),
            false => partly_then,
        };
        let passed = match self.peer.as_ref() {
            _ if self.read => Some(Check::Sealing),
            // With Basic and Kerberos over HTTP it is known before anything is dialled, and proves nothing.
            Some(peer) if peer.computer_name.is_some() || peer.dns_name.is_some() => {
                Some(Check::Name)
            }
            _ if self.requests > 0 => Some(Check::Tls),
            _ => None,
        };
        let peer = self.peer.unwrap_or_default();
        let found = match now.or(then) {
            Some(error) if in_shell => Found::ShellFailed(error),
            Some(error) => Found::Failed(error),
            None if !ended_well && (!self.read || self.pending.is_some()) => Found::Unknown(Open {
                passed,
                why: ends(end, self.pending.as_deref(), self.asked),
            }),
            // A shell is opened for a command.
            None if !ended_well && self.opened && !self.ran => Found::Unknown(Open {
                passed,
                why: ends_in_shell(end),
            }),
            None => {
                let identity = HostIdentity {
                    computer_name: peer.computer_name.or(peer.dns_name),
                    machine_guid: self.guid,
                    auth: peer.auth,
                };
                let cost = Cost {
                    requests: self.requests,
                    ..Cost::default()
                };
                Found::Read(identity, cost)
            }
        };
        let partly = partly.filter(|_| matches!(found, Found::Read(..)));
        Answer {
            name,
            road,
            found,
            partly,
            understood: self.understood,
        }
    }
}
