//! Messages as a person may see them: indented, with the usual prefixes, and without anything secret.
//!
//! What stays is still a message: a reply that is shown can be decoded again, with the same result but for what was
//! masked. Masked are: input of commands, the values (and their neighbours on the line of an output) whose names are in
//! [`SECRET`], a user and password in front of a host (`userinfo.rs`), and what proves the account, where a host says it
//! back (`proof.rs`).

mod proof;
mod userinfo;

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ns;
use crate::xml::{Bounds, Element, Writer, parse};
pub use proof::Known;
use userinfo::{Digits, Words};

/// Names of registry values that are never shown, in lower case; parts of names count. The ids of an organisation and of a
/// sensor are no passwords, and belong to nobody who reads a trace.
pub const SECRET: [&str; 10] = [
    "onboardedinfo",
    "onboardinginfo",
    "orgid",
    "tenantid",
    "senseid",
    "senseguid",
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
    known: Known,
}

/// The line an output has come to; it may be cut at any byte.
#[derive(Default)]
struct Line {
    /// Its last bytes, as many as a secret name has at most.
    tail: Vec<u8>,
    /// A secret name stands on it: the rest is masked.
    secret: bool,
    words: Words,
    digits: Digits,
    /// Its last bytes, as many as what was sent has at most.
    said: Vec<u8>,
}

impl Masker {
    /// What was sent so far and is not shown where the host says it back.
    pub fn knows(&mut self, known: Known) {
        self.known = known;
    }

    /// A request, masked.
    pub fn request(&mut self, bytes: &[u8]) -> String {
        let Ok(mut tree) = parse(bytes, Bounds::default()) else {
            return excerpt(bytes, &self.known);
        };
        let name = tree.descendant("sValueName").map(Element::text);
        self.secret_value = name.is_some_and(|name| is_secret(&name));
        if tree.descendant("CommandLine").is_some() {
            self.stdout = Line::default();
            self.stderr = Line::default();
        }
        self.mask(&mut tree, true);
        self.pretty(&tree)
    }

    /// A reply, masked. Bytes that are no XML are shown as far as they are text.
    pub fn reply(&mut self, bytes: &[u8], bounds: Bounds) -> String {
        let Ok(mut tree) = parse(bytes, bounds) else {
            // What cannot be read cannot be masked; in UTF-16 not even a name would be found.
            let wide = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
            let stream = bytes.windows(6).any(|part| part == b"Stream");
            return match self.secret_value || wide || stream {
                true => MASK.to_owned(),
                false => excerpt(bytes, &self.known),
            };
        };
        self.mask_streams(&mut tree);
        self.mask(&mut tree, false);
        self.pretty(&tree)
    }

    fn mask(&mut self, element: &mut Element, request: bool) {
        if is_stream(element) {
            if request {
                hide_input(element);
            }
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
        let known = &self.known;
        element.map_texts(|text| known.without(&masked_line(text, true)));
        mask_bytes(element);
        for child in element.children_mut() {
            self.mask(child, request);
        }
    }

    /// All that a message brings of an output is one piece of it, in however many elements it comes.
    fn mask_streams(&mut self, tree: &mut Element) {
        let state = tree.descendant("CommandState");
        let state = state.and_then(|state| state.attribute("", "State"));
        let ends = state.is_some_and(|state| state.ends_with("/Done"));
        for name in ["stdout", "stderr"] {
            let mut pieces = Vec::new();
            each_stream(tree, name, &mut |stream| pieces.push(decoded(stream)));
            let line = match name {
                "stderr" => &mut self.stderr,
                _ => &mut self.stdout,
            };
            let bytes: Vec<u8> = pieces.iter().flatten().flatten().copied().collect();
            let mut shown = line.masked(&bytes, ends);
            for span in self.known.spans(&mut line.said, &bytes, ends) {
                shown[span].fill(b'*');
            }
            let (mut rest, mut pieces) = (shown.as_slice(), pieces.into_iter());
            each_stream(tree, name, &mut |stream| {
                let Some(Some(piece)) = pieces.next() else {
                    // Not what a stream should be, and not decodable: nothing of it can be judged.
                    stream.set_text(MASK.to_owned());
                    return;
                };
                let (own, after) = rest.split_at(piece.len());
                rest = after;
                stream.set_text(STANDARD.encode(own));
            });
        }
    }

    /// The document with an element on each line. Texts are left as they are.
    fn pretty(&self, root: &Element) -> String {
        let prefixes = Prefixes::of(root);
        let mut writer = Writer::new();
        self.write(&mut writer, root, &prefixes, 0);
        String::from_utf8(writer.finish()).unwrap_or_default()
    }

    fn write(&self, writer: &mut Writer, element: &Element, prefixes: &Prefixes, depth: usize) {
        let mut attributes: Vec<(String, String)> = Vec::new();
        if depth == 0 {
            let declared = prefixes.declared.iter();
            attributes
                .extend(declared.map(|(uri, prefix)| (format!("xmlns:{prefix}"), uri.clone())));
        }
        attributes.extend(element.attributes().map(|(namespace, name, value)| {
            (
                prefixes.qualified(namespace, name),
                self.known.without(&masked_line(value, true)),
            )
        }));
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
                self.write(writer, child, prefixes, depth + 1);
            }
            writer.characters(&["\n", &" ".repeat(2 * depth)].concat());
        });
    }
}

/// What it has come to is not masked yet.
impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

impl Line {
    /// The next bytes of an output, those that are secret as asterisks: what follows a secret name on its line, and a
    /// user and password in front of a host.
    fn masked(&mut self, bytes: &[u8], ends: bool) -> Vec<u8> {
        let mut shown = Vec::with_capacity(bytes.len());
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let from = self.masked_from(piece);
            shown.extend(piece.iter().enumerate().map(|(at, byte)| {
                let line_ends = matches!(byte, b'\r' | b'\n');
                if at >= from && !line_ends {
                    b'*'
                } else {
                    *byte
                }
            }));
            if piece.ends_with(b"\n") {
                self.tail.clear();
                self.secret = false;
            }
        }
        let words = self.words.spans(bytes, ends);
        for span in words.into_iter().chain(self.digits.spans(bytes, ends)) {
            shown[span].fill(b'*');
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

fn is_stream(element: &Element) -> bool {
    element.name() == "Stream" && element.namespace() == ns::SHELL
}

/// Calls for every piece of an output, in the order of the message.
fn each_stream(element: &mut Element, name: &str, call: &mut impl FnMut(&mut Element)) {
    if is_stream(element) {
        let stderr = element.attribute("", "Name").as_deref() == Some("stderr");
        if stderr == (name == "stderr") {
            call(element);
        }
        return;
    }
    for child in element.children_mut() {
        each_stream(child, name, call);
    }
}

fn decoded(stream: &Element) -> Option<Vec<u8>> {
    let mut text = stream.text();
    text.retain(|c| !c.is_ascii_whitespace());
    STANDARD.decode(&text).ok()
}

fn hide_input(stream: &mut Element) {
    let hidden = decoded(stream).map(|bytes| STANDARD.encode(vec![b'*'; bytes.len()]));
    stream.set_text(hidden.unwrap_or_else(|| MASK.to_owned()));
}

/// A binary value has an element for each byte; one that holds a user and password has asterisks (42) in their place.
fn mask_bytes(element: &mut Element) {
    let byte = |child: &Element| {
        let byte = (child.name() == "uValue").then(|| child.text().trim().parse::<u8>().ok());
        byte.flatten()
    };
    let bytes: Vec<Option<u8>> = element.children().map(byte).collect();
    let (places, bytes): (Vec<usize>, Vec<u8>) = bytes
        .into_iter()
        .enumerate()
        .filter_map(|(place, byte)| Some((place, byte?)))
        .unzip();
    let hidden: HashSet<usize> = userinfo::binary(&bytes)
        .into_iter()
        .flatten()
        .map(|index| places[index])
        .collect();
    if hidden.is_empty() {
        return;
    }
    for (place, child) in element.children_mut().enumerate() {
        if hidden.contains(&place) {
            child.set_text(b'*'.to_string());
        }
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

/// Masks a text of a message, of which more may have been cut off.
fn masked_line(text: &str, ends: bool) -> String {
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
    proof::without_tokens(&userinfo::without(&shown, MASK, ends))
}

/// The beginning of what is no XML, as text.
pub fn excerpt(bytes: &[u8], known: &Known) -> String {
    // In a text of two bytes per character no name would be found.
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    let text = known.without(&String::from_utf8_lossy(&text));
    let end = (0..=text.len().min(MAX_EXCERPT))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    let cut = &text[..end.unwrap_or_default()];
    masked_line(cut, cut.len() == text.len())
}

/// Words of a host that go into an error, and from there into reports: without what proves an account, and without a user
/// and password in front of a host.
pub fn words(text: &str, known: &Known) -> String {
    proof::without_tokens(&userinfo::without(&known.without(text), MASK, true))
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
