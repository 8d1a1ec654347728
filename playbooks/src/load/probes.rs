//! The `probes` block: which probe it is, its fields, its condition. What the fields mean is `probe/declared.rs`.

use std::time::Duration;

use document::{Located, Node, Value};

use super::reader::Reader;
use super::{rollout, steps};
use crate::probe::{
    CONNECTIVITY, PROBES, ProbeFields, ProbeRow, ProbeStep, REGIONS, RUN_AS, RunAs,
};
use crate::rules::Invalid;
use crate::step::Evaluation;
use crate::vars::Variable;

pub(super) const COMMON: [&str; 3] = ["name", "when", "as"];
/// Longest time a probe may wait: a host is kept busy for it.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

pub(super) fn read(reader: &mut Reader<'_>, node: &Node, vars: &[Variable]) -> Vec<ProbeStep> {
    let Some(items) = reader.list(node, "probes in order") else {
        return Vec::new();
    };
    let probes = items.iter().enumerate();
    let probes: Vec<ProbeStep> = probes
        .filter_map(|(index, node)| probe(reader, node, index + 1, vars))
        .collect();
    for (index, probe) in probes.iter().enumerate() {
        if probes[..index].iter().any(|other| other.name == probe.name) {
            let error = Invalid::new(format!("a second probe has the name '{}'", probe.name));
            reader.refuse(&probe.node, error);
        }
    }
    probes
}

fn probe(
    reader: &mut Reader<'_>,
    node: &Node,
    number: usize,
    vars: &[Variable],
) -> Option<ProbeStep> {
    let entries = reader.entries(node, "a probe")?;
    let (row, body) = kind(reader, node, entries)?;
    let when = node
        .entry("when")
        .and_then(|node| steps::condition(reader, node, vars));
    let name = match node.entry("name") {
        Some(node) => reader.name(node),
        None => Some(format!("probe {number}: {}", row.kind)),
    };
    let run_as = match node.entry("as") {
        Some(node) => run_as(reader, row, node)?,
        None => RunAs::default(),
    };
    let fields = fields(reader, row, body)?;
    if run_as == RunAs::System && fields.again_after.is_some() {
        let error = Invalid::new("'again_after' and 'as: system' do not go together");
        let hint = "it asks again and again, and each question would be a task; a second probe without 'as' can do it";
        reader.refuse(body, error.hint(hint));
        return None;
    }
    judge(reader, row.kind, node.line, &fields, vars);
    Some(ProbeStep {
        name: name?,
        kind: row.kind,
        line: node.line,
        when,
        run_as,
        fields,
        node: node.clone(),
    })
}

/// As whom: only where programs run does it make a difference.
fn run_as(reader: &mut Reader<'_>, row: &ProbeRow, node: &Node) -> Option<RunAs> {
    let run_as = reader.word(node, &RUN_AS)?.1;
    if run_as == RunAs::System && !row.programs {
        let kinds: Vec<&str> = PROBES
            .iter()
            .filter(|row| row.programs)
            .map(|row| row.kind)
            .collect();
        let error = Invalid::new(format!("{} runs no program as LocalSystem", row.kind));
        reader.refuse(
            node,
            error.hint(format!("'as: system' is for {}", kinds.join(", "))),
        );
        return None;
    }
    Some(run_as)
}

/// The one kind a probe has, with its fields.
fn kind<'n>(
    reader: &mut Reader<'_>,
    node: &Node,
    entries: &'n [(Located<String>, Node)],
) -> Option<(&'static ProbeRow, &'n Node)> {
    let kinds = || PROBES.iter().map(|row| row.kind);
    let (mut found, mut unknown) = (None, false);
    for (key, body) in entries {
        let name = key.value.as_str();
        match PROBES.iter().find(|row| row.kind == name) {
            Some(row) if found.is_none() => found = Some((row, body)),
            Some(_) => {
                let error = Invalid::new(format!("a second kind of probe, '{name}', in one probe"));
                reader.refuse_key(key, error.hint("one probe asks one thing: begin a new one"));
            }
            None if COMMON.contains(&name) => {}
            None => {
                unknown = true;
                let keys: Vec<&str> = COMMON.into_iter().chain(kinds()).collect();
                reader.unknown_key(key, "a probe", &keys);
            }
        }
    }
    if found.is_none() && !unknown {
        let error = Invalid::new("the probe does not say what it asks")
            .expected(format!("one of {}", kinds().collect::<Vec<_>>().join(", ")));
        reader.refuse(node, error);
    }
    found
}

fn fields(reader: &mut Reader<'_>, row: &ProbeRow, body: &Node) -> Option<ProbeFields> {
    if matches!(body.value, Value::Null) && row.needed.is_empty() {
        return Some(ProbeFields::default());
    }
    reader.mapping(body, row.kind, row.keys)?;
    for key in row.needed {
        reader.required(body, key, row.kind)?;
    }
    let mut fields = ProbeFields::default();
    for key in row.keys {
        let Some(node) = body.entry(key) else {
            continue;
        };
        match *key {
            "candidate" => fields.candidate = Some(reader.truth(node)?),
            "region" => fields.region = Some(reader.word(node, &REGIONS)?.1),
            "connectivity" => fields.connectivity = Some(reader.word(node, &CONNECTIVITY)?.1),
            "again_after" => fields.again_after = Some(waiting(reader, node)?),
            "within" => fields.within = Some(waiting(reader, node)?),
            _ => fields.fields.push(steps::field(key, node)),
        }
    }
    if let (Some(node), None) = (body.entry("connectivity"), fields.region) {
        let error = Invalid::new("'connectivity' has no effect without 'region'");
        let hint = "add 'region', or leave 'connectivity' out: hosts that are onboarded name their own addresses";
        reader.refuse(node, error.expected("'region' beside it").hint(hint));
        return None;
    }
    if row.kind == "av_effective" && fields.fields.is_empty() {
        let error = Invalid::new("av_effective compares nothing").expected("server or pac_url");
        reader.refuse(body, error);
        return None;
    }
    Some(fields)
}

fn waiting(reader: &mut Reader<'_>, node: &Node) -> Option<Duration> {
    let duration = rollout::duration(reader, node)?;
    if duration > LONGEST {
        let error = Invalid::new("a probe may wait a day at the longest");
        reader.refuse(node, error.hint("audit tells later how a host is"));
        return None;
    }
    Some(duration)
}

/// Judges what can be judged without a host: names and syntax of templates, and every literal.
fn judge(reader: &mut Reader<'_>, kind: &str, line: u32, fields: &ProbeFields, vars: &[Variable]) {
    for field in &fields.fields {
        for text in field.templates() {
            steps::names(reader, &field.node, text, false, vars);
        }
    }
    let mut evaluation = Evaluation::literals();
    fields.probe(kind, &mut evaluation);
    steps::complain(reader, kind, line, evaluation);
}
