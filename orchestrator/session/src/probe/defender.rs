//! V5 and V6: Antivirus' own test of its cloud, and the log of the EDR sensor. Events are read by number and property,
//! never by text (reference 3.6, 3.7).

use jiff::Timestamp;
use playbooks::events::{self, SensorEvent};
use playbooks::registry::REG_EXPAND_SZ;
use playbooks::{Finding, KeyPath, Target, Typed, Verdict, maps};
use rollout::Reason;

use super::program::Program;
use crate::error::Trouble;
use crate::link::Link;
use crate::shell;

/// How PowerShell names, in every language, that a log holds nothing of what is asked for.
const NO_EVENTS: &str = "NoMatchingEventsFound";
/// Before the cause for which a log cannot be read.
const REFUSED: &str = "refused ";
const SERVICE: &str = r"SYSTEM\CurrentControlSet\Services\WinDefend";

impl Link {
    pub(super) async fn maps(&mut self) -> Result<Verdict, Trouble> {
        let target = Target {
            key: KeyPath::below_local_machine(SERVICE)
                .map_err(|error| Trouble::Refused(Reason::Internal, error.to_string()))?,
            value: "ImagePath".to_owned(),
        };
        let image = self.known(&[(target, REG_EXPAND_SZ)]).await?;
        let folder = image.into_iter().flatten().find_map(|typed| match typed {
            Typed::Sz(path) | Typed::ExpandSz(path) => folder_of(&path),
            _ => None,
        });
        Ok(match self.tool(&Program::Maps(folder)).await? {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout);
                let text = format!("{text}{}", String::from_utf8_lossy(&output.stderr));
                maps::judged(output.exit_code.unwrap_or(-1), &text)
            }
            Err(why) => Verdict::new(Finding::ToolMissing, why),
        })
    }

    pub(super) async fn sensor_events(
        &mut self,
        since: Option<Timestamp>,
    ) -> Result<Verdict, Trouble> {
        let Some(since) = since else {
            let why = "the host's clock could not be read";
            return Ok(Verdict::new(Finding::Unreadable, why));
        };
        let script = format!(
            "Get-WinEvent -FilterHashtable @{{LogName='Microsoft-Windows-SENSE/Operational';StartTime=[datetime]'{since}'}} \
-MaxEvents 200 -ErrorAction SilentlyContinue -ErrorVariable e | ForEach-Object {{[string]$_.Id+'|'+(($_.Properties | \
ForEach-Object {{[string]$_.Value}}) -join '|')}};foreach($x in $e){{if($x.FullyQualifiedErrorId -notlike \
'{NO_EVENTS}*'){{'{REFUSED}'+$x.Exception.Message}}}};'done'"
        );
        let output = match self.tool(&Program::Script(script)).await? {
            Ok(output) => output,
            Err(why) => return Ok(Verdict::new(Finding::ToolMissing, why)),
        };
        let text = String::from_utf8_lossy(&output.stdout);
        if text.lines().last().map(str::trim) != Some("done") {
            return Ok(Verdict::new(Finding::ToolMissing, shell::said(&output)));
        }
        let found: Vec<SensorEvent> = text.lines().filter_map(SensorEvent::read).collect();
        let refused = text.lines().find_map(|line| line.strip_prefix(REFUSED));
        if let Some(why) = refused.filter(|_| found.is_empty()) {
            let why: String = why.trim().chars().take(200).collect();
            let why = format!("the log of SENSE cannot be read: {why}");
            return Ok(Verdict::new(Finding::Unreadable, why));
        }
        Ok(events::judged(&found))
    }
}

/// The folder of the service's program, without quotes and arguments; only what can stand on a command line.
fn folder_of(image: &str) -> Option<String> {
    let image = image.trim().trim_start_matches('"');
    let lower = image.to_ascii_lowercase();
    let end = lower.find("\\msmpeng.exe")?;
    let folder = &image[..end];
    let odd = |c: char| c.is_control() || "\"<>|&^".contains(c);
    (!folder.contains(odd)).then(|| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::folder_of;

    #[test]
    fn the_folder_is_taken_out_of_the_command_line() {
        let platform = r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.1-0";
        let image = format!("\"{platform}\\MsMpEng.exe\" -x");
        assert_eq!(folder_of(&image).as_deref(), Some(platform));
        assert_eq!(folder_of(r"C:\a&calc\MsMpEng.exe"), None);
        assert_eq!(folder_of("svchost.exe"), None);
    }
}
