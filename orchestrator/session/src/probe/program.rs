//! A program that a probe runs: as a line of cmd for the WinRM shell, or as a block of PowerShell inside a task.

use crate::shell;

/// Where `MpCmdRun.exe` is if its service does not say.
const DEFAULT: &str = r"%ProgramFiles%\Windows Defender";
const VALIDATE: &str = "-ValidateMapsConnection";

/// What is run. Nothing of it comes from the host, but the folder of Antivirus, which was looked at (`defender.rs`).
#[derive(Clone, Debug)]
pub(super) enum Program {
    /// `curl.exe` with these arguments.
    Curl(Vec<String>),
    /// Antivirus' own test of its cloud, by the program in this folder; `None`: where it is if nothing says so.
    Maps(Option<String>),
    /// A script for PowerShell without double quotes and percent signs.
    Script(String),
}

impl Program {
    /// For cmd.
    ///
    /// # Errors
    /// An argument that no line can carry.
    pub(super) fn line(&self) -> Result<String, String> {
        match self {
            Self::Script(script) => Ok(powershell(script)),
            Self::Maps(folder) => {
                let folder = folder.as_deref().unwrap_or(DEFAULT);
                Ok(format!("\"{folder}\\MpCmdRun.exe\" {VALIDATE}"))
            }
            Self::Curl(arguments) => {
                let mut line = "curl.exe".to_owned();
                for argument in arguments {
                    line.push(' ');
                    if argument.chars().all(plain) {
                        line.push_str(argument);
                        continue;
                    }
                    let quoted = shell::argument(argument)
                        .map_err(|_| format!("'{argument}' cannot be sent on a command line"))?;
                    line.push_str(&quoted);
                }
                Ok(line)
            }
        }
    }

    /// For PowerShell, as what follows its call operator. `curl` writes its complaints to its output there: PowerShell
    /// would dress up what comes from the other stream.
    pub(super) fn block(&self) -> Result<String, String> {
        match self {
            Self::Script(script) => Ok(format!("{{{script}}}")),
            // PowerShell knows more quotes than one, and a task fills in what stands behind `$(` and between percent signs.
            Self::Maps(Some(folder))
                if !folder.chars().all(|c| plain(c) || " \\()".contains(c)) =>
            {
                Err(format!("'{folder}' cannot be sent in a task"))
            }
            Self::Maps(Some(folder)) => Ok(format!(r"'{folder}\MpCmdRun.exe' '{VALIDATE}'")),
            Self::Maps(None) => Ok(format!(
                r"($env:ProgramFiles+'\Windows Defender\MpCmdRun.exe') '{VALIDATE}'"
            )),
            Self::Curl(arguments) => {
                let mut block = "curl.exe '--stderr' '-'".to_owned();
                for argument in arguments {
                    if argument.contains(['"', '\r', '\n']) {
                        return Err(format!("'{argument}' cannot be sent in a script"));
                    }
                    block.push_str(&format!(" '{}'", argument.replace('\'', "''")));
                }
                Ok(block)
            }
        }
    }
}

/// Stands on a line of cmd as it is.
fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-.:/_*".contains(c)
}

/// A script without double quotes and percent signs, so that it stands in one pair of quotes on cmd's line.
pub(crate) fn powershell(script: &str) -> String {
    format!("powershell.exe -NoProfile -NonInteractive -Command \"{script}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_carry_the_same_arguments() {
        let words = ["-w", "%{http_code} x", "https://a.example/it's?a&b"];
        let program = Program::Curl(words.iter().map(|word| (*word).to_owned()).collect());
        let line = program.line().unwrap();
        assert!(
            line.starts_with("curl.exe -w ") && !line.contains(" %{http_code} x "),
            "{line}"
        );
        assert_eq!(
            program.block().unwrap(),
            "curl.exe '--stderr' '-' '-w' '%{http_code} x' 'https://a.example/it''s?a&b'"
        );
        assert!(Program::Curl(vec!["a\"b".to_owned()]).block().is_err());
    }
}
