//! Facts of a host, read by the table in `playbooks`: registry values, WMI classes and services, each group in as few
//! requests as it takes. Only what is asked for is read, by reads of known type; nothing localised is looked at.
//!
//! A source that the host refuses leaves its facts unread with the reason; only lost contact is a failure. Registry
//! reads are `facts/registry.rs`, WMI classes `facts/classes.rs`, the EDR sensor `facts/sensor.rs`, group policy
//! `facts/policy.rs`, what programs show `facts/programs.rs`, what LocalSystem has set and who manages the device
//! `facts/system_user.rs`.

mod classes;
mod local_policy;
mod policy;
mod programs;
mod registry;
mod sensor;
mod system_user;

pub(crate) use classes::NoAnswer;

use playbooks::{Fact, FactSet, FactValue, Facts};
use rollout::Severity;

use crate::error::Trouble;
use crate::link::Link;

impl Link {
    /// Reads the facts and all that they follow from. Cancel safe: reads only.
    pub(crate) async fn facts(&mut self, wanted: &FactSet) -> Result<Facts, Trouble> {
        self.client.allow_requests(wanted.requests);
        let facts = self.read_facts(wanted).await;
        self.client.allow_requests(None);
        facts
    }

    async fn read_facts(&mut self, wanted: &FactSet) -> Result<Facts, Trouble> {
        let all = wanted.closed();
        let mut facts = Facts::default();
        self.program_facts(&all, &mut facts).await?;
        if all.in_one_command.is_some() {
            return Ok(facts);
        }
        let wanted = all.clone().without(|fact| facts.knows(fact));
        self.registry_facts(&wanted, &mut facts).await?;
        facts.derive(&wanted);
        self.sensor_facts(&wanted, &mut facts).await?;
        self.system_user_facts(&wanted, &mut facts).await?;
        self.class_facts(&wanted, &mut facts).await?;
        self.service_facts(&wanted, &mut facts).await?;
        if wanted.contains(Fact::GpoSettings) {
            self.policy_facts(&wanted, &mut facts).await?;
        }
        if wanted.contains(Fact::ClockSkew) {
            skew(&mut facts);
        }
        facts.derive(&all);
        Ok(facts)
    }

    /// A refusal of the host as the reason why facts are unread; lost contact stays a failure.
    pub(crate) fn unread(&self, trouble: Trouble) -> Result<String, Trouble> {
        let error = self.host_error(&trouble);
        if error.severity == Severity::Failed {
            Ok(error.detail)
        } else {
            Err(trouble)
        }
    }
}

/// F20. The answer took some time on its way, so a second or two says nothing.
fn skew(facts: &mut Facts) {
    let local: Option<jiff::Timestamp> = facts
        .text(Fact::ClockLocal)
        .and_then(|text| text.parse().ok());
    let value = local.map_or(FactValue::Null, |local| {
        FactValue::Number(local.as_second() - jiff::Timestamp::now().as_second())
    });
    facts.set(Fact::ClockSkew, value);
}
