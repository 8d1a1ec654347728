//! Typed access to the tree: what is missing, unknown, of the wrong type or not built yet becomes a diagnostic.

use document::{Diagnostic, Diagnostics, Document, Located, Node, Value};

use super::LONGEST_NAME;
use crate::playbook::{DefaultInForce, Warning};
use crate::rules::Invalid;

/// Keys that people know from other tools, which this version refuses, so that nobody believes they are in force.
const NOT_BUILT: [&str; 7] = [
    "assert",
    "confirm",
    "confirm_within",
    "hooks",
    "include",
    "notify",
    "require",
];

/// Keys that people look for in the wrong place or under another name, and where what they want stands.
const ELSEWHERE: [(&str, &str); 25] = [
    ("host_marker", "'host_marker' stands in the rollout block"),
    ("approve", "'approve' stands in a ring of the rollout block"),
    ("soak", "'soak' stands in a ring of the rollout block"),
    (
        "windows",
        "'windows' stands in the rollout block or one of its rings",
    ),
    (
        "max_parallel",
        "'max_parallel' stands in a ring of the rollout block",
    ),
    ("select", "'select' stands in a ring of the rollout block"),
    ("rings", "'rings' stands in the rollout block"),
    (
        "prove_undo",
        "'prove_undo' stands in the rollout block or one of its rings",
    ),
    ("retries", "'retries' stands in the rollout block"),
    ("deadline", "'deadline' stands in the rollout block"),
    (
        "on_breach",
        "'on_breach' stands in the rollout block or one of its rings",
    ),
    (
        "max_failed",
        "'max_failed' stands in the rollout block or one of its rings",
    ),
    (
        "max_unreachable",
        "'max_unreachable' stands in the rollout block or one of its rings",
    ),
    (
        "allow",
        "'allow' stands in the preflight block or in a step",
    ),
    ("as", "'as' stands in a probe"),
    (
        "probe",
        "probes are a list of their own: 'probes', beside 'steps'",
    ),
    (
        "verify",
        "every write is read back without it; what else has to be green stands in 'probes', beside 'steps'",
    ),
    (
        "window",
        "write 'windows', in the rollout block or one of its rings",
    ),
    (
        "maintenance",
        "write 'windows', in the rollout block or one of its rings",
    ),
    (
        "approval",
        "write 'approve: true', in a ring of the rollout block",
    ),
    (
        "gate",
        "a ring of the rollout block has 'soak', 'approve' and 'windows'; hosts are gated by 'probes', beside 'steps'",
    ),
    (
        "gates",
        "a ring of the rollout block has 'soak', 'approve' and 'windows'; hosts are gated by 'probes', beside 'steps'",
    ),
    (
        "catch_up",
        "hosts that were unreachable are taken up by a command: winfleet catch-up RUN",
    ),
    (
        "on_conflict",
        "that is decided when a run is taken back: winfleet rollback RUN --on-conflict",
    ),
    (
        "gpo",
        "a policy file is written by a command: winfleet export --to gpo",
    ),
];

/// Reads nodes and gathers what is found on the way.
pub(super) struct Reader<'d> {
    pub(super) document: &'d Document,
    pub(super) problems: Vec<Diagnostic>,
    pub(super) warnings: Vec<Warning>,
    pub(super) defaults: Vec<DefaultInForce>,
}

impl<'d> Reader<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        Self {
            document,
            problems: Vec::new(),
            warnings: Vec::new(),
            defaults: Vec::new(),
        }
    }

    /// The problems in the order of the file; called only where there are some.
    pub(super) fn into_diagnostics(mut self) -> Diagnostics {
        self.problems
            .sort_by_key(|problem| (problem.line, problem.column));
        if self.problems.is_empty() {
            self.problems.push(Diagnostic::file(
                &self.document.name,
                "the playbook cannot be read",
            ));
        }
        Diagnostics(self.problems)
    }

    /// Complains about a value.
    pub(super) fn refuse(&mut self, node: &Node, error: Invalid) {
        let diagnostic = node.diagnostic(self.document, error.message);
        self.push(diagnostic, error.expected, error.hint);
    }

    /// Complains about a key.
    pub(super) fn refuse_key(&mut self, key: &Located<String>, error: Invalid) {
        let diagnostic = self
            .document
            .diagnostic(key.line, key.column, &key.value, error.message);
        self.push(diagnostic, error.expected, error.hint);
    }

    fn push(&mut self, mut diagnostic: Diagnostic, expected: Option<String>, hint: Option<String>) {
        diagnostic.expected = expected;
        diagnostic.hint = hint;
        self.problems.push(diagnostic);
    }

    pub(super) fn warn(&mut self, line: u32, message: impl Into<String>) {
        self.warnings.push(Warning {
            line,
            message: message.into(),
        });
    }

    pub(super) fn default(&mut self, setting: impl Into<String>, value: impl Into<String>) {
        self.defaults.push(DefaultInForce {
            setting: setting.into(),
            value: value.into(),
        });
    }

    /// The entries of a mapping, unknown keys complained about.
    pub(super) fn mapping<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        keys: &[&str],
    ) -> Option<&'n [(Located<String>, Node)]> {
        let entries = self.entries(node, what)?;
        for (key, _) in entries {
            if !keys.contains(&key.value.as_str()) {
                self.unknown_key(key, what, keys);
            }
        }
        Some(entries)
    }

    /// The entries of a mapping whose keys are free.
    pub(super) fn entries<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
    ) -> Option<&'n [(Located<String>, Node)]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            _ => {
                self.wrong(node, &format!("a mapping ({what})"));
                None
            }
        }
    }

    /// Complains about a key that does not belong there.
    pub(super) fn unknown_key(&mut self, key: &Located<String>, what: &str, keys: &[&str]) {
        let name = key.value.as_str();
        if NOT_BUILT.contains(&name) {
            let error = Invalid::new(format!("'{name}' is not built yet"));
            return self.refuse_key(
                key,
                error.hint("remove it: it is refused rather than ignored"),
            );
        }
        let error = Invalid::new(format!("unknown key '{name}' in {what}"))
            .expected(format!("one of {}", keys.join(", ")));
        let elsewhere = ELSEWHERE.iter().find(|(word, _)| *word == name);
        self.refuse_key(
            key,
            match (elsewhere, document::nearest(name, keys.iter().copied())) {
                (Some((_, place)), _) => error.hint(*place),
                (None, Some(near)) => error.hint(format!("did you mean '{near}'?")),
                (None, None) => error,
            },
        );
    }

    /// The value of a key that must be there.
    pub(super) fn required<'n>(
        &mut self,
        node: &'n Node,
        key: &str,
        what: &str,
    ) -> Option<&'n Node> {
        let found = node.entry(key);
        if found.is_none() {
            self.refuse(
                node,
                Invalid::new(format!("the key '{key}' is missing in {what}")),
            );
        }
        found
    }

    /// Complains about the kind of a value.
    pub(super) fn wrong(&mut self, node: &Node, expected: &str) {
        let error = Invalid::new(format!("{} stands here", node.kind())).expected(expected);
        self.refuse(node, error);
    }

    pub(super) fn text(&mut self, node: &Node) -> Option<String> {
        match &node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Integer(_) | Value::Float(_) | Value::Bool(_) => {
                let error = Invalid::new(format!("{} stands here", node.kind())).expected("text");
                self.refuse(node, error.hint("put it in quotes"));
                None
            }
            _ => {
                self.wrong(node, "text");
                None
            }
        }
    }

    /// A text fit to be shown in tables: not empty, one line.
    pub(super) fn name(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node)?;
        let problem = if text.trim().is_empty() {
            "the name is empty"
        } else if text.chars().any(char::is_control) {
            "the name holds a line break or another control character"
        } else if text.chars().count() > LONGEST_NAME {
            "the name is longer than 200 characters"
        } else {
            return Some(text);
        };
        self.refuse(node, Invalid::new(problem));
        None
    }

    pub(super) fn truth(&mut self, node: &Node) -> Option<bool> {
        match node.value {
            Value::Bool(value) => Some(value),
            _ => {
                self.wrong(node, "true or false");
                None
            }
        }
    }

    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(items) => Some(items),
            _ => {
                self.wrong(node, &format!("a list ({what})"));
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        node: &Node,
        words: &[(&'static str, T)],
    ) -> Option<(&'static str, T)> {
        let text = self.text(node)?;
        if let Some(found) = words.iter().find(|(word, _)| *word == text) {
            return Some(*found);
        }
        let all = || words.iter().map(|(word, _)| *word);
        let error = Invalid::new(format!("'{text}' is not taken here"))
            .expected(format!("one of {}", all().collect::<Vec<_>>().join(", ")));
        // People write the registry's own names for types.
        let bare = text.to_ascii_lowercase();
        let bare = bare.strip_prefix("reg_").unwrap_or(&bare);
        self.refuse(
            node,
            match document::nearest(bare, all()) {
                Some(near) => error.hint(format!("did you mean '{near}'?")),
                None => error,
            },
        );
        None
    }
}
