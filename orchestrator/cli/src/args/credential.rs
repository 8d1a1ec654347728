//! The verb about passwords.

use clap::Subcommand;

/// `credential`
#[derive(Debug, Subcommand)]
pub enum Credential {
    /// Store a password; asked at the terminal, or the first line of stdin
    Set {
        /// Name that inventories use: password: { keyring: NAME }
        name: String,
    },
    /// Names of the passwords stored with `set`
    List,
    /// Remove a password
    Delete {
        /// Its name
        name: String,
    },
    /// Can the password be read? With -i also for the inventory's other sources
    Test {
        /// Name of a credential of the inventory (-i), or of a keyring entry
        name: String,
        /// Log on to this host with it, once, reading only (needs -i)
        #[arg(long, value_name = "HOST", requires = "inventory")]
        on: Option<String>,
    },
}
