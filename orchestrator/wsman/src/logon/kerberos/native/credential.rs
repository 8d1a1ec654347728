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
use windows_sys::Win32::System::Rpc::{SEC_WINNT_AUTH_IDENTITY_UNICODE, SEC_WINNT_AUTH_IDENTITY_W};
use wsman_proto::Secret;
use zeroize::Zeroizing;

use super::super::error::KerberosError;
use super::{Mechanism, check, text, wide};

/// What forbids NTLM to the package `Negotiate` (`SEC_WINNT_AUTH_IDENTITY_EX`, member `PackageList`).
const WITHOUT_NTLM: &str = "!ntlm";

/// An account with its password.
pub(in super::super) struct Identity<'a> {
    pub(in super::super) user: &'a str,
    /// None for a user principal name, which stands in `user` as a whole.
    pub(in super::super) domain: Option<&'a str>,
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
        let domain = identity.and_then(|identity| identity.domain).map(wide);
        let password = identity.map(|identity| {
            // Room for all of it at once: a buffer that grows would leave copies behind.
            let password = identity.password.expose();
            let mut wide = Zeroizing::new(Vec::with_capacity(password.len() + 1));
            wide.extend(password.encode_utf16().chain([0]));
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
        let plain = SEC_WINNT_AUTH_IDENTITY_W {
            User: start(user),
            UserLength: length(user),
            Domain: start(domain),
            DomainLength: length(domain),
            Password: start(password),
            PasswordLength: length(password),
            Flags: SEC_WINNT_AUTH_IDENTITY_UNICODE,
        };
        let choosing = SEC_WINNT_AUTH_IDENTITY_EXW {
            Version: SEC_WINNT_AUTH_IDENTITY_VERSION,
            Length: u32::try_from(size_of::<SEC_WINNT_AUTH_IDENTITY_EXW>()).unwrap_or(0),
            User: plain.User,
            UserLength: plain.UserLength,
            Domain: plain.Domain,
            DomainLength: plain.DomainLength,
            Password: plain.Password,
            PasswordLength: plain.PasswordLength,
            Flags: plain.Flags,
            PackageList: packages.as_ptr().cast_mut(),
            PackageListLength: count(&packages),
        };
        // The package `Kerberos` has nothing to choose from: it gets the plain form, and nothing for whoever is logged on.
        let data = match (mechanism, identity) {
            (Mechanism::Spnego, _) => (&raw const choosing).cast(),
            (Mechanism::Krb5, Some(_)) => (&raw const plain).cast(),
            (Mechanism::Krb5, None) => ptr::null(),
        };
        let (mut handle, mut expiry) = (SecHandle::default(), 0);
        // SAFETY: all texts outlive the call, which copies them and only reads; handle and expiry are written.
        let status = unsafe {
            AcquireCredentialsHandleW(
                ptr::null(),
                package.as_ptr(),
                SECPKG_CRED_OUTBOUND,
                ptr::null(),
                data,
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
            let name = text(names.sUserName);
            FreeContextBuffer(names.sUserName.cast());
            Some(name)
        }
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own and is not used again.
        unsafe { FreeCredentialsHandle(&raw const self.handle) };
    }
}
