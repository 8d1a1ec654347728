//! Where things stand in the files, and the list of what is wrong there.

use document::{Diagnostic, Diagnostics, Document};

/// A place in one of the documents; small, so that every value of every host can keep its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// Index of the document.
    pub(crate) document: usize,
    /// From 1.
    pub(crate) line: u32,
    /// From 1, in characters.
    pub(crate) column: u32,
    /// How many characters of the line belong to it.
    pub(crate) width: u32,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// Collects what is wrong, so that a person mends all of it in one go.
pub(crate) struct Problems<'d> {
    documents: &'d [Document],
    list: Vec<Diagnostic>,
}

impl<'d> Problems<'d> {
    /// A wrong column has one mistake in every line; nobody reads more than the first ones.
    const KEPT: usize = 100;

    pub(crate) fn new(documents: &'d [Document]) -> Self {
        Self {
            documents,
            list: Vec::new(),
        }
    }

    pub(crate) fn document(&self, index: usize) -> &'d Document {
        &self.documents[index]
    }

    /// `path:line`, as second places are named in messages.
    pub(crate) fn name(&self, place: Place) -> String {
        format!("{}:{}", self.documents[place.document].name, place.line)
    }

    /// A complaint about a place, to be completed and handed to [`Self::push`].
    pub(crate) fn at(&self, place: Place, message: impl Into<String>) -> Diagnostic {
        at(&self.documents[place.document], place, message)
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        if !self.is_full() {
            self.list.push(diagnostic);
        }
    }

    /// True when further complaints are dropped: making them would only cost time.
    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= Self::KEPT
    }

    pub(crate) fn extend(&mut self, diagnostics: Diagnostics) {
        diagnostics
            .0
            .into_iter()
            .for_each(|diagnostic| self.push(diagnostic));
    }

    /// # Errors
    /// When anything was found wrong.
    pub(crate) fn finish(self) -> Result<(), Diagnostics> {
        if self.list.is_empty() {
            Ok(())
        } else {
            Err(Diagnostics(self.list))
        }
    }
}

/// A complaint about a place in one document.
pub(crate) fn at(document: &Document, place: Place, message: impl Into<String>) -> Diagnostic {
    let line = document.line(place.line).unwrap_or_default();
    let skipped = (place.column as usize).saturating_sub(1);
    let found: String = line
        .chars()
        .skip(skipped)
        .take(place.width as usize)
        .collect();
    document.diagnostic(place.line, place.column, &found, message)
}
