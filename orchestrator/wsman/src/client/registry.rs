//! Registry operations, by `StdRegProv`. Keys are paths below `HKEY_LOCAL_MACHINE`.

use wsman_proto::registry::{self, RegistryData, RegistryError};

use super::Client;
use crate::error::{Error, ErrorKind, Sent};

/// What a deletion found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It was there and is gone.
    Done,
    /// It was not there.
    Absent,
}

impl Client {
    /// Name and type number of each value of a key; `None` when the key is absent.
    pub async fn enum_values(&mut self, key: &str) -> Result<Option<Vec<(String, u32)>>, Error> {
        let body = self.exchange(&registry::enum_values(key)).await?;
        present("EnumValues", registry::value_names(&body))
    }

    /// Names of the subkeys of a key; `None` when the key is absent.
    pub async fn enum_keys(&mut self, key: &str) -> Result<Option<Vec<String>>, Error> {
        let body = self.exchange(&registry::enum_key(key)).await?;
        present("EnumKey", registry::key_names(&body))
    }

    /// A value by the Get method of type number `kind`; `None` when value or key is absent. `REG_EXPAND_SZ` comes
    /// back expanded. Another type on the host is [`ErrorKind::TypeMismatch`].
    pub async fn read_value(
        &mut self,
        key: &str,
        name: &str,
        kind: u32,
    ) -> Result<Option<RegistryData>, Error> {
        let Some(request) = registry::get_value(key, name, kind) else {
            let detail = format!("registry type {kind} has no typed method");
            return Err(Error::new(
                "read value",
                Sent::Nothing,
                ErrorKind::Protocol(detail),
            ));
        };
        let body = self
            .exchange(&request)
            .await
            .map_err(|error| match error.fault() {
                Some(fault) if fault.wmi_status == Some(0x8004_1005) => Error::new(
                    request.operation,
                    Sent::NotProcessed,
                    ErrorKind::TypeMismatch,
                ),
                _ => error,
            })?;
        present(request.operation, registry::value(kind, &body))
    }

    /// Writes a value. The key has to be there ([`Client::create_key`]): Windows answers 2 otherwise.
    pub async fn write_value(
        &mut self,
        key: &str,
        name: &str,
        data: &RegistryData,
    ) -> Result<(), Error> {
        let request = registry::set_value(key, name, data);
        let body = self.exchange(&request).await?;
        done(
            request.operation,
            registry::nothing(request.operation, &body),
        )
    }

    /// Makes a key and all missing parents; an existing key is no error.
    pub async fn create_key(&mut self, key: &str) -> Result<(), Error> {
        let body = self.exchange(&registry::create_key(key)).await?;
        done("CreateKey", registry::nothing("CreateKey", &body))
    }

    /// Deletes a value.
    pub async fn delete_value(&mut self, key: &str, name: &str) -> Result<Deleted, Error> {
        let body = self.exchange(&registry::delete_value(key, name)).await?;
        deleted("DeleteValue", registry::nothing("DeleteValue", &body))
    }

    /// Deletes a key with its values; Windows refuses while it has subkeys.
    pub async fn delete_key(&mut self, key: &str) -> Result<Deleted, Error> {
        let body = self.exchange(&registry::delete_key(key)).await?;
        deleted("DeleteKey", registry::nothing("DeleteKey", &body))
    }
}

fn present<T>(method: &'static str, result: Result<T, RegistryError>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(RegistryError::Absent) => Ok(None),
        Err(error) => Err(failed(method, error)),
    }
}

fn deleted(method: &'static str, result: Result<(), RegistryError>) -> Result<Deleted, Error> {
    Ok(match present(method, result)? {
        Some(()) => Deleted::Done,
        None => Deleted::Absent,
    })
}

fn done(method: &'static str, result: Result<(), RegistryError>) -> Result<(), Error> {
    result.map_err(|error| failed(method, error))
}

fn failed(method: &'static str, error: RegistryError) -> Error {
    match error {
        RegistryError::Absent => {
            let kind = ErrorKind::Registry {
                method,
                code: 2,
                name: "ERROR_FILE_NOT_FOUND",
            };
            Error::new(method, Sent::NotProcessed, kind)
        }
        RegistryError::TypeMismatch => {
            Error::new(method, Sent::NotProcessed, ErrorKind::TypeMismatch)
        }
        RegistryError::Returned { method, code, name } => Error::new(
            method,
            Sent::NotProcessed,
            ErrorKind::Registry { method, code, name },
        ),
        RegistryError::Protocol(detail) => {
            Error::new(method, Sent::Unknown, ErrorKind::Protocol(detail))
        }
    }
}
