//! YAML: `version`, `defaults`, `credentials`, `groups`, `hosts`.
//!
//! Walks the tree by hand, not through derived types, so that every mistake of a file is told in one go.

use std::collections::BTreeMap;

use document::{Diagnostic, Document, Located, Node, Value, from_yaml};

use crate::field::Field;
use crate::layer::{Block, Layer};
use crate::place::{Place, Placed, Problems};
use crate::read::{Entry, Parsed};
use crate::{HostName, check};

mod credentials;

/// Only groups have it: hosts of the group at work at once.
const MAX_PARALLEL: &str = "max_parallel";
const TOP: [&str; 5] = ["version", "defaults", "credentials", "groups", "hosts"];

/// Reads a YAML inventory.
pub(crate) fn read(problems: &mut Problems<'_>, index: usize) -> Parsed {
    let document = problems.document(index);
    let mut reader = Reader {
        problems,
        document,
        index,
    };
    match from_yaml::<Node>(document) {
        Ok(root) => reader.top(&root),
        Err(diagnostics) => {
            reader.problems.extend(diagnostics);
            Parsed::default()
        }
    }
}

struct Reader<'r, 'd> {
    problems: &'r mut Problems<'d>,
    document: &'d Document,
    index: usize,
}

type Entries = [(Located<String>, Node)];

impl<'d> Reader<'_, 'd> {
    fn top(&mut self, root: &Node) -> Parsed {
        let mut parsed = Parsed::default();
        if matches!(root.value, Value::Null) {
            self.problems
                .push(Diagnostic::file(&self.document.name, "the file is empty"));
            return parsed;
        }
        let Some(entries) = self.mapping(
            root,
            "a mapping with version, hosts, groups, defaults or credentials",
        ) else {
            return parsed;
        };
        self.version(root);
        for (key, node) in entries {
            match key.value.as_str() {
                "version" => {}
                "defaults" => parsed.defaults = self.defaults(key, node),
                "credentials" => parsed.credentials = self.credentials(node),
                "groups" => self.groups(node, &mut parsed),
                "hosts" => parsed.hosts = self.hosts(node),
                _ => self.unknown(key, &TOP, None),
            }
        }
        parsed
    }

    fn version(&mut self, root: &Node) {
        let diagnostic = match root.entry("version") {
            None => Diagnostic::file(&self.document.name, "the key 'version' is missing")
                .expect("version: 1"),
            Some(Node {
                value: Value::Integer(1),
                ..
            }) => return,
            Some(node) => self
                .field(node)
                .wrong("this version of the format is not known")
                .expect("version: 1"),
        };
        self.problems.push(diagnostic);
    }

    fn defaults(&mut self, key: &Located<String>, node: &Node) -> Option<Block> {
        let mut block = self.empty_block(self.key_place(key));
        for (key, node) in self.optional_mapping(node, "a mapping of settings")? {
            if !self.block_key(&mut block, key, node) {
                let hint = ["name", "groups"]
                    .contains(&key.value.as_str())
                    .then_some("this belongs to a single host");
                self.unknown(key, &settings(&[]), hint);
            }
        }
        Some(block)
    }

    fn groups(&mut self, node: &Node, parsed: &mut Parsed) {
        for (key, node) in self
            .optional_mapping(node, "a mapping of groups: name, then settings")
            .unwrap_or_default()
        {
            let place = self.key_place(key);
            if let Err(wrong) = check::label(&key.value) {
                let diagnostic = wrong.on(&Field::cell(self.document, place, &key.value));
                self.problems.push(diagnostic);
                continue;
            }
            let (mut block, group) = (self.empty_block(place), key.value.clone());
            for (key, node) in self
                .optional_mapping(node, "a mapping of settings")
                .unwrap_or_default()
            {
                if key.value == MAX_PARALLEL {
                    let field = self.field(node);
                    if let Some(value) = self.keep(field.parallel()) {
                        let place = field.place;
                        parsed.caps.push((group.clone(), Placed { value, place }));
                    }
                } else if !self.block_key(&mut block, key, node) {
                    let known = settings(&[MAX_PARALLEL]);
                    self.unknown(key, &known, Some("a variable stands below 'vars'"));
                }
            }
            parsed.groups.push((
                Placed {
                    value: group,
                    place,
                },
                block,
            ));
        }
    }

    fn hosts(&mut self, node: &Node) -> Vec<Entry> {
        let mut hosts = Vec::new();
        match &node.value {
            Value::Null => {}
            Value::List(items) => {
                for item in items {
                    if self.problems.is_full() {
                        break;
                    }
                    hosts.extend(self.host(item));
                }
            }
            _ => {
                let expected = "a list of hosts: - { name: pc-0001.corp.example, ring: canary }";
                let diagnostic = self
                    .field(node)
                    .wrong(format!("wrong type: this is {}", node.kind()))
                    .expect(expected);
                self.problems.push(diagnostic);
            }
        }
        hosts
    }

    fn host(&mut self, node: &Node) -> Option<Entry> {
        if let Value::Text(text) = &node.value {
            let diagnostic = self
                .field(node)
                .wrong("wrong type: this is text")
                .expect("a mapping with the key 'name'");
            self.problems
                .push(diagnostic.hint(format!("write {{ name: {text} }}")));
            return None;
        }
        let entries = self.mapping(node, "a mapping with the key 'name'")?;
        let mut block = self.empty_block(self.field(node).place);
        let mut name = None;
        let mut groups = Vec::new();
        for (key, node) in entries {
            let field = self.field(node);
            match key.value.as_str() {
                "name" => {
                    let read = field
                        .text()
                        .and_then(|text| check::host_name(&text).map_err(|wrong| wrong.on(&field)));
                    name = self.keep(read).map(|text| Placed {
                        value: HostName::new(text),
                        place: field.place,
                    });
                }
                "groups" => groups = self.group_list(node),
                _ => {
                    if !self.block_key(&mut block, key, node) {
                        self.unknown(
                            key,
                            &settings(&["name", "groups"]),
                            Some("a variable stands below 'vars'"),
                        );
                    }
                }
            }
        }
        if node.entry("name").is_none() {
            let diagnostic = self.problems.at(block.place, "a host without a name");
            self.problems.push(diagnostic.expect("the key 'name'"));
        }
        Some(Entry {
            name: name?,
            groups,
            groups_declared: true,
            block,
        })
    }

    fn group_list(&mut self, node: &Node) -> Vec<Placed<String>> {
        const EXPECTED: &str = "a list of groups: [paris, laptops]";
        let items = match &node.value {
            Value::Null => return Vec::new(),
            Value::List(items) => items,
            _ => {
                let diagnostic = self
                    .field(node)
                    .wrong(format!("wrong type: this is {}", node.kind()))
                    .expect(EXPECTED);
                self.problems.push(diagnostic);
                return Vec::new();
            }
        };
        let mut groups: Vec<Placed<String>> = Vec::new();
        for item in items {
            let field = self.field(item);
            let Some(value) = self.keep(field.text()) else {
                continue;
            };
            if groups.iter().any(|group| group.value == value) {
                self.problems
                    .push(field.wrong(format!("the group '{value}' stands twice in one host")));
                continue;
            }
            let place = field.place;
            groups.push(Placed { value, place });
        }
        groups
    }

    /// A setting or `vars`; false when it is neither.
    fn block_key(&mut self, block: &mut Block, key: &Located<String>, node: &Node) -> bool {
        if key.value == "vars" {
            for (name, node) in self
                .optional_mapping(node, "a mapping of variables")
                .unwrap_or_default()
            {
                block.vars.insert(name.value.clone(), node.to_json());
                block.place = self.key_place(key);
            }
            return true;
        }
        let outcome = block.layer.set(&key.value, &self.field(node));
        self.keep(outcome).unwrap_or(true)
    }

    fn unknown(&mut self, key: &Located<String>, known: &[&'static str], hint: Option<&str>) {
        let diagnostic = self
            .problems
            .at(self.key_place(key), format!("unknown key '{}'", key.value));
        let mut diagnostic = diagnostic
            .expect(format!("one of {}", known.join(", ")))
            .nearest(&key.value, known.iter().copied());
        diagnostic.hint = diagnostic.hint.or(hint.map(str::to_owned));
        self.problems.push(diagnostic);
    }

    fn optional_mapping<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n Entries> {
        if matches!(node.value, Value::Null) {
            Some(&[])
        } else {
            self.mapping(node, expected)
        }
    }

    fn mapping<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n Entries> {
        if let Value::Map(entries) = &node.value {
            return Some(entries);
        }
        let diagnostic = self
            .field(node)
            .wrong(format!("wrong type: this is {}", node.kind()))
            .expect(expected);
        self.problems.push(diagnostic);
        None
    }

    fn keep<T>(&mut self, outcome: Result<T, Diagnostic>) -> Option<T> {
        outcome
            .map_err(|diagnostic| self.problems.push(diagnostic))
            .ok()
    }

    fn field<'n>(&self, node: &'n Node) -> Field<'n>
    where
        'd: 'n,
    {
        Field::node(self.document, self.index, node)
    }

    fn key_place(&self, key: &Located<String>) -> Place {
        Place {
            document: self.index,
            line: key.line,
            column: key.column,
            width: u32::try_from(key.value.chars().count()).unwrap_or(u32::MAX),
        }
    }

    fn empty_block(&self, place: Place) -> Block {
        Block {
            layer: Layer::default(),
            vars: BTreeMap::new(),
            place,
        }
    }
}

fn settings(more: &[&'static str]) -> Vec<&'static str> {
    [more, Layer::KEYS, &["vars"]].concat()
}
