//! A password from an environment variable.

use wsman_proto::Secret;

use super::{PasswordError, one_line};

/// Reads it; unset, empty and unreadable values are told apart.
pub(super) fn read(name: &str) -> Result<Secret, PasswordError> {
    let refuse = |what| PasswordError::Environment {
        name: name.to_owned(),
        what,
    };
    let value = std::env::var_os(name).ok_or_else(|| refuse("is not set"))?;
    let value = value.into_string().map_err(|_| refuse("is not text"))?;
    if value.is_empty() {
        return Err(refuse("is empty"));
    }
    one_line(
        value.into_bytes(),
        &format!("the environment variable {name}"),
    )
}
