//! The operating system's keyring: Secret Service, Windows Credential Manager, macOS Keychain.
//!
//! Entries stand under the service `winfleet`; the user part is the name inventories use. Calls run on a thread
//! of their own: the Linux store drives an executor that must not meet another one's thread.

use std::thread;

use ::keyring::{Entry, Error};
use wsman_proto::Secret;

use super::PasswordError;

const SERVICE: &str = "winfleet";

/// Reads an entry.
pub(crate) fn read(name: &str) -> Result<Secret, PasswordError> {
    on_own_thread(name, |entry| entry.get_password().map(Secret::new))
}

/// Stores an entry and reads it back: a locked or absent collection shows only then.
pub(crate) fn store(name: &str, secret: &Secret) -> Result<(), PasswordError> {
    let wanted = secret.clone();
    on_own_thread(name, move |entry| entry.set_password(wanted.expose()))?;
    match read(name) {
        Ok(found) if found.expose() == secret.expose() => Ok(()),
        Ok(_) => Err(PasswordError::NotAPassword {
            source_name: format!("keyring entry '{name}'"),
            what: "what was stored does not read back",
        }),
        Err(error) => Err(error),
    }
}

/// Removes an entry; `false` where there was none.
pub(crate) fn delete(name: &str) -> Result<bool, PasswordError> {
    match on_own_thread(name, |entry| entry.delete_credential()) {
        Ok(()) => Ok(true),
        Err(PasswordError::NotInKeyring { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn on_own_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce(Entry) -> Result<T, Error> + Send + 'static,
) -> Result<T, PasswordError> {
    let user = name.to_owned();
    let result = thread::spawn(move || {
        // `Entry::new` hides why the store could not be set up; the status has the cause.
        if let Err(error) = Entry::store_status() {
            return Err(Error::NotSupportedByStore(error.to_string()));
        }
        Entry::new(SERVICE, &user).and_then(work)
    })
    .join();
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Error::NoEntry)) => Err(PasswordError::NotInKeyring {
            name: name.to_owned(),
        }),
        // The bytes of what could not be decoded stand in the error: they must not get any further.
        Ok(Err(Error::BadEncoding(_) | Error::BadDataFormat(..))) => {
            Err(PasswordError::NotAPassword {
                source_name: format!("keyring entry '{name}'"),
                what: "it is not UTF-8",
            })
        }
        Ok(Err(error)) => Err(PasswordError::Keyring(error)),
        Err(_) => Err(PasswordError::Keyring(Error::NotSupportedByStore(
            "the store failed".to_owned(),
        ))),
    }
}
