//! A command line as cmd.exe reads it: percent expansion first, then quotes, carets and operators (reference 11.2).

/// How a part of a chain follows the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Always,
    IfDone,
    IfFailed,
}

/// Where a stream goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    OutTo(String, bool),
    ErrTo(String, bool),
    ErrToOut,
    OutToErr,
    InFrom(String),
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Simple {
    Words(String),
    Group(Vec<(Link, Vec<Piece>)>),
}

/// One command of a pipe with its redirections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) what: Simple,
    pub(super) redirects: Vec<Redirect>,
}

pub(super) type Chain = Vec<(Link, Vec<Piece>)>;

/// Replaces `%NAME%`; names that are not defined stay as they are.
pub(super) fn expand(text: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        match after
            .split_once('%')
            .filter(|(name, _)| !name.is_empty())
            .and_then(|(name, tail)| Some((variable(name)?, tail)))
        {
            Some((value, tail)) => {
                out.push_str(&value);
                rest = tail;
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out + rest
}

/// Takes a line apart; `None`: a syntax error.
pub(super) fn parse(text: &str) -> Option<Chain> {
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    let mut reader = Reader {
        chars: line.chars().collect(),
        at: 0,
    };
    let chain = reader.chain(false)?;
    (reader.at == reader.chars.len()).then_some(chain)
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let hit = self.peek() == Some(wanted);
        self.at += usize::from(hit);
        hit
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
            self.at += 1;
        }
    }

    fn chain(&mut self, nested: bool) -> Option<Chain> {
        let mut chain = Vec::new();
        let mut link = Link::Always;
        loop {
            self.blanks();
            if self.peek().is_none() || (nested && self.peek() == Some(')')) {
                // A trailing `&` is allowed, a trailing `&&` or `||` is not.
                return (link == Link::Always).then_some(chain);
            }
            chain.push((link, self.pipe(nested)?));
            link = match self.peek() {
                Some('&') => {
                    self.at += 1;
                    if self.eat('&') {
                        Link::IfDone
                    } else {
                        Link::Always
                    }
                }
                Some('|') => {
                    self.at += 2;
                    Link::IfFailed
                }
                _ => return Some(chain),
            };
        }
    }

    fn pipe(&mut self, nested: bool) -> Option<Vec<Piece>> {
        let mut pieces = vec![self.piece(nested)?];
        while self.peek() == Some('|') && self.chars.get(self.at + 1) != Some(&'|') {
            self.at += 1;
            pieces.push(self.piece(nested)?);
        }
        Some(pieces)
    }

    fn piece(&mut self, nested: bool) -> Option<Piece> {
        self.blanks();
        let mut redirects = Vec::new();
        let mut words = String::new();
        let mut group = None;
        if self.eat('(') {
            group = Some(self.chain(true)?);
            if !self.eat(')') {
                return None;
            }
        }
        let mut quoted = false;
        while let Some(c) = self.peek() {
            match c {
                '"' => quoted = !quoted,
                _ if quoted => {}
                '^' => {
                    self.at += 1;
                    words.extend(self.peek());
                    self.at += 1;
                    continue;
                }
                '&' | '|' => break,
                ')' if nested => break,
                '<' | '>' => {
                    redirects.push(self.redirect(&mut words)?);
                    continue;
                }
                _ => {}
            }
            words.push(c);
            self.at += 1;
        }
        let what = match group {
            Some(group) if words.trim().is_empty() => Simple::Group(group),
            None if !words.trim().is_empty() => Simple::Words(words),
            _ => return None,
        };
        Some(Piece { what, redirects })
    }

    fn redirect(&mut self, words: &mut String) -> Option<Redirect> {
        if self.eat('<') {
            return Some(Redirect::InFrom(self.target()?));
        }
        self.eat('>');
        let append = self.eat('>');
        // A digit right before the sign, itself behind a blank, is the number of the stream.
        let mut tail = words.chars().rev();
        let error = tail.next() == Some('2') && tail.next().is_none_or(|c| c == ' ' || c == '"');
        let numbered = error || words.ends_with(" 1") || words == "1";
        if numbered {
            words.pop();
        }
        if self.eat('&') {
            let to = self.peek()?;
            self.at += 1;
            return Some(if to == '1' {
                Redirect::ErrToOut
            } else {
                Redirect::OutToErr
            });
        }
        let target = self.target()?;
        Some(if error {
            Redirect::ErrTo(target, append)
        } else {
            Redirect::OutTo(target, append)
        })
    }

    fn target(&mut self) -> Option<String> {
        self.blanks();
        let mut out = String::new();
        let mut quoted = false;
        while let Some(c) = self.peek() {
            match c {
                '"' => quoted = !quoted,
                ' ' | '\t' | '&' | '|' | '<' | '>' | ')' if !quoted => break,
                _ => out.push(c),
            }
            self.at += 1;
        }
        (!out.is_empty()).then_some(out)
    }
}

/// Splits a program's line by the rules of the C runtime (reference 11.3). The program's own name is the first item.
pub(super) fn arguments(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut word, mut open, mut quoted) = (Vec::new(), String::new(), false, false);
    let mut at = 0;
    while at < chars.len() {
        let slashes = chars[at..].iter().take_while(|c| **c == '\\').count();
        if slashes > 0 {
            let before_quote = chars.get(at + slashes) == Some(&'"');
            let kept = if before_quote { slashes / 2 } else { slashes };
            word.extend(std::iter::repeat_n('\\', kept));
            open = true;
            at += slashes;
            if before_quote && slashes % 2 == 1 {
                word.push('"');
                at += 1;
            }
            continue;
        }
        match chars[at] {
            '"' if quoted && chars.get(at + 1) == Some(&'"') => {
                word.push('"');
                at += 1;
            }
            '"' => {
                quoted = !quoted;
                open = true;
            }
            ' ' | '\t' if !quoted => {
                if open {
                    out.push(std::mem::take(&mut word));
                }
                open = false;
            }
            c => {
                word.push(c);
                open = true;
            }
        }
        at += 1;
    }
    if open {
        out.push(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Option<Vec<(Link, Vec<String>)>> {
        let plain = |piece: Piece| match piece.what {
            Simple::Words(words) => words.trim().to_string(),
            Simple::Group(_) => "()".into(),
        };
        Some(
            parse(text)?
                .into_iter()
                .map(|(link, pieces)| (link, pieces.into_iter().map(plain).collect()))
                .collect(),
        )
    }

    #[test]
    fn operators_quotes_and_carets() {
        let one = |link, text: &str| (link, vec![text.to_string()]);
        for (text, wanted) in [
            ("a&b", vec![one(Link::Always, "a"), one(Link::Always, "b")]),
            (
                "a && b || c",
                vec![
                    one(Link::Always, "a"),
                    one(Link::IfDone, "b"),
                    one(Link::IfFailed, "c"),
                ],
            ),
            ("echo \"a & b\"", vec![one(Link::Always, "echo \"a & b\"")]),
            ("echo a^&b", vec![one(Link::Always, "echo a&b")]),
            (
                "echo ^\"a & b",
                vec![one(Link::Always, "echo \"a"), one(Link::Always, "b")],
            ),
            ("a | b", vec![(Link::Always, vec!["a".into(), "b".into()])]),
            (
                "(a & b) && c",
                vec![one(Link::Always, "()"), one(Link::IfDone, "c")],
            ),
            ("echo a >nul 2>&1", vec![one(Link::Always, "echo a")]),
        ] {
            assert_eq!(words(text), Some(wanted), "{text}");
        }
        for text in ["a &&", "&& a", "a ||", "(a", "| a"] {
            assert_eq!(words(text), None, "{text}");
        }
    }

    #[test]
    fn percent() {
        let variable = |name: &str| {
            name.eq_ignore_ascii_case("os")
                .then(|| "Windows_NT".to_string())
        };
        for (text, wanted) in [
            ("%OS%", "Windows_NT"),
            ("\"%os%\"", "\"Windows_NT\""),
            ("%nope%", "%nope%"),
            ("100%", "100%"),
            ("%^OS%", "%^OS%"),
            ("^%OS^%", "^%OS^%"),
        ] {
            assert_eq!(expand(text, variable), wanted, "{text}");
        }
    }

    #[test]
    fn c_runtime() {
        for (text, wanted) in [
            (
                r#"reg add "HKLM\A b" /d "x\\""#,
                vec!["reg", "add", r"HKLM\A b", "/d", r"x\"],
            ),
            (r#"a "" b"#, vec!["a", "", "b"]),
            (r#"a \"b\" c"#, vec!["a", "\"b\"", "c"]),
            (r#"a "b\"c""#, vec!["a", "b\"c"]),
            (r"a c:\dir\x", vec!["a", r"c:\dir\x"]),
        ] {
            assert_eq!(arguments(text), wanted, "{text}");
        }
    }
}
