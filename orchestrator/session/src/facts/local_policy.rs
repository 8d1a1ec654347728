//! F15 where group policy keeps no log: `registry.pol` of the local group policy (reference 4.5). Those of the domain lie on
//! a share that a session of WinRM cannot reach.
//!
//! The file is binary, and what is typed out in a shell passes a code page: PowerShell prints it as base64, up to a bound.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use playbooks::{Fact, FactSet, FactValue, Facts, local_policy};

use super::policy::{values, words};
use crate::probe::powershell;

/// Bytes of a file that are read; with more the answer would come in more requests than the preflight has.
const BOUND: usize = 32 * 1024;
const NONE: &str = "none";
const LARGE: &str = "large";

/// The command that prints the file.
pub(super) fn show() -> String {
    powershell(&format!(
        r"$f=$env:windir+'\System32\GroupPolicy\Machine\Registry.pol';if(!(Test-Path $f)){{'{NONE}'}}elseif((Get-Item $f -Force).Length -gt {BOUND}){{'{LARGE}'}}else{{[Convert]::ToBase64String([IO.File]::ReadAllBytes($f))}}"
    ))
}

/// Takes over what was printed.
pub(super) fn note(printed: &str, wanted: &FactSet, facts: &mut Facts) {
    let settings = match printed.trim() {
        NONE => Ok(Vec::new()),
        LARGE => Err(format!("registry.pol is larger than {BOUND} bytes")),
        "" => Err("PowerShell did not show registry.pol".to_owned()),
        text => STANDARD
            .decode(text)
            .ok()
            .filter(|bytes| bytes.len() <= BOUND)
            .and_then(|bytes| local_policy(&bytes, &values(wanted)))
            .ok_or_else(|| "registry.pol is not well formed".to_owned()),
    };
    match settings {
        Ok(settings) => {
            let texts = settings.iter().map(words).collect();
            facts.set(Fact::GpoLocal, FactValue::Texts(texts));
            facts.gpo = settings;
        }
        Err(why) => facts.set_unread(Fact::GpoLocal, why),
    }
}
