//! Which hosts get which faults: rules by pattern, also a file of its own.

use globset::{Glob, GlobMatcher};
use serde::Deserialize;

use super::Knobs;
use crate::spec::SpecError;

/// A list of rules that give faults to hosts by name; also a file of its own (`--faults`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// Applied in order; later rules add to earlier ones.
    pub faults: Vec<FaultRule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Glob over host names, letter case ignored.
    pub hosts: String,
    /// Only every so many-th of the matching hosts, starting with the first. Absent or 1: all of them.
    #[serde(default)]
    pub every: Option<usize>,
    /// The faults.
    pub set: Knobs,
}

impl Faults {
    /// Reads a file of rules.
    ///
    /// # Errors
    /// The first problem, with line and column.
    pub fn from_yaml(text: &str) -> Result<Self, SpecError> {
        serde_saphyr::from_str(text).map_err(|error| SpecError::Yaml(error.to_string()))
    }
}

impl FaultRule {
    /// The compiled pattern.
    ///
    /// # Errors
    /// The pattern is not a glob.
    pub(crate) fn matcher(&self) -> Result<GlobMatcher, SpecError> {
        Ok(Glob::new(&self.hosts.to_lowercase())
            .map_err(|error| SpecError::Pattern {
                pattern: self.hosts.clone(),
                detail: error.to_string(),
            })?
            .compile_matcher())
    }
}
