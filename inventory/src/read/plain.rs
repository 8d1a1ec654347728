//! The plain list: one host a line, `#` begins a comment, blank lines do not count.
//!
//! The loader refuses a host that stands twice, as in every format.

use crate::HostName;
use crate::check;
use crate::field::Field;
use crate::layer::{Block, Layer};
use crate::place::{Place, Placed, Problems};
use crate::read::{Entry, Parsed};

/// Reads a plain list.
pub(crate) fn read(problems: &mut Problems<'_>, index: usize) -> Parsed {
    let document = problems.document(index);
    let mut parsed = Parsed::default();
    for (number, line) in (1..).zip(document.text.lines()) {
        if problems.is_full() {
            break;
        }
        let text = line
            .split_once('#')
            .map_or(line, |(before, _)| before)
            .trim();
        if text.is_empty() {
            continue;
        }
        let before = line
            .chars()
            .take_while(|character| character.is_whitespace())
            .count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let place = Place {
            document: index,
            line: number,
            column: count(before + 1),
            width: count(text.chars().count()),
        };
        match check::host_name(text) {
            Ok(name) => parsed.hosts.push(entry(&name, place)),
            Err(wrong) => {
                let mut diagnostic = wrong.on(&Field::cell(document, place, text));
                diagnostic.hint = format_hint(text).map(str::to_owned).or(diagnostic.hint);
                problems.push(diagnostic);
            }
        }
    }
    parsed
}

fn entry(name: &str, place: Place) -> Entry {
    Entry {
        name: Placed {
            value: HostName::new(name),
            place,
        },
        groups: Vec::new(),
        groups_declared: true,
        block: Block {
            layer: Layer::default(),
            vars: std::collections::BTreeMap::new(),
            place,
        },
    }
}

/// People give other formats another extension.
fn format_hint(text: &str) -> Option<&'static str> {
    if text.starts_with("version:") || text.starts_with("hosts:") || text.starts_with("- ") {
        Some("this looks like YAML, which is read from files that end in .yaml or .yml")
    } else if text.contains([',', ';', '\t']) {
        Some("a plain list has one name a line; tables are read from files that end in .csv")
    } else if text.starts_with('[') || text.contains('=') {
        Some("INI inventories are not read; use YAML for settings and groups")
    } else if text.contains(char::is_whitespace) {
        Some("a plain list has one name a line; settings need YAML or CSV")
    } else {
        None
    }
}
