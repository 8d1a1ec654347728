//! CSV: the first record names the columns. `name`, `groups` and the settings are known, all others are variables.

use std::collections::BTreeMap;

use document::{Diagnostic, Document};

use crate::HostName;
use crate::check;
use crate::field::Field;
use crate::layer::{Block, Layer};
use crate::place::{Placed, Problems};
use crate::read::cells::{Cell, records};
use crate::read::{Entry, Parsed};

/// What a column holds.
enum Column {
    Name,
    Groups,
    Setting(&'static str),
    Variable(String),
    /// No header: every cell below has to be empty.
    Nameless,
}

/// Reads a table.
pub(crate) fn read(problems: &mut Problems<'_>, index: usize) -> Parsed {
    let document = problems.document(index);
    let mut parsed = Parsed::default();
    let records = match records(document, index) {
        Ok(records) => records,
        Err(diagnostic) => {
            problems.push(diagnostic);
            return parsed;
        }
    };
    let mut records = records.into_iter();
    let Some(header) = records.next() else {
        return parsed;
    };
    let Some(columns) = columns(problems, document, &header) else {
        return parsed;
    };
    parsed.doubts = doubts(problems, &header, &columns);
    for record in records {
        if problems.is_full() {
            break;
        }
        if record.iter().all(|cell| cell.text.trim().is_empty()) {
            continue;
        }
        parsed
            .hosts
            .extend(host(problems, document, &columns, &record));
    }
    parsed
}

/// The meaning of each column; `None` when the table cannot be read at all.
fn columns(
    problems: &mut Problems<'_>,
    document: &Document,
    header: &[Cell],
) -> Option<Vec<Column>> {
    let mut seen: BTreeMap<String, &Cell> = BTreeMap::new();
    let mut good = true;
    let mut columns = Vec::new();
    for cell in header {
        let column = column(cell.text.trim());
        let key = match &column {
            Column::Nameless => None,
            Column::Variable(name) => Some(name.clone()),
            _ => Some(cell.text.trim().to_ascii_lowercase()),
        };
        if let Some(first) = key.and_then(|key| seen.insert(key, cell)) {
            let message = format!(
                "the column '{}' stands here a second time",
                cell.text.trim()
            );
            let hint = format!(
                "first at {}, column {}",
                problems.name(first.place),
                first.place.column
            );
            problems.push(problems.at(cell.place, message).hint(hint));
            good = false;
        }
        if ["password", "passwd", "pwd"].contains(&cell.text.trim().to_ascii_lowercase().as_str()) {
            let message =
                "a password does not stand in an inventory: variables are written to the journal";
            let hint =
                "name a credential in the column 'credential' and declare it in a YAML inventory";
            problems.push(problems.at(cell.place, message).hint(hint));
            good = false;
        }
        columns.push(column);
    }
    if !columns.iter().any(|column| matches!(column, Column::Name)) {
        let first = header.first()?.place;
        let names: Vec<&str> = header.iter().map(|cell| cell.text.as_str()).collect();
        let message = "the first line names the columns, and none of them is 'name'";
        let mut diagnostic =
            document.diagnostic(first.line, first.column, &names.join(" "), message);
        diagnostic = diagnostic
            .expect("a column 'name' and any of ring, groups, the settings and variables");
        if names.len() == 1 && check::host_name(names[0]).is_ok() {
            diagnostic = diagnostic.hint(
                "a list without header is read from a file with another extension, such as .txt",
            );
        }
        problems.push(diagnostic);
        return None;
    }
    good.then_some(columns)
}

/// Variables may have any name, also one that was meant to be a setting's.
fn doubts(problems: &Problems<'_>, header: &[Cell], columns: &[Column]) -> Vec<Diagnostic> {
    let known = || ["name", "groups"].iter().chain(Layer::KEYS).copied();
    let doubt = |(cell, column): (&Cell, &Column)| match column {
        Column::Variable(name) => document::nearest(name, known()).map(|near| {
            let message = format!("the column '{name}' is taken as a variable");
            let hint = format!("did you mean the setting '{near}'?");
            problems.at(cell.place, message).hint(hint)
        }),
        _ => None,
    };
    header.iter().zip(columns).filter_map(doubt).collect()
}

fn column(name: &str) -> Column {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "" => Column::Nameless,
        "name" => Column::Name,
        "groups" => Column::Groups,
        _ => match Layer::KEYS.iter().find(|key| **key == lower) {
            Some(key) => Column::Setting(key),
            None => Column::Variable(name.to_owned()),
        },
    }
}

/// One host; `None` when its name is no name.
fn host(
    problems: &mut Problems<'_>,
    document: &Document,
    columns: &[Column],
    record: &[Cell],
) -> Option<Entry> {
    let mut name = None;
    let mut named = false;
    let mut groups = Vec::new();
    let mut layer = Layer::default();
    let mut vars = BTreeMap::new();
    // Rows may be shorter than the header: spreadsheets drop empty cells at the end of later rows.
    for (cell, column) in record
        .iter()
        .zip(columns.iter().chain(std::iter::repeat(&Column::Nameless)))
    {
        if cell.text.trim().is_empty() {
            continue;
        }
        let field = Field::cell(document, cell.place, &cell.text);
        let outcome = match column {
            Column::Name => {
                named = true;
                check::host_name(&cell.text)
                    .map(|text| name = Some(text))
                    .map_err(|wrong| wrong.on(&field))
            }
            Column::Groups => split_groups(&field, cell).map(|list| groups = list),
            Column::Setting(key) => layer.set(key, &field).map(|_| ()),
            Column::Variable(name) => {
                vars.insert(name.clone(), cell.text.clone().into());
                Ok(())
            }
            Column::Nameless => Err(field
                .wrong("this cell stands in no named column")
                .expect(format!(
                    "at most {} cells, as in the first line",
                    columns.len()
                ))
                .hint("text that contains the delimiter stands in double quotes")),
        };
        outcome.unwrap_or_else(|diagnostic| problems.push(diagnostic));
    }
    let place = record.first()?.place;
    if !named {
        problems.push(
            problems
                .at(place, "a host without a name")
                .expect("a name in the column 'name'"),
        );
    }
    Some(Entry {
        name: Placed {
            value: HostName::new(name?),
            place: name_place(columns, record),
        },
        groups,
        groups_declared: false,
        block: Block { layer, vars, place },
    })
}

fn name_place(columns: &[Column], record: &[Cell]) -> crate::place::Place {
    let at = columns
        .iter()
        .position(|column| matches!(column, Column::Name));
    at.and_then(|at| record.get(at)).unwrap_or(&record[0]).place
}

fn split_groups(field: &Field<'_>, cell: &Cell) -> Result<Vec<Placed<String>>, Diagnostic> {
    let mut groups: Vec<Placed<String>> = Vec::new();
    for part in cell
        .text
        .split('|')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let value = Field::cell(field.document, cell.place, part).label()?;
        if groups.iter().any(|group| group.value == value) {
            return Err(field.wrong(format!("the group '{value}' stands twice in one host")));
        }
        groups.push(Placed {
            value,
            place: cell.place,
        });
    }
    Ok(groups)
}
