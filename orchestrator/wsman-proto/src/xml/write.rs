//! The writer: quick-xml underneath, so that every text and attribute is escaped in one place.

use std::borrow::Cow;

use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

/// What most envelopes need, so that they do not grow step by step.
const USUAL_SIZE: usize = 2048;

/// Writes a document into memory. Element names are constants of this crate (with prefix); texts may be anything.
pub(crate) struct Writer(quick_xml::Writer<Vec<u8>>);

impl Writer {
    pub(crate) fn new() -> Self {
        Self(quick_xml::Writer::new(Vec::with_capacity(USUAL_SIZE)))
    }

    /// `<name attributes>inside</name>`.
    pub(crate) fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        inside: impl FnOnce(&mut Self),
    ) {
        let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.event(Event::Start(start));
        inside(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// `<name attributes>text</name>`.
    pub(crate) fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.element(name, attributes, |writer| {
            if !text.is_empty() {
                writer.event(Event::Text(BytesText::from_escaped(escape(text))));
            }
        });
    }

    /// Text inside of [`Writer::element`].
    pub(crate) fn characters(&mut self, text: &str) {
        self.event(Event::Text(BytesText::from_escaped(escape(text))));
    }

    /// `<name attributes/>`.
    pub(crate) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.event(Event::Empty(
            BytesStart::new(name).with_attributes(attributes.iter().copied()),
        ));
    }

    /// Bytes that another [`Writer`] made.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.get_mut().extend_from_slice(bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_inner()
    }

    fn event(&mut self, event: Event<'_>) {
        self.0
            .write_event(event)
            .expect("writing to a vector cannot fail");
    }
}

/// Escapes what XML needs, and CR, which a parser would otherwise turn into LF.
fn escape(text: &str) -> Cow<'_, str> {
    let escaped = quick_xml::escape::escape(text);
    // Nearly no text has one, and each that has costs a copy.
    if escaped.contains('\r') {
        Cow::Owned(escaped.replace('\r', "&#13;"))
    } else {
        escaped
    }
}

/// True for text that XML 1.0 can carry. Control characters other than tab, LF and CR cannot be sent at all.
pub(crate) fn is_sendable(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..))
}
