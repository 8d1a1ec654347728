//! `schema WHAT`: the JSON Schema of something the program reads or writes, generated from its types and tables.

use crate::args::SchemaOf;
use crate::failure::Outcome;
use crate::{exit_code, out};

/// Prints the schema.
pub(crate) fn run(of: SchemaOf) -> Outcome {
    let schema = match of {
        SchemaOf::Events => rollout::schema::event_schema(),
        SchemaOf::Report => report::json::report_schema(),
        SchemaOf::Inventory => inventory::schema::inventory_schema(),
        SchemaOf::Playbook => playbooks::playbook_schema(),
        SchemaOf::Facts => report::facts::facts_schema(),
        SchemaOf::Explain => report::explain::explain_schema(),
    };
    out::result(&format!("{schema:#}\n"))?;
    Ok(exit_code::DONE)
}
