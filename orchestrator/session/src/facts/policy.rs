//! F15: which of the values a playbook cares about group policy has set, by RSoP (reference 4.5). What preference
//! items and MDM do is not seen here. Where RSoP logging is switched off its classes are empty, which is no answer: any log
//! names at least one policy, be it the local one.

use std::collections::{BTreeMap, BTreeSet};

use playbooks::{
    Fact, FactSet, FactValue, Facts, GpoSetting, KeyPath, POLICY_DELETIONS, RawValue, Target,
    deletes_several, policy_deletion, policy_effects,
};
use wsman_proto::cim::Instance;

use crate::error::Trouble;
use crate::link::Link;

const RSOP: &str = "root/rsop/computer";
const NO_LOG: &str = "the log of group policy (RSoP) is empty: it names no policy at all";

impl Link {
    pub(super) async fn policy_facts(
        &mut self,
        wanted: &FactSet,
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let values = values(wanted);
        let query = format!(
            "select registryKey, valueName, valueType, value, deleted, precedence, GPOID from RSOP_RegistryPolicySetting where {}",
            conditions(&values)
        );
        let rows = match self.ask(RSOP, &query).await? {
            Ok(rows) => rows,
            Err(no) => {
                facts.set_unread(Fact::GpoSettings, no.why());
                return Ok(());
            }
        };
        if rows.is_empty()
            && !wanted.policy_log_trusted
            && let Err(why) = self.keeps_policy_log().await?
        {
            facts.set_unread(Fact::GpoSettings, why);
            return Ok(());
        }
        let mut settings = settings(&rows, &values);
        settings.sort_by(|a, b| (&a.target, a.precedence).cmp(&(&b.target, b.precedence)));
        if !wanted.policy_ids_only {
            self.name_policies(&mut settings).await?;
        }
        let texts = settings.iter().map(words).collect();
        facts.set(Fact::GpoSettings, FactValue::Texts(texts));
        facts.gpo = settings;
        Ok(())
    }

    /// Whether the log names any policy at all; the inner error says why that is not known to be so.
    async fn keeps_policy_log(&mut self) -> Result<Result<(), String>, Trouble> {
        Ok(match self.ask(RSOP, "select id from RSOP_GPO").await? {
            Ok(rows) if rows.is_empty() => Err(NO_LOG.to_owned()),
            Ok(_) => Ok(()),
            Err(no) => Err(no.why()),
        })
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
pub(super) fn values(wanted: &FactSet) -> Vec<Target> {
    if wanted.policy_values.is_empty() {
        // Those of section 1 of the reference, where the caller names none.
        Fact::POLICY_VALUES
            .into_iter()
            .filter_map(Fact::target)
            .collect()
    } else {
        wanted.policy_values.iter().cloned().collect()
    }
}

/// Rows that set or delete one of the values by name, and those that delete whatever is in one of their keys: lists of other
/// policies have such rows by the dozen.
fn conditions(values: &[Target]) -> String {
    let any = |column: &str, texts: BTreeSet<String>| {
        let texts: Vec<String> = texts
            .iter()
            .map(|text| format!("{column}={}", quoted(text)))
            .collect();
        texts.join(" or ")
    };
    let names = values.iter().map(|target| target.value.as_str());
    let by_name = names.flat_map(|name| [name.to_owned(), policy_deletion(name)]);
    let several = POLICY_DELETIONS.map(str::to_owned).into();
    let keys = values.iter().map(|target| target.key.as_str().to_owned());
    format!(
        "{} or (({}) and ({}))",
        any("valueName", by_name.collect()),
        any("valueName", several),
        any("registryKey", keys.collect())
    )
}

/// A text of WQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// What the rows do to the values. Of a value that a policy names itself no more is said by one that deletes what its key
/// holds: lists are written as a deletion of everything and then their items.
fn settings(rows: &[Instance], values: &[Target]) -> Vec<GpoSetting> {
    let of = |several: bool| {
        let rows = rows.iter().filter(move |row| {
            let name = row.text("valueName").unwrap_or_default();
            deletes_several(name) == several
        });
        rows.flat_map(|row| effects(row, values))
    };
    let mut found: Vec<GpoSetting> = of(false).collect();
    let others: Vec<GpoSetting> = of(true)
        .filter(|setting| found.iter().all(|named| named.target != setting.target))
        .collect();
    found.extend(others);
    found
}

fn effects(row: &Instance, values: &[Target]) -> Vec<GpoSetting> {
    let key = row.text("registryKey").map(|key| key.trim_matches('\\'));
    let key = key.and_then(|key| KeyPath::below_local_machine(key).ok());
    let (Some(key), Some(name)) = (key, row.text("valueName")) else {
        return Vec::new();
    };
    let deleted = row
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
    let legible = !deleted && kind.is_some() && bytes.is_some();
    let raw = RawValue {
        kind: kind.unwrap_or_default(),
        bytes: bytes.unwrap_or_default(),
    };
    let precedence = row
        .text("precedence")
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1);
    let effects = policy_effects(&key, name, &raw, values);
    let setting = |(target, value): (Target, Option<RawValue>)| GpoSetting {
        target,
        value: value.filter(|_| legible),
        precedence,
        gpo: row.text("GPOID").unwrap_or_default().to_owned(),
        gpo_name: None,
    };
    effects.into_iter().map(setting).collect()
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
