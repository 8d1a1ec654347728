//! Writes an envelope anew: the same information in other prefixes, layout and text forms.
//!
//! Works on the finished text, so that no writer of a message has to know of dialects.

use roxmltree::{Document, Node};

use super::{Declaration, Layout, Prefixes, TextForm, Types, XmlDialect};
use crate::wsman::{XSI, escape};

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Windows' prefixes, each bound to the namespace of its neighbour.
const CROSSWISE: [(&str, &str); 9] = [
    ("http://www.w3.org/2003/05/soap-envelope", "a"),
    ("http://schemas.xmlsoap.org/ws/2004/08/addressing", "s"),
    ("http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd", "p"),
    ("http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd", "w"),
    (
        "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
        "x",
    ),
    ("http://schemas.xmlsoap.org/ws/2004/09/transfer", "rsp"),
    ("http://schemas.xmlsoap.org/ws/2004/09/enumeration", "f"),
    ("http://schemas.microsoft.com/wbem/wsman/1/wsmanfault", "n"),
    ("http://www.w3.org/2001/XMLSchema-instance", "cim"),
];

/// The same envelope as this dialect writes it. `xml` is one of our own: where it is no XML, it stays as it is.
pub(crate) fn rewritten(xml: String, dialect: XmlDialect) -> String {
    let plain = XmlDialect {
        message_ids: dialect.message_ids,
        relates_to: dialect.relates_to,
        activity_id: dialect.activity_id,
        ..XmlDialect::default()
    };
    if dialect == plain {
        return xml;
    }
    let Ok(document) = Document::parse(&xml) else {
        return xml;
    };
    let mut writer = Writer {
        dialect,
        out: String::with_capacity(xml.len() * 2),
        numbered: Vec::new(),
    };
    if dialect.declaration == Declaration::Utf8 {
        writer
            .out
            .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    }
    if dialect.layout == Layout::Comments {
        writer.out.push_str("<!-- <s:Fault/> -->");
    }
    writer.element(document.root_element(), &Scope::default(), 0);
    writer.out
}

/// What is declared at a place: prefix and namespace, the innermost last; the empty prefix is the default namespace.
#[derive(Clone, Default)]
struct Scope(Vec<(String, String)>);

impl Scope {
    fn namespace(&self, prefix: &str) -> Option<&str> {
        let mut declared = self.0.iter().rev();
        declared
            .find(|(known, _)| known == prefix)
            .map(|(_, namespace)| namespace.as_str())
    }
}

struct Writer {
    dialect: XmlDialect,
    out: String,
    /// Namespaces in the order in which they were first needed.
    numbered: Vec<String>,
}

impl Writer {
    fn element(&mut self, node: Node<'_, '_>, outside: &Scope, depth: usize) {
        let mut scope = outside.clone();
        let mut declared = String::new();
        let namespace = node.tag_name().namespace().unwrap_or_default();
        let tag = self.element_name(node, namespace, &mut scope, &mut declared);
        let mut attributes = String::new();
        for attribute in node.attributes() {
            let (name, value) = match attribute.namespace() {
                None => (attribute.name().to_owned(), attribute.value().to_owned()),
                Some(XML) => (
                    format!("xml:{}", attribute.name()),
                    attribute.value().to_owned(),
                ),
                Some(XSI) if attribute.name() == "type" => {
                    if self.dialect.types == Types::Nowhere {
                        continue;
                    }
                    let value = self.qualified(node, attribute.value(), &mut scope, &mut declared);
                    (
                        self.prefixed(node, XSI, "type", &mut scope, &mut declared),
                        value,
                    )
                }
                Some(other) => (
                    self.prefixed(node, other, attribute.name(), &mut scope, &mut declared),
                    attribute.value().to_owned(),
                ),
            };
            attributes += &format!(" {name}=\"{}\"", escape(&value));
        }
        if self.dialect.types == Types::OutputsToo
            && node.tag_name().name().ends_with("_OUTPUT")
            && !node.has_attribute((XSI, "type"))
        {
            let name = self.prefixed(node, XSI, "type", &mut scope, &mut declared);
            let local = format!("{}_Type", node.tag_name().name());
            let value = self.prefixed(node, namespace, &local, &mut scope, &mut declared);
            attributes += &format!(" {name}=\"{value}\"");
        }
        // A name inside of the text needs its declaration here, too.
        let text = self.text_of(node, &mut scope, &mut declared);
        self.out.push_str(&format!("<{tag}{declared}{attributes}"));
        if !node.has_children() {
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        let mixed = node.children().any(|child| {
            child.is_text() && child.text().is_some_and(|text| !text.trim().is_empty())
        });
        let spaced = !mixed && node.children().any(|child| child.is_element());
        for child in node.children() {
            if child.is_element() {
                if spaced {
                    self.between(depth + 1);
                }
                self.element(child, &scope, depth + 1);
            } else if child.is_text() {
                self.text(text.as_deref().unwrap_or(child.text().unwrap_or_default()));
            }
        }
        if spaced {
            self.between(depth);
        }
        self.out.push_str(&format!("</{tag}>"));
    }

    fn between(&mut self, depth: usize) {
        match self.dialect.layout {
            Layout::Compact => {}
            // Deep messages are shallow; what lists a thousand values must not grow by half.
            Layout::Indented => {
                self.out.push_str("\r\n");
                self.out.push_str(&" ".repeat(depth.min(4)));
            }
            Layout::Comments if depth < 4 => self.out.push_str("<!-- & --><?p i?>"),
            Layout::Comments => {}
        }
    }

    fn text(&mut self, text: &str) {
        let cut = if self.dialect.layout == Layout::Comments && text.len() > 1 {
            text.char_indices().nth(1).map_or(0, |(at, _)| at)
        } else {
            0
        };
        match self.dialect.text {
            TextForm::Cdata if !text.contains(['\r', '\u{fffe}']) && !text.contains("]]>") => {
                self.out.push_str(&format!("<![CDATA[{text}]]>"));
            }
            TextForm::References if !text.is_empty() => {
                let mut letters = text.chars();
                if let Some(first) = letters.next() {
                    self.out.push_str(&format!("&#x{:X};", u32::from(first)));
                }
                self.out.push_str(&escape(letters.as_str()));
            }
            _ if cut > 0 => {
                // A comment in the middle of a text belongs to nobody.
                let (before, after) = text.split_at(cut);
                self.out
                    .push_str(&format!("{}<!--.-->{}", escape(before), escape(after)));
            }
            _ => self.out.push_str(&escape(text)),
        }
    }

    /// The text of an element whose content is a qualified name: codes of faults.
    fn text_of(
        &mut self,
        node: Node<'_, '_>,
        scope: &mut Scope,
        declared: &mut String,
    ) -> Option<String> {
        let names = node.tag_name().name() == "Value"
            && node
                .parent()
                .is_some_and(|parent| matches!(parent.tag_name().name(), "Code" | "Subcode"));
        let text = node.text().filter(|_| names)?;
        Some(self.qualified(node, text, scope, declared))
    }

    /// The tag of an element; adds the declaration it needs.
    fn element_name(
        &mut self,
        node: Node<'_, '_>,
        namespace: &str,
        scope: &mut Scope,
        declared: &mut String,
    ) -> String {
        let name = node.tag_name().name();
        if self.dialect.prefixes != Prefixes::Default && !namespace.is_empty() {
            return self.prefixed(node, namespace, name, scope, declared);
        }
        if scope.namespace("").unwrap_or_default() != namespace {
            declare("", namespace, scope, declared);
        }
        name.to_owned()
    }

    /// `prefix:local` in the prefixes of this dialect, for one in those of the original.
    fn qualified(
        &mut self,
        node: Node<'_, '_>,
        text: &str,
        scope: &mut Scope,
        declared: &mut String,
    ) -> String {
        match text.split_once(':') {
            Some((prefix, local)) => match node.lookup_namespace_uri(Some(prefix)) {
                Some(namespace) => {
                    let namespace = namespace.to_owned();
                    self.prefixed(node, &namespace, local, scope, declared)
                }
                None => text.to_owned(),
            },
            None => text.to_owned(),
        }
    }

    fn prefixed(
        &mut self,
        node: Node<'_, '_>,
        namespace: &str,
        local: &str,
        scope: &mut Scope,
        declared: &mut String,
    ) -> String {
        let prefix = match self.dialect.prefixes {
            Prefixes::Windows => node.lookup_prefix(namespace).unwrap_or("q").to_owned(),
            Prefixes::Crosswise => match CROSSWISE.iter().find(|(known, _)| *known == namespace) {
                Some((_, prefix)) => (*prefix).to_owned(),
                None => format!("i{}", self.number(namespace)),
            },
            Prefixes::Numbered | Prefixes::Default => format!("ns{}", self.number(namespace)),
        };
        if scope.namespace(&prefix) != Some(namespace) {
            declare(&prefix, namespace, scope, declared);
        }
        format!("{prefix}:{local}")
    }

    fn number(&mut self, namespace: &str) -> usize {
        match self.numbered.iter().position(|known| known == namespace) {
            Some(at) => at + 1,
            None => {
                self.numbered.push(namespace.to_owned());
                self.numbered.len()
            }
        }
    }
}

fn declare(prefix: &str, namespace: &str, scope: &mut Scope, declared: &mut String) {
    let name = if prefix.is_empty() {
        "xmlns".to_owned()
    } else {
        format!("xmlns:{prefix}")
    };
    *declared += &format!(" {name}=\"{}\"", escape(namespace));
    scope.0.push((prefix.to_owned(), namespace.to_owned()));
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node};

    use super::rewritten;
    use crate::dialect::{Dialect, Types, XmlDialect};

    const FAULT: &str = "<s:Envelope xml:lang=\"en-US\" xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
        xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header/><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>\
        <s:Subcode><s:Value>w:TimedOut</s:Value></s:Subcode></s:Code><s:Detail>a &lt; b<w:X xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
        xsi:type=\"w:T\" Code=\"1\">\u{e4}&#xD; </w:X><Plain/><E></E></s:Detail></s:Fault></s:Body></s:Envelope>";

    /// What an envelope says, whatever it looks like.
    fn meaning(node: Node<'_, '_>, out: &mut Vec<String>) {
        let expand = |text: &str| match text.split_once(':') {
            Some((prefix, local)) => match node.lookup_namespace_uri(Some(prefix)) {
                Some(namespace) => format!("{{{namespace}}}{local}"),
                None => text.to_owned(),
            },
            None => text.to_owned(),
        };
        let namespace = node.tag_name().namespace().unwrap_or_default();
        out.push(format!("{{{namespace}}}{}", node.tag_name().name()));
        let mut attributes: Vec<String> = node
            .attributes()
            .map(|a| format!("{:?} {} {}", a.namespace(), a.name(), expand(a.value())))
            .collect();
        attributes.sort();
        out.extend(attributes);
        let text: String = node
            .children()
            .filter_map(|n| n.text().filter(|_| n.is_text()))
            .collect();
        if !text.trim().is_empty() {
            out.push(expand(&text));
        }
        node.children()
            .filter(Node::is_element)
            .for_each(|child| meaning(child, out));
    }

    #[test]
    fn an_envelope_says_the_same_in_every_form() {
        let told = |xml: &str| {
            let document = Document::parse(xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
            let mut out = Vec::new();
            meaning(document.root_element(), &mut out);
            out
        };
        let plain = told(FAULT);
        let drawn = (0..300).map(|seed| Dialect::drawn(seed).xml);
        let alone = Dialect::features()
            .into_iter()
            .map(|(_, dialect)| dialect.xml);
        for dialect in alone.chain(drawn) {
            let dialect = XmlDialect {
                types: Types::Instances,
                ..dialect
            };
            assert_eq!(
                told(&rewritten(FAULT.to_owned(), dialect)),
                plain,
                "{dialect:?}"
            );
        }
    }
}
