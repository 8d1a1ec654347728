//! Messages as a person may see them: indented, with the usual prefixes, and without anything secret.
//!
//! What stays is still a message: a reply that is shown can be decoded again, with the same result but for what was
//! masked. Masked are: input of commands, the values (and their neighbours on the line of an output) whose names are in
//! [`SECRET`], and a password in a URL. Account passwords never are in a message; tokens are in headers, which do not
//! come here.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ns;
use crate::xml::{Bounds, Element, Writer, parse};

/// Names of registry values that are never shown, in lower case; parts of names count.
pub const SECRET: [&str; 6] = [
    "onboardedinfo",
    "onboardinginfo",
    "password",
    "passwd",
    "secret",
    "credential",
];
/// What stands in the place of something secret.
pub const MASK: &str = "(masked)";
/// Of a message that is no XML, so much is shown.
const MAX_EXCERPT: usize = 4096;
/// No name in [`SECRET`] is longer.
const MAX_NAME: usize = 32;

/// Shows the messages of one host in their order: what a reply may show depends on what was asked for.
#[derive(Debug, Default)]
pub struct Masker {
    /// The value that was asked for, or written, is secret.
    secret_value: bool,
    stdout: Line,
    stderr: Line,
}

/// The line an output has come to; it may be cut at any byte.
#[derive(Debug, Default)]
struct Line {
    /// Its last bytes, as many as a secret name has at most.
    tail: Vec<u8>,
    /// A secret name stands on it: the rest is masked.
    secret: bool,
}

impl Masker {
    /// A request, masked.
    pub fn request(&mut self, bytes: &[u8]) -> String {
        let Ok(mut tree) = parse(bytes, Bounds::default()) else {
            return excerpt(bytes);
        };
        let name = tree.descendant("sValueName").map(Element::text);
        self.secret_value = name.is_some_and(|name| is_secret(&name));
        if tree.descendant("CommandLine").is_some() {
            self.stdout = Line::default();
            self.stderr = Line::default();
        }
        self.mask(&mut tree, true);
        pretty(&tree)
    }

    /// A reply, masked. Bytes that are no XML are shown as far as they are text.
    pub fn reply(&mut self, bytes: &[u8], bounds: Bounds) -> String {
        let Ok(mut tree) = parse(bytes, bounds) else {
            // What cannot be read cannot be masked; in UTF-16 not even a name would be found.
            let wide = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
            let stream = bytes.windows(6).any(|part| part == b"Stream");
            return match self.secret_value || wide || stream {
                true => MASK.to_owned(),
                false => excerpt(bytes),
            };
        };
        self.mask(&mut tree, false);
        pretty(&tree)
    }

    fn mask(&mut self, element: &mut Element, request: bool) {
        if element.name() == "Stream" && element.namespace() == ns::SHELL {
            self.mask_stream(element, request);
            return;
        }
        if self.secret_value && matches!(element.name(), "sValue" | "uValue") && !element.is_nil() {
            let mask = if element.name() == "uValue" {
                "0"
            } else {
                MASK
            };
            element.set_text(mask.to_owned());
            return;
        }
        element.map_texts(masked_line);
        for child in element.children_mut() {
            self.mask(child, request);
        }
    }

    fn mask_stream(&mut self, element: &mut Element, request: bool) {
        let mut text = element.text();
        text.retain(|c| !c.is_ascii_whitespace());
        let Ok(bytes) = STANDARD.decode(&text) else {
            // Not what a stream should be, and not decodable: nothing of it can be judged.
            element.set_text(MASK.to_owned());
            return;
        };
        let shown = if request {
            vec![b'*'; bytes.len()]
        } else if element.attribute("", "Name").as_deref() == Some("stderr") {
            self.stderr.masked(&bytes)
        } else {
            self.stdout.masked(&bytes)
        };
        element.set_text(STANDARD.encode(shown));
    }
}

impl Line {
    /// The next bytes of an output: what follows a secret name on its line is masked, byte for byte.
    fn masked(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut shown = Vec::with_capacity(bytes.len());
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let from = self.masked_from(piece);
            shown.extend(piece.iter().enumerate().map(|(at, byte)| {
                let ends = matches!(byte, b'\r' | b'\n');
                if at >= from && !ends { b'*' } else { *byte }
            }));
            if piece.ends_with(b"\n") {
                *self = Self::default();
            }
        }
        shown
    }

    /// The place in the next piece of this line from which on it is masked.
    fn masked_from(&mut self, piece: &[u8]) -> usize {
        if self.secret {
            return 0;
        }
        let before = self.tail.len();
        self.tail.extend_from_slice(piece);
        let found = after_secret(&self.tail);
        self.secret = found.is_some();
        self.tail.drain(..self.tail.len().saturating_sub(MAX_NAME));
        found.map_or(piece.len(), |at| at.saturating_sub(before))
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|secret| name.contains(secret))
}

/// The place behind the first secret name.
fn after_secret(line: &[u8]) -> Option<usize> {
    let ends = SECRET.iter().filter_map(|secret| {
        let secret = secret.as_bytes();
        let at = line
            .windows(secret.len())
            .position(|window| window.eq_ignore_ascii_case(secret))?;
        Some(at + secret.len())
    });
    ends.min()
}

/// Masks a text of a message: the rest of a line behind a secret name, and the password in a URL.
fn masked_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match after_secret(line.as_bytes()) {
            // A name alone (an element of a list, a selector) gives nothing away.
            Some(at) if line[at..].trim().len() > 1 => {
                shown.push_str(&line[..at]);
                shown.push(' ');
                shown.push_str(MASK);
                if line.ends_with('\n') {
                    shown.push('\n');
                }
            }
            _ => shown.push_str(line),
        }
    }
    without_userinfo(&shown)
}

/// `http://user:password@host` as `http://(masked)@host`.
fn without_userinfo(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '<' | ';'))
            .unwrap_or(after.len());
        rest = match after[..end].rfind('@') {
            Some(at) => {
                shown.push_str(MASK);
                &after[at..]
            }
            None => after,
        };
    }
    shown.push_str(rest);
    shown
}

/// The beginning of what is no XML, as text.
pub fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_EXCERPT)]);
    masked_line(&text)
}

/// The prefixes that WS-Management messages mostly have.
const PREFIXES: [(&str, &str); 13] = [
    (ns::SOAP, "s"),
    (ns::ADDRESSING, "a"),
    (ns::WSMAN, "w"),
    (ns::WSMV, "p"),
    (ns::SHELL, "rsp"),
    (ns::TRANSFER, "x"),
    (ns::ENUMERATION, "n"),
    (ns::WSMANFAULT, "f"),
    (ns::CIM, "cim"),
    (ns::XSI, "xsi"),
    (ns::IDENTITY, "i"),
    (ns::XML, "xml"),
    ("", ""),
];

/// The namespaces of a document and their prefixes here.
struct Prefixes {
    of: HashMap<String, String>,
    /// As they are declared, in the order of their first use.
    declared: Vec<(String, String)>,
}

impl Prefixes {
    fn of(root: &Element) -> Self {
        let mut prefixes = Self {
            of: PREFIXES
                .iter()
                .map(|(namespace, prefix)| ((*namespace).to_owned(), (*prefix).to_owned()))
                .collect(),
            declared: Vec::new(),
        };
        let mut declared = HashSet::new();
        let mut open = vec![root];
        while let Some(element) = open.pop() {
            let attributes = element.attributes().map(|(namespace, ..)| namespace);
            for namespace in std::iter::once(element.namespace()).chain(attributes) {
                if matches!(namespace, "" | ns::XML) || !declared.insert(namespace) {
                    continue;
                }
                let number = prefixes.declared.len();
                let prefix = prefixes
                    .of
                    .entry(namespace.to_owned())
                    .or_insert_with(|| format!("q{number}"));
                let prefix = prefix.clone();
                prefixes.declared.push((namespace.to_owned(), prefix));
            }
            open.extend(element.children());
        }
        prefixes
    }

    fn qualified(&self, namespace: &str, name: &str) -> String {
        match self.of.get(namespace).map(String::as_str) {
            None | Some("") => name.to_owned(),
            Some(prefix) => [prefix, ":", name].concat(),
        }
    }
}

/// The document with an element on each line. Texts are left as they are.
fn pretty(root: &Element) -> String {
    let prefixes = Prefixes::of(root);
    let mut writer = Writer::new();
    write(&mut writer, root, &prefixes, 0);
    String::from_utf8(writer.finish()).unwrap_or_default()
}

fn write(writer: &mut Writer, element: &Element, prefixes: &Prefixes, depth: usize) {
    let mut attributes: Vec<(String, String)> = Vec::new();
    if depth == 0 {
        let declared = prefixes.declared.iter();
        attributes.extend(declared.map(|(uri, prefix)| (format!("xmlns:{prefix}"), uri.clone())));
    }
    attributes.extend(
        element.attributes().map(|(namespace, name, value)| {
            (prefixes.qualified(namespace, name), masked_line(value))
        }),
    );
    let attributes: Vec<(&str, &str)> = attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let name = prefixes.qualified(element.namespace(), element.name());
    let own = element.text();
    if element.children().next().is_none() {
        if own.is_empty() {
            writer.empty(&name, &attributes);
        } else {
            writer.text(&name, &attributes, &own);
        }
        return;
    }
    writer.element(&name, &attributes, |writer| {
        if !own.trim().is_empty() {
            writer.characters(own.trim());
        }
        for child in element.children() {
            writer.characters(&["\n", &" ".repeat(2 * (depth + 1))].concat());
            write(writer, child, prefixes, depth + 1);
        }
        writer.characters(&["\n", &" ".repeat(2 * depth)].concat());
    });
}
