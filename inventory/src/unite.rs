//! Several files to one: groups, defaults and credentials laid together, and refused where they contradict each other.
//!
//! The result does not depend on the order of the files, save for the order of the hosts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::layer::Block;
use crate::place::{Place, Placed, Problems};
use crate::read::Parsed;
use crate::{Credential, HostName};

/// A group as all files together declare it.
#[derive(Debug)]
pub(crate) struct Group<'p> {
    /// Settings of all declarations.
    pub(crate) layer: crate::layer::Layer,
    /// One for each file that declares it.
    pub(crate) blocks: Vec<&'p Block>,
}

/// Groups by name, with what every file says of them.
pub(crate) fn groups<'p>(
    parsed: &'p [Parsed],
    problems: &mut Problems<'_>,
) -> BTreeMap<&'p str, Group<'p>> {
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    for (name, block) in parsed.iter().flat_map(|parsed| &parsed.groups) {
        let group = groups.entry(&name.value).or_insert_with(|| Group {
            layer: block.layer.clone(),
            blocks: Vec::new(),
        });
        for other in &group.blocks {
            let what = format!("the group '{}'", name.value);
            report_conflicts(
                problems,
                block,
                other,
                &what,
                "say it in one of the two files only",
            );
        }
        group.layer.fill(&block.layer);
        group.blocks.push(block);
    }
    for name in parsed
        .iter()
        .flat_map(|parsed| &parsed.hosts)
        .filter(|host| !host.groups_declared)
    {
        for group in &name.groups {
            groups.entry(&group.value).or_insert_with(|| Group {
                layer: crate::layer::Layer::default(),
                blocks: Vec::new(),
            });
        }
    }
    groups
}

/// `max_parallel` of the groups.
pub(crate) fn caps(parsed: &[Parsed], problems: &mut Problems<'_>) -> BTreeMap<String, u32> {
    let mut first: BTreeMap<&str, &Placed<u32>> = BTreeMap::new();
    for (group, cap) in parsed.iter().flat_map(|parsed| &parsed.caps) {
        let known = *first.entry(group).or_insert(cap);
        if known.value != cap.value {
            let message = format!(
                "the group '{group}' sets 'max_parallel' a second time, to another value; first at {}",
                problems.name(known.place)
            );
            problems.push(
                problems
                    .at(cap.place, message)
                    .hint("say it in one of the two files only"),
            );
        }
    }
    first
        .into_iter()
        .map(|(group, cap)| (group.to_owned(), cap.value))
        .collect()
}

/// The defaults that hold for the hosts of each file, strongest first: its own, then those of the other files.
///
/// A file's own defaults win, so that two sites with an inventory each can be driven together. Where a file says
/// nothing (CSV and plain lists never do), the others have to agree.
pub(crate) fn defaults<'p>(
    parsed: &'p [Parsed],
    problems: &mut Problems<'_>,
) -> Vec<Vec<&'p Block>> {
    let mut reported = BTreeSet::new();
    let mut all = Vec::new();
    for (index, one) in parsed.iter().enumerate() {
        let others = parsed
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        let others: Vec<&Block> = others
            .filter_map(|(_, parsed)| parsed.defaults.as_ref())
            .collect();
        for (at, left) in others.iter().enumerate() {
            for right in &others[at + 1..] {
                if !one.hosts.is_empty() && reported.insert((left.place, right.place)) {
                    let own = one.defaults.as_ref();
                    contradiction_for(problems, own, left, right, index);
                }
            }
        }
        all.push(one.defaults.iter().chain(others).collect());
    }
    all
}

fn contradiction_for(
    problems: &mut Problems<'_>,
    own: Option<&Block>,
    left: &Block,
    right: &Block,
    index: usize,
) {
    let mut left = left.clone();
    if let Some(own) = own {
        // What the file says itself hides any contradiction between the others.
        let mut covered = own.layer.clone();
        covered.fill(&left.layer);
        left.layer = covered;
        left.vars.retain(|name, _| !own.vars.contains_key(name));
        let mut right = right.clone();
        let mut covered = own.layer.clone();
        covered.fill(&right.layer);
        right.layer = covered;
        right.vars.retain(|name, _| !own.vars.contains_key(name));
        return report_conflicts(
            problems,
            &right,
            &left,
            "the defaults",
            &defaults_hint(problems, index),
        );
    }
    report_conflicts(
        problems,
        right,
        &left,
        "the defaults",
        &defaults_hint(problems, index),
    );
}

fn defaults_hint(problems: &Problems<'_>, index: usize) -> String {
    format!(
        "the hosts of {} need one answer; groups can say different things",
        problems.document(index).name
    )
}

fn report_conflicts(
    problems: &mut Problems<'_>,
    one: &Block,
    other: &Block,
    what: &str,
    hint: &str,
) {
    let mut conflicts: Vec<(String, Place, Place)> = Vec::new();
    for (key, here, there) in one.layer.conflicts(&other.layer) {
        conflicts.push((format!("'{key}'"), here, there));
    }
    for (name, value) in &one.vars {
        if other.vars.get(name).is_some_and(|theirs| theirs != value) {
            conflicts.push((format!("the variable '{name}'"), one.place, other.place));
        }
    }
    for (key, here, there) in conflicts {
        let message = format!(
            "{what} set {key} a second time, to another value; first at {}",
            problems.name(there)
        );
        problems.push(problems.at(here, message).hint(hint));
    }
}

/// Credentials by name; one that stands twice is refused.
pub(crate) fn credentials(
    parsed: &[Parsed],
    problems: &mut Problems<'_>,
) -> BTreeMap<String, Credential> {
    let mut first: BTreeMap<&str, Place> = BTreeMap::new();
    let mut credentials = BTreeMap::new();
    for Placed { value, place } in parsed.iter().flat_map(|parsed| &parsed.credentials) {
        if let Some(first) = first.insert(&value.name, *place) {
            let message = format!("the credential '{}' stands here a second time", value.name);
            let first = format!("first at {}", problems.name(first));
            problems.push(problems.at(*place, message).hint(first));
        }
        credentials.insert(value.name.clone(), value.clone());
    }
    credentials
}

/// Refuses hosts that stand twice, in one file or in two.
pub(crate) fn duplicate_hosts(parsed: &[Parsed], problems: &mut Problems<'_>) {
    let mut first: HashMap<&HostName, Place> = HashMap::new();
    for entry in parsed.iter().flat_map(|parsed| &parsed.hosts) {
        if problems.is_full() {
            return;
        }
        let name = &entry.name;
        match first.get(&name.value) {
            None => {
                first.insert(&name.value, name.place);
            }
            Some(first) => {
                let message = format!("the host '{}' stands here a second time", name.value);
                let first = format!("first at {}", problems.name(*first));
                problems.push(problems.at(name.place, message).hint(first));
            }
        }
    }
}
