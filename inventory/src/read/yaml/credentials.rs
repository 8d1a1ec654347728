//! The block `credentials`: accounts and where their passwords, tickets, keys are; never a password.

use document::{Diagnostic, Located, Node, Value};

use super::Reader;
use crate::check;
use crate::place::Placed;
use crate::{Credential, PasswordSource};

const KEYS: [&str; 6] = [
    "username",
    "password",
    "logged_on",
    "ccache",
    "keytab",
    "certificate",
];
const ACCOUNT: &str = "DOMAIN\\user, user@REALM or .\\user";
const SOURCES: [&str; 4] = ["keyring", "env", "file", "command"];
const EXPECTED: &str = "one of { keyring: NAME }, { env: NAME }, { file: PATH }, { command: [PROGRAM, ARGUMENT] } or prompt";

impl Reader<'_, '_> {
    pub(super) fn credentials(&mut self, node: &Node) -> Vec<Placed<Credential>> {
        let entries = self.optional_mapping(
            node,
            "a mapping of credentials: name, then username and password",
        );
        let mut credentials = Vec::new();
        for (key, node) in entries.unwrap_or_default() {
            if let Some(value) = self.credential(key, node) {
                let place = self.key_place(key);
                credentials.push(Placed { value, place });
            }
        }
        credentials
    }

    fn credential(&mut self, name: &Located<String>, node: &Node) -> Option<Credential> {
        let entries = self.mapping(node, "a mapping with username and password")?;
        let mut username = None;
        let mut proofs = Vec::new();
        for (key, value) in entries {
            match key.value.as_str() {
                "username" => {
                    let outcome = self.username(value);
                    username = self.keep(outcome);
                }
                "key" if node.entry("certificate").is_some() => {}
                word if KEYS.contains(&word) => {
                    let outcome = match word {
                        "password" => self.password(key, value),
                        _ => self.instead(word, node, value),
                    };
                    proofs.push((key, self.keep(outcome)));
                }
                _ => self.unknown(key, &KEYS, None),
            }
        }
        let complain = |reader: &mut Self, place: &Located<String>, message: String, expected| {
            let diagnostic = reader.problems.at(reader.key_place(place), message);
            reader.problems.push(diagnostic.expect(expected));
        };
        let named = &name.value;
        // Who it is: tickets and certificates say it themselves.
        let says_itself = ["logged_on", "ccache", "certificate"]
            .iter()
            .any(|key| node.entry(key).is_some());
        if node.entry("username").is_none() && !says_itself {
            let message = format!("the credential '{named}' has no username");
            complain(self, name, message, ACCOUNT);
        }
        if proofs.is_empty() {
            let message = format!("the credential '{named}' has no password");
            complain(self, name, message, EXPECTED);
        }
        if let [_, (second, _), ..] = proofs.as_slice() {
            let message = format!("the credential '{named}' has more than one proof");
            complain(
                self,
                second,
                message,
                "one of password, logged_on, ccache, keytab, certificate",
            );
        }
        let username = match username {
            None if says_itself && node.entry("username").is_none() => String::new(),
            username => username?,
        };
        Some(Credential {
            name: name.value.clone(),
            username,
            password: proofs.into_iter().next()?.1?,
        })
    }

    /// What takes the place of a password.
    fn instead(
        &self,
        word: &str,
        credential: &Node,
        node: &Node,
    ) -> Result<PasswordSource, Diagnostic> {
        let path = |node: &Node| self.field(node).path();
        Ok(match word {
            "logged_on" => match (self.field(node).boolean()?, credential.entry("username")) {
                (true, None) => PasswordSource::Tickets(None),
                (true, Some(username)) => {
                    let message = "whoever is logged on is known already";
                    return Err(self
                        .field(username)
                        .wrong(message)
                        .expect("no username beside logged_on, or a password"));
                }
                (false, _) => {
                    return Err(self
                        .field(node)
                        .wrong("this proves nobody")
                        .expect("logged_on: true, or a password"));
                }
            },
            "ccache" => match self.field(node).filled()? {
                default if default == "default" => PasswordSource::Tickets(None),
                cache => PasswordSource::Tickets(Some(cache)),
            },
            "keytab" => PasswordSource::Keytab(path(node)?),
            _ => {
                let Some(key) = credential.entry("key") else {
                    let message = "the certificate has no private key";
                    return Err(self
                        .field(node)
                        .wrong(message)
                        .expect("key: FILE beside it"));
                };
                PasswordSource::Certificate {
                    certificate: path(node)?,
                    key: path(key)?,
                }
            }
        })
    }

    fn username(&self, node: &Node) -> Result<String, Diagnostic> {
        let field = self.field(node);
        let text = field.filled()?;
        let parts = |separator| text.split(separator).collect::<Vec<_>>();
        let whole =
            |parts: &[&str]| parts.len() <= 2 && parts.iter().all(|part| !part.trim().is_empty());
        if !whole(&parts('\\')) || (!text.contains('\\') && !whole(&parts('@'))) {
            let diagnostic = field.wrong(format!("'{text}' is no account"));
            return Err(diagnostic.expect(ACCOUNT));
        }
        Ok(text)
    }

    /// No complaint from here shows the line: a person may have put the password itself there.
    fn password(&self, key: &Located<String>, node: &Node) -> Result<PasswordSource, Diagnostic> {
        let wrong = |message: &str| {
            let mut diagnostic = self
                .document
                .diagnostic(node.line, node.column, "", message)
                .expect(EXPECTED);
            diagnostic.excerpt = None;
            diagnostic
        };
        match &node.value {
            Value::Text(text) if text == "prompt" => Ok(PasswordSource::Prompt),
            Value::Map(entries) => match entries.as_slice() {
                [(source, node)] => self.source(source, node),
                _ => Err(wrong("exactly one place of the password stands here")),
            },
            _ => {
                let hint = "a password never stands in a file of winfleet; keep it with `winfleet credential set`";
                Err(wrong(&format!(
                    "the key '{}' says where the password is, not what it is",
                    key.value
                ))
                .hint(hint))
            }
        }
    }

    fn source(&self, source: &Located<String>, node: &Node) -> Result<PasswordSource, Diagnostic> {
        let blind = |mut diagnostic: Diagnostic| {
            diagnostic.excerpt = None;
            diagnostic.found.clear();
            diagnostic
        };
        let field = self.field(node);
        let text = || field.filled().map_err(blind);
        match source.value.as_str() {
            "keyring" => Ok(PasswordSource::Keyring(text()?)),
            "file" => Ok(PasswordSource::File(check::beside(self.document, &text()?))),
            "env" => match text()? {
                name if name.contains(['=', '\0', '$']) => Err(blind(
                    field.wrong("this is no name of an environment variable"),
                )
                .hint("only the name, without $ and =")),
                name => Ok(PasswordSource::Env(name)),
            },
            "command" => {
                const PROGRAM: &str = "a list: [PROGRAM, ARGUMENT, ..]";
                let Value::List(items) = &node.value else {
                    return Err(
                        blind(field.wrong(format!("wrong type: this is {}", node.kind())))
                            .expect(PROGRAM),
                    );
                };
                let words: Result<Vec<String>, Diagnostic> =
                    items.iter().map(|item| self.field(item).text()).collect();
                match words.map_err(blind)? {
                    words
                        if words
                            .first()
                            .is_none_or(|program| program.trim().is_empty()) =>
                    {
                        Err(blind(field.wrong("the command is empty")).expect(PROGRAM))
                    }
                    words => Ok(PasswordSource::Command(words)),
                }
            }
            unknown => {
                let diagnostic = self
                    .problems
                    .at(self.key_place(source), "unknown place of a password");
                Err(blind(diagnostic).expect(EXPECTED).nearest(unknown, SOURCES))
            }
        }
    }
}
