//! Facts of WMI classes and services: one query for a class with the columns that are asked for, one for all services.

use std::collections::BTreeMap;

use playbooks::{Class, Fact, FactSet, FactValue, Facts, Source, from_cim};
use wsman::ErrorKind;
use wsman_proto::cim::Instance;

use crate::error::Trouble;
use crate::link::{Link, Road};

const CIMV2: &str = "root/cimv2";
const NO_WMI: &str = "it can only be read through WMI, which does not work here";
/// "Invalid namespace" and "invalid class": the component is not there.
const NOT_THERE: [u32; 2] = [0x8004_100E, 0x8004_1010];
/// "Invalid query": among others, for a column that the class does not have.
const INVALID_QUERY: u32 = 0x8004_1017;
/// The same of the service: query, class or namespace are wrong.
const CANNOT_PROCESS_FILTER: u32 = 2_150_858_778;

impl Link {
    pub(super) async fn class_facts(
        &mut self,
        wanted: &FactSet,
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let mut classes: BTreeMap<Class, Vec<(Fact, &'static str)>> = BTreeMap::new();
        for fact in wanted.iter() {
            if let Source::Cim(class, property) = fact.row().source {
                classes.entry(class).or_default().push((fact, property));
            }
        }
        for (class, columns) in classes {
            let namespace = class.query().0;
            let answer = match self.ask(namespace, &query(class, &columns)).await? {
                // Antivirus' classes grow with its platform: whole instances have all the columns that there are. Those of Windows
                // itself have had theirs for ever.
                Err(NoAnswer::WrongQuery) if class.is_optional() => {
                    self.ask(namespace, &whole(class)).await?
                }
                answer => answer,
            };
            match answer {
                Ok(rows) => columns.iter().for_each(|(fact, property)| {
                    match value(*fact, property, &rows) {
                        Ok(value) => facts.set(*fact, value),
                        Err(why) => facts.set_unread(*fact, why),
                    }
                }),
                Err(NoAnswer::NotThere) if class.is_optional() => {
                    for (fact, property) in columns {
                        facts.set(fact, value(fact, property, &[]).unwrap_or(FactValue::Null));
                    }
                }
                Err(no) => {
                    let why = no.why();
                    columns
                        .iter()
                        .for_each(|(fact, _)| facts.set_unread(*fact, why.clone()));
                }
            }
        }
        Ok(())
    }

    pub(super) async fn service_facts(
        &mut self,
        wanted: &FactSet,
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let asked: Vec<(Fact, &str)> = wanted
            .iter()
            .filter_map(|fact| match fact.row().source {
                Source::Service(name) | Source::ServiceExists(name) => Some((fact, name)),
                _ => None,
            })
            .collect();
        if asked.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = asked
            .iter()
            .map(|(_, name)| format!("Name='{name}'"))
            .collect();
        let query = format!(
            "select Name, State from Win32_Service where {}",
            names.join(" or ")
        );
        let rows = self.ask(CIMV2, &query).await?;
        for (fact, name) in asked {
            let rows = match &rows {
                Ok(rows) => rows,
                Err(no) => {
                    facts.set_unread(fact, no.why());
                    continue;
                }
            };
            let row = rows.iter().find(|row| {
                row.text("Name")
                    .is_some_and(|found| found.eq_ignore_ascii_case(name))
            });
            let exists = matches!(fact.row().source, Source::ServiceExists(_));
            let state = row.and_then(|row| row.text("State"));
            facts.set(
                fact,
                match (exists, state) {
                    (true, _) => FactValue::Bool(row.is_some()),
                    (false, Some(state)) => FactValue::Text(state.to_lowercase()),
                    (false, None) => FactValue::Null,
                },
            );
        }
        Ok(())
    }

    /// The rows of a query, or why there are none; the outer error is the loss of the host.
    pub(crate) async fn ask(
        &mut self,
        namespace: &str,
        query: &str,
    ) -> Result<Result<Vec<Instance>, NoAnswer>, Trouble> {
        if self.road == Road::Shell {
            return Ok(Err(NoAnswer::Refused(NO_WMI.to_owned())));
        }
        let error = match self.client.wql(namespace, query).await {
            Ok(rows) => return Ok(Ok(rows)),
            Err(error) => error,
        };
        let told = match &error.kind {
            ErrorKind::Fault(fault) => NoAnswer::of(fault.code, fault.wmi_status),
            _ => None,
        };
        if let Some(told) = told {
            return Ok(Err(told));
        }
        let why = self.unread(Trouble::Wire(error))?;
        Ok(Err(NoAnswer::Refused(why)))
    }
}

/// Why a query gave no rows, with the connection still good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// There is no such class or namespace.
    NotThere,
    /// The query is wrong on this host, because of a column or a class that it names: which of them is not said.
    WrongQuery,
    /// The host says so.
    Refused(String),
}

impl NoAnswer {
    /// What a fault, by its code and the status of WMI in it, says about a query; `None`: nothing but that it failed.
    fn of(code: u32, status: Option<u32>) -> Option<Self> {
        // A service that says no more than "not found" (2150858752) may lack the class, or not show it.
        let not_there = status.is_some_and(|status| NOT_THERE.contains(&status));
        let wrong =
            status == Some(INVALID_QUERY) || code == CANNOT_PROCESS_FILTER && status.is_none();
        match (not_there, wrong) {
            (true, _) => Some(Self::NotThere),
            (false, true) => Some(Self::WrongQuery),
            (false, false) => None,
        }
    }

    pub(crate) fn why(&self) -> String {
        match self {
            Self::WrongQuery => "this Windows does not take the query for it".to_owned(),
            Self::NotThere => "this Windows has no such class".to_owned(),
            Self::Refused(why) => why.clone(),
        }
    }
}

/// A class whose instances are only counted is asked for nothing more than one column.
fn query(class: Class, columns: &[(Fact, &'static str)]) -> String {
    let (_, name, condition) = class.query();
    let mut properties: Vec<&str> = columns
        .iter()
        .map(|(_, property)| *property)
        .filter(|property| !property.is_empty())
        .collect();
    if properties.is_empty() {
        properties.push(match class {
            Class::Battery => "DeviceID",
            _ => "AMRunningMode",
        });
    }
    let mut query = format!("select {} from {name}", properties.join(", "));
    if let Some(condition) = condition {
        query.push_str(" where ");
        query.push_str(condition);
    }
    query
}

/// The query for whole instances.
fn whole(class: Class) -> String {
    let (_, name, condition) = class.query();
    let condition = condition.map(|condition| format!(" where {condition}"));
    format!("select * from {name}{}", condition.unwrap_or_default())
}

fn value(fact: Fact, property: &str, rows: &[Instance]) -> Result<FactValue, String> {
    if property.is_empty() {
        return Ok(FactValue::Bool(!rows.is_empty()));
    }
    let texts: Vec<&str> = rows.iter().flat_map(|row| row.texts(property)).collect();
    from_cim(fact, &texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_is_not_there_is_known_in_each_of_its_forms() {
        for (code, status) in [
            (CANNOT_PROCESS_FILTER, Some(0x8004_1010)),
            (2_150_858_752, Some(0x8004_100E)),
        ] {
            assert_eq!(
                NoAnswer::of(code, status),
                Some(NoAnswer::NotThere),
                "{code} {status:?}"
            );
        }
        for (code, status) in [
            (CANNOT_PROCESS_FILTER, Some(INVALID_QUERY)),
            (CANNOT_PROCESS_FILTER, None),
        ] {
            assert_eq!(
                NoAnswer::of(code, status),
                Some(NoAnswer::WrongQuery),
                "{code} {status:?}"
            );
        }
        // The component is there and does not work.
        for (code, status) in [
            (5, None),
            (2_150_858_752, Some(0x8004_1013)),
            (2_150_858_752, Some(0x8004_1002)),
            (2_150_858_752, None),
            (1722, None),
        ] {
            assert_eq!(NoAnswer::of(code, status), None, "{code} {status:?}");
        }
    }
}
