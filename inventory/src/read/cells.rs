//! CSV text to records of cells that know their places (RFC 4180, with `,` `;` or tab).
//!
//! Own reader instead of the crate `csv`: a complaint needs the column of a cell in its line, and a quote that is
//! never closed has to be an error. The crate stands on the other side of the round trip in the tests.

use document::{Diagnostic, Document};

use crate::place::{Place, at};

/// One cell.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// Without quotes; unquoted text is trimmed, quoted text is exact.
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// Delimiters a file may use.
const DELIMITERS: [char; 3] = [',', ';', '\t'];

/// All records that are neither blank, nor comments, nor `#TYPE` and `sep=` lines.
pub(crate) fn records(document: &Document, index: usize) -> Result<Vec<Vec<Cell>>, Diagnostic> {
    let mut scanner = Scanner {
        document,
        index,
        delimiter: delimiter(&document.text),
        rest: &document.text,
        line: 1,
        column: 1,
    };
    let mut records = Vec::new();
    while !scanner.rest.is_empty() {
        if scanner.skips_line() {
            scanner.skip_line();
        } else {
            records.push(scanner.record()?);
        }
    }
    Ok(records)
}

/// By the first line that counts: the delimiter that makes a column `name`, else the one that makes most columns.
fn delimiter(text: &str) -> char {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut header = lines.next().unwrap_or_default();
    while header.starts_with('#') {
        header = lines.next().unwrap_or_default();
    }
    if let Some(character) = separator_line(header).and_then(|named| named.chars().next()) {
        return character;
    }
    let columns = |delimiter: char| {
        let mut quoted = false;
        let split = header.split(move |character| {
            quoted ^= character == '"';
            character == delimiter && !quoted
        });
        split
            .map(|cell| cell.trim().trim_matches('"').trim().to_ascii_lowercase())
            .collect::<Vec<_>>()
    };
    let score = |delimiter: &char| {
        let columns = columns(*delimiter);
        (
            columns.len() > 1 && columns.iter().any(|column| column == "name"),
            columns.len(),
        )
    };
    // `max_by_key` takes the last of equals: a header of one column is a comma file.
    DELIMITERS
        .into_iter()
        .rev()
        .max_by_key(score)
        .unwrap_or(',')
}

/// The delimiter in the line `sep=;` that spreadsheets understand.
fn separator_line(line: &str) -> Option<&str> {
    let named = line.trim_end_matches(['\r', ' ']).strip_prefix("sep=")?;
    DELIMITERS
        .iter()
        .any(|delimiter| named.chars().eq([*delimiter]))
        .then_some(named)
}

struct Scanner<'d> {
    document: &'d Document,
    index: usize,
    delimiter: char,
    rest: &'d str,
    line: u32,
    column: u32,
}

impl Scanner<'_> {
    fn place(&self, width: u32) -> Place {
        Place {
            document: self.index,
            line: self.line,
            column: self.column,
            width,
        }
    }

    fn skips_line(&self) -> bool {
        let line = self.rest.split('\n').next().unwrap_or_default();
        let separator = self.line == 1 && separator_line(line).is_some();
        line.starts_with('#') || separator || line.trim_matches([' ', '\r']).is_empty()
    }

    fn skip_line(&mut self) {
        self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        self.line += 1;
        self.column = 1;
    }

    fn take(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        if character == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(character)
    }

    fn at_line_end(&self) -> bool {
        self.rest.is_empty()
            || self.rest.starts_with('\n')
            || self.rest.starts_with("\r\n")
            || self.rest == "\r"
    }

    fn record(&mut self) -> Result<Vec<Cell>, Diagnostic> {
        let mut cells = Vec::new();
        loop {
            while self.rest.starts_with(' ') {
                self.take();
            }
            cells.push(if self.rest.starts_with('"') {
                self.quoted()?
            } else {
                self.bare()
            });
            if self.at_line_end() {
                while self.take().is_some_and(|character| character != '\n') {}
                return Ok(cells);
            }
            self.take();
        }
    }

    fn bare(&mut self) -> Cell {
        let start = self.place(0);
        let mut text = String::new();
        while !self.at_line_end() && !self.rest.starts_with(self.delimiter) {
            text.extend(self.take());
        }
        let text = text.trim().to_owned();
        let width = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        Cell {
            text,
            place: Place { width, ..start },
        }
    }

    fn quoted(&mut self) -> Result<Cell, Diagnostic> {
        let open = self.place(1);
        self.take();
        let mut text = String::new();
        loop {
            match self.take() {
                None => {
                    let diagnostic = at(self.document, open, "this quote is never closed");
                    return Err(diagnostic.hint("a quote inside quotes is written twice: \"\""));
                }
                Some('"') if self.rest.starts_with('"') => text.extend(self.take()),
                Some('"') => break,
                Some(character) => text.push(character),
            }
        }
        // A cell over several lines is marked to the end of its first one.
        let width = if self.line == open.line {
            self.column - open.column
        } else {
            1
        };
        while self.rest.starts_with(' ') {
            self.take();
        }
        if self.at_line_end() || self.rest.starts_with(self.delimiter) {
            let place = Place { width, ..open };
            return Ok(Cell { text, place });
        }
        let diagnostic = at(self.document, self.place(1), "text after the closing quote");
        let expected = if self.delimiter == '\t' {
            "a tab".to_owned()
        } else {
            format!("'{}'", self.delimiter)
        };
        Err(diagnostic
            .expect(format!("{expected} or the end of the line"))
            .hint("a quote inside quotes is written twice: \"\""))
    }
}
