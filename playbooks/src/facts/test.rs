//! A test of facts outside of a playbook: `facts.os.build >= 17763` in a selector. The same expressions as in `when`.

use super::{FactSet, Facts};
use crate::scope::{check_name, facts_alone, facts_of};
use crate::template;

/// A test that is well formed and names facts that exist.
#[derive(Clone, Debug)]
pub struct FactTest {
    text: String,
    facts: FactSet,
}

/// What is wrong with a test.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FactTestError {
    /// Lower case, without full stop.
    pub message: String,
    /// What would have been right.
    pub expected: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl FactTest {
    /// Reads an expression over facts.
    ///
    /// # Errors
    /// It is no expression, names something else than facts, or a fact that does not exist.
    pub fn parse(text: &str) -> Result<Self, FactTestError> {
        let wrong = |error: crate::rules::Invalid| FactTestError {
            message: error.message,
            expected: error.expected,
            hint: error.hint,
        };
        let names = template::names(text, true).map_err(wrong)?;
        for name in &names {
            check_name(name, &[]).map_err(wrong)?;
            if !name.starts_with("facts") {
                return Err(FactTestError {
                    message: format!("'{name}' is no fact"),
                    expected: Some("facts.NAME; 'winfleet facts --list' names them all".to_owned()),
                    hint: None,
                });
            }
        }
        Ok(Self {
            text: text.to_owned(),
            facts: facts_of(names.iter().map(String::as_str)),
        })
    }

    /// The facts that it goes by.
    pub fn facts(&self) -> &FactSet {
        &self.facts
    }

    /// Whether a host passes.
    ///
    /// # Errors
    /// A fact that it goes by is not there, or is of another type than it is compared with.
    pub fn holds(&self, facts: &Facts) -> Result<bool, String> {
        let unread = facts
            .failures()
            .find(|(fact, _)| self.facts.contains(*fact));
        if let Some((fact, why)) = unread {
            return Err(format!("facts.{} cannot be read: {why}", fact.name()));
        }
        template::holds(&self.text, &facts_alone(facts)).map_err(|error| error.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Fact, FactValue};

    #[test]
    fn a_test_is_judged_before_any_host_and_by_facts_alone() {
        let test = FactTest::parse("facts.os.build >= 17763 and not facts.os.is_server").unwrap();
        assert!(test.facts().contains(Fact::OsBuild));
        let facts = |build: i64, kind: &str| {
            Facts::from_iter([
                (Fact::OsBuild, FactValue::Number(build)),
                (Fact::OsInstallationType, FactValue::Text(kind.to_owned())),
            ])
        };
        assert_eq!(test.holds(&facts(17763, "Client")), Ok(true));
        assert_eq!(test.holds(&facts(17762, "Client")), Ok(false));
        assert_eq!(test.holds(&facts(20348, "Server Core")), Ok(false));
        let newer =
            FactTest::parse("facts.sensor.version | version >= '10.8210' | version").unwrap();
        let sensor = |version: &str| {
            Facts::from_iter([(Fact::SensorVersion, FactValue::Text(version.to_owned()))])
        };
        assert_eq!(newer.holds(&sensor("10.8210.17763.3650")), Ok(true));
        assert_eq!(newer.holds(&sensor("10.10000")), Ok(true));
        assert_eq!(newer.holds(&sensor("10.8209.99999")), Ok(false));
        assert_eq!(newer.holds(&sensor("9.99999")), Ok(false));
        assert!(newer.holds(&sensor("new")).is_err());
        let mut unread = Facts::default();
        unread.set_unread(Fact::OsBuild, "denied");
        assert!(test.holds(&unread).is_err());
        for (bad, said) in [
            ("facts.os.biuld > 1", "does not exist"),
            ("facts.os.build >=", ""),
            ("proxy == 1", "not declared"),
            ("host.name == 'a'", "is no fact"),
            ("facts.sensor.version >= '10.8210'", "compared as a text"),
            ("'4.18.2301' < facts.av.platform", "compared as a text"),
        ] {
            let error = FactTest::parse(bad).unwrap_err();
            assert!(error.message.contains(said), "{bad}: {error}");
        }
    }
}
