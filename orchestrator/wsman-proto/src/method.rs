//! Invoke of a static method of any WMI class (wsman.md 4.6). `StdRegProv` has its own module, [`crate::registry`].

use crate::envelope::Request;
use crate::ns;
use crate::registry::{RegistryError, nothing};
use crate::xml::{Element, Writer};

/// A method's input parameters in the order they are sent: name, and one element for each value.
pub type Parameters<'a> = [(&'a str, Vec<String>)];

/// Calls `method` of the class itself, without an instance. What it changes on the host is not known here: it counts
/// as a write.
pub fn call(
    namespace: &str,
    class: &str,
    method: &'static str,
    parameters: &Parameters<'_>,
) -> Request {
    let resource = [ns::WMI, namespace.trim_matches('/'), "/", class].concat();
    let mut writer = Writer::new();
    let input = ["d:", method, "_INPUT"].concat();
    writer.element(&input, &[("xmlns:d", resource.as_str())], |writer| {
        for (name, values) in parameters {
            let tag = ["d:", name].concat();
            for value in values {
                writer.text(&tag, &[], value);
            }
        }
    });
    let action = [resource.as_str(), "/", method].concat();
    Request::new(method, action, resource, writer.finish())
}

/// Output of a method without out parameters that are of use: its `ReturnValue` is zero, or the output is empty, as that of
/// a method that returns nothing. Neither proves an effect: the caller reads.
///
/// # Errors
/// The number that it returned, or that the reply is not of this method.
pub fn done(method: &'static str, body: &Element) -> Result<(), RegistryError> {
    let name = [method, "_OUTPUT"].concat();
    let silent = |output: &Element| output.name() == name && output.children().next().is_none();
    match body.children().next() {
        Some(output) if silent(output) => Ok(()),
        _ => nothing(method, body),
    }
}
