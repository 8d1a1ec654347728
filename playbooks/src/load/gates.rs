//! The gates of a ring: soak, approval, windows.

use std::time::Duration;

use document::{Node, Value};
use jiff::civil::{Time, Weekday};

use super::reader::Reader;
use crate::rules::Invalid;
use crate::strategy::Gates;
use crate::window::{DAYS, Window};

pub(super) const WINDOW_KEYS: [&str; 4] = ["days", "from", "to", "tz"];
/// The end of a day, as an end of a window.
const MIDNIGHT: &str = "24:00";
const ONE_WINDOW: &str = "{ days: [mon, tue], from: '22:00', to: '05:00', tz: Europe/Paris }";

pub(super) fn read(
    reader: &mut Reader<'_>,
    ring: &Node,
    place: &str,
    soak: Option<Duration>,
    run_wide: &[Window],
) -> Gates {
    if ring.entry("soak").is_none() {
        reader.default(format!("{place}.soak"), "none");
    }
    let mut truth = |key: &str| match ring.entry(key) {
        Some(node) => reader.truth(node).unwrap_or_default(),
        None => {
            reader.default(format!("{place}.{key}"), "false");
            false
        }
    };
    let (approve, prove_undo) = (truth("approve"), truth("prove_undo"));
    let windows = match ring.entry("windows") {
        Some(node) => windows(reader, node).unwrap_or_default(),
        None => run_wide.to_vec(),
    };
    if windows.is_empty() && ring.entry("windows").is_none() {
        reader.default(format!("{place}.windows"), "at any time");
    }
    Gates {
        soak,
        approve,
        windows,
        prove_undo,
    }
}

/// A list of windows, or one of them.
pub(super) fn windows(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Window>> {
    if matches!(node.value, Value::Map(_)) {
        return window(reader, node).map(|window| vec![window]);
    }
    let items = reader.list(node, ONE_WINDOW)?;
    if items.is_empty() {
        let error = Invalid::new("there is no window: no host could ever be started");
        reader.refuse(node, error.expected("at least one window, or no 'windows'"));
        return None;
    }
    items.iter().map(|item| window(reader, item)).collect()
}

fn window(reader: &mut Reader<'_>, node: &Node) -> Option<Window> {
    reader.mapping(node, "a window", &WINDOW_KEYS)?;
    let days = match node.entry("days") {
        Some(node) => days(reader, node),
        None => Some(DAYS.iter().map(|(_, day)| *day).collect()),
    };
    let from = reader.required(node, "from", "the window");
    let from = from.and_then(|node| clock(reader, node, false));
    let to_node = reader.required(node, "to", "the window");
    let to = to_node.and_then(|node| clock(reader, node, true));
    let tz = match node.entry("tz") {
        Some(node) => zone(reader, node),
        None => {
            let error = Invalid::new("the key 'tz' is missing in the window")
                .expected("the name of a time zone, such as Europe/Paris or UTC");
            reader.refuse(
                node,
                error.hint("a window without a zone moves with the workstation"),
            );
            None
        }
    };
    let (days, from, to) = (days?, from?, to?);
    let midnight =
        |node: &Node| matches!(&node.value, Value::Text(text) if text.trim() == MIDNIGHT);
    if from == to
        && let Some(node) = to_node.filter(|node| !midnight(node))
    {
        let error = Invalid::new(format!(
            "the window ends when it begins ({})",
            from.strftime("%H:%M")
        ));
        reader.refuse(node, error.hint("a whole day is from '00:00' to '24:00'"));
        return None;
    }
    Some(Window::new(days, from, to, tz?))
}

fn days(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Weekday>> {
    let items = match &node.value {
        Value::List(items) if !items.is_empty() => items.as_slice(),
        Value::Text(_) => std::slice::from_ref(node),
        _ => {
            reader.wrong(
                node,
                "days of the week: [mon, tue, wed, thu, fri, sat, sun]",
            );
            return None;
        }
    };
    let mut days = Vec::new();
    for item in items {
        let text = reader.text(item)?;
        let lower = text.trim().to_ascii_lowercase();
        // `mon-fri`, and full names as people write them.
        let parsed = match lower.split_once('-') {
            Some((first, last)) => day(first).zip(day(last)).map(|(first, last)| {
                let span = (7 + last.to_monday_zero_offset() - first.to_monday_zero_offset()) % 7;
                (0..=i64::from(span))
                    .map(|more| first.wrapping_add(more))
                    .collect()
            }),
            None => day(&lower).map(|day| vec![day]),
        };
        let Some(more) = parsed else {
            let error = Invalid::new(format!("'{text}' is not a day of the week"))
                .expected("mon, tue, wed, thu, fri, sat, sun, or a span such as mon-fri");
            reader.refuse(item, error);
            return None;
        };
        days.extend(more);
    }
    days.sort_by_key(|day| day.to_monday_zero_offset());
    days.dedup();
    Some(days)
}

fn day(text: &str) -> Option<Weekday> {
    let text = text.trim();
    DAYS.iter()
        .find(|(name, _)| {
            let (short, _) = name.split_at(3);
            text == short || text == *name
        })
        .map(|(_, day)| *day)
}

/// `22:00`; `24:00` only as an end, where it is the midnight after the day.
fn clock(reader: &mut Reader<'_>, node: &Node, end: bool) -> Option<Time> {
    const EXPECTED: &str = "a time of day in quotes, 24 hours, such as '22:00'";
    let Value::Text(text) = &node.value else {
        let error = Invalid::new(format!("{} stands here", node.kind())).expected(EXPECTED);
        reader.refuse(
            node,
            error.hint("put it in quotes: YAML reads 22:00 as a number"),
        );
        return None;
    };
    if end && text.trim() == MIDNIGHT {
        return Some(Time::midnight());
    }
    let parsed = text.trim().split_once(':').and_then(|(hour, minute)| {
        let part = |part: &str| {
            let digits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        };
        Time::new(
            part(hour)?,
            part(minute).filter(|_| minute.len() == 2)?,
            0,
            0,
        )
        .ok()
    });
    if parsed.is_none() {
        let error = Invalid::new(format!("'{text}' is not a time of day"));
        reader.refuse(node, error.expected(EXPECTED));
    }
    parsed
}

fn zone(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.text(node)?;
    if let Ok(zone) = jiff::tz::TimeZone::get(&text)
        && let Some(name) = zone.iana_name()
    {
        return Some(name.to_owned());
    }
    let error = Invalid::new(format!("there is no time zone '{text}'"))
        .expected("a name of the IANA database, such as Europe/Paris, America/New_York or UTC");
    let known: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.to_string())
        .collect();
    let near = document::nearest(&text, known.iter().map(String::as_str));
    reader.refuse(
        node,
        match near {
            Some(near) => error.hint(format!("did you mean '{near}'?")),
            None => error,
        },
    );
    None
}
