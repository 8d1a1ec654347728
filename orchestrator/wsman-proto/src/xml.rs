//! XML in and out: a bounded, namespace-aware tree for replies, and a writer for requests.
//!
//! Names are always compared as namespace + local name; prefixes are never looked at. The reader is in
//! `xml/read.rs`, the writer in `xml/write.rs`.

mod read;
mod write;

use std::sync::Arc;

pub use read::{XmlError, parse};
pub(crate) use write::{Writer, is_sendable};

/// Bounds of one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of the document.
    pub bytes: usize,
    /// Nesting of elements.
    pub depth: usize,
    /// Elements and attributes together.
    pub nodes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes: 2 << 20,
            depth: 64,
            nodes: 200_000,
        }
    }
}

/// An element with resolved names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    namespace: Arc<str>,
    name: String,
    attributes: Vec<Attribute>,
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Attribute {
    namespace: Arc<str>,
    name: String,
    value: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// Local name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Namespace URI, empty for none.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// True for exactly this namespace and local name.
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        &*self.namespace == namespace && self.name == name
    }

    /// Child elements in order.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    pub(crate) fn children_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        self.nodes.iter_mut().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Namespace, local name and value of each attribute; no namespace declarations.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.attributes.iter().map(|attribute| {
            (
                &*attribute.namespace,
                attribute.name.as_str(),
                attribute.value.as_str(),
            )
        })
    }

    /// Replaces the whole content.
    pub(crate) fn set_text(&mut self, text: String) {
        self.nodes = vec![Node::Text(text)];
    }

    /// Replaces each piece of text directly inside.
    pub(crate) fn map_texts(&mut self, map: impl Fn(&str) -> String) {
        for node in &mut self.nodes {
            if let Node::Text(text) = node {
                *text = map(text);
            }
        }
    }

    /// The first child of that name.
    pub fn child(&self, namespace: &str, name: &str) -> Option<&Self> {
        self.children().find(|child| child.is(namespace, name))
    }

    /// Takes the first child of that name out.
    pub(crate) fn into_child(self, namespace: &str, name: &str) -> Option<Self> {
        self.nodes.into_iter().find_map(|node| match node {
            Node::Element(element) if element.is(namespace, name) => Some(element),
            _ => None,
        })
    }

    /// The first descendant along a path of children.
    pub fn path(&self, path: &[(&str, &str)]) -> Option<&Self> {
        path.iter().try_fold(self, |element, (namespace, name)| {
            element.child(namespace, name)
        })
    }

    /// The first descendant with that local name, depth first, in any namespace.
    pub fn descendant(&self, name: &str) -> Option<&Self> {
        self.children().find_map(|child| {
            if child.name == name {
                Some(child)
            } else {
                child.descendant(name)
            }
        })
    }

    /// The text directly inside, without that of children.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for node in &self.nodes {
            if let Node::Text(part) = node {
                text.push_str(part);
            }
        }
        text
    }

    /// Value of an attribute; the namespace is empty for unprefixed ones.
    pub fn attribute(&self, namespace: &str, name: &str) -> Option<String> {
        self.attributes
            .iter()
            .find(|attribute| &*attribute.namespace == namespace && attribute.name == name)
            .map(|attribute| attribute.value.clone())
    }

    /// `xsi:nil="true"` (or `1`).
    pub fn is_nil(&self) -> bool {
        self.attribute(crate::ns::XSI, "nil")
            .is_some_and(|value| matches!(value.trim(), "true" | "1"))
    }
}
