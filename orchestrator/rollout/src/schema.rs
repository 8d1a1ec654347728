//! The JSON Schema of the event stream (`--events`), generated from [`Event`].
//!
//! The committed file `events.schema.json` beside this crate is what others link to; a test holds both equal. The
//! schema of the report is in the crate `report`.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::event::Event;

/// The schema of one line of `--events`.
pub fn event_schema() -> Value {
    written::<Event>(
        "winfleet event",
        "One line of the event stream: winfleet ... --events FILE. A reader has to accept further members.",
    )
}

/// The schema (draft 2020-12) of what serialising `T` writes, under a title of its own.
pub fn written<T: JsonSchema>(title: &str, description: &str) -> Value {
    let settings = SchemaSettings::draft2020_12()
        .for_serialize()
        .with_transform(PlainWords);
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut document = json!({
        "$schema": schema.get("$schema"),
        "title": title,
        "description": description,
    });
    if let (Value::Object(document), Value::Object(members)) = (&mut document, schema.to_value()) {
        for (name, value) in members {
            document.entry(name).or_insert(value);
        }
    }
    document
}

/// Stands for a time in schemas: RFC 3339, in UTC.
pub struct Time;

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339, UTC",
            "pattern": "Z$",
        })
    }
}

/// Descriptions are doc comments: their links mean nothing outside of the source, and neither do line breaks.
#[derive(Clone)]
struct PlainWords;

impl Transform for PlainWords {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text
                .replace("[`", "`")
                .replace("`]", "`")
                .replace('\n', " ");
        }
        transform_subschemas(self, schema);
    }
}
