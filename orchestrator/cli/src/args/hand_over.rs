//! What is handed over to others: a playbook's values, schemas.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `export`
#[derive(Args, Debug)]
pub struct Export {
    /// reg: for 'reg import' and software distribution; gpo: a registry.pol
    #[arg(long, value_enum, value_name = "FORM")]
    pub to: ExportTo,
    /// The file; an existing one is replaced
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Say which run proved these values: it must have ended well with exactly this playbook and these values
    #[arg(long, value_name = "RUN")]
    pub proved_by: Option<String>,
    /// Export this step although its condition asks for the host or its facts; repeatable
    #[arg(long, value_name = "STEP")]
    pub with_step: Vec<String>,
    /// Leave this step out; repeatable
    #[arg(long, value_name = "STEP")]
    pub without_step: Vec<String>,
    /// Header marker of WinHttpSettings, with --to reg only [default: 0x18]
    #[arg(long, value_enum, value_name = "MARKER")]
    pub winhttp_marker: Option<WinHttpMarker>,
}

/// Forms of `export`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportTo {
    /// A .reg file
    Reg,
    /// A registry.pol
    Gpo,
}

/// The header markers of WinHttpSettings that were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WinHttpMarker {
    /// The one in Microsoft's article
    #[value(name = "0x18")]
    Hex18,
    /// The one that another tool writes
    #[value(name = "0x28")]
    Hex28,
}

/// What `schema` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// One line of --events
    Events,
    /// The document of report --format json
    Report,
    /// A YAML inventory, for editors
    Inventory,
    /// A playbook, for editors
    Playbook,
    /// The document of facts -o json
    Facts,
    /// The document of explain -o json
    Explain,
}
