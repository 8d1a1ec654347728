//! `man`: the manual pages, made from the same description of verbs and flags as `--help`.

use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::args::{Cli, Global};
use crate::failure::{Failure, Outcome};
use crate::{exit_code, out};

/// Prints the page of the program, or writes all pages into a folder.
pub(crate) fn run(global: &Global, folder: Option<&Path>) -> Outcome {
    let mut program = Cli::command();
    program.build();
    let Some(folder) = folder else {
        out::result(&page(&program, "winfleet")?)?;
        return Ok(exit_code::DONE);
    };
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::caused(
            format!("cannot make the folder {}", folder.display()),
            &error,
        )
    })?;
    let mut pages = Vec::new();
    gather(&program, "winfleet", &mut pages)?;
    for (name, text) in &pages {
        out::file(&folder.join(format!("{name}.1")), text)?;
    }
    if !global.quiet {
        out::note(&format!(
            "{} pages written to {}",
            pages.len(),
            folder.display()
        ));
    }
    Ok(exit_code::DONE)
}

/// The page of a command and those of all that stand below it.
fn gather(command: &Command, name: &str, pages: &mut Vec<(String, String)>) -> Result<(), Failure> {
    pages.push((name.to_owned(), page(command, name)?));
    let verbs = command.get_subcommands();
    for verb in verbs.filter(|verb| !verb.is_hide_set() && verb.get_name() != "help") {
        gather(verb, &format!("{name}-{}", verb.get_name()), pages)?;
    }
    Ok(())
}

fn page(command: &Command, name: &str) -> Result<String, Failure> {
    let mut text = Vec::new();
    Man::new(command.clone())
        .title(name)
        .render(&mut text)
        .map_err(|error: io::Error| Failure::caused("cannot write the manual page", &error))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
