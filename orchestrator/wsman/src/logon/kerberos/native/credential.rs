//! Who asks: the logged-on user, or an account with a password.

#![expect(
    unsafe_code,
    reason = "SSPI is C: each call hands over pointers to values that live on this stack frame or in an owner here"
)]

use std::ptr;

use windows_sys::Win32::Security::Authentication::Identity::{
    AcquireCredentialsHandleW, FreeContextBuffer, FreeCredentialsHandle,
    QueryCredentialsAttributesW, SEC_WINNT_AUTH_IDENTITY_EXW, SEC_WINNT_AUTH_IDENTITY_VERSION,
    SECPKG_CRED_ATTR_NAMES, SECPKG_CRED_OUTBOUND, SecPkgCredentials_NamesW,
};
use windows_sys::Win32::Security::Credentials::SecHandle;
use windows_sys::Win32::System::Rpc::SEC_WINNT_AUTH_IDENTITY_UNICODE;
use wsman_proto::Secret;
use zeroize::Zeroizing;

use super::super::error::KerberosError;
use super::{Mechanism, check, wide};

/// What forbids NTLM to the package `Negotiate` (`SEC_WINNT_AUTH_IDENTITY_EX`, member `PackageList`).
const WITHOUT_NTLM: &str = "!ntlm";

/// An account with its password.
pub(in super::super) struct Identity<'a> {
    pub(in super::super) user: &'a str,
    pub(in super::super) domain: &'a str,
    pub(in super::super) password: &'a Secret,
}

/// A handle of SSPI. It may be used by many contexts and threads at once; the system keeps the tickets behind it.
pub(in super::super) struct Credential {
    pub(super) handle: SecHandle,
}

impl Credential {
    /// Nobody is asked here: the first context asks the KDC. Without an identity it is the logged-on user.
    pub(in super::super) fn acquire(
        mechanism: Mechanism,
        identity: Option<&Identity<'_>>,
    ) -> Result<Self, KerberosError> {
        let package = wide(mechanism.package());
        let packages = wide(WITHOUT_NTLM);
        let count = |text: &[u16]| u32::try_from(text.len().saturating_sub(1)).unwrap_or(0);
        let user = identity.map(|identity| wide(identity.user));
        let domain = identity.map(|identity| wide(identity.domain));
        let password = identity.map(|identity| {
            // Room for all of it at once: a buffer that grows would leave copies behind.
            let text = identity.password.expose();
            let mut wide = Zeroizing::new(Vec::with_capacity(text.len() + 1));
            wide.extend(text.encode_utf16().chain([0]));
            wide
        });
        let start =
            |text: Option<&[u16]>| text.map_or(ptr::null_mut(), |text| text.as_ptr().cast_mut());
        let length = |text: Option<&[u16]>| text.map_or(0, count);
        let (user, domain, password) = (
            user.as_deref(),
            domain.as_deref(),
            password.as_ref().map(|password| password.as_slice()),
        );
        let data = SEC_WINNT_AUTH_IDENTITY_EXW {
            Version: SEC_WINNT_AUTH_IDENTITY_VERSION,
            Length: u32::try_from(size_of::<SEC_WINNT_AUTH_IDENTITY_EXW>()).unwrap_or(0),
            User: start(user),
            UserLength: length(user),
            Domain: start(domain),
            DomainLength: length(domain),
            Password: start(password),
            PasswordLength: length(password),
            Flags: SEC_WINNT_AUTH_IDENTITY_UNICODE,
            PackageList: packages.as_ptr().cast_mut(),
            PackageListLength: count(&packages),
        };
        // The package `Kerberos` has nothing to choose from: for the logged-on user it gets no structure at all.
        let needed = identity.is_some() || mechanism == Mechanism::Spnego;
        let (mut handle, mut expiry) = (SecHandle::default(), 0);
        // SAFETY: all texts outlive the call, which copies them and only reads; handle and expiry are written.
        let status = unsafe {
            AcquireCredentialsHandleW(
                ptr::null(),
                package.as_ptr(),
                SECPKG_CRED_OUTBOUND,
                ptr::null(),
                if needed {
                    (&raw const data).cast()
                } else {
                    ptr::null()
                },
                None,
                ptr::null(),
                &raw mut handle,
                &raw mut expiry,
            )
        };
        check("AcquireCredentialsHandle", status)?;
        Ok(Self { handle })
    }

    /// `DOMAIN\user` as the system calls the account, where it says so.
    pub(in super::super) fn name(&self) -> Option<String> {
        let mut names = SecPkgCredentials_NamesW {
            sUserName: ptr::null_mut(),
        };
        // SAFETY: the handle is alive and this is the structure that belongs to the attribute.
        let status = unsafe {
            QueryCredentialsAttributesW(
                &raw const self.handle,
                SECPKG_CRED_ATTR_NAMES,
                (&raw mut names).cast(),
            )
        };
        if status < 0 || names.sUserName.is_null() {
            return None;
        }
        // SAFETY: on success the system gave a text with a NUL at its end, which is ours to free and is freed once.
        unsafe {
            let length = (0..1024)
                .take_while(|at| *names.sUserName.add(*at) != 0)
                .count();
            let text =
                String::from_utf16_lossy(std::slice::from_raw_parts(names.sUserName, length));
            FreeContextBuffer(names.sUserName.cast());
            Some(text)
        }
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own and is not used again.
        unsafe { FreeCredentialsHandle(&raw const self.handle) };
    }
}
