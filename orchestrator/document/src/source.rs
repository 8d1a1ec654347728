//! Bytes to text: which encodings are taken, and where a bad byte stands.
//!
//! Does not look into the text; `yaml.rs` does that.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::{Diagnostic, Diagnostics, Excerpt};

/// The largest file that is read. Twenty thousand hosts with variables are about 5 MB.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// So many names of a folder are looked at for the one that was meant.
const MAX_NAMES: usize = 10_000;

/// One file of the user, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The path as the user typed it; stands in front of every diagnostic.
    pub name: String,
    /// The whole text, without byte order mark; line ends are left as they are.
    pub text: String,
}

impl Document {
    /// Reads and decodes a file of at most [`MAX_BYTES`].
    ///
    /// # Errors
    /// When the file cannot be read, is too large, or is neither UTF-8 nor UTF-16 with a byte order mark.
    pub fn read(path: &Path) -> Result<Self, Diagnostics> {
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        let outcome =
            File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        if let Err(error) = outcome {
            let mut diagnostic = Diagnostic::file(&name, format!("cannot be read: {error}"));
            diagnostic.hint = remedy(path, error.kind());
            return Err(diagnostic.into());
        }
        Self::from_bytes(&name, &bytes)
    }

    /// Decodes UTF-8 with or without byte order mark, and UTF-16 of either byte order with one.
    ///
    /// # Errors
    /// With line and column of the first bad byte.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, Diagnostics> {
        if bytes.len() as u64 > MAX_BYTES {
            let message = format!("the file is larger than {} MiB", MAX_BYTES / 1024 / 1024);
            return Err(Diagnostic::file(name, message).into());
        }
        let text = match bytes {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(unsupported(name)),
            [0xff, 0xfe, rest @ ..] => utf16(name, rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => utf16(name, rest, u16::from_be_bytes),
            [0xef, 0xbb, 0xbf, rest @ ..] => utf8(name, rest),
            _ => utf8(name, bytes),
        }?;
        Ok(Self {
            name: name.to_owned(),
            text,
        })
    }

    /// A complaint about the text `found` at a place (both from 1), with the line it stands in.
    ///
    /// A line that seems to hold a password is not shown: diagnostics end in terminals, logs and tickets.
    pub fn diagnostic(
        &self,
        line: u32,
        column: u32,
        found: &str,
        message: impl Into<String>,
    ) -> Diagnostic {
        let mut diagnostic = Diagnostic::file(&self.name, message);
        diagnostic.line = line;
        diagnostic.column = column;
        diagnostic.found = found.to_owned();
        if self.line(line).is_some_and(mentions_secret) && !mentions_secret(found) {
            diagnostic.found.clear();
        }
        diagnostic.excerpt = self
            .line(line)
            .filter(|text| !mentions_secret(text))
            .map(|text| Excerpt::around(text, column, found.chars().count()));
        diagnostic
    }

    /// One line without its end, from 1.
    pub fn line(&self, line: u32) -> Option<&str> {
        self.text.lines().nth((line as usize).checked_sub(1)?)
    }
}

/// What to do about a path that cannot be read; for a name that is not there the nearest in its folder.
fn remedy(path: &Path, kind: ErrorKind) -> Option<String> {
    // Systems have different errors for it.
    if path.is_dir() {
        return Some("name a file in this folder".to_owned());
    }
    match kind {
        ErrorKind::PermissionDenied => Some("who runs this may not read it".to_owned()),
        ErrorKind::NotFound => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let Ok(entries) = fs::read_dir(folder.unwrap_or(Path::new("."))) else {
                let folder = folder.unwrap_or(path).display();
                return Some(format!("there is no folder '{folder}'"));
            };
            let names = entries.take(MAX_NAMES).filter_map(|entry| {
                let entry = entry.ok()?;
                let file = !entry.file_type().ok()?.is_dir();
                entry.file_name().into_string().ok().filter(|_| file)
            });
            let names: Vec<String> = names.collect();
            let near = crate::nearest(
                path.file_name()?.to_str()?,
                names.iter().map(String::as_str),
            );
            let Some(near) = near else {
                let looked = folder.unwrap_or(Path::new("."));
                let looked = std::path::absolute(looked).unwrap_or_else(|_| looked.to_owned());
                return Some(format!(
                    "no file in '{}' has a name like it",
                    looked.display()
                ));
            };
            Some(format!(
                "did you mean '{}'?",
                path.with_file_name(near).display()
            ))
        }
        _ => None,
    }
}

fn mentions_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["passw", "pasw", "pwd", "secret"]
        .iter()
        .any(|word| text.contains(word))
}

fn unsupported(name: &str) -> Diagnostics {
    Diagnostic::file(name, "the file is UTF-32, which is not read")
        .expect(ENCODINGS)
        .into()
}

const ENCODINGS: &str = "UTF-8, or UTF-16 with a byte order mark";

fn utf8(name: &str, bytes: &[u8]) -> Result<String, Diagnostics> {
    let (good, bad) = match std::str::from_utf8(bytes) {
        Ok(text) => match text.find('\0') {
            None => return Ok(text.to_owned()),
            Some(at) => (&text[..at], 0),
        },
        Err(error) => {
            let (good, rest) = bytes.split_at(error.valid_up_to());
            (std::str::from_utf8(good).unwrap_or_default(), rest[0])
        }
    };
    let hint = if bad == 0 {
        "a zero byte is a sign of UTF-16 without byte order mark: save the file as UTF-8"
    } else {
        "the file may be in a code page such as Windows-1252: save it as UTF-8"
    };
    Err(bad_at(
        name,
        good,
        &format!("byte 0x{bad:02x}"),
        "this is not UTF-8 text",
    )
    .hint(hint)
    .into())
}

fn utf16(name: &str, bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Diagnostics> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match decoded {
            Ok('\0') => {
                return Err(
                    bad_at(name, &text, "U+0000", "a zero character in UTF-16 text").into(),
                );
            }
            Ok(character) => text.push(character),
            Err(error) => {
                let found = format!("unit 0x{:04x}", error.unpaired_surrogate());
                return Err(bad_at(
                    name,
                    &text,
                    &found,
                    "half of a surrogate pair in UTF-16 text",
                )
                .into());
            }
        }
    }
    if let [odd, ..] = rest {
        return Err(bad_at(
            name,
            &text,
            &format!("byte 0x{odd:02x}"),
            "UTF-16 text ends in half a character",
        )
        .into());
    }
    Ok(text)
}

fn bad_at(name: &str, good: &str, found: &str, message: &str) -> Diagnostic {
    let mut diagnostic = Diagnostic::file(name, message).expect(ENCODINGS);
    let start = good.rfind('\n').map_or(0, |at| at + 1);
    diagnostic.line = u32::try_from(good.matches('\n').count() + 1).unwrap_or(u32::MAX);
    diagnostic.column = u32::try_from(good[start..].chars().count() + 1).unwrap_or(u32::MAX);
    diagnostic.found = found.to_owned();
    diagnostic
}
