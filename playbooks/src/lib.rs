//! WHAT is to be done: steps with their undo, variables, conditions, rings and limits.
//!
//! Loading is pure given the text; nothing here knows a host's address, a credential, a socket or a clock.
//! Start reading at `playbook.rs`, then `step.rs`; `load.rs` reads the file, `rules.rs` judges the data, and
//! `registry.rs` holds the value types that every other crate speaks in.

mod asked;
mod candidates;
mod change;
mod coerce;
mod explain;
mod export;
mod facts;
mod load;
mod playbook;
mod preflight;
mod preview;
mod probe;
pub mod registry;
mod registry_pol;
mod rules;
mod scope;
mod step;
mod strategy;
mod template;
mod vars;
mod window;
mod winhttp;

pub use asked::AskedFacts;
pub use candidates::{Untried, proxies_set, untried};
pub use change::{Change, Desired, HostStep};
pub use explain::{
    CONFLICTS, Choice, Component, Conflict, ConflictRow, Contradiction, Explanation, Road, Route,
    Weight, explain, explain_facts, finds_malformed,
};
pub use export::{
    Export, ExportChoice, ExportForm, ExportRefusal, ExportValue, reg_file, registry_pol,
};
pub use facts::{
    AdvProxy, Class, FACTS, Fact, FactKind, FactRow, FactSet, FactTest, FactTestError, FactValue,
    Facts, GpoSetting, Onboarded, OneCommand, SensorBranch, Source, Version, from_cim,
    from_registry, honours_prefer_static, moment, sensor_branch,
};
pub use load::schema::playbook_schema;
pub use playbook::{CompileError, DefaultInForce, Playbook, Warning};
pub use preflight::{
    BUDGET, CHECKS, Check, CheckRow, PreflightChange, PreflightFinding, PreflightGrade,
    PreflightSettings, Rounds,
};
pub use preview::{Applies, Missing, PreviewStep};
pub use probe::{
    Connectivity, Finding, Grade, HostProbe, PROBES, Probe, ProbeRow, ProbeStep, Region, RunAs,
    TargetVerdict, To, Verdict, events, maps, named_by_host, regional, road,
};
pub use registry::{KeyPath, Observed, RawValue, Target, Typed, type_name, without_accounts};
pub use registry_pol::{
    POLICY_DELETIONS, deletes_several, local_policy, policy_deletion, policy_effects,
};
pub use scope::HostScope;
pub use step::Step;
pub use strategy::{
    DEFAULT_MAX_PARALLEL, Gates, HostMarker, Limit, Limits, OnBreach, Retries, Ring, Strategy,
    duration_text,
};
pub use vars::{Examples, Unknown, VarError, VarErrors, VarScope, VarType, Variable, Vars};
pub use window::{Window, WindowState};
pub use winhttp::{WinHttpError, WinHttpMarker, WinHttpProxy, WinHttpSettings};
