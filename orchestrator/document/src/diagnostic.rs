//! What is wrong in a file, shaped so that a person can mend it at once.
//!
//! Only data and its display. Who finds what is wrong: `yaml_error.rs` here, the loaders elsewhere.

use std::fmt;

/// One complaint about one place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The path as the user typed it.
    pub file: String,
    /// From 1; 0 when the complaint is about the file as a whole.
    pub line: u32,
    /// From 1, in characters; 0 when the complaint is about the line or file as a whole.
    pub column: u32,
    /// The offending text, as it stands in the file.
    pub found: String,
    /// What is wrong, lower case, without full stop.
    pub message: String,
    /// What would have been right.
    pub expected: Option<String>,
    /// Nearest match, or what to do.
    pub hint: Option<String>,
    /// The line it stands in.
    pub excerpt: Option<Excerpt>,
}

/// The part of a line that is shown, and the part of it that is marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// At most [`Excerpt::WIDTH`] characters.
    pub text: String,
    /// Characters before the mark.
    pub before: usize,
    /// Characters under the mark, at least 1.
    pub marked: usize,
}

impl Excerpt {
    /// Longest excerpt; longer lines are cut on both sides of the mark.
    pub const WIDTH: usize = 140;

    /// Cuts a line around the column (from 1).
    pub fn around(line: &str, column: u32, marked: usize) -> Self {
        let column = (column as usize).saturating_sub(1);
        let skipped = column.saturating_sub(Self::WIDTH / 2);
        let skipped = if line.chars().count() <= Self::WIDTH {
            0
        } else {
            skipped
        };
        let text: String = line.chars().skip(skipped).take(Self::WIDTH).collect();
        let length = text.chars().count();
        let before = (column - skipped).min(length);
        Self {
            text,
            before,
            marked: marked.clamp(1, (length - before).max(1)),
        }
    }
}

impl Diagnostic {
    /// A complaint about a file as a whole; `Document::diagnostic` makes those with a place.
    pub fn file(name: &str, message: impl Into<String>) -> Self {
        Self {
            file: name.to_owned(),
            line: 0,
            column: 0,
            found: String::new(),
            message: message.into(),
            expected: None,
            hint: None,
            excerpt: None,
        }
    }

    /// Says what would have been right.
    #[must_use]
    pub fn expect(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Hints at the candidate that looks most like the offending text, where one is near enough.
    #[must_use]
    pub fn nearest<'a>(
        mut self,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        if let Some(candidate) = crate::nearest(word, candidates) {
            self.hint = Some(format!("did you mean '{candidate}'?"));
        }
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.file))?;
        match (self.line, self.column) {
            (0, _) => {}
            (line, 0) => write!(f, ":{line}")?,
            (line, column) => write!(f, ":{line}:{column}")?,
        }
        write!(f, ": {}", escaped(&self.message))?;
        if let Some(excerpt) = &self.excerpt {
            let number = format!("{:>5}", self.line);
            write!(f, "\n{number} | {}", one_for_one(&excerpt.text))?;
            let mark = "^".repeat(excerpt.marked);
            write!(
                f,
                "\n{:>5} | {:before$}{mark}",
                "",
                "",
                before = excerpt.before
            )?;
        } else if !self.found.is_empty() {
            write!(f, "\n  found: {}", escaped(&self.found))?;
        }
        if let Some(expected) = &self.expected {
            write!(f, "\n  expected: {}", escaped(expected))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", escaped(hint))?;
        }
        Ok(())
    }
}

/// Everything found wrong, in the order of the file. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// How many are shown; a spreadsheet with a wrong column has one mistake in each line.
    pub const SHOWN: usize = 20;
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().take(Self::SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{diagnostic}")?;
        }
        match self.0.len().saturating_sub(Self::SHOWN) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Diagnostics {}

/// Characters that would steer a terminal, or reorder what it shows.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// One character for one, so that the mark below stays in place.
fn one_for_one(text: &str) -> String {
    let safe = |character| match character {
        '\t' => ' ',
        other if steers(other) => '\u{fffd}',
        other => other,
    };
    text.chars().map(safe).collect()
}
