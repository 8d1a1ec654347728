//! The bounded reader.

use std::collections::HashSet;
use std::sync::Arc;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::{Attribute, Bounds, Element, Node};

/// Why a document was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Not well-formed, or not UTF-8/UTF-16.
    #[error("not well-formed XML: {0}")]
    Malformed(String),
    /// A DOCTYPE: never occurs in WS-Management, and is how entity bombs come.
    #[error("a DOCTYPE is not allowed")]
    Doctype,
    /// A bound was passed.
    #[error("the reply is over the bound of {limit} {what}")]
    Bound {
        /// Which one.
        what: &'static str,
        /// Its value.
        limit: usize,
    },
}

/// Each attribute is compared with those before it: without a bound two megabytes would keep a processor busy for
/// minutes. Namespace declarations are bounded by the reader underneath (128 in scope).
const MAX_ATTRIBUTES: usize = 100;

fn within(number: usize, limit: usize, what: &'static str) -> Result<(), XmlError> {
    if number > limit {
        return Err(XmlError::Bound { what, limit });
    }
    Ok(())
}

/// The text of an error may quote the document.
fn malformed(error: impl ToString) -> XmlError {
    XmlError::Malformed(crate::clip(error.to_string()))
}

/// Parses a document: UTF-8 with or without BOM, or UTF-16 with BOM.
pub fn parse(bytes: &[u8], bounds: Bounds) -> Result<Element, XmlError> {
    if bytes.len() > bounds.bytes {
        return Err(XmlError::Bound {
            what: "bytes",
            limit: bounds.bytes,
        });
    }
    let text = decode(bytes)?;
    let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().expand_empty_elements = true;
    let mut tree = Tree {
        bounds,
        open: Vec::new(),
        root: None,
        names: HashSet::new(),
        nodes: 0,
    };
    loop {
        let event = reader.read_event().map_err(malformed)?;
        match event {
            Event::Start(start) => tree.start(&reader, &start)?,
            Event::End(_) => tree.end(),
            Event::Text(text) => tree.text(&text.xml10_content())?,
            Event::CData(text) => tree.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => tree.text(&resolve(&reference)?)?,
            Event::DocType(_) => return Err(XmlError::Doctype),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if !tree.open.is_empty() {
        return Err(XmlError::Malformed(
            "the document ends inside an element".to_owned(),
        ));
    }
    tree.root
        .ok_or_else(|| XmlError::Malformed("no element".to_owned()))
}

fn decode(bytes: &[u8]) -> Result<std::borrow::Cow<'_, str>, XmlError> {
    let wide = |from: fn([u8; 2]) -> u16| {
        if !bytes.len().is_multiple_of(2) {
            return Err(XmlError::Malformed("UTF-16 of an odd length".to_owned()));
        }
        let units = bytes[2..]
            .chunks_exact(2)
            .map(|pair| from([pair[0], pair[1]]));
        char::decode_utf16(units)
            .collect::<Result<String, _>>()
            .map(std::borrow::Cow::Owned)
            .map_err(|_| XmlError::Malformed("invalid UTF-16".to_owned()))
    };
    match bytes {
        [0xFF, 0xFE, ..] => wide(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => wide(u16::from_be_bytes),
        _ => std::str::from_utf8(bytes)
            .map(std::borrow::Cow::Borrowed)
            .map_err(|error| {
                XmlError::Malformed(format!("invalid UTF-8 at byte {}", error.valid_up_to()))
            }),
    }
}

/// The five predefined entities and character references; there is no DTD that could define others.
fn resolve(reference: &BytesRef<'_>) -> Result<String, XmlError> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => return Ok(character.to_string()),
        Ok(None) => {}
        Err(error) => return Err(malformed(error)),
    }
    let name = reference.xml10_content();
    quick_xml::escape::resolve_predefined_entity(&name)
        .map(str::to_owned)
        .ok_or_else(|| XmlError::Malformed("undefined entity".to_owned()))
}

struct Tree {
    bounds: Bounds,
    open: Vec<Element>,
    root: Option<Element>,
    /// One allocation for each namespace of the document.
    names: HashSet<Arc<str>>,
    nodes: usize,
}

impl Tree {
    fn start(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<(), XmlError> {
        if self.root.is_some() && self.open.is_empty() {
            return Err(XmlError::Malformed("more than one root element".to_owned()));
        }
        if self.open.len() >= self.bounds.depth {
            return Err(XmlError::Bound {
                what: "nested elements",
                limit: self.bounds.depth,
            });
        }
        self.count()?;
        let (namespace, name) = reader.resolver().resolve_element(start.name());
        let mut element = Element {
            namespace: self.namespace(namespace)?,
            name: name.as_ref().to_owned(),
            attributes: Vec::new(),
            nodes: Vec::new(),
        };
        for (index, attribute) in start.attributes().enumerate() {
            // Before the next one is compared with all that came before it.
            within(index + 1, MAX_ATTRIBUTES, "attributes of one element")?;
            let attribute = attribute.map_err(malformed)?;
            self.count()?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(malformed)?;
            element.attributes.push(Attribute {
                namespace: self.namespace(namespace)?,
                name: name.as_ref().to_owned(),
                value: value.into_owned(),
            });
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) {
        let Some(element) = self.open.pop() else {
            return;
        };
        match self.open.last_mut() {
            Some(parent) => parent.nodes.push(Node::Element(element)),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(element) => match element.nodes.last_mut() {
                Some(Node::Text(before)) => before.push_str(text),
                _ => {
                    // A text is mostly alone; the usual growth would take room for four.
                    if element.nodes.is_empty() {
                        element.nodes.reserve_exact(1);
                    }
                    element.nodes.push(Node::Text(text.to_owned()));
                }
            },
            None if text.trim().is_empty() => {}
            None => {
                return Err(XmlError::Malformed(
                    "text outside the root element".to_owned(),
                ));
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), XmlError> {
        self.nodes += 1;
        within(self.nodes, self.bounds.nodes, "elements and attributes")
    }

    fn namespace(&mut self, resolved: ResolveResult<'_>) -> Result<Arc<str>, XmlError> {
        let uri = match resolved {
            ResolveResult::Bound(namespace) => namespace.0,
            ResolveResult::Unbound => "",
            ResolveResult::Unknown(prefix) => {
                return Err(malformed(format!("undeclared prefix '{prefix}'")));
            }
        };
        if let Some(known) = self.names.get(uri) {
            return Ok(Arc::clone(known));
        }
        let shared: Arc<str> = uri.into();
        self.names.insert(Arc::clone(&shared));
        Ok(shared)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, XmlError, parse};

    fn small() -> Bounds {
        Bounds {
            bytes: 1000,
            depth: 4,
            nodes: 10,
        }
    }

    #[test]
    fn names_are_resolved_and_prefixes_do_not_matter() {
        let tree = parse(b"\xEF\xBB\xBF<?xml version='1.0'?><q:a xmlns:q='urn:x' q:k='1' k='2'><b>x&lt;&#65;<![CDATA[&]]></b></q:a>", small());
        let tree = tree.unwrap();
        assert!(tree.is("urn:x", "a"));
        assert_eq!(tree.attribute("urn:x", "k").as_deref(), Some("1"));
        assert_eq!(tree.attribute("", "k").as_deref(), Some("2"));
        assert_eq!(tree.child("", "b").unwrap().text(), "x<A&");
    }

    #[test]
    fn utf16_replies_are_read() {
        for (mark, encode) in [
            ([0xFF, 0xFE], u16::to_le_bytes as fn(u16) -> [u8; 2]),
            ([0xFE, 0xFF], u16::to_be_bytes),
        ] {
            let mut bytes = mark.to_vec();
            bytes.extend("<a>\u{20ac}</a>".encode_utf16().flat_map(encode));
            assert_eq!(parse(&bytes, small()).unwrap().text(), "\u{20ac}");
        }
    }

    /// What costs the square of its size is bounded long before it costs anything.
    #[test]
    fn attributes_and_declarations_are_few() {
        let numbered = |form: fn(usize) -> String, count| (0..count).map(form).collect::<String>();
        let many = format!("<a{}/>", numbered(|n| format!(" a{n}=''"), 150_000));
        let refused = parse(many.as_bytes(), Bounds::default()).unwrap_err();
        assert!(
            matches!(refused, XmlError::Bound { limit: 100, .. }),
            "{refused}"
        );
        let spaces = format!("<a{}/>", numbered(|n| format!(" xmlns:a{n}='u'"), 100_000));
        let refused = parse(spaces.as_bytes(), Bounds::default()).unwrap_err();
        assert!(refused.to_string().contains("128"), "{refused}");
    }

    #[test]
    fn errors_quote_little_of_the_document() {
        let long = "x".repeat(1 << 20);
        for text in [format!("<{long}></y>"), format!("<{long}:a/>")] {
            let refused = parse(text.as_bytes(), Bounds::default()).unwrap_err();
            assert!(refused.to_string().len() < 3000);
        }
    }

    #[test]
    fn bombs_and_garbage_are_refused() {
        let refused = |text: &str| parse(text.as_bytes(), small()).unwrap_err();
        assert_eq!(
            refused("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
            XmlError::Doctype
        );
        assert!(matches!(
            refused("<a><b><c><d><e/></d></c></b></a>"),
            XmlError::Bound { limit: 4, .. }
        ));
        assert!(matches!(
            refused(&format!("<a>{}</a>", "<b/>".repeat(10))),
            XmlError::Bound { limit: 10, .. }
        ));
        assert!(matches!(
            refused(&"x".repeat(1001)),
            XmlError::Bound { what: "bytes", .. }
        ));
        for text in [
            "",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<p:a/>",
            "<a>&nope;</a>",
            "x<a/>",
            "<a k='1' k='2'/>",
        ] {
            assert!(matches!(refused(text), XmlError::Malformed(_)), "{text}");
        }
    }
}
