//! NTLMv2 by the crate `sspi`, raw or wrapped in SPNEGO, behind [`SecurityContext`].

use md4::{Digest as _, Md4};
use sspi::ntlm::NtlmConfig;
use sspi::{
    AuthIdentityBuffers, BufferType, ClientRequestFlags, CredentialsBuffers, DataRepresentation,
    EncryptionFlags, Negotiate, NegotiateConfig, NtlmHash, SecurityBuffer, SecurityBufferRef,
    SecurityStatus, Sspi, SspiImpl,
};
use zeroize::Zeroizing;

use super::der;
use super::target::Target;
use super::{Account, AuthError, Challenge, Domain, SecurityContext, Step};
use crate::secret::Secret;

/// How NTLM messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// As they are: sealed messages start at sequence 0, and the first can go with the last token.
    Raw,
    /// In SPNEGO: the host's last token has to be fed before sealing, which starts at sequence 1.
    Spnego,
}

/// The client's side of an NTLMv2 context with signing, sealing and a message integrity code.
#[derive(Clone)]
pub struct Ntlm {
    account: Account,
    password: Secret,
    target: Option<Target>,
    inner: Inner,
}

#[derive(Clone)]
enum Inner {
    Raw(Box<sspi::Ntlm>),
    Spnego(Box<Negotiate>),
}

impl Ntlm {
    /// A new context. Nothing of the password is used before the host's challenge is there.
    pub fn new(account: Account, password: Secret, wrapping: Wrapping) -> Result<Self, AuthError> {
        let inner = match wrapping {
            Wrapping::Raw => Inner::Raw(Box::new(sspi::Ntlm::new())),
            Wrapping::Spnego => {
                // The list forbids every other mechanism: no Kerberos attempt, no environment variable decides.
                let list = Some("ntlm".to_owned());
                let config =
                    NegotiateConfig::new(Box::new(NtlmConfig::default()), list, String::new());
                Inner::Spnego(Box::new(Negotiate::new_client(config).map_err(refused)?))
            }
        };
        Ok(Self {
            account,
            password,
            target: None,
            inner,
        })
    }

    /// The same context, which says that it is for this service (`HTTP/pc-0001.corp.example`). To be called before
    /// the first step.
    #[must_use]
    pub fn for_service(mut self, service: &str) -> Self {
        self.target = Some(Target::new(service));
        self
    }

    /// The key that both sides agreed on.
    fn session_key(&self) -> Result<Vec<u8>, AuthError> {
        let keys = match &self.inner {
            Inner::Raw(context) => context.query_context_session_key(),
            Inner::Spnego(context) => context.query_context_session_key(),
        };
        keys.map(|keys| keys.session_key.as_ref().to_vec())
            .map_err(refused)
    }

    /// User, domain and password as they go into the library.
    fn identity(&self, token: &[u8]) -> Result<AuthIdentityBuffers, AuthError> {
        let domain = match &self.account.domain {
            Domain::None => String::new(),
            Domain::Named(name) => name.clone(),
            // Before the challenge the name is not known, and not needed.
            Domain::Host if token.is_empty() => String::new(),
            Domain::Host => {
                let challenge = Challenge::find(token).unwrap_or_default();
                challenge.computer.or(challenge.target).unwrap_or_default()
            }
        };
        let password = self.password.expose();
        // The library takes this prefix for a ready-made hash. A password is a password: hash it here.
        if password.starts_with(sspi::NTLM_HASH_PREFIX) {
            let utf16: Zeroizing<Vec<u8>> =
                Zeroizing::new(password.encode_utf16().flat_map(u16::to_le_bytes).collect());
            let hash: [u8; 16] = Md4::digest(utf16.as_slice()).into();
            return Ok(AuthIdentityBuffers::from_utf8_with_hash(
                &self.account.user,
                &domain,
                &NtlmHash::from_bytes(hash),
            ));
        }
        Ok(AuthIdentityBuffers::from_utf8(
            &self.account.user,
            &domain,
            password,
        ))
    }
}

impl SecurityContext for Ntlm {
    fn step(&mut self, token: &[u8], binding: Option<&[u8]>) -> Result<Step, AuthError> {
        if matches!(self.inner, Inner::Raw(_)) && !token.is_empty() {
            Challenge::parse(token).map_err(|reason| AuthError(reason.to_owned()))?;
        }
        // The library adds up lengths as they come, and reads on behind them (found by fuzzing).
        let canonical;
        let token = match self.inner {
            Inner::Spnego(_) if !token.is_empty() => {
                let not = || AuthError("the host's token is no answer of SPNEGO".to_owned());
                canonical = der::response(token).ok_or_else(not)?;
                &canonical
            }
            _ => token,
        };
        let identity = self.identity(token)?;
        let seen = match &mut self.target {
            Some(target) => target.incoming(token),
            None => token.to_vec(),
        };
        let mut step = match &mut self.inner {
            Inner::Raw(context) => drive(context.as_mut(), &mut Some(identity), &seen, binding),
            Inner::Spnego(context) => drive(
                context.as_mut(),
                &mut Some(CredentialsBuffers::AuthIdentity(identity)),
                &seen,
                binding,
            ),
        }?;
        if let Some(mut target) = self.target.take() {
            step.token = target.outgoing(step.token, || self.session_key())?;
            self.target = Some(target);
        }
        Ok(step)
    }

    fn seal(&mut self, plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>), AuthError> {
        match &mut self.inner {
            Inner::Raw(context) => seal(context.as_mut(), plain),
            Inner::Spnego(context) => seal(context.as_mut(), plain),
        }
    }

    fn open(&mut self, header: &[u8], data: &[u8]) -> Result<Vec<u8>, AuthError> {
        match &mut self.inner {
            Inner::Raw(context) => open(context.as_mut(), header, data),
            Inner::Spnego(context) => open(context.as_mut(), header, data),
        }
    }
}

fn drive<S: Sspi + SspiImpl>(
    context: &mut S,
    credentials: &mut S::CredentialsHandle,
    token: &[u8],
    binding: Option<&[u8]>,
) -> Result<Step, AuthError> {
    let mut input = vec![SecurityBuffer::new(token.to_vec(), BufferType::Token)];
    if let Some(binding) = binding {
        input.push(SecurityBuffer::new(
            binding.to_vec(),
            BufferType::ChannelBindings,
        ));
    }
    let mut output = vec![SecurityBuffer::new(Vec::new(), BufferType::Token)];
    let status = {
        let flags = ClientRequestFlags::CONFIDENTIALITY
            | ClientRequestFlags::INTEGRITY
            | ClientRequestFlags::MUTUAL_AUTH;
        let mut builder = context
            .initialize_security_context()
            .with_credentials_handle(credentials)
            .with_context_requirements(flags)
            .with_target_data_representation(DataRepresentation::Native)
            .with_input(&mut input)
            .with_output(&mut output);
        let mut steps = context
            .initialize_security_context_impl(&mut builder)
            .map_err(refused)?;
        steps.resolve_to_result().map_err(refused)?.status
    };
    let token = output.pop().map(|buffer| buffer.buffer).unwrap_or_default();
    Ok(Step {
        token,
        complete: status == SecurityStatus::Ok,
    })
}

fn seal<S: Sspi>(context: &mut S, plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>), AuthError> {
    let trailer = context
        .query_context_sizes()
        .map_err(refused)?
        .security_trailer;
    let mut header = vec![
        0;
        usize::try_from(trailer)
            .map_err(|_| AuthError("the signature is too long".to_owned()))?
    ];
    let mut data = plain.to_vec();
    let mut buffers = [
        SecurityBufferRef::token_buf(&mut header),
        SecurityBufferRef::data_buf(&mut data),
    ];
    context
        .encrypt_message(EncryptionFlags::empty(), &mut buffers)
        .map_err(refused)?;
    Ok((buffers[0].data().to_vec(), buffers[1].data().to_vec()))
}

fn open<S: Sspi>(context: &mut S, header: &[u8], data: &[u8]) -> Result<Vec<u8>, AuthError> {
    let (mut header, mut data) = (header.to_vec(), data.to_vec());
    let mut buffers = [
        SecurityBufferRef::token_buf(&mut header),
        SecurityBufferRef::data_buf(&mut data),
    ];
    context.decrypt_message(&mut buffers).map_err(refused)?;
    Ok(buffers[1].data().to_vec())
}

/// The library's texts name states and error kinds, no tokens; keep them on one line.
fn refused(error: sspi::Error) -> AuthError {
    AuthError(
        error
            .description
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
    )
}
