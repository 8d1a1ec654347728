//! Credentials: the tickets of one account.

#![expect(
    unsafe_code,
    reason = "the system's GSSAPI is C: each call hands over pointers to values that live on this stack frame or in \
              an owner here"
)]

use std::ffi::CString;
use std::ptr;

use super::{EXPIRED, KRB5, Mechanism, Name, SPNEGO, check, load, missing};
use crate::logon::kerberos::error::{KerberosError, KerberosProblem};
use crate::logon::kerberos::ffi::{Buffer, Functions, Handle, KeyValue, KeyValues, Oid, OidSet};

/// `GSS_C_INITIATE`.
const INITIATE: i32 = 1;

/// Where a credential's tickets are, or come from.
#[derive(Clone, Debug, Default)]
pub(in crate::logon::kerberos) struct Store {
    /// A credential cache, e.g. `MEMORY:x`.
    pub(in crate::logon::kerberos) ccache: Option<String>,
    /// Keys to get a ticket with.
    pub(in crate::logon::kerberos) client_keytab: Option<String>,
}

impl Store {
    /// Calls `with` with the C form, which lives as long as the call.
    fn lend<T>(&self, with: impl FnOnce(&KeyValues) -> T) -> Result<T, KerberosError> {
        let text = |text: &str| {
            CString::new(text).map_err(|_| {
                KerberosError::new(KerberosProblem::Other, "a NUL in the name of a cache")
            })
        };
        let pairs = [
            (c"ccache", &self.ccache),
            (c"client_keytab", &self.client_keytab),
        ];
        let mut values = Vec::new();
        for (key, value) in pairs {
            if let Some(value) = value {
                values.push((key, text(value)?));
            }
        }
        let mut elements: Vec<KeyValue> = values
            .iter()
            .map(|(key, value)| KeyValue {
                key: key.as_ptr(),
                value: value.as_ptr(),
            })
            .collect();
        let set = KeyValues {
            count: u32::try_from(elements.len()).expect("two at most"),
            elements: elements.as_mut_ptr(),
        };
        Ok(with(&set))
    }
}

/// Tickets of one account, to start contexts with.
pub(in crate::logon::kerberos) struct Cred {
    gss: &'static Functions,
    pub(super) handle: Handle,
}

// SAFETY: MIT Kerberos locks a credential while it uses it ("thread safe as of 1.4"), Heimdal's are not changed by
// the calls made here; neither keeps thread-local state of it.
unsafe impl Send for Cred {}
// SAFETY: as above.
unsafe impl Sync for Cred {}

impl Cred {
    /// By password. Some libraries ask the KDC here, others in [`Cred::resolve`].
    pub(in crate::logon::kerberos) fn password(
        name: &Name,
        password: &[u8],
    ) -> Result<Self, KerberosError> {
        let gss = load()?;
        let acquire = gss
            .acquire_with_password
            .ok_or_else(|| missing("gss_acquire_cred_with_password"))?;
        let mut password = Buffer::of(password);
        Self::acquire(gss, Mechanism::Krb5, |minor, set, handle| {
            // SAFETY: all pointers are to values that outlive the call; the library copies name and password.
            unsafe {
                acquire(
                    minor,
                    name.handle,
                    &raw mut password,
                    u32::MAX,
                    set,
                    INITIATE,
                    handle,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            }
        })
    }

    /// Tickets of a store, for contexts of one mechanism; without a store and a name, those of whoever is logged on.
    ///
    /// A credential for Kerberos is none for SPNEGO: MIT Kerberos would look for the default one instead.
    pub(in crate::logon::kerberos) fn stored(
        name: Option<&Name>,
        store: Option<&Store>,
        mechanism: Mechanism,
    ) -> Result<Self, KerberosError> {
        let gss = load()?;
        let name = name.map_or(ptr::null_mut(), |name| name.handle);
        let Some(store) = store else {
            return Self::acquire(gss, mechanism, |minor, set, handle| {
                // SAFETY: as in `password`.
                unsafe {
                    (gss.acquire_cred)(
                        minor,
                        name,
                        u32::MAX,
                        set,
                        INITIATE,
                        handle,
                        ptr::null_mut(),
                        ptr::null_mut(),
                    )
                }
            });
        };
        let acquire = gss
            .acquire_from
            .ok_or_else(|| missing("gss_acquire_cred_from"))?;
        store.lend(|store| {
            Self::acquire(gss, mechanism, |minor, set, handle| {
                // SAFETY: as in `password`; the library copies the store.
                unsafe {
                    acquire(
                        minor,
                        name,
                        u32::MAX,
                        set,
                        INITIATE,
                        store,
                        handle,
                        ptr::null_mut(),
                        ptr::null_mut(),
                    )
                }
            })
        })?
    }

    fn acquire(
        gss: &'static Functions,
        mechanism: Mechanism,
        call: impl FnOnce(*mut u32, *mut OidSet, *mut Handle) -> u32,
    ) -> Result<Self, KerberosError> {
        let mut wanted = Oid::of(match mechanism {
            Mechanism::Krb5 => KRB5,
            Mechanism::Spnego => SPNEGO,
        });
        let mut set = OidSet {
            count: 1,
            elements: &raw mut wanted,
        };
        let (mut minor, mut handle) = (0, ptr::null_mut());
        let major = call(&raw mut minor, &raw mut set, &raw mut handle);
        check(gss, major, minor, mechanism)?;
        let cred = Self { gss, handle };
        if mechanism == Mechanism::Spnego {
            cred.offer_kerberos_alone()?;
        }
        Ok(cred)
    }

    /// SPNEGO would offer whatever else the system has, and what was used would not be what is reported.
    fn offer_kerberos_alone(&self) -> Result<(), KerberosError> {
        let Some(set_neg_mechs) = self.gss.set_neg_mechs else {
            return Ok(());
        };
        let mut kerberos = Oid::of(KRB5);
        let set = OidSet {
            count: 1,
            elements: &raw mut kerberos,
        };
        let mut minor = 0;
        // SAFETY: the handle is alive, the set is on this stack frame; the library copies it.
        let major = unsafe { set_neg_mechs(&raw mut minor, self.handle, &raw const set) };
        check(self.gss, major, minor, Mechanism::Spnego)
    }

    /// Gets the ticket-granting ticket if there is none yet: the account's name and the seconds it is good for.
    pub(in crate::logon::kerberos) fn resolve(&self) -> Result<(String, u32), KerberosError> {
        let (mut minor, mut name, mut seconds) = (0, ptr::null_mut(), 0);
        // SAFETY: the handle is alive; name and lifetime are written to locals, the name is released by its owner.
        let major = unsafe {
            (self.gss.inquire_cred)(
                &raw mut minor,
                self.handle,
                &raw mut name,
                &raw mut seconds,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        check(self.gss, major, minor, Mechanism::Krb5)?;
        let name = Name {
            gss: self.gss,
            handle: name,
        };
        if seconds == 0 {
            return Err(KerberosError::new(KerberosProblem::NoTicket, EXPIRED));
        }
        Ok((name.text()?, seconds))
    }

    /// Copies the tickets into another cache. False where the library cannot.
    pub(in crate::logon::kerberos) fn copy_to(&self, ccache: &str) -> Result<bool, KerberosError> {
        let (Some(store_into), Some(_)) = (self.gss.store_into, self.gss.acquire_from) else {
            return Ok(false);
        };
        let store = Store {
            ccache: Some(ccache.to_owned()),
            client_keytab: None,
        };
        let mut mechanism = Oid::of(KRB5);
        let mut minor = 0;
        let major = store.lend(|store| {
            // SAFETY: as in `password`. Overwrites; does not become the default.
            unsafe {
                store_into(
                    &raw mut minor,
                    self.handle,
                    INITIATE,
                    &raw mut mechanism,
                    1,
                    0,
                    store,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            }
        })?;
        check(self.gss, major, minor, Mechanism::Krb5)?;
        Ok(true)
    }
}

impl Drop for Cred {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own and is not used again.
        unsafe { (self.gss.release_cred)(&mut 0, &raw mut self.handle) };
    }
}
