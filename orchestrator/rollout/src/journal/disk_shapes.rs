//! Texts that many rows of a run share, stored once each: plans, and what hosts have in common.

use std::collections::HashMap;

/// Shapes of one run: texts that many rows refer to.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    ids: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Shapes {
    /// Beyond this many the fleet is not as uniform as hoped, and texts stand in the rows themselves.
    const MOST: usize = 4096;

    /// The id of a text; `true` where it is new and has to be written.
    pub(super) fn intern(&mut self, text: &str) -> Option<(u32, bool)> {
        if let Some(id) = self.ids.get(text) {
            return Some((*id, false));
        }
        if self.texts.len() >= Self::MOST {
            return None;
        }
        let id = u32::try_from(self.texts.len()).ok()?;
        self.push(text.to_owned());
        Some((id, true))
    }

    /// The next text in the order of ids.
    pub(super) fn push(&mut self, text: String) {
        self.ids.insert(
            text.clone(),
            u32::try_from(self.texts.len()).unwrap_or(u32::MAX),
        );
        self.texts.push(text);
    }

    pub(super) fn text(&self, id: u32) -> Option<&str> {
        self.texts.get(id as usize).map(String::as_str)
    }
}
