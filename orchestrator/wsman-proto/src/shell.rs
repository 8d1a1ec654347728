//! The cmd shell: Create, Command, Send, Receive, Signal, Delete (wsman.md 3).
//!
//! This module only builds requests and reads replies; the order of use, polling and clean-up belong to the crate
//! that owns the connection.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cim::{CimValue, Instance};
use crate::envelope::Request;
use crate::ns;
use crate::xml::{Element, Writer};

/// Longest command line cmd takes (wsman.md 3.2); longer ones fail in ways that look like success.
pub const MAX_COMMAND_LINE: usize = 8191;
/// Raw bytes of one Send that fit everywhere (wsman.md 3.3).
pub const MAX_SEND: usize = 100_000;

/// What the [`Request`] that starts a command calls its operation.
pub const COMMAND: &str = "Command";

/// Longer names (a GUID has 36 characters), or more selectors than this, would only make our own requests long.
const MAX_ID: usize = 1024;
const MAX_SELECTORS: usize = 16;

/// A shell, as the host named it: sent back exactly as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellRef {
    selectors: Vec<(String, String)>,
}

impl ShellRef {
    /// The value of the selector `ShellId`.
    pub fn id(&self) -> &str {
        self.selectors
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("ShellId"))
            .map_or("", |(_, value)| value.as_str())
    }

    fn request(&self, operation: &'static str, action: &'static str, body: Vec<u8>) -> Request {
        let request = Request::new(operation, action, ns::CMD, body);
        self.selectors
            .iter()
            .fold(request, |request, (name, value)| {
                request.selector(name, value)
            })
    }
}

/// `Create` of a shell with UTF-8 output that deletes itself after `idle_seconds` without a request. `mark` is a text
/// of its own in the shell's environment: by it the shell is found again where the answer was lost ([`marked`]).
pub fn create(idle_seconds: u32, mark: &str) -> Request {
    let mut writer = Writer::new();
    writer.element("rsp:Shell", &[("xmlns:rsp", ns::SHELL)], |writer| {
        writer.element("rsp:Environment", &[], |writer| {
            writer.text("rsp:Variable", &[("Name", "WINFLEET_SHELL")], mark);
        });
        writer.text(
            "rsp:IdleTimeOut",
            &[],
            &["PT", &idle_seconds.to_string(), "S"].concat(),
        );
        writer.text("rsp:InputStreams", &[], "stdin");
        writer.text("rsp:OutputStreams", &[], "stdout stderr");
    });
    Request::new("Create", ns::ACTION_CREATE, ns::CMD, writer.finish())
        .option("WINRS_NOPROFILE", "TRUE")
        .option("WINRS_CODEPAGE", "65001")
}

/// The shell of a `CreateResponse`: the selectors of `ResourceCreated`, else the `ShellId` element.
pub fn created(body: &Element) -> Option<ShellRef> {
    let set = body.path(&[
        (ns::TRANSFER, "ResourceCreated"),
        (ns::ADDRESSING, "ReferenceParameters"),
        (ns::WSMAN, "SelectorSet"),
    ]);
    let selectors: Vec<_> = set
        .into_iter()
        .flat_map(Element::children)
        .filter(|selector| selector.is(ns::WSMAN, "Selector"))
        .filter_map(|selector| {
            Some((
                selector.attribute("", "Name")?,
                selector.text().trim().to_owned(),
            ))
        })
        .collect();
    let short = selectors.len() <= MAX_SELECTORS
        && selectors
            .iter()
            .all(|(name, value)| name.len() <= MAX_ID && value.len() <= MAX_ID);
    let shell = ShellRef { selectors };
    if short && !shell.id().is_empty() {
        return Some(shell);
    }
    let id = body
        .path(&[(ns::SHELL, "Shell"), (ns::SHELL, "ShellId")])?
        .text();
    let id = id.trim();
    (!id.is_empty() && id.len() <= MAX_ID).then(|| ShellRef {
        selectors: vec![("ShellId".to_owned(), id.to_owned())],
    })
}

/// The shell in an item of [`crate::enumerate::shells`], if it was created with this mark. Nobody else's shell is ever
/// taken for ours: without the mark there is no other proof.
pub fn marked(item: &Instance, mark: &str) -> Option<ShellRef> {
    let ours = item.values("Environment").iter().any(|value| match value {
        CimValue::Object(environment) => environment.texts("Variable").contains(&mark),
        _ => false,
    });
    let id = item.text("ShellId").map(str::trim)?;
    (ours && !id.is_empty() && id.len() <= MAX_ID).then(|| ShellRef {
        selectors: vec![("ShellId".to_owned(), id.to_owned())],
    })
}

/// `Command`: runs a line through the command processor. With `stdin`, input has pipe semantics.
pub fn command(shell: &ShellRef, line: &str, stdin: bool) -> Request {
    let mut writer = Writer::new();
    writer.element("rsp:CommandLine", &[("xmlns:rsp", ns::SHELL)], |writer| {
        writer.text("rsp:Command", &[], line);
    });
    shell
        .request(COMMAND, ns::ACTION_COMMAND, writer.finish())
        .option(
            "WINRS_CONSOLEMODE_STDIN",
            if stdin { "FALSE" } else { "TRUE" },
        )
        .option("WINRS_SKIP_CMD_SHELL", "FALSE")
}

/// The id in a `CommandResponse`.
pub fn command_id(body: &Element) -> Option<String> {
    let id = body
        .path(&[(ns::SHELL, "CommandResponse"), (ns::SHELL, "CommandId")])?
        .text();
    let id = id.trim();
    (!id.is_empty() && id.len() <= MAX_ID).then(|| id.to_owned())
}

/// `Send`: a piece of input.
pub fn send(shell: &ShellRef, command: &str, piece: &[u8], last: bool) -> Request {
    let encoded = STANDARD.encode(piece);
    let mut attributes = vec![("Name", "stdin"), ("CommandId", command)];
    if last {
        attributes.push(("End", "true"));
    }
    let mut writer = Writer::new();
    writer.element("rsp:Send", &[("xmlns:rsp", ns::SHELL)], |writer| {
        writer.text("rsp:Stream", &attributes, &encoded);
    });
    shell.request("Send", ns::ACTION_SEND, writer.finish())
}

/// `Receive`: waits for output or the end.
pub fn receive(shell: &ShellRef, command: &str) -> Request {
    let mut writer = Writer::new();
    writer.element("rsp:Receive", &[("xmlns:rsp", ns::SHELL)], |writer| {
        writer.text(
            "rsp:DesiredStream",
            &[("CommandId", command)],
            "stdout stderr",
        );
    });
    shell.request("Receive", ns::ACTION_RECEIVE, writer.finish())
}

/// `Signal` terminate: ends a command, and frees a finished one.
pub fn terminate(shell: &ShellRef, command: &str) -> Request {
    let mut writer = Writer::new();
    writer.element(
        "rsp:Signal",
        &[("xmlns:rsp", ns::SHELL), ("CommandId", command)],
        |writer| {
            writer.text("rsp:Code", &[], ns::SIGNAL_TERMINATE);
        },
    );
    shell.request("Signal", ns::ACTION_SIGNAL, writer.finish())
}

/// `Delete` of the shell; kills what runs in it.
pub fn delete(shell: &ShellRef) -> Request {
    shell.request("Delete", ns::ACTION_DELETE, Vec::new())
}

/// What a command wrote and how it ended, gathered over any number of Receives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Bytes as the program wrote them.
    pub stdout: Vec<u8>,
    /// Bytes as the program wrote them.
    pub stderr: Vec<u8>,
    /// Exit code; `None` when the host gave none.
    pub exit_code: Option<i32>,
    /// The command has ended.
    pub done: bool,
}

impl Output {
    /// Adds a `ReceiveResponse`. Output may be cut at any byte, also inside a character, and may come in any number
    /// of `Stream` elements: only bytes are gathered here.
    pub fn add(&mut self, body: &Element, command: &str) -> Result<(), &'static str> {
        let response = body
            .child(ns::SHELL, "ReceiveResponse")
            .ok_or("not a reply to Receive")?;
        for child in response
            .children()
            .filter(|child| child.namespace() == ns::SHELL)
        {
            if child
                .attribute("", "CommandId")
                .is_some_and(|id| !id.eq_ignore_ascii_case(command))
            {
                continue;
            }
            match child.name() {
                "Stream" => self.stream(child)?,
                "CommandState" => self.state(child)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn stream(&mut self, stream: &Element) -> Result<(), &'static str> {
        let into = match stream.attribute("", "Name").as_deref() {
            Some("stdout") => &mut self.stdout,
            Some("stderr") => &mut self.stderr,
            _ => return Ok(()),
        };
        let mut text = stream.text();
        text.retain(|c| !c.is_ascii_whitespace());
        into.extend(STANDARD.decode(text).map_err(|_| "output is not base64")?);
        Ok(())
    }

    fn state(&mut self, state: &Element) -> Result<(), &'static str> {
        // With another state than Done an exit code means nothing (wsman.md 3.4).
        if state.attribute("", "State").as_deref().map(str::trim) != Some(ns::STATE_DONE) {
            return Ok(());
        }
        self.done = true;
        if let Some(code) = state.child(ns::SHELL, "ExitCode") {
            let code: i64 = code
                .text()
                .trim()
                .parse()
                .map_err(|_| "the exit code is no number")?;
            let unsigned = u32::try_from(code).map(u32::cast_signed);
            self.exit_code = Some(
                unsigned
                    .or_else(|_| i32::try_from(code))
                    .map_err(|_| "the exit code is no number")?,
            );
        }
        Ok(())
    }
}
