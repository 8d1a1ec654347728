//! Maintenance windows: days of the week, from a time of day to another, in a named time zone.
//!
//! Pure: the present moment is an argument. A window belongs to the day on which it opens; one that ends before it
//! begins goes over midnight. Where a clock change swallows its edge, the edge moves by the hour that is missing.

use std::fmt;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// Names as in files, Monday first.
pub(crate) const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// One window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Days on which it opens, 0 is Monday; sorted, not empty.
    days: Vec<u8>,
    /// Opens.
    from: Time,
    /// Closes; on the next day where it is not after `from`.
    to: Time,
    /// Name in the IANA database.
    tz: String,
}

/// Whether hosts may be started at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowState {
    /// Until this moment.
    Open(Timestamp),
    /// Until this moment.
    Closed(Timestamp),
    /// No day ever opens it (a zone that is not known here any more).
    Never,
}

impl Window {
    pub(crate) fn new(days: Vec<Weekday>, from: Time, to: Time, tz: String) -> Self {
        let number = |day: &Weekday| day.to_monday_zero_offset().unsigned_abs();
        let days = days.iter().map(number).collect();
        Self { days, from, to, tz }
    }

    /// Whether any of the windows is open at `now`; no windows are always open.
    pub fn any(windows: &[Self], now: Timestamp) -> WindowState {
        if windows.is_empty() {
            return WindowState::Open(Timestamp::MAX);
        }
        let states: Vec<WindowState> = windows.iter().map(|window| window.at(now)).collect();
        let open = |state: &WindowState| match state {
            WindowState::Open(until) => Some(*until),
            _ => None,
        };
        let closed = |state: &WindowState| match state {
            WindowState::Closed(until) => Some(*until),
            _ => None,
        };
        if let Some(until) = states.iter().filter_map(open).max() {
            WindowState::Open(until)
        } else {
            let next = states.iter().filter_map(closed).min();
            next.map_or(WindowState::Never, WindowState::Closed)
        }
    }

    /// Whether it is open at `now`.
    pub fn at(&self, now: Timestamp) -> WindowState {
        let Ok(zone) = TimeZone::get(&self.tz) else {
            return WindowState::Never;
        };
        let today = zone.to_datetime(now).date();
        // Yesterday's may still be open; eight days on every weekday has come once.
        let spans = (-1..=8).filter_map(|day| {
            let date = today.checked_add(i64::from(day).days()).ok()?;
            self.span(date, &zone)
        });
        let mut next = None;
        for (opens, closes) in spans {
            if opens <= now && now < closes {
                return WindowState::Open(closes);
            }
            if opens > now && next.is_none_or(|next| opens < next) {
                next = Some(opens);
            }
        }
        next.map_or(WindowState::Never, WindowState::Closed)
    }

    fn span(&self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let day = date.weekday().to_monday_zero_offset().unsigned_abs();
        if !self.days.contains(&day) {
            return None;
        }
        let last = if self.to > self.from {
            date
        } else {
            date.tomorrow().ok()?
        };
        let moment = |date: Date, time: Time| zone.to_timestamp(date.to_datetime(time)).ok();
        Some((moment(date, self.from)?, moment(last, self.to)?))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |day: &u8| {
            DAYS.get(usize::from(*day))
                .map_or("?", |(name, _)| &name[..3])
        };
        let days: Vec<&str> = self.days.iter().map(name).collect();
        let days = if days.len() == 7 {
            "daily".to_owned()
        } else {
            days.join(",")
        };
        let to = match self.to {
            time if time == Time::midnight() => "24:00".to_owned(),
            time => time.strftime("%H:%M").to_string(),
        };
        write!(f, "{days} {}-{to} {}", self.from.strftime("%H:%M"), self.tz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(days: &[Weekday], from: (i8, i8), to: (i8, i8), tz: &str) -> Window {
        let time = |(hour, minute)| Time::new(hour, minute, 0, 0).unwrap();
        Window::new(days.to_vec(), time(from), time(to), tz.to_owned())
    }

    fn check(window: &Window, now: &str, expected: &str) {
        let found = match window.at(now.parse().unwrap()) {
            WindowState::Open(until) => format!("open until {until}"),
            WindowState::Closed(until) => format!("closed until {until}"),
            WindowState::Never => "never".to_owned(),
        };
        assert_eq!(found, expected, "{window} at {now}");
    }

    #[test]
    fn a_night_belongs_to_the_day_it_begins() {
        let night = window(&[Weekday::Friday], (22, 0), (5, 0), "Europe/Paris");
        check(
            &night,
            "2026-11-20T20:59:59Z",
            "closed until 2026-11-20T21:00:00Z",
        );
        check(
            &night,
            "2026-11-20T21:00:00Z",
            "open until 2026-11-21T04:00:00Z",
        );
        check(
            &night,
            "2026-11-21T03:59:59Z",
            "open until 2026-11-21T04:00:00Z",
        );
        check(
            &night,
            "2026-11-21T04:00:00Z",
            "closed until 2026-11-27T21:00:00Z",
        );
    }

    #[test]
    fn a_clock_change_moves_the_edge_that_it_swallows() {
        // 2026-03-29: 02:00 becomes 03:00 in Paris.
        let gap = window(&[Weekday::Sunday], (2, 30), (4, 0), "Europe/Paris");
        check(
            &gap,
            "2026-03-29T00:00:00Z",
            "closed until 2026-03-29T01:30:00Z",
        );
        // 2026-10-25: 03:00 becomes 02:00 again.
        let fold = window(&[Weekday::Sunday], (1, 0), (4, 0), "Europe/Paris");
        check(
            &fold,
            "2026-10-25T02:30:00Z",
            "open until 2026-10-25T03:00:00Z",
        );
    }

    #[test]
    fn whole_days() {
        let day = window(&[Weekday::Saturday, Weekday::Sunday], (0, 0), (0, 0), "UTC");
        check(
            &day,
            "2026-11-21T12:00:00Z",
            "open until 2026-11-22T00:00:00Z",
        );
        check(
            &day,
            "2026-11-23T00:00:00Z",
            "closed until 2026-11-28T00:00:00Z",
        );
    }

    #[test]
    fn any_of_several() {
        let early = window(&[Weekday::Monday], (6, 0), (8, 0), "UTC");
        let late = window(&[Weekday::Monday], (20, 0), (22, 0), "UTC");
        let at = |now: &str| Window::any(&[late.clone(), early.clone()], now.parse().unwrap());
        let moment = |text: &str| text.parse().unwrap();
        assert_eq!(
            at("2026-11-23T07:00:00Z"),
            WindowState::Open(moment("2026-11-23T08:00:00Z"))
        );
        assert_eq!(
            at("2026-11-23T09:00:00Z"),
            WindowState::Closed(moment("2026-11-23T20:00:00Z"))
        );
        assert_eq!(
            Window::any(&[], moment("2026-11-23T09:00:00Z")),
            WindowState::Open(Timestamp::MAX)
        );
    }
}
