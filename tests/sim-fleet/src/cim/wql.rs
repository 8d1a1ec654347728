//! WQL: `select columns from class [where condition]`, as much of it as data queries use.

use super::{Instance, Value};

/// Which columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    All,
    Named(Vec<String>),
}

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) columns: Columns,
    pub(crate) class: String,
    condition: Option<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Compare(String, String, Literal),
    IsNull(String, bool),
}

#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Text(String),
    Number(f64),
    Bool(bool),
    Null,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

const SIGNS: [&str; 11] = ["<=", ">=", "<>", "!=", "=", "<", ">", "(", ")", ",", "*"];

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' || first == '"' {
            let (literal, after) = literal(&rest[1..], first)?;
            found.push(Token::Text(literal));
            rest = after;
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            found.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || "_.-+".contains(c)))
                .unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            found.push(Token::Word(rest[..end].into()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Some(found)
}

/// A quoted text: a backslash takes the next character as it is.
fn literal(text: &str, quote: char) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => out.push(chars.next()?.1),
            _ if c == quote => return Some((out, &text[at + 1..])),
            _ => out.push(c),
        }
    }
    None
}

struct Reader {
    tokens: std::vec::IntoIter<Token>,
    next: Option<Token>,
}

impl Reader {
    fn take(&mut self) -> Option<Token> {
        std::mem::replace(&mut self.next, self.tokens.next())
    }

    fn word(&mut self) -> Option<String> {
        match self.take()? {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Takes a keyword, where it is next.
    fn keyword(&mut self, wanted: &str) -> bool {
        let hit =
            matches!(&self.next, Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        if hit {
            self.take();
        }
        hit
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let hit = matches!(&self.next, Some(Token::Sign(sign)) if *sign == wanted);
        if hit {
            self.take();
        }
        hit
    }

    fn either(&mut self) -> Option<Condition> {
        let mut left = self.both()?;
        while self.keyword("or") {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Condition> {
        let mut left = self.single()?;
        while self.keyword("and") {
            left = Condition::And(Box::new(left), Box::new(self.single()?));
        }
        Some(left)
    }

    fn single(&mut self) -> Option<Condition> {
        if self.keyword("not") {
            return Some(Condition::Not(Box::new(self.single()?)));
        }
        if self.sign("(") {
            let inside = self.either()?;
            return self.sign(")").then_some(inside);
        }
        let name = self.word()?;
        if self.keyword("is") {
            let not = self.keyword("not");
            return self
                .keyword("null")
                .then_some(Condition::IsNull(name, !not));
        }
        let operator = match self.take()? {
            Token::Sign(sign @ ("=" | "<" | ">" | "<=" | ">=" | "<>" | "!=")) => sign.to_string(),
            Token::Word(word) if word.eq_ignore_ascii_case("like") => "like".into(),
            _ => return None,
        };
        let value = match self.take()? {
            Token::Text(text) => Literal::Text(text),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Literal::Bool(true),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Literal::Bool(false),
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Literal::Null,
            Token::Word(word) => Literal::Number(word.parse().ok()?),
            Token::Sign(_) => return None,
        };
        Some(Condition::Compare(name, operator, value))
    }
}

impl Query {
    /// Reads a query; `None`: not WQL.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut tokens = tokens(text)?.into_iter();
        let next = tokens.next();
        let mut reader = Reader { tokens, next };
        if !reader.keyword("select") {
            return None;
        }
        let columns = if reader.sign("*") {
            Columns::All
        } else {
            let mut names = vec![reader.word()?];
            while reader.sign(",") {
                names.push(reader.word()?);
            }
            Columns::Named(names)
        };
        if !reader.keyword("from") {
            return None;
        }
        let class = reader.word()?;
        let condition = if reader.keyword("where") {
            Some(reader.either()?)
        } else {
            None
        };
        reader.next.is_none().then_some(Self {
            columns,
            class,
            condition,
        })
    }

    /// True where an instance fulfils the condition; `None`: the condition names a property that is not there.
    pub(crate) fn selects(&self, instance: &Instance) -> Option<bool> {
        self.condition
            .as_ref()
            .map_or(Some(true), |condition| condition.holds(instance))
    }
}

/// A property, letter case ignored.
pub(crate) fn property<'a>(
    instance: &'a Instance,
    name: &str,
) -> Option<(&'static str, &'a Value)> {
    instance
        .properties
        .iter()
        .find(|(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(name, value)| (*name, value))
}

impl Condition {
    fn holds(&self, instance: &Instance) -> Option<bool> {
        Some(match self {
            Self::And(left, right) => left.holds(instance)? & right.holds(instance)?,
            Self::Or(left, right) => left.holds(instance)? | right.holds(instance)?,
            Self::Not(inner) => !inner.holds(instance)?,
            Self::IsNull(name, wanted) => (*property(instance, name)?.1 == Value::Null) == *wanted,
            Self::Compare(name, operator, literal) => {
                compare(property(instance, name)?.1, operator, literal)
            }
        })
    }
}

fn compare(value: &Value, operator: &str, literal: &Literal) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    if operator == "like" {
        return matches!(literal, Literal::Text(pattern) if like(&fold(&value.text()), &fold(pattern)));
    }
    let order = match (value, literal) {
        (Value::Null, Literal::Null) => Equal,
        (Value::Null, _) | (_, Literal::Null) => return matches!(operator, "<>" | "!="),
        (Value::Number(number), Literal::Number(other)) => (*number as f64).total_cmp(other),
        (Value::Number(number), Literal::Text(text)) => match text.parse::<i64>() {
            Ok(other) => number.cmp(&other),
            Err(_) => return false,
        },
        (Value::Bool(flag), Literal::Bool(other)) => flag.cmp(other),
        (Value::Text(text) | Value::Datetime(text), Literal::Text(other)) => {
            fold(text).cmp(&fold(other))
        }
        _ => return false,
    };
    match operator {
        "=" => order == Equal,
        "<>" | "!=" => order != Equal,
        "<" => order == Less,
        ">" => order == Greater,
        "<=" => order != Greater,
        _ => order != Less,
    }
}

fn fold(text: &str) -> Vec<char> {
    text.to_lowercase().chars().collect()
}

/// `%` any text, `_` one character, `[abc]` one of these.
fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|skip| like(&text[skip..], rest)),
        Some(('_', rest)) => !text.is_empty() && like(&text[1..], rest),
        Some(('[', rest)) => match (rest.iter().position(|c| *c == ']'), text.split_first()) {
            (Some(end), Some((first, tail))) => {
                let (negated, set) = match rest[..end].split_first() {
                    Some(('^', set)) => (true, set),
                    _ => (false, &rest[..end]),
                };
                set.contains(first) != negated && like(tail, &rest[end + 1..])
            }
            _ => false,
        },
        Some((c, rest)) => text.first() == Some(c) && like(&text[1..], rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Instance {
        let properties = [
            ("Name", Value::from(r"c:\dir\file.exe")),
            ("Size", Value::Number(42)),
            ("Hidden", Value::Bool(false)),
            ("Owner", Value::Null),
        ];
        Instance {
            class: "X",
            keys: &["Name"],
            properties: properties.into_iter().collect(),
        }
    }

    #[test]
    fn conditions() {
        for (condition, wanted) in [
            (r"Name = 'C:\\DIR\\file.exe'", Some(true)),
            (r"Name = 'c:\dir\file.exe'", Some(false)),
            (r"Name like '%FILE.e_e'", Some(true)),
            (r#"Name="c:\\dir\\file.exe" and size<43"#, Some(true)),
            ("Size > 42 or Size = 42", Some(true)),
            ("Size >= 43", Some(false)),
            ("Size <> 42", Some(false)),
            ("not (Size = 41 or Hidden = TRUE)", Some(true)),
            ("Size = 41 or Size = 42 and Hidden = true", Some(false)),
            ("Owner is null", Some(true)),
            ("Owner is not null", Some(false)),
            ("Owner = 'x'", Some(false)),
            ("Name like '%[xyz].exe'", Some(false)),
            ("Nothing = 1", None),
        ] {
            let query =
                Query::parse(&format!("SELECT * FROM X WHERE {condition}")).expect(condition);
            assert_eq!(query.selects(&sample()), wanted, "{condition}");
        }
    }

    #[test]
    fn what_is_not_wql() {
        for text in [
            "",
            "select",
            "select from X",
            "select a b from X",
            "select * from",
            "select * from X where",
            "select * from X where a",
            "select * from X where a = 'b",
            "delete X",
            "select * from X where a = b",
            "select * from X order by a",
        ] {
            assert_eq!(Query::parse(text), None, "{text}");
        }
        assert_eq!(
            Query::parse("select a, b from X").unwrap().columns,
            Columns::Named(vec!["a".into(), "b".into()])
        );
    }
}
