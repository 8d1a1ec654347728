//! F15: which of the values a playbook cares about group policy has set, by RSoP (reference 4.5). What preference
//! items, MDM and hosts with RSoP logging switched off do is not seen here.

use std::collections::{BTreeMap, BTreeSet};

use playbooks::{
    Fact, FactSet, FactValue, Facts, GpoSetting, KeyPath, RawValue, Target, deleted_by_policy,
    policy_deletion,
};
use wsman_proto::cim::Instance;

use crate::error::Trouble;
use crate::link::Link;

const RSOP: &str = "root/rsop/computer";
/// Values asked for where the caller names none: those of section 1 of the reference.
const PROXY_VALUES: [&str; 7] = [
    "TelemetryProxyServer",
    "DisableEnterpriseAuthProxy",
    "PreferStaticProxyForHttpRequest",
    "ProxyServer",
    "ProxyPacUrl",
    "ProxyBypass",
    "SSLOptions",
];

impl Link {
    pub(super) async fn policy_facts(
        &mut self,
        wanted: &FactSet,
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let conditions: Vec<String> = names(wanted)
            .iter()
            .flat_map(|name| [quoted(name), quoted(&policy_deletion(name))])
            .map(|name| format!("valueName={name}"))
            .collect();
        let query = format!(
            "select registryKey, valueName, valueType, value, deleted, precedence, GPOID from RSOP_RegistryPolicySetting where {}",
            conditions.join(" or ")
        );
        let rows = match self.ask(RSOP, &query).await? {
            Ok(rows) => rows,
            Err(no) => {
                facts.set_unread(Fact::GpoSettings, no.why());
                return Ok(());
            }
        };
        let mut settings: Vec<GpoSetting> = rows.iter().filter_map(setting).collect();
        settings.sort_by(|a, b| (&a.target, a.precedence).cmp(&(&b.target, b.precedence)));
        if !wanted.policy_ids_only {
            self.name_policies(&mut settings).await?;
        }
        let texts = settings.iter().map(words).collect();
        facts.set(Fact::GpoSettings, FactValue::Texts(texts));
        facts.gpo = settings;
        Ok(())
    }

    /// Names of the policies that won; without an answer they keep their ids.
    async fn name_policies(&mut self, settings: &mut [GpoSetting]) -> Result<(), Trouble> {
        let ids: BTreeSet<String> = settings
            .iter()
            .map(|setting| quoted(&setting.gpo))
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let conditions: Vec<String> = ids.iter().map(|id| format!("id={id}")).collect();
        let query = format!(
            "select id, name from RSOP_GPO where {}",
            conditions.join(" or ")
        );
        let rows = self.ask(RSOP, &query).await?.unwrap_or_default();
        let names: BTreeMap<String, &str> = rows
            .iter()
            .filter_map(|row| Some((row.text("id")?.to_lowercase(), row.text("name")?)))
            .collect();
        for setting in settings {
            let name = names.get(&setting.gpo.to_lowercase());
            setting.gpo_name = name.map(|name| (*name).to_owned());
        }
        Ok(())
    }
}

/// The values that policies are asked about.
pub(super) fn names(wanted: &FactSet) -> Vec<&str> {
    let named = &wanted.policy_values;
    if named.is_empty() {
        PROXY_VALUES.to_vec()
    } else {
        named.iter().map(String::as_str).collect()
    }
}

/// A text of WQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

fn setting(row: &Instance) -> Option<GpoSetting> {
    let key = row.text("registryKey")?.trim_matches('\\');
    let name = row.text("valueName")?;
    let by_name = deleted_by_policy(name);
    let plain = by_name.unwrap_or(name);
    let deleted = by_name.is_some()
        || row
            .text("deleted")
            .is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let kind = row
        .text("valueType")
        .and_then(|text| text.trim().parse().ok());
    let bytes: Option<Vec<u8>> = row
        .texts("value")
        .iter()
        .map(|byte| byte.trim().parse().ok())
        .collect();
    Some(GpoSetting {
        target: Target {
            key: KeyPath::below_local_machine(key).ok()?,
            value: plain.to_owned(),
        },
        value: match (deleted, kind, bytes) {
            (false, Some(kind), Some(bytes)) => Some(RawValue { kind, bytes }),
            _ => None,
        },
        precedence: row
            .text("precedence")
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(1),
        gpo: row.text("GPOID").unwrap_or_default().to_owned(),
        gpo_name: None,
    })
}

pub(super) fn words(setting: &GpoSetting) -> String {
    let value = match &setting.value {
        Some(value) => value.text(),
        None => "deleted".to_owned(),
    };
    format!(
        "{} = {value} by '{}'",
        setting.target.value,
        setting.owner()
    )
}
