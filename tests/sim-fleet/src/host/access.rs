//! The registry as programs on the host meet it: other machines' names, values that somebody puts back, environment.

use super::Host;
use crate::registry::{Deleted, KeyPath, RawValue, fold};

impl Host {
    /// A value; `None` where key or value is absent.
    pub(crate) fn read_value(&self, path: &KeyPath, name: &str) -> Option<RawValue> {
        let value = self.state().registry.value(path, name).cloned()?;
        if self.knobs().other_machine.is_some() {
            let identity = self.identity();
            match fold(name).as_str() {
                "MACHINEGUID" => return Some(RawValue::sz(&identity.machine_guid)),
                "COMPUTERNAME" => return Some(RawValue::sz(&identity.computer_name)),
                _ => {}
            }
        }
        Some(value)
    }

    /// Sets a value; false where the key is absent.
    pub(crate) fn write_value(&self, path: &KeyPath, name: &str, value: RawValue) -> bool {
        let knobs = self.knobs();
        let mut state = self.state();
        if !state.registry.set(path, name, value) {
            return false;
        }
        for rewrite in &knobs.rewrites {
            let target = KeyPath::parse(&rewrite.key);
            if fold(&target.to_string()) == fold(&path.to_string())
                && fold(&rewrite.value) == fold(name)
            {
                match &rewrite.data {
                    Some(data) => drop(state.registry.set(path, name, data.raw())),
                    None => drop(state.registry.delete_value(path, name)),
                }
            }
        }
        true
    }

    /// Deletes a value.
    pub(crate) fn remove_value(&self, path: &KeyPath, name: &str) -> Deleted {
        self.state().registry.delete_value(path, name)
    }

    /// Expands `%NAME%` as a service's environment does; unknown names stay.
    pub(crate) fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            out.push_str(before);
            match after
                .split_once('%')
                .and_then(|(name, tail)| Some((self.variable(name)?, tail)))
            {
                Some((value, tail)) => {
                    out.push_str(&value);
                    rest = tail;
                }
                None => {
                    out.push('%');
                    rest = after;
                }
            }
        }
        out + rest
    }

    /// A variable of the system's environment.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let name = name.to_ascii_uppercase();
        let found = ENVIRONMENT
            .iter()
            .find(|(known, _)| known.to_ascii_uppercase() == name);
        match found {
            Some((_, "")) => Some(self.identity().computer_name),
            Some((_, value)) => Some((*value).into()),
            None => None,
        }
    }

    /// The whole environment in alphabetical order.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        ENVIRONMENT
            .iter()
            .filter_map(|(name, _)| Some(((*name).into(), self.variable(name)?)))
            .collect()
    }
}

const ENVIRONMENT: [(&str, &str); 20] = [
    ("ALLUSERSPROFILE", r"C:\ProgramData"),
    ("CommonProgramFiles", r"C:\Program Files\Common Files"),
    ("COMPUTERNAME", ""),
    ("ComSpec", r"C:\Windows\system32\cmd.exe"),
    ("NUMBER_OF_PROCESSORS", "2"),
    ("OS", "Windows_NT"),
    (
        "Path",
        r"C:\Windows\system32;C:\Windows;C:\Windows\System32\Wbem;C:\Windows\System32\WindowsPowerShell\v1.0\",
    ),
    (
        "PATHEXT",
        ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC",
    ),
    ("PROCESSOR_ARCHITECTURE", "AMD64"),
    ("ProgramData", r"C:\ProgramData"),
    ("ProgramFiles", r"C:\Program Files"),
    ("ProgramFiles(x86)", r"C:\Program Files (x86)"),
    ("ProgramW6432", r"C:\Program Files"),
    ("PROMPT", "$P$G"),
    ("PUBLIC", r"C:\Users\Public"),
    ("SystemDrive", "C:"),
    ("SystemRoot", r"C:\Windows"),
    ("TEMP", r"C:\Windows\TEMP"),
    ("TMP", r"C:\Windows\TEMP"),
    ("windir", r"C:\Windows"),
];
