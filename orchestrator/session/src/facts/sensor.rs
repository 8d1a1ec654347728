//! F3, F5, F7: the EDR sensor. The unified agent, the version of the program, and what may be shown of `OnboardedInfo`.

use playbooks::registry::REG_SZ;
use playbooks::{Fact, FactSet, FactValue, Facts, Onboarded, Source, Typed, Version};

use super::registry::target;
use crate::error::Trouble;
use crate::link::{Link, Road};

const SENSOR: &str = r"SOFTWARE\Microsoft\Windows Advanced Threat Protection";
const UNINSTALL: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall";
/// Display names of the unified agent begin so (F3).
const UNIFIED: &str = "Microsoft Defender for";
/// Bound on the entries of the uninstall list that are looked at.
const UNINSTALL_BOUND: usize = 2000;
const CIMV2: &str = "root/cimv2";

impl Link {
    pub(super) async fn sensor_facts(
        &mut self,
        wanted: &FactSet,
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let mut folder = None;
        if wanted.contains(Fact::SensorUnifiedAgent) {
            folder = self.unified_agent(facts).await?;
        }
        if wanted.contains(Fact::SensorVersion) {
            self.version(folder.as_deref(), facts).await?;
        }
        if wanted
            .iter()
            .any(|fact| fact.row().source == Source::Onboarded)
        {
            self.onboarded(wanted, facts).await?;
        }
        Ok(())
    }

    /// F5; null without sensor.
    async fn version(&mut self, folder: Option<&str>, facts: &mut Facts) -> Result<(), Trouble> {
        if let Some(why) = facts.unread(Fact::SensorPath).map(str::to_owned) {
            facts.set_unread(Fact::SensorVersion, why);
            return Ok(());
        }
        let Some(path) = facts.text(Fact::SensorPath) else {
            facts.set(Fact::SensorVersion, FactValue::Null);
            return Ok(());
        };
        let version = match executable(path).or_else(|| folder.map(in_folder)) {
            Some(path) => self.file_version(&path).await,
            None => Ok(Err(format!("'{path}' names no program"))),
        };
        let version = match version {
            Ok(version) => version,
            Err(trouble) => Err(self.unread(trouble)?),
        };
        match version {
            Ok(version) => facts.set(Fact::SensorVersion, FactValue::Text(version.to_string())),
            Err(why) => facts.set_unread(Fact::SensorVersion, why),
        }
        Ok(())
    }

    /// F3; gives the folder that the agent names. Only Server 2012 R2 and 2016 can have it, so nobody else is asked.
    async fn unified_agent(&mut self, facts: &mut Facts) -> Result<Option<String>, Trouble> {
        let basis = [Fact::OsIsServer, Fact::OsBuild, Fact::SensorPath];
        let unread = basis.into_iter().find_map(|fact| facts.unread(fact));
        if let Some(why) = unread.map(str::to_owned) {
            facts.set_unread(Fact::SensorUnifiedAgent, why);
            return Ok(None);
        }
        let server = facts.flag(Fact::OsIsServer).unwrap_or(false);
        let build = facts.number(Fact::OsBuild);
        let present = facts.text(Fact::SensorPath).is_some();
        if !(server && present && matches!(build, Some(9600 | 14393))) {
            facts.set(Fact::SensorUnifiedAgent, FactValue::Bool(false));
            return Ok(None);
        }
        match self.agent_folder().await {
            Ok((unified, folder)) => {
                facts.set(Fact::SensorUnifiedAgent, FactValue::Bool(unified));
                Ok(folder)
            }
            Err(trouble) => {
                let why = self.unread(trouble)?;
                facts.set_unread(Fact::SensorUnifiedAgent, why);
                Ok(None)
            }
        }
    }

    /// Whether the unified agent is there, and the folder that it names.
    async fn agent_folder(&mut self) -> Result<(bool, Option<String>), Trouble> {
        let wanted = [(target(SENSOR, "InstallLocation")?, REG_SZ)];
        let found = self.known(&wanted).await?.into_iter().flatten().next();
        let folder = found.map(|found| text(Some(found)));
        let unified = folder.is_some() || self.unified_agent_is_installed().await?;
        Ok((unified, folder))
    }

    /// F7. INVARIANT: the text itself is confidential; it is dropped here and stands in no error.
    async fn onboarded(&mut self, wanted: &FactSet, facts: &mut Facts) -> Result<(), Trouble> {
        let place = [(target(SENSOR, "OnboardedInfo")?, REG_SZ)];
        let found = match self.known(&place).await {
            Ok(found) => Ok(found.into_iter().flatten().next()),
            Err(trouble) => Err(self.unread(trouble)?),
        };
        for fact in wanted
            .iter()
            .filter(|fact| fact.row().source == Source::Onboarded)
        {
            let value = match &found {
                Ok(None) => Ok(FactValue::Null),
                Ok(Some(Typed::Sz(text))) => match Onboarded::parse(text) {
                    Some(onboarded) => Ok(shown(fact, onboarded)),
                    None => Err("OnboardedInfo has not the form it should have".to_owned()),
                },
                Ok(Some(_)) => Err("OnboardedInfo is no text".to_owned()),
                Err(why) => Err(why.clone()),
            };
            match value {
                Ok(value) => facts.set(fact, value),
                Err(why) => facts.set_unread(fact, why),
            }
        }
        Ok(())
    }

    /// F3: an entry of the uninstall list whose display name begins with the product's name.
    async fn unified_agent_is_installed(&mut self) -> Result<bool, Trouble> {
        let names = self.keys(&target(UNINSTALL, "")?.key).await?;
        for name in names.into_iter().take(UNINSTALL_BOUND) {
            let wanted = [(
                target(&format!(r"{UNINSTALL}\{name}"), "DisplayName")?,
                REG_SZ,
            )];
            let found = self.known(&wanted).await?.into_iter().flatten().next();
            if text(found)
                .to_lowercase()
                .starts_with(&UNIFIED.to_lowercase())
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// F5. Needs WMI; the inner error says why the version cannot be read, and an unknown version passes no gate.
    async fn file_version(&mut self, path: &str) -> Result<Result<Version, String>, Trouble> {
        if self.road == Road::Shell {
            let why = "the version of a file is read through WMI only, which does not work here";
            return Ok(Err(why.to_owned()));
        }
        if path.contains(['\'', '"', '%']) {
            return Ok(Err(format!("WMI cannot be asked for a file '{path}'")));
        }
        let query = format!(
            "select Version from CIM_DataFile where Name='{}'",
            path.replace('\\', r"\\")
        );
        let found = match self.client.wql(CIMV2, &query).await {
            Ok(found) => found,
            Err(error) => {
                let trouble = Trouble::Wire(error);
                // The file provider is one of WMI's frail parts; the registry may work on.
                return if trouble.is_wmi_broken() {
                    Ok(Err("WMI does not show the version of a file".to_owned()))
                } else {
                    Err(trouble)
                };
            }
        };
        let version = found.first().and_then(|file| file.text("Version"));
        let version = version.and_then(|text| text.split_whitespace().next()?.parse().ok());
        Ok(version.ok_or_else(|| format!("'{path}' shows no version")))
    }
}

fn shown(fact: Fact, onboarded: Onboarded) -> FactValue {
    match fact {
        Fact::SensorHosts => FactValue::Texts(onboarded.hosts),
        Fact::SensorRegion => onboarded.region.map_or(FactValue::Null, FactValue::Text),
        _ if onboarded.streamlined => FactValue::Text("streamlined".to_owned()),
        _ => FactValue::Text("standard".to_owned()),
    }
}

fn text(typed: Option<Typed>) -> String {
    match typed {
        Some(Typed::Sz(text) | Typed::ExpandSz(text)) => text,
        _ => String::new(),
    }
}

/// The program of a service's command line: quotes and arguments taken away.
fn executable(image_path: &str) -> Option<String> {
    let path = image_path.trim();
    let path = match path.strip_prefix('"') {
        Some(rest) => rest.split('"').next()?,
        None => {
            let end = path
                .to_ascii_lowercase()
                .find(".exe")
                .map(|at| at + ".exe".len());
            path.get(..end?)?
        }
    };
    (!path.is_empty()).then(|| path.to_owned())
}

fn in_folder(folder: &str) -> String {
    format!(r"{}\MsSense.exe", folder.trim().trim_end_matches('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_a_service() {
        let check =
            |line, path: Option<&str>| assert_eq!(executable(line).as_deref(), path, "{line}");
        check(
            r#""C:\Program Files\W\MsSense.exe""#,
            Some(r"C:\Program Files\W\MsSense.exe"),
        );
        check(
            r#""C:\Program Files\W\MsSense.exe" -x"#,
            Some(r"C:\Program Files\W\MsSense.exe"),
        );
        check(
            r"C:\Program Files\W\MsSense.EXE -k",
            Some(r"C:\Program Files\W\MsSense.EXE"),
        );
        check("", None);
        check("\"\"", None);
        check("no program", None);
        assert_eq!(in_folder(r"C:\W\"), r"C:\W\MsSense.exe");
    }
}
