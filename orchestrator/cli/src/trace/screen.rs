//! Messages on stderr, as they pass.

use std::fmt::Write as _;

use report::text::neutral;
use wsman::{HttpExchange, Seen};
use wsman_proto::xml::{Bounds, parse};
use wsman_proto::{ns, shell};

use super::record::auth;
use crate::out;

/// Shows what passes; the hosts of a run interleave, so each line block begins with the host's name.
#[derive(Debug, Default)]
pub(super) struct Screen;

impl Screen {
    pub(super) fn show(&self, host: &str, seen: &Seen<'_>) {
        out::message(&block(host, seen));
    }
}

/// A headline, and the message indented below it.
fn block(host: &str, seen: &Seen<'_>) -> String {
    let (mark, headline, body) = match seen {
        Seen::Begin { endpoint, account } => (
            "==",
            format!(
                "{}:{} {} auth {} as {account}",
                endpoint.address,
                endpoint.port,
                if endpoint.tls.is_some() {
                    "https"
                } else {
                    "http"
                },
                auth(endpoint.auth)
            ),
            None,
        ),
        Seen::Http(exchange) => ("--", http(exchange), exchange.page.as_deref()),
        Seen::Peer(peer) => {
            let name = peer.dns_name.as_deref().or(peer.computer_name.as_deref());
            let name = name.or(peer.service.as_deref()).unwrap_or("(no name)");
            ("==", format!("this is {name}, {}", peer.auth), None)
        }
        Seen::Request {
            operation,
            envelope,
        } => ("->", (*operation).to_owned(), Some(*envelope)),
        Seen::Reply {
            operation,
            envelope,
        } => ("<-", (*operation).to_owned(), Some(*envelope)),
        Seen::Failed {
            operation, kind, ..
        } => ("!!", format!("{operation}: {kind}"), None),
    };
    let mut text = format!("{mark} {}: {}\n", neutral(host), neutral(&headline));
    for line in body.unwrap_or_default().lines() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "   {}", neutral(line));
    }
    if let Seen::Reply { envelope, .. } = seen {
        for (stream, bytes) in streams(envelope) {
            for line in String::from_utf8_lossy(&bytes).lines() {
                let _ = writeln!(text, "   {stream}: {}", neutral(line));
            }
        }
    }
    text
}

/// What a command wrote, readable: in the message it is base64.
fn streams(envelope: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bounds = Bounds {
        bytes: 16 << 20,
        ..Bounds::default()
    };
    let Ok(tree) = parse(envelope.as_bytes(), bounds) else {
        return Vec::new();
    };
    let Some(body) = tree.child(ns::SOAP, "Body") else {
        return Vec::new();
    };
    let state = body.descendant("Stream");
    let command = state.and_then(|stream| stream.attribute("", "CommandId"));
    let mut output = shell::Output::default();
    if output.add(body, &command.unwrap_or_default()).is_err() {
        return Vec::new();
    }
    let both = [("stdout", output.stdout), ("stderr", output.stderr)];
    both.into_iter()
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect()
}

fn http(exchange: &HttpExchange) -> String {
    let mut text = String::from("POST");
    if let Some(scheme) = &exchange.scheme {
        let _ = write!(text, " with {scheme} (token masked)");
    }
    let _ = write!(text, ", {} bytes", exchange.sent);
    if let Some(kind) = &exchange.sent_type {
        let _ = write!(text, " of {}", kind.split(';').next().unwrap_or(kind));
    }
    let _ = write!(text, " -> {}, {} bytes", exchange.status, exchange.received);
    if !exchange.received_type.is_empty() {
        let kind = &exchange.received_type;
        let _ = write!(text, " of {}", kind.split(';').next().unwrap_or(kind));
    }
    if !exchange.offered.is_empty() {
        let _ = write!(text, ", offers {}", exchange.offered.join(", "));
    }
    if let Some(via) = &exchange.via {
        let _ = write!(text, ", via {via}");
    }
    text
}
