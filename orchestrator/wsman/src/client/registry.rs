//! Registry operations, by `StdRegProv`. Keys are paths below `HKEY_LOCAL_MACHINE`.

use wsman_proto::registry::{self, Provider, RegistryData, RegistryError};
use wsman_proto::xml::Element;
use wsman_proto::{Fault, Request};

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
        let body = self
            .invoke(|provider| registry::enum_values(provider, key))
            .await?;
        present("EnumValues", registry::value_names(&body))
    }

    /// Names of the subkeys of a key; `None` when the key is absent.
    pub async fn enum_keys(&mut self, key: &str) -> Result<Option<Vec<String>>, Error> {
        let body = self
            .invoke(|provider| registry::enum_key(provider, key))
            .await?;
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
        let Some(method) = registry::get_method(kind) else {
            let detail = format!("registry type {kind} has no typed method");
            return Err(Error::new(
                "read value",
                Sent::Nothing,
                ErrorKind::Protocol(detail),
            ));
        };
        let request = |provider| {
            registry::get_value(provider, key, name, kind).expect("the type has a method")
        };
        let body = self
            .invoke(request)
            .await
            .map_err(|error| match error.fault() {
                Some(fault) if fault.wmi_status == Some(WBEM_E_TYPE_MISMATCH) => {
                    Error::new(method, Sent::NotProcessed, ErrorKind::TypeMismatch)
                }
                _ => error,
            })?;
        present(method, registry::value(kind, &body))
    }

    /// Writes a value. The key has to be there ([`Client::create_key`]): Windows answers 2 otherwise.
    pub async fn write_value(
        &mut self,
        key: &str,
        name: &str,
        data: &RegistryData,
    ) -> Result<(), Error> {
        let method = registry::set_method(data);
        let body = self
            .invoke(|provider| registry::set_value(provider, key, name, data))
            .await;
        let set = body.and_then(|body| done(method, registry::nothing(method, &body)));
        match set {
            // How a value without bytes is written is not told anywhere: a host may want the parameter left out.
            Err(error) if *data == RegistryData::Binary(Vec::new()) && is_refused(&error) => {
                let body = self
                    .invoke(|provider| registry::set_empty_binary(provider, key, name))
                    .await?;
                done(method, registry::nothing(method, &body))
            }
            set => set,
        }
    }

    /// Makes a key and all missing parents; an existing key is no error.
    pub async fn create_key(&mut self, key: &str) -> Result<(), Error> {
        let body = self
            .invoke(|provider| registry::create_key(provider, key))
            .await?;
        done("CreateKey", registry::nothing("CreateKey", &body))
    }

    /// Deletes a value.
    pub async fn delete_value(&mut self, key: &str, name: &str) -> Result<Deleted, Error> {
        let body = self
            .invoke(|provider| registry::delete_value(provider, key, name))
            .await?;
        deleted("DeleteValue", registry::nothing("DeleteValue", &body))
    }

    /// Deletes a key with its values; Windows refuses while it has subkeys.
    pub async fn delete_key(&mut self, key: &str) -> Result<Deleted, Error> {
        let body = self
            .invoke(|provider| registry::delete_key(provider, key))
            .await?;
        deleted("DeleteKey", registry::nothing("DeleteKey", &body))
    }

    /// Invokes in `root/cimv2`; where the class is not there, once in `root/default` (wsman.md 4.5), and stays with
    /// what worked. A fault of that kind says that nothing was done.
    async fn invoke(&mut self, request: impl Fn(Provider) -> Request) -> Result<Element, Error> {
        let chosen = self.provider.unwrap_or_default();
        let result = self.exchange(&request(chosen)).await;
        match result {
            Ok(body) => {
                self.provider = Some(chosen);
                Ok(body)
            }
            Err(error) if self.provider.is_none() && error.fault().is_some_and(class_is_absent) => {
                match self.exchange(&request(Provider::Default)).await {
                    Ok(body) => {
                        self.provider = Some(Provider::Default);
                        Ok(body)
                    }
                    // That contact was lost says more than that the class is absent.
                    Err(second) if second.fault().is_none() => Err(second),
                    Err(_) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}

const WBEM_E_TYPE_MISMATCH: u32 = 0x8004_1005;

/// The host does not take a parameter in that form, and has done nothing.
fn is_refused(error: &Error) -> bool {
    match &error.kind {
        ErrorKind::Registry { code, .. } => matches!(code, 87 | 0x8004_1005 | 0x8004_1008),
        ErrorKind::TypeMismatch => true,
        ErrorKind::Fault(fault) => {
            !fault.outcome_unknown()
                && (fault.retry == wsman_proto::Retry::FixRequest
                    || matches!(fault.wmi_status, Some(0x8004_1005 | 0x8004_1008)))
        }
        _ => false,
    }
}

/// Invalid class or namespace, in either fault shape.
fn class_is_absent(fault: &Fault) -> bool {
    match fault.wmi_status {
        Some(status) => matches!(status, 0x8004_1002 | 0x8004_100E | 0x8004_1010),
        None => fault.code == 2_150_858_752 || matches!(fault.cim_status, Some(3 | 5)),
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

pub(super) fn done(method: &'static str, result: Result<(), RegistryError>) -> Result<(), Error> {
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
