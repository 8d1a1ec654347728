//! Contexts: tokens until both sides are proved, then sealed messages.

#![expect(
    unsafe_code,
    reason = "SSPI is C: each call hands over pointers to values that live on this stack frame or in an owner here"
)]

use std::ptr;

use windows_sys::Win32::Foundation::{SEC_E_INTERNAL_ERROR, SEC_E_OK, SEC_I_CONTINUE_NEEDED};
use windows_sys::Win32::Security::Authentication::Identity::{
    DecryptMessage, DeleteSecurityContext, EncryptMessage, FreeContextBuffer,
    ISC_REQ_CONFIDENTIALITY, ISC_REQ_INTEGRITY, ISC_REQ_MUTUAL_AUTH, InitializeSecurityContextW,
    QueryContextAttributesW, SECBUFFER_CHANNEL_BINDINGS, SECBUFFER_DATA, SECBUFFER_TOKEN,
    SECBUFFER_VERSION, SECPKG_ATTR_NEGOTIATION_INFO, SECPKG_ATTR_SIZES, SECQOP_WRAP_NO_ENCRYPT,
    SECURITY_NATIVE_DREP, SecBuffer, SecBufferDesc, SecPkgContext_NegotiationInfoW,
    SecPkgContext_Sizes,
};
use windows_sys::Win32::Security::Credentials::SecHandle;

use super::super::error::{KerberosError, KerberosProblem};
use super::{Credential, Mechanism, check, failure, text, wide};

/// As on other systems: no replay and sequence detection, because WinRM seals each answer with sequence number 0;
/// no delegation.
const WANTED: u32 = ISC_REQ_MUTUAL_AUTH | ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY;
/// The most that `MaxTokenSize` of Windows can be set to: a token never needs more room.
const MAX_TOKEN: usize = 65_535;
/// More than a header of any package.
const MAX_TRAILER: u32 = 64 * 1024;

/// The initiator's side of a context with one service.
pub(in super::super) struct Context {
    handle: Option<SecHandle>,
    target: Vec<u16>,
    pub(in super::super) complete: bool,
    flags: u32,
}

impl Context {
    /// `target` is the SPN. Nothing is asked of anybody before the first step.
    pub(in super::super) fn new(target: &str) -> Self {
        Self {
            handle: None,
            target: wide(target),
            complete: false,
            flags: 0,
        }
    }

    /// The next token. `binding` is a `SEC_CHANNEL_BINDINGS` with its data.
    pub(in super::super) fn step(
        &mut self,
        credential: &Credential,
        token: &[u8],
        binding: Option<&[u8]>,
    ) -> Result<Vec<u8>, KerberosError> {
        let mut token = token.to_vec();
        let mut binding = binding.map(<[u8]>::to_vec);
        let mut inputs = Vec::with_capacity(2);
        if !token.is_empty() {
            inputs.push(buffer(SECBUFFER_TOKEN, &mut token)?);
        }
        if let Some(binding) = &mut binding {
            inputs.push(buffer(SECBUFFER_CHANNEL_BINDINGS, binding)?);
        }
        let input = describe(&mut inputs);
        let mut made = vec![0; MAX_TOKEN];
        let mut outputs = [buffer(SECBUFFER_TOKEN, &mut made)?];
        let mut output = describe(&mut outputs);
        let (mut next, mut expiry) = (self.handle.unwrap_or_default(), 0);
        // SAFETY: credential, target and all buffers outlive the call. The system writes the context's handle, which
        // this value owns from then on, and into the output, and says how much.
        let status = unsafe {
            InitializeSecurityContextW(
                &raw const credential.handle,
                self.handle.as_ref().map_or(ptr::null(), ptr::from_ref),
                self.target.as_ptr(),
                WANTED,
                0,
                SECURITY_NATIVE_DREP,
                if inputs.is_empty() {
                    ptr::null()
                } else {
                    &raw const input
                },
                0,
                &raw mut next,
                &raw mut output,
                &raw mut self.flags,
                &raw mut expiry,
            )
        };
        check("InitializeSecurityContext", status)?;
        made.truncate(length(&outputs[0]));
        self.handle = Some(next);
        self.complete = match status {
            SEC_E_OK => true,
            SEC_I_CONTINUE_NEEDED => false,
            // The other good ones want calls that only packages make which are not asked for here.
            other => return Err(failure("InitializeSecurityContext", other)),
        };
        // Whatever the system's settings say: what is called Kerberos here carries no NTLM.
        if made.windows(8).any(|part| part == b"NTLMSSP\0") {
            return Err(KerberosError::new(
                KerberosProblem::KdcUnreachable,
                "the system knows no Kerberos for this host and would take NTLM",
            ));
        }
        Ok(made)
    }

    /// Whether the peer proved itself and messages can be sealed.
    pub(in super::super) fn is_mutual_and_sealing(&self) -> bool {
        // The granted flags have the numbers of the wanted ones.
        self.complete && self.flags & WANTED == WANTED
    }

    /// Whether Kerberos it was: `Negotiate` has further packages of the system to choose from.
    pub(in super::super) fn is_kerberos(&self) -> Result<bool, KerberosError> {
        let mut found = SecPkgContext_NegotiationInfoW::default();
        // SAFETY: the context is alive and this is the structure that belongs to the attribute.
        let status = unsafe {
            QueryContextAttributesW(
                self.established()?,
                SECPKG_ATTR_NEGOTIATION_INFO,
                (&raw mut found).cast(),
            )
        };
        check("QueryContextAttributes", status)?;
        if found.PackageInfo.is_null() {
            return Ok(false);
        }
        // SAFETY: on success the system gave the structure with its texts in one piece, freed once, here.
        unsafe {
            let name = text((*found.PackageInfo).Name);
            FreeContextBuffer(found.PackageInfo.cast());
            Ok(name.eq_ignore_ascii_case(Mechanism::Krb5.package()))
        }
    }

    /// Seals a message: header and ciphertext, as WinRM sends them. Two buffers, without one for padding: AES pads
    /// nothing, and so do other clients of SSPI that work with real hosts (pyspnego).
    pub(in super::super) fn seal(
        &mut self,
        plain: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), KerberosError> {
        let mut header = vec![0; self.trailer()?];
        let mut data = plain.to_vec();
        let mut parts = [
            buffer(SECBUFFER_TOKEN, &mut header)?,
            buffer(SECBUFFER_DATA, &mut data)?,
        ];
        let message = describe(&mut parts);
        // SAFETY: the context is alive; the buffers outlive the call, which writes into them and says how much.
        let status = unsafe { EncryptMessage(self.established()?, 0, &raw const message, 0) };
        check("EncryptMessage", status)?;
        header.truncate(length(&parts[0]));
        if length(&parts[1]) != plain.len() {
            return Err(KerberosError::new(
                KerberosProblem::Other,
                "the ticket's key is of a kind that WinRM does not seal with (RC4, DES): the host's account needs AES keys",
            ));
        }
        Ok((header, data))
    }

    /// Opens a sealed message.
    pub(in super::super) fn open(
        &mut self,
        header: &[u8],
        data: &[u8],
    ) -> Result<Vec<u8>, KerberosError> {
        let (mut header, mut data) = (header.to_vec(), data.to_vec());
        let whole = data.as_ptr_range();
        let mut parts = [
            buffer(SECBUFFER_TOKEN, &mut header)?,
            buffer(SECBUFFER_DATA, &mut data)?,
        ];
        let message = describe(&mut parts);
        let mut quality = 0;
        // SAFETY: as in `seal`.
        let status =
            unsafe { DecryptMessage(self.established()?, &raw const message, 0, &raw mut quality) };
        check("DecryptMessage", status)?;
        if quality == SECQOP_WRAP_NO_ENCRYPT {
            return Err(KerberosError::new(
                KerberosProblem::Other,
                "a message was signed but not encrypted",
            ));
        }
        // The plain text lies in the buffer that was given, perhaps not at its start.
        let start = parts[1].pvBuffer.cast::<u8>().cast_const();
        let offset = (start as usize).checked_sub(whole.start as usize);
        offset
            .and_then(|offset| data.get(offset..offset.checked_add(length(&parts[1]))?))
            .map(<[u8]>::to_vec)
            .ok_or_else(|| {
                KerberosError::new(
                    KerberosProblem::Other,
                    "the plain text is not where it was asked for",
                )
            })
    }

    fn established(&self) -> Result<&SecHandle, KerberosError> {
        self.handle
            .as_ref()
            .filter(|_| self.complete)
            .ok_or_else(|| {
                KerberosError::new(
                    KerberosProblem::Other,
                    "nothing can be sealed before the logon is complete",
                )
            })
    }

    /// Bytes in front of a sealed message.
    fn trailer(&self) -> Result<usize, KerberosError> {
        let mut sizes = SecPkgContext_Sizes::default();
        // SAFETY: the context is alive and this is the structure that belongs to the attribute.
        let status = unsafe {
            QueryContextAttributesW(
                self.established()?,
                SECPKG_ATTR_SIZES,
                (&raw mut sizes).cast(),
            )
        };
        check("QueryContextAttributes", status)?;
        match usize::try_from(sizes.cbSecurityTrailer) {
            Ok(size) if sizes.cbSecurityTrailer <= MAX_TRAILER => Ok(size),
            _ => Err(failure("QueryContextAttributes", SEC_E_INTERNAL_ERROR)),
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            // SAFETY: the handle is this value's own and is not used again.
            unsafe { DeleteSecurityContext(handle) };
        }
    }
}

fn buffer(kind: u32, bytes: &mut [u8]) -> Result<SecBuffer, KerberosError> {
    let size = u32::try_from(bytes.len()).map_err(|_| {
        KerberosError::new(
            KerberosProblem::Other,
            "a message is too long for the system",
        )
    })?;
    Ok(SecBuffer {
        BufferType: kind,
        cbBuffer: size,
        pvBuffer: bytes.as_mut_ptr().cast(),
    })
}

fn describe(buffers: &mut [SecBuffer]) -> SecBufferDesc {
    SecBufferDesc {
        ulVersion: SECBUFFER_VERSION,
        cBuffers: u32::try_from(buffers.len()).unwrap_or(0),
        pBuffers: buffers.as_mut_ptr(),
    }
}

fn length(buffer: &SecBuffer) -> usize {
    usize::try_from(buffer.cbBuffer).unwrap_or(0)
}
