//! What a message says, as this crate reads it.

use std::fmt;

use wsman_proto::reply::{Reply, decode};
use wsman_proto::xml::{Bounds, Element, parse};
use wsman_proto::{ns, shell};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A message of a client, with the last part of its action.
    Request(String),
    /// A reply that carries nothing but its name; empty where there is not even that.
    Plain(String),
    Shell(String),
    Command(String),
    Output {
        stdout: Vec<u8>,
        stderr: Vec<u8>,
        exit_code: Option<i32>,
        done: bool,
    },
    Fault {
        code: u32,
        subcode: String,
        machine: String,
    },
}

impl Reading {
    /// Reads a message through the decoder of replies, or as a request where it answers nothing.
    pub(super) fn of(message: &str) -> Self {
        let tree = parse(message.as_bytes(), Bounds::default()).unwrap();
        let header = |name| {
            tree.path(&[(ns::SOAP, "Header"), (ns::ADDRESSING, name)])
                .map(Element::text)
        };
        let relates_to = header("RelatesTo").unwrap_or_default();
        if relates_to.is_empty() && tree.descendant("Fault").is_none() {
            let action = header("Action").unwrap();
            return Self::Request(action.rsplit('/').next().unwrap().to_owned());
        }
        match decode(message.as_bytes(), &relates_to, Bounds::default()).unwrap() {
            Reply::Body(body) => Self::of_body(&body),
            Reply::Fault(fault) => Self::Fault {
                code: fault.code,
                subcode: fault.subcode,
                machine: fault.machine,
            },
        }
    }

    fn of_body(body: &Element) -> Self {
        match body.children().next().map_or("", Element::name) {
            "ResourceCreated" | "Shell" => {
                Self::Shell(shell::created(body).unwrap().id().to_owned())
            }
            "CommandResponse" => Self::Command(shell::command_id(body).unwrap()),
            "ReceiveResponse" => {
                let of = |name| body.descendant(name)?.attribute("", "CommandId");
                let command = of("CommandState").or_else(|| of("Stream"));
                let mut output = shell::Output::default();
                output.add(body, &command.unwrap_or_default()).unwrap();
                Self::Output {
                    stdout: output.stdout,
                    stderr: output.stderr,
                    exit_code: output.exit_code,
                    done: output.done,
                }
            }
            name => Self::Plain(name.to_owned()),
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |bytes: &[u8]| -> String {
            let text: String = String::from_utf8_lossy(bytes).chars().take(40).collect();
            format!("{} bytes {text:?}", bytes.len())
        };
        match self {
            Self::Request(action) => write!(f, "request {action}"),
            Self::Plain(name) => write!(f, "reply {name:?}"),
            Self::Shell(id) => write!(f, "shell {id}"),
            Self::Command(id) => write!(f, "command {id}"),
            Self::Output {
                stdout,
                stderr,
                exit_code,
                done,
            } => write!(
                f,
                "output {}, errors {}, exit code {exit_code:?}, done {done}",
                shown(stdout),
                shown(stderr)
            ),
            Self::Fault {
                code,
                subcode,
                machine,
            } => write!(f, "fault {code} {subcode:?} of {machine:?}"),
        }
    }
}
