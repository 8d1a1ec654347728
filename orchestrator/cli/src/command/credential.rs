//! `credential`: passwords in the operating system's keyring.

use crate::args::{Credential, Global};
use crate::credential::{self, Prompter, index, keyring};
use crate::failure::{Failure, Outcome};
use crate::{exit_code, files, out};

/// Carries out one of the four.
pub(crate) fn run(global: &Global, verb: &Credential) -> Outcome {
    match verb {
        Credential::Set { name } => set(global, name),
        Credential::List => list(),
        Credential::Delete { name } => delete(name),
        Credential::Test { name, on: None } => test(global, name),
        Credential::Test { on: Some(_), .. } => {
            Err(Failure::new("credential test --on is not built yet")
                .hint("winfleet ping -i INVENTORY -l HOST logs on and reads"))
        }
    }
}

fn set(global: &Global, name: &str) -> Outcome {
    let secret = Prompter::new(global.no_input)
        .new_password(name)
        .map_err(|error| failure(&error))?;
    keyring::store(name, &secret).map_err(|error| failure(&error))?;
    index::add(name).map_err(|error| Failure::caused("cannot note the name", &error))?;
    out::note(&format!(
        "stored; use it as  password: {{ keyring: {} }}",
        report::text::neutral(name)
    ));
    Ok(exit_code::DONE)
}

fn list() -> Outcome {
    let names = index::names().map_err(|error| Failure::caused("cannot read the names", &error))?;
    out::result(
        &names
            .iter()
            .map(|name| format!("{name}\n"))
            .collect::<String>(),
    )?;
    Ok(exit_code::DONE)
}

fn delete(name: &str) -> Outcome {
    keyring::delete(name).map_err(|error| failure(&error))?;
    index::remove(name).map_err(|error| Failure::caused("cannot forget the name", &error))?;
    Ok(exit_code::DONE)
}

fn test(global: &Global, name: &str) -> Outcome {
    let prompter = Prompter::new(!global.no_input);
    let credential =
        if global.inventory.is_empty() {
            None
        } else {
            let inventory = files::inventory(global)?;
            Some(
                inventory.credentials.get(name).cloned().ok_or_else(|| {
                    Failure::new(format!("the inventory has no credential '{name}'"))
                })?,
            )
        };
    match credential {
        Some(credential) => credential::read(&credential, &prompter),
        None => keyring::read(name),
    }
    .map_err(|error| failure(&error))?;
    out::result(&format!(
        "the password of '{}' can be read\n",
        report::text::neutral(name)
    ))?;
    Ok(exit_code::DONE)
}

fn failure(error: &credential::PasswordError) -> Failure {
    Failure::caused("the password is not available", error).hint(error.remedy())
}
