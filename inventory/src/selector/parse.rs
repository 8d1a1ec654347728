//! Text to expression, by recursive descent.
//!
//! ```text
//! union  = term { "," term }
//! term   = factor { ("&" | "!") factor }      left to right
//! factor = "!" factor | "(" union ")" | atom
//! ```
//!
//! A test of facts is an atom, up to the next operator; what it means is not read here.

use std::net::IpAddr;

use super::names::NameSet;
use super::{Expr, SelectorError, Word};

type ReadList<'r> = &'r dyn Fn(&str) -> Result<Vec<String>, String>;

pub(super) const ATOM: &str = "a name, a glob, ring:NAME, group:NAME, @FILE, all or rest";
/// Begins a test of facts.
const FACTS: &str = "facts.";
const DEEPEST: u32 = 100;
const LONGEST_CHAIN: u32 = 1000;

pub(super) fn parse(text: &str, read_list: ReadList<'_>) -> Result<Expr, SelectorError> {
    let mut parser = Parser {
        text: text.chars().collect(),
        at: 0,
        depth: 0,
        read_list,
    };
    let root = parser.union()?;
    match parser.peek() {
        None => Ok(root),
        Some(found) => Err(parser.wrong(
            found,
            "this bracket closes nothing",
            "an operator or the end",
        )),
    }
}

struct Parser<'r> {
    text: Vec<char>,
    at: usize,
    depth: u32,
    read_list: ReadList<'r>,
}

impl Parser<'_> {
    /// The next character that is no blank.
    fn peek(&mut self) -> Option<char> {
        while self
            .text
            .get(self.at)
            .is_some_and(|character| character.is_whitespace())
        {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn takes(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn column(&self) -> u32 {
        u32::try_from(self.at + 1).unwrap_or(u32::MAX)
    }

    fn wrong(&self, found: impl ToString, message: &str, expected: &str) -> SelectorError {
        SelectorError {
            column: self.column(),
            found: found.to_string(),
            message: message.to_owned(),
            expected: Some(expected.to_owned()),
            hint: None,
        }
    }

    fn union(&mut self) -> Result<Expr, SelectorError> {
        let first = self.term()?;
        let mut parts = vec![first];
        while self.takes(',') {
            parts.push(self.term()?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Expr::Union(parts)
        })
    }

    fn term(&mut self) -> Result<Expr, SelectorError> {
        let mut left = self.factor()?;
        // Each operator nests the tree deeper by one, and the tree is walked by recursion.
        for _ in 0..LONGEST_CHAIN {
            if self.takes('&') {
                left = Expr::Both(Box::new(left), Box::new(self.factor()?));
            } else if self.takes('!') {
                left = Expr::Without(Box::new(left), Box::new(self.factor()?));
            } else {
                return Ok(left);
            }
        }
        Err(self.wrong(
            "",
            "the selector is too long",
            "fewer '&' and '!' in a row, or a list by @FILE",
        ))
    }

    fn factor(&mut self) -> Result<Expr, SelectorError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("", "the selector is nested too deeply", "fewer brackets"));
        }
        let expr = if self.takes('!') {
            Expr::Without(Box::new(Expr::All), Box::new(self.factor()?))
        } else if self.takes('(') {
            let inner = self.union()?;
            if !self.takes(')') {
                let found = self.peek().map_or("the end".to_owned(), String::from);
                return Err(self.wrong(found, "a bracket is not closed", "')'"));
            }
            inner
        } else {
            self.atom()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn atom(&mut self) -> Result<Expr, SelectorError> {
        if self
            .peek()
            .is_none_or(|character| ",&!()".contains(character))
        {
            let found = self.peek().map_or("the end".to_owned(), String::from);
            return Err(self.wrong(found, "something is missing here", ATOM));
        }
        let start = self.column();
        if self.takes('@') {
            return self.list(start);
        }
        if self.at_test() {
            let (name, column) = (self.test()?, start);
            return Ok(Expr::Fact(Word { name, column }));
        }
        let text = self.word()?;
        let wrong = |message: String, hint: Option<String>| SelectorError {
            column: start,
            found: text.clone(),
            message,
            expected: Some(ATOM.to_owned()),
            hint,
        };
        if text == "all" {
            return Ok(Expr::All);
        }
        if text == "rest" {
            return Ok(Expr::Rest);
        }
        if let Some((prefix, name)) = text
            .split_once(':')
            .filter(|_| text.parse::<IpAddr>().is_err())
        {
            let name = name.trim().to_owned();
            let column = start;
            return match prefix.trim() {
                "ring" | "group" if name.is_empty() => {
                    Err(wrong(format!("'{text}' names nothing"), None))
                }
                "ring" => Ok(Expr::Ring(Word { name, column })),
                "group" => Ok(Expr::Group(Word { name, column })),
                other => {
                    let nearest = document::nearest(other, ["ring", "group"]);
                    let hint = nearest.map(|nearest| format!("did you mean '{nearest}:{name}'?"));
                    Err(wrong(format!("'{other}:' is no kind of selector"), hint))
                }
            };
        }
        if text.contains(char::is_whitespace) {
            let hint = if text.contains(FACTS) || text.contains("facts[") {
                "a test of facts begins with 'facts.': 'facts.os.build >= 17763', '!facts.os.is_server'"
            } else {
                "put an operator between them: ',' for both, '&' for what they share"
            };
            let hint = hint.to_owned();
            return Err(wrong("blanks stand inside a name".to_owned(), Some(hint)));
        }
        NameSet::one(&text, start)
            .map(Expr::Names)
            .map_err(|detail| wrong(format!("bad glob: {detail}"), None))
    }

    /// Up to the next operator; the `,` and `!` inside `[!a]` and `{a,b}` belong to the glob.
    fn word(&mut self) -> Result<String, SelectorError> {
        let start = self.at;
        let mut open: Option<(char, usize)> = None;
        while let Some(&character) = self.text.get(self.at) {
            match (character, open) {
                ('[', None) => open = Some((']', self.at)),
                ('{', None) => open = Some(('}', self.at)),
                (_, Some((close, _))) if character == close => open = None,
                (',' | '&' | '!' | '(' | ')', None) => break,
                _ => {}
            }
            self.at += 1;
        }
        if let Some((close, at)) = open {
            self.at = at;
            let found = self.text[at].to_string();
            return Err(self.wrong(
                found,
                "a bracket of a glob is not closed",
                &format!("'{close}'"),
            ));
        }
        let text: String = self.text[start..self.at].iter().collect();
        Ok(text.trim_end().to_owned())
    }

    fn at_test(&self) -> bool {
        let rest = self.text[self.at..].iter().copied();
        rest.take(FACTS.len()).eq(FACTS.chars())
    }

    /// Up to the next operator; `!=`, and what stands in quotes or brackets of the test's own, belongs to the test.
    fn test(&mut self) -> Result<String, SelectorError> {
        let start = self.at;
        let mut open: Vec<(char, usize)> = Vec::new();
        while let Some(&character) = self.text.get(self.at) {
            let close = open.last().map(|(close, _)| *close);
            let quoted = matches!(close, Some('\'' | '"'));
            let not_equal = character == '!' && self.text.get(self.at + 1) == Some(&'=');
            match character {
                _ if close == Some(character) => {
                    open.pop();
                }
                _ if quoted => {}
                '\'' | '"' => open.push((character, self.at)),
                '[' => open.push((']', self.at)),
                '(' => open.push((')', self.at)),
                ',' | '&' | '!' | ')' if open.is_empty() && !not_equal => break,
                _ => {}
            }
            self.at += 1;
        }
        if let Some((close, at)) = open.pop() {
            self.at = at;
            let found = self.text[at].to_string();
            let expected = format!("'{close}'");
            return Err(self.wrong(found, "what is opened here is not closed", &expected));
        }
        let text: String = self.text[start..self.at].iter().collect();
        Ok(text.trim_end().to_owned())
    }

    /// After `@`: a path up to the next operator, or in quotes.
    fn list(&mut self, column: u32) -> Result<Expr, SelectorError> {
        let quote = self
            .text
            .get(self.at)
            .copied()
            .filter(|character| matches!(character, '"' | '\''));
        let start = self.at + usize::from(quote.is_some());
        let ends = |character: &char| {
            quote.map_or(",&!()".contains(*character), |quote| quote == *character)
        };
        let length = self.text[start..]
            .iter()
            .position(ends)
            .unwrap_or(self.text.len() - start);
        let path: String = self.text[start..start + length].iter().collect();
        self.at = start + length + usize::from(quote.is_some());
        let wrong = |message: String| SelectorError {
            column,
            found: format!("@{path}"),
            message,
            expected: Some("@FILE, a file with one name or glob a line".to_owned()),
            hint: None,
        };
        if self.at > self.text.len() {
            return Err(wrong("the quote around the path is not closed".to_owned()));
        }
        let trimmed = if quote.is_some() {
            path.as_str()
        } else {
            path.trim()
        };
        if trimmed.is_empty() {
            return Err(wrong("'@' names no file".to_owned()));
        }
        let lines =
            (self.read_list)(trimmed).map_err(|detail| wrong(format!("'{trimmed}': {detail}")))?;
        let names = lines
            .iter()
            .map(|line| line.split('#').next().unwrap_or_default().trim());
        let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        if let Some(bad) = names
            .iter()
            .find(|name| name.contains([' ', '\t', ',', ';', '(', ')', '&', '@']))
        {
            return Err(wrong(format!(
                "'{trimmed}' has a line that is no name: '{bad}'"
            )));
        }
        NameSet::listed(names, trimmed, column)
            .map(Expr::Names)
            .map_err(|detail| wrong(format!("bad glob in '{trimmed}': {detail}")))
    }
}
