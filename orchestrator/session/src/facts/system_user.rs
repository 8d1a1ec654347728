//! F11: what LocalSystem, as which the sensor and Antivirus run, has set for WinINet itself. F16: who manages the device.
//!
//! The first lies in another hive than all else that is read, so it is asked for through WMI only.

use playbooks::registry::{REG_DWORD, REG_SZ};
use playbooks::{Fact, FactSet, FactValue, Facts, Source, Typed, type_name};
use wsman_proto::registry::USERS;

use super::registry::target;
use crate::cim::typed;
use crate::error::Trouble;
use crate::link::{Link, Road};

/// The profile of LocalSystem.
const INTERNET: &str = r"S-1-5-18\Software\Microsoft\Windows\CurrentVersion\Internet Settings";
const ENROLMENTS: &str = r"SOFTWARE\Microsoft\Enrollments";
/// Bound on the enrolments that are looked at; a device has one or two.
const ENROLMENTS_BOUND: usize = 30;
const NEEDS_WMI: &str = "it is read through WMI only, which does not work here";

impl Link {
    pub(super) async fn system_user_facts(
        &mut self,
        wanted: &FactSet,
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let of_user = wanted.iter().filter_map(|fact| match fact.row().source {
            Source::SystemUser(value) => Some((fact, value)),
            _ => None,
        });
        let of_user: Vec<(Fact, &str)> = of_user.collect();
        if !of_user.is_empty() {
            let read = self.internet_settings(&of_user, facts).await;
            let facts_of = of_user.iter().map(|(fact, _)| *fact);
            self.or_unread(read, facts_of, facts)?;
        }
        if wanted.contains(Fact::MdmProviders) {
            let read = self.providers(facts).await;
            self.or_unread(read, [Fact::MdmProviders], facts)?;
        }
        Ok(())
    }

    /// A refusal leaves the facts unread.
    fn or_unread(
        &self,
        read: Result<(), Trouble>,
        asked: impl IntoIterator<Item = Fact>,
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let Err(trouble) = read else {
            return Ok(());
        };
        let why = self.unread(trouble)?;
        for fact in asked {
            facts.set_unread(fact, why.clone());
        }
        Ok(())
    }

    async fn internet_settings(
        &mut self,
        wanted: &[(Fact, &str)],
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        if self.road == Road::Shell {
            for (fact, _) in wanted {
                facts.set_unread(*fact, NEEDS_WMI);
            }
            return Ok(());
        }
        let key = [USERS, INTERNET].concat();
        let there = self.client.enum_values(&key).await?.unwrap_or_default();
        for (fact, name) in wanted {
            let kind = there
                .iter()
                .find(|(value, _)| value.eq_ignore_ascii_case(name))
                .map(|(_, kind)| *kind);
            let found = match kind {
                Some(kind @ (REG_SZ | REG_DWORD)) => {
                    let read = self.client.read_value(&key, name, kind).await?;
                    read.map(typed)
                }
                Some(other) => {
                    facts.set_malformed(*fact, format!("it is {}", type_name(other)));
                    continue;
                }
                None => None,
            };
            match found {
                Some(found) => facts.note_typed(*fact, &found),
                None => facts.set(*fact, FactValue::Null),
            }
        }
        Ok(())
    }

    async fn providers(&mut self, facts: &mut Facts) -> Result<(), Trouble> {
        if self.road == Road::Shell {
            facts.set_unread(Fact::MdmProviders, NEEDS_WMI);
            return Ok(());
        }
        let keys = self.client.enum_keys(ENROLMENTS).await?.unwrap_or_default();
        let guids = keys.iter().filter(|key| uuid::Uuid::parse_str(key).is_ok());
        let mut providers = std::collections::BTreeSet::new();
        for key in guids.take(ENROLMENTS_BOUND) {
            let place = target(&format!(r"{ENROLMENTS}\{key}"), "ProviderID")?;
            let found = self
                .known(&[(place, REG_SZ)])
                .await?
                .into_iter()
                .flatten()
                .next();
            if let Some(Typed::Sz(provider)) = found
                && !provider.is_empty()
            {
                providers.insert(provider);
            }
        }
        let texts = providers.into_iter().collect();
        facts.set(Fact::MdmProviders, FactValue::Texts(texts));
        Ok(())
    }
}
