//! Steps: what a playbook does, and how each becomes changes for one host.
//!
//! One file per kind of step below `step/`. A step is evaluated by one piece of code for two ends: while loading,
//! where templates are not yet known and literals are judged, and while compiling, where everything is known.

mod av_proxy;
mod av_ssl_options;
mod edr_prefer_static_proxy;
mod edr_proxy;
mod field;
mod registry;
mod winhttp_proxy;

pub(crate) use av_proxy::{AvAbsent, AvProxy, AvStore};
pub(crate) use av_ssl_options::AvSslOptions;
pub(crate) use edr_prefer_static_proxy::PreferStaticProxy;
pub(crate) use edr_proxy::EdrProxy;
pub(crate) use field::{Evaluation, Field};
pub(crate) use registry::RegistryStep;
pub(crate) use winhttp_proxy::WinHttpStep;

use std::collections::BTreeSet;

use document::Node;

use crate::change::Change;
use crate::facts::Fact;
use crate::preflight::Check;
use crate::registry::{KeyPath, Target};
use crate::template;

/// One step as the playbook says it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The name, or one made from what the step does.
    pub name: String,
    /// The kind of step: `registry`, `edr_proxy`, `edr_prefer_static_proxy`, `av_proxy`, `av_ssl_options` or
    /// `winhttp_proxy`.
    pub kind: &'static str,
    /// Where the step stands in the playbook.
    pub line: u32,
    pub(crate) when: Option<Condition>,
    /// Checks of the preflight that do not hold this step back.
    pub(crate) allow: BTreeSet<Check>,
    pub(crate) action: Action,
    pub(crate) node: Node,
}

/// A condition and its place.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) text: String,
    pub(crate) node: Node,
    /// It asks for a fact of the host.
    pub(crate) needs_facts: bool,
}

impl Step {
    /// The condition, as written.
    pub fn when(&self) -> Option<&str> {
        self.when.as_ref().map(|condition| condition.text.as_str())
    }

    /// A fact that has to be true on the host, else nothing is written and the step counts as skipped.
    pub(crate) fn gate(&self) -> Option<Fact> {
        match &self.action {
            Action::PreferStaticProxy(step) => step.gate(),
            _ => None,
        }
    }

    /// What it is, name and kind, for messages.
    pub(crate) fn place(&self) -> (&str, &str, &str) {
        ("step", &self.name, self.kind)
    }

    /// Every name that the condition and the templates refer to.
    pub(crate) fn names(&self) -> Vec<String> {
        let condition = self.when().map(|text| template::names(text, true));
        let condition = condition.into_iter().flatten().flatten();
        condition.chain(self.field_names()).collect()
    }

    /// Every name that the templates refer to.
    pub(crate) fn field_names(&self) -> Vec<String> {
        let fields = self.action.fields();
        let fields = fields.iter().flat_map(|field| field.templates());
        let texts = fields.map(|text| template::names(text, false));
        texts.flatten().flatten().collect()
    }

    /// Why the step is left out where its condition does not hold.
    pub(crate) fn skip_reason(&self) -> Option<String> {
        self.when()
            .map(|text| format!("condition is false: {text}"))
    }

    /// The step that takes away what this one writes, whatever the host is like.
    pub(crate) fn removed(&self) -> Self {
        Self {
            when: None,
            action: self.action.removed(),
            ..self.clone()
        }
    }
}

/// What a step does.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Registry(RegistryStep),
    EdrProxy(EdrProxy),
    PreferStaticProxy(PreferStaticProxy),
    AvProxy(AvProxy),
    AvSslOptions(AvSslOptions),
    WinHttpProxy(WinHttpStep),
}

/// Whether a step puts something there or takes it away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ensure {
    Present,
    Absent,
}

impl Action {
    /// The changes in the order they are written; `None` while something is a template or has been complained about.
    pub(crate) fn changes(&self, evaluation: &mut Evaluation<'_>) -> Option<Vec<Change>> {
        match self {
            Self::Registry(step) => step.changes(evaluation),
            Self::EdrProxy(step) => step.changes(evaluation),
            Self::PreferStaticProxy(step) => step.changes(evaluation),
            Self::AvProxy(step) => step.changes(evaluation),
            Self::AvSslOptions(step) => step.changes(evaluation),
            Self::WinHttpProxy(step) => step.changes(evaluation),
        }
    }

    /// The same step taking away what it would write.
    pub(crate) fn removed(&self) -> Self {
        match self {
            Self::Registry(step) => Self::Registry(step.removed()),
            Self::EdrProxy(_) => Self::EdrProxy(EdrProxy::absent()),
            Self::PreferStaticProxy(_) => Self::PreferStaticProxy(PreferStaticProxy::absent()),
            Self::AvProxy(step) => Self::AvProxy(step.removed()),
            Self::AvSslOptions(_) => Self::AvSslOptions(AvSslOptions::absent()),
            Self::WinHttpProxy(_) => Self::WinHttpProxy(WinHttpStep::absent()),
        }
    }

    /// Every field that may hold a template and is looked at.
    pub(crate) fn fields(&self) -> Vec<&Field> {
        match self {
            Self::Registry(step) => step.fields(),
            Self::EdrProxy(step) => step.server.iter().collect(),
            Self::PreferStaticProxy(step) => step.value.iter().collect(),
            Self::AvProxy(step) => step.fields(),
            Self::AvSslOptions(step) => step.value.iter().collect(),
            Self::WinHttpProxy(step) => step.fields(),
        }
    }
}

/// A value below `HKLM\SOFTWARE\Policies\Microsoft`.
fn policy(key: &str, value: &str) -> Target {
    let key = KeyPath::constant(&format!(r"SOFTWARE\Policies\Microsoft\{key}"));
    Target {
        key,
        value: value.to_owned(),
    }
}
