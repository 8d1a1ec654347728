//! Definitions of scheduled tasks: the XML that `PS_ScheduledTask.RegisterByXml` takes ([MS-TSCH] 2.5, schema 1.2).
//!
//! One kind only: a task that runs one program once as LocalSystem and then goes away by itself.

use crate::xml::Writer;

const SCHEMA: &str = "http://schemas.microsoft.com/windows/2004/02/mit/task";
/// LocalSystem.
const SYSTEM: &str = "S-1-5-18";
/// Longer than this no probe runs.
const LIMIT: &str = "PT10M";

/// A program that runs once.
#[derive(Clone, Copy, Debug)]
pub struct OneShot<'a> {
    /// For whoever finds it.
    pub description: &'a str,
    /// Start, by the host's clock, RFC 3339 in UTC.
    pub start: &'a str,
    /// When the task is void and deletes itself, likewise.
    pub end: &'a str,
    /// The program.
    pub command: &'a str,
    /// Its arguments, one text.
    pub arguments: &'a str,
}

/// The definition. It starts on battery too, late where the moment was missed, never twice, and deletes itself at its end.
pub fn definition(task: &OneShot<'_>) -> String {
    let mut writer = Writer::new();
    writer.element("Task", &[("version", "1.2"), ("xmlns", SCHEMA)], |writer| {
        writer.element("RegistrationInfo", &[], |writer| {
            writer.text("Author", &[], "winfleet");
            writer.text("Description", &[], task.description);
        });
        writer.element("Triggers", &[], |writer| {
            writer.element("TimeTrigger", &[], |writer| {
                writer.text("StartBoundary", &[], task.start);
                writer.text("EndBoundary", &[], task.end);
                writer.text("Enabled", &[], "true");
            });
        });
        writer.element("Principals", &[], |writer| {
            writer.element("Principal", &[("id", "Author")], |writer| {
                writer.text("UserId", &[], SYSTEM);
                writer.text("RunLevel", &[], "HighestAvailable");
            });
        });
        settings(writer);
        writer.element("Actions", &[("Context", "Author")], |writer| {
            writer.element("Exec", &[], |writer| {
                writer.text("Command", &[], task.command);
                writer.text("Arguments", &[], task.arguments);
            });
        });
    });
    String::from_utf8_lossy(&writer.finish()).into_owned()
}

fn settings(writer: &mut Writer) {
    writer.element("Settings", &[], |writer| {
        for (name, value) in [
            ("MultipleInstancesPolicy", "IgnoreNew"),
            ("DisallowStartIfOnBatteries", "false"),
            ("StopIfGoingOnBatteries", "false"),
            ("StartWhenAvailable", "true"),
            ("ExecutionTimeLimit", LIMIT),
            ("DeleteExpiredTaskAfter", "PT0S"),
            ("Enabled", "true"),
        ] {
            writer.text(name, &[], value);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_escaped_and_goes_away_by_itself() {
        let xml = definition(&OneShot {
            description: "a & b",
            start: "2026-01-01T00:00:02Z",
            end: "2026-01-01T00:10:00Z",
            command: "powershell.exe",
            arguments: "-Command \"'<x>'\"",
        });
        assert!(
            xml.contains("<Description>a &amp; b</Description>"),
            "{xml}"
        );
        assert!(xml.contains("&lt;x&gt;") && !xml.contains("<x>"), "{xml}");
        for part in [
            "<UserId>S-1-5-18</UserId>",
            "<EndBoundary>2026-01-01T00:10:00Z</EndBoundary>",
            "<DeleteExpiredTaskAfter>PT0S</DeleteExpiredTaskAfter>",
            "<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>",
        ] {
            assert!(xml.contains(part), "{part}");
        }
    }
}
