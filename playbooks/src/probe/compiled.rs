//! The probes of a playbook for one host.

use super::{HostProbe, ProbeStep};
use crate::facts::Facts;
use crate::playbook::{CompileError, Playbook};
use crate::scope::{self, HostScope};
use crate::step::Evaluation;
use crate::template;

impl Playbook {
    /// Resolves the probes for one host. A probe whose condition does not hold is left out.
    ///
    /// # Errors
    /// The first field that cannot be rendered or is refused.
    pub fn compile_probes(
        &self,
        scope: &HostScope<'_>,
        facts: Option<&Facts>,
    ) -> Result<Vec<HostProbe>, CompileError> {
        let value = scope::value(scope, facts);
        let mut probes = Vec::with_capacity(self.probes.len());
        for probe in &self.probes {
            probes.extend(self.probe(probe, &value, true)?);
        }
        Ok(probes)
    }

    /// A probe for one host; `None` where its condition does not hold, or asks for facts that are not there.
    pub(crate) fn probe(
        &self,
        probe: &ProbeStep,
        value: &minijinja::Value,
        facts: bool,
    ) -> Result<Option<HostProbe>, CompileError> {
        let place = ("probe", probe.name.as_str(), probe.kind);
        if let Some(condition) = &probe.when {
            match template::holds(&condition.text, value) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(_) if condition.needs_facts && !facts => return Ok(None),
                Err(error) => return Err(self.refused(place, "when", &condition.node, error)),
            }
        }
        let mut evaluation = Evaluation::scoped(value, facts);
        let compiled = probe.compiled(&mut evaluation);
        match evaluation.errors.drain(..).next() {
            None => Ok(compiled),
            Some(error) => {
                let field = &error.field;
                Err(self.refused(place, field.name, &field.node, error.invalid))
            }
        }
    }
}
