//! One value as it stands in a file, YAML or CSV, read into a type or complained about.
//!
//! The rules for single values are here; how settings win over each other is in `resolve.rs`.

use std::path::PathBuf;
use std::time::Duration;

use document::{DURATION, Diagnostic, Document, Node, Value, parse_duration};

use crate::check;
use crate::place::{Place, at};
use crate::{Auth, Channel, SpnClass, Transport};

/// A value in a file.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) document: &'a Document,
    pub(crate) place: Place,
    raw: Raw<'a>,
}

#[derive(Clone, Copy)]
enum Raw<'a> {
    Node(&'a Node),
    Cell(&'a str),
}

type Read<T> = Result<T, Diagnostic>;

impl<'a> Field<'a> {
    pub(crate) fn node(document: &'a Document, index: usize, node: &'a Node) -> Self {
        let width = node.source(document).chars().count();
        let place = Place {
            document: index,
            line: node.line,
            column: node.column,
            width: u32::try_from(width).unwrap_or(u32::MAX),
        };
        let raw = Raw::Node(node);
        Self {
            document,
            place,
            raw,
        }
    }

    pub(crate) fn cell(document: &'a Document, place: Place, text: &'a str) -> Self {
        let raw = Raw::Cell(text.trim());
        Self {
            document,
            place,
            raw,
        }
    }

    pub(crate) fn wrong(&self, message: impl Into<String>) -> Diagnostic {
        at(self.document, self.place, message)
    }

    fn wrong_type(&self, expected: &str) -> Diagnostic {
        let kind = match self.raw {
            Raw::Node(node) => node.kind(),
            Raw::Cell(_) => "text",
        };
        self.wrong(format!("wrong type: this is {kind}"))
            .expect(expected)
    }

    /// Text; a number is taken as it is written, since `ring: 1` is no mistake.
    pub(crate) fn text(&self) -> Read<String> {
        match self.raw {
            Raw::Cell(text) => Ok(text.to_owned()),
            Raw::Node(node) => match &node.value {
                Value::Text(text) => Ok(text.clone()),
                Value::Integer(number) => {
                    let source = node.source(self.document);
                    let written = source
                        .starts_with(|first: char| first.is_ascii_digit() || "+-".contains(first));
                    Ok(if written {
                        source.to_owned()
                    } else {
                        number.to_string()
                    })
                }
                Value::Bool(_) | Value::Float(_) => {
                    Err(self.wrong_type("text").hint("put it in quotes"))
                }
                _ => Err(self.wrong_type("text")),
            },
        }
    }

    /// Text that says something.
    pub(crate) fn filled(&self) -> Read<String> {
        let text = self.text()?;
        if text.trim().is_empty() {
            return Err(self.wrong("there is no value here").expect("text"));
        }
        check::printable(&text).map_err(|message| self.wrong(message))?;
        Ok(text)
    }

    pub(crate) fn boolean(&self) -> Read<bool> {
        match self.raw {
            Raw::Node(Node {
                value: Value::Bool(value),
                ..
            }) => Ok(*value),
            // Spreadsheets write TRUE and FALSE.
            Raw::Cell(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Raw::Cell(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Raw::Cell(text) => Err(self
                .wrong(format!("'{text}' is no truth value"))
                .expect("true or false")),
            Raw::Node(_) => Err(self.wrong_type("true or false")),
        }
    }

    pub(crate) fn port(&self) -> Read<u16> {
        const EXPECTED: &str = "a whole number from 1 to 65535";
        let number = match self.raw {
            Raw::Node(Node {
                value: Value::Integer(number),
                ..
            }) => *number,
            Raw::Node(_) => return Err(self.wrong_type(EXPECTED)),
            Raw::Cell(text) => text
                .parse()
                .map_err(|_| self.wrong(format!("'{text}' is no port")).expect(EXPECTED))?,
        };
        match u16::try_from(number) {
            Ok(port) if port != 0 => Ok(port),
            _ => Err(self.wrong(format!("{number} is no port")).expect(EXPECTED)),
        }
    }

    /// How many hosts at once.
    pub(crate) fn parallel(&self) -> Read<u32> {
        const EXPECTED: &str = "a whole number from 1 to 100000";
        let Raw::Node(Node {
            value: Value::Integer(number),
            ..
        }) = self.raw
        else {
            return Err(self.wrong_type(EXPECTED));
        };
        match u32::try_from(*number) {
            Ok(cap @ 1..=100_000) => Ok(cap),
            _ => Err(self
                .wrong(format!("{number} hosts at once make no sense"))
                .expect(EXPECTED)),
        }
    }

    pub(crate) fn duration(&self) -> Read<Duration> {
        let text = match self.raw {
            Raw::Node(Node {
                value: Value::Integer(number),
                ..
            }) => number.to_string(),
            Raw::Node(Node {
                value: Value::Text(text),
                ..
            }) => text.clone(),
            Raw::Node(_) => return Err(self.wrong_type(DURATION)),
            Raw::Cell(text) => text.to_owned(),
        };
        parse_duration(&text).map_err(|hint| {
            self.wrong(format!("'{text}' is no duration"))
                .expect(DURATION)
                .hint(hint)
        })
    }

    pub(crate) fn path(&self) -> Read<PathBuf> {
        Ok(check::beside(self.document, &self.filled()?))
    }

    pub(crate) fn address(&self) -> Read<String> {
        check::address(&self.text()?).map_err(|wrong| wrong.on(self))
    }

    pub(crate) fn label(&self) -> Read<String> {
        let text = self.text()?.trim().to_owned();
        check::label(&text).map_err(|wrong| wrong.on(self))?;
        Ok(text)
    }

    pub(crate) fn sha256(&self) -> Read<String> {
        check::sha256(&self.text()?).map_err(|wrong| wrong.on(self))
    }

    fn word<T: Copy>(&self, words: &[(&str, T)]) -> Read<T> {
        let text = self.text()?;
        let known = words
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(&text));
        known.map(|(_, value)| *value).ok_or_else(|| {
            let names = words.iter().map(|(word, _)| *word);
            let expected = format!("one of {}", names.clone().collect::<Vec<_>>().join(", "));
            self.wrong(format!("unknown word '{text}'"))
                .expect(expected)
                .nearest(&text, names)
        })
    }

    pub(crate) fn transport(&self) -> Read<Transport> {
        self.word(&[("http", Transport::Http), ("https", Transport::Https)])
    }

    pub(crate) fn channel(&self) -> Read<Channel> {
        self.word(&[
            ("auto", Channel::Auto),
            ("cim", Channel::Cim),
            ("shell", Channel::Shell),
        ])
    }

    pub(crate) fn auth(&self) -> Read<Auth> {
        self.word(&[
            ("negotiate", Auth::Negotiate),
            ("kerberos", Auth::Kerberos),
            ("ntlm", Auth::Ntlm),
            ("basic", Auth::Basic),
            ("certificate", Auth::Certificate),
        ])
    }

    pub(crate) fn spn_class(&self) -> Read<SpnClass> {
        self.word(&[
            ("HTTP", SpnClass::Http),
            ("WSMAN", SpnClass::Wsman),
            ("HOST", SpnClass::Host),
        ])
    }

    /// A host's name as it stands in the directory, and the realm where it has to be said.
    pub(crate) fn spn_name(&self) -> Read<String> {
        let text = self.text()?.trim().to_owned();
        let (name, realm) = text.split_once('@').unwrap_or((&text, "x"));
        check::host_name(name).map_err(|wrong| {
            let diagnostic = wrong.on(self);
            match name.contains('/') {
                true => diagnostic.hint("the class stands apart, in the setting 'spn_class'"),
                false => diagnostic,
            }
        })?;
        if realm.is_empty() || realm.contains(['@', '/', ' ']) {
            return Err(self
                .wrong(format!("'{realm}' is no realm"))
                .expect("NAME or NAME@REALM"));
        }
        Ok(text)
    }
}
