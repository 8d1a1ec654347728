//! One host as somebody types it: its name, or its short name where only one host has it.

use inventory::HostName;

use crate::failure::Failure;

/// The host among these that is meant; `None` where nobody has such a name.
///
/// # Errors
/// It is the short name of several.
pub(crate) fn named<'n>(
    text: &str,
    names: impl Iterator<Item = &'n HostName> + Clone,
) -> Result<Option<&'n HostName>, Failure> {
    let whole = HostName::new(text);
    if let Some(name) = names.clone().find(|name| **name == whole) {
        return Ok(Some(name));
    }
    let mut found = names.filter(|name| name.short().eq_ignore_ascii_case(text));
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => Err(Failure::new(format!(
            "'{text}' is short for {first} and for {second}"
        ))
        .hint("write the whole name")),
        (found, _) => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_will_do_where_it_is_unique() {
        let names = [
            "pc-1.corp.example",
            "pc-2.corp.example",
            "pc-2.lab.example",
            "pc-3",
        ];
        let names = names.map(HostName::new);
        let of = |text: &str| named(text, names.iter()).map(|name| name.map(HostName::as_str));
        assert_eq!(of("PC-1").unwrap(), Some("pc-1.corp.example"));
        assert_eq!(of("Pc-2.Lab.Example").unwrap(), Some("pc-2.lab.example"));
        assert_eq!(of("pc-3").unwrap(), Some("pc-3"));
        assert_eq!(of("pc-4").unwrap(), None);
        let error = format!("{:?}", of("pc-2").unwrap_err());
        let both = "pc-2.corp.example and for pc-2.lab.example";
        assert!(error.contains(both), "{error}");
    }
}
