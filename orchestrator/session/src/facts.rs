//! Facts of a host (defender-proxy reference 4.1): F1 the system, F3 to F5 the EDR sensor, F8 the chassis.
//!
//! Only what is asked for is read, by reads of known type; nothing localised is looked at.

use playbooks::registry::{REG_DWORD, REG_EXPAND_SZ, REG_SZ};
use playbooks::{
    ChassisFacts, FactSet, Facts, KeyPath, OsFacts, SensorFacts, Target, Typed, Version,
    sensor_branch,
};
use rollout::Reason;

use crate::error::Trouble;
use crate::link::{Link, Road};

const SYSTEM: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const SENSE: &str = r"SYSTEM\CurrentControlSet\Services\Sense";
const SENSOR: &str = r"SOFTWARE\Microsoft\Windows Advanced Threat Protection";
const UNINSTALL: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall";
/// Display names of the unified agent begin so (F3).
const UNIFIED: &str = "Microsoft Defender for";
/// Bound on the entries of the uninstall list that are looked at.
const UNINSTALL_BOUND: usize = 2000;
const CIMV2: &str = "root/cimv2";

impl Link {
    pub(crate) async fn facts(&mut self, wanted: FactSet) -> Result<Facts, Trouble> {
        let mut facts = Facts::default();
        if wanted.os || wanted.sensor {
            let os = self.os_facts().await?;
            if wanted.sensor {
                facts.sensor = Some(self.sensor_facts(&os).await?);
            }
            facts.os = wanted.os.then_some(os);
        }
        if wanted.chassis {
            facts.chassis = Some(self.chassis_facts().await?);
        }
        Ok(facts)
    }

    /// F1.
    async fn os_facts(&mut self) -> Result<OsFacts, Trouble> {
        let wanted = [
            (target(SYSTEM, "CurrentBuildNumber")?, REG_SZ),
            (target(SYSTEM, "UBR")?, REG_DWORD),
            (target(SYSTEM, "EditionID")?, REG_SZ),
            (target(SYSTEM, "InstallationType")?, REG_SZ),
        ];
        let mut found = self.known(&wanted).await?.into_iter();
        let build = text(found.next().flatten());
        let ubr = match found.next().flatten() {
            Some(Typed::Dword(number)) => number,
            _ => 0,
        };
        let build = build.trim().parse().map_err(|_| {
            let what = format!("HKLM\\{SYSTEM}: CurrentBuildNumber is '{build}', not a number");
            Trouble::Refused(Reason::Protocol, what)
        })?;
        Ok(OsFacts {
            build,
            ubr,
            edition: text(found.next().flatten()),
            installation_type: text(found.next().flatten()),
        })
    }

    /// F3 to F5.
    async fn sensor_facts(&mut self, os: &OsFacts) -> Result<SensorFacts, Trouble> {
        let image = self.image_path().await?;
        let present = image.is_some();
        // Only Server 2012 R2 and 2016 can have the unified agent.
        let may_be_unified = os.is_server() && matches!(os.build, 9600 | 14393);
        let mut folder = None;
        let mut unified = false;
        if present && may_be_unified {
            let wanted = [(target(SENSOR, "InstallLocation")?, REG_SZ)];
            folder = self
                .known(&wanted)
                .await?
                .into_iter()
                .flatten()
                .next()
                .map(|found| text(Some(found)));
            unified = folder.is_some() || self.unified_agent_is_installed().await?;
        }
        let branch = sensor_branch(os, unified);
        let version = match image
            .as_deref()
            .and_then(executable)
            .or_else(|| folder.as_deref().map(in_folder))
        {
            Some(path) if present => self.file_version(&path).await?,
            _ => None,
        };
        Ok(SensorFacts {
            present,
            branch,
            version,
        })
    }

    /// F4: the image path of the service; `None` where there is no such service.
    async fn image_path(&mut self) -> Result<Option<String>, Trouble> {
        for kind in [REG_EXPAND_SZ, REG_SZ] {
            let wanted = [(target(SENSE, "ImagePath")?, kind)];
            if let Some(found) = self.known(&wanted).await?.into_iter().flatten().next() {
                return Ok(Some(text(Some(found))));
            }
        }
        Ok(None)
    }

    /// F3: an entry of the uninstall list whose display name begins with the product's name.
    async fn unified_agent_is_installed(&mut self) -> Result<bool, Trouble> {
        if self.road == Road::Shell {
            return Ok(false);
        }
        let names = self.client.enum_keys(UNINSTALL).await?.unwrap_or_default();
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

    /// F5. Needs WMI; without it the version is unknown, and an unknown version passes no gate.
    async fn file_version(&mut self, path: &str) -> Result<Option<Version>, Trouble> {
        if self.road == Road::Shell || path.contains(['\'', '"', '%']) {
            return Ok(None);
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
                    Ok(None)
                } else {
                    Err(trouble)
                };
            }
        };
        let version = found.first().and_then(|file| file.text("Version"));
        Ok(version.and_then(|text| text.split_whitespace().next()?.parse().ok()))
    }

    /// F8.
    async fn chassis_facts(&mut self) -> Result<ChassisFacts, Trouble> {
        let no_wmi = |why: &str| {
            let text = format!(
                "the chassis types can only be read through WMI, which does not work here{why}"
            );
            Trouble::Refused(Reason::WmiBroken, text)
        };
        if self.road == Road::Shell {
            return Err(no_wmi(""));
        }
        let found = self
            .client
            .wql(CIMV2, "select ChassisTypes from Win32_SystemEnclosure")
            .await;
        let found = found.map_err(|error| {
            let trouble = Trouble::Wire(error);
            if trouble.is_wmi_broken() {
                no_wmi(": the class does not answer")
            } else {
                trouble
            }
        })?;
        let types = found
            .iter()
            .flat_map(|enclosure| enclosure.texts("ChassisTypes"));
        Ok(ChassisFacts {
            types: types
                .filter_map(|number| number.trim().parse().ok())
                .collect(),
        })
    }
}

fn target(key: &str, value: &str) -> Result<Target, Trouble> {
    let key = KeyPath::below_local_machine(key)
        .map_err(|error| Trouble::Refused(Reason::Internal, error.to_string()))?;
    Ok(Target {
        key,
        value: value.to_owned(),
    })
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
