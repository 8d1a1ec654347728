//! The question of `facts` and `explain`: what is there to know of a host?

use playbooks::{FactSet, Facts};

use crate::fleet::{HostError, Observe};
use crate::spec::HostSpec;
use crate::survey::Question;

/// Reads these facts.
pub struct AskFacts(pub FactSet);

impl Question for AskFacts {
    type Answer = Facts;

    async fn ask<O: Observe>(&self, _: &HostSpec, observer: &mut O) -> Result<Facts, HostError> {
        observer.facts(&self.0).await
    }
}
