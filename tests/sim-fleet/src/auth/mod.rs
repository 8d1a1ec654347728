//! Who is there: accounts, Basic, NTLM raw and inside SPNEGO, bound to the connection.

mod accounts;

pub(crate) use accounts::Accounts;
