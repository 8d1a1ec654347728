//! `credential`: passwords in the operating system's keyring.

use inventory::{Credential as Named, Inventory};
use serde_json::{Value, json};

use crate::args::{Credential, Global, Output};
use crate::credential::{self, Prompter, index, keyring};
use crate::failure::{Failure, Outcome};
use crate::{exit_code, files, out};

/// Carries out one of the four.
pub(crate) fn run(global: &Global, verb: &Credential) -> Outcome {
    match verb {
        Credential::Set { name } => set(global, name),
        Credential::List => list(global.output),
        Credential::Delete { name } => delete(name),
        Credential::Test { name, on: None } => test(global, name),
        Credential::Test {
            name,
            on: Some(host),
        } => log_on(global, name, host),
    }
}

/// One logon against one host, under the guard, reading only.
fn log_on(global: &Global, name: &str, on: &str) -> Outcome {
    let inventory = files::inventory(global)?;
    let credential = of_inventory(&inventory, name)?;
    let wanted = inventory::HostName::new(on);
    let host = inventory.hosts.iter().find(|host| host.name == wanted);
    let Some(host) = host else {
        let names = inventory.hosts.iter().map(|host| host.name.as_str());
        let failure = Failure::no_hosts(format!("the inventory has no host '{on}'"));
        return Err(match document::nearest(on, names) {
            Some(name) => failure.hint(format!("did you mean '{name}'?")),
            None => failure,
        });
    };
    super::ping::one(global, host, credential)
}

fn of_inventory<'a>(inventory: &'a Inventory, name: &str) -> Result<&'a Named, Failure> {
    inventory.credentials.get(name).ok_or_else(|| {
        let failure = Failure::new(format!("the inventory has no credential '{name}'"));
        let names = inventory.credentials.keys().map(String::as_str);
        match document::nearest(name, names) {
            Some(name) => failure.hint(format!("did you mean '{name}'?")),
            None => failure,
        }
    })
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

fn list(form: Output) -> Outcome {
    let names = index::names().map_err(|error| Failure::caused("cannot read the names", &error))?;
    let one = |name: &String| json!({ "name": name });
    let text = match form {
        Output::Table => names
            .iter()
            .map(|name| format!("{}\n", report::text::neutral(name)))
            .collect(),
        Output::Json => {
            let credentials: Vec<Value> = names.iter().map(one).collect();
            report::json::pretty(&json!({ "schema": 1, "credentials": credentials }))
        }
        Output::Jsonl => names
            .iter()
            .map(|name| report::json::line(&one(name)))
            .collect(),
        Output::Csv => {
            report::csv::document(&["name"], names.iter().map(|name| vec![name.clone()]))
        }
    };
    out::result(&text)?;
    Ok(exit_code::DONE)
}

fn delete(name: &str) -> Outcome {
    if !keyring::delete(name).map_err(|error| failure(&error))? {
        let name = report::text::neutral(name);
        out::note(&format!("the keyring has no entry '{name}' of winfleet"));
    }
    index::remove(name).map_err(|error| Failure::caused("cannot forget the name", &error))?;
    Ok(exit_code::DONE)
}

fn test(global: &Global, name: &str) -> Outcome {
    let prompter = Prompter::new(!global.no_input);
    let credential = if global.inventory.is_empty() {
        None
    } else {
        let inventory = files::inventory(global)?;
        Some(of_inventory(&inventory, name)?.clone())
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
