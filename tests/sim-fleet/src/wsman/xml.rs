//! A small XML writer. The client's side uses another library on purpose.

/// Text or attribute content; control characters that XML cannot carry become `?` (reference 2.3).
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('?'),
            _ => out.push(c),
        }
    }
    out
}

/// An element with text.
pub(crate) fn text(name: &str, content: &str) -> String {
    format!("<{name}>{}</{name}>", escape(content))
}

/// An element with elements inside.
pub(crate) fn element(name: &str, content: &str) -> String {
    format!("<{name}>{content}</{name}>")
}

/// An element with attributes; the content is elements or nothing.
pub(crate) fn with(name: &str, attributes: &[(&str, &str)], content: &str) -> String {
    let mut out = format!("<{name}");
    for (attribute, value) in attributes {
        out.push_str(&format!(" {attribute}=\"{}\"", escape(value)));
    }
    if content.is_empty() {
        out.push_str("/>");
    } else {
        out.push_str(&format!(">{content}</{name}>"));
    }
    out
}
