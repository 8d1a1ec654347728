//! The system behind Kerberos on Unix: tickets of one account, spread over caches, and contexts made from them.
//!
//! Everything that asks a KDC blocks and is called from `tickets.rs` on threads made for that.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;
use wsman_proto::auth::{AuthError, SecurityContext, Step, application_data};
use zeroize::Zeroizing;

use super::error::{KerberosError, KerberosProblem, WEAK_KEY};
pub(super) use super::gss::Mechanism;
use super::gss::{self, Context, Cred, Name, Store};
use super::{keytab, layout, principal};
use crate::credentials::Proof;

/// Bytes of a keytab; a real one has some thousand.
const MAX_KEYTAB: u64 = 1 << 20;

/// A cache is searched from its beginning for each ticket: beyond this many the search shows (auth-crates.md 3.3).
const HOSTS_PER_CACHE: usize = 64;

/// The tickets of one account. The user's own cache is read once and never written: service tickets go into caches
/// in memory.
pub(super) struct Granted {
    /// As the KDC calls the account.
    pub(super) principal: String,
    /// When the ticket-granting ticket ends.
    pub(super) until: Instant,
    account: Option<String>,
    master: Cred,
    prefix: String,
    // A plain mutex: held while tickets are copied in memory.
    shards: Mutex<Shards>,
}

#[derive(Default)]
struct Shards {
    of: HashMap<String, usize>,
    made: usize,
}

/// Whether Kerberos can be tried for the account, without asking anybody.
pub(super) fn check(username: &str, bare: bool) -> Result<(), KerberosError> {
    principal::account(username, bare, gss::default_realm)?;
    gss::available()
}

/// Gets the ticket-granting ticket. `bare`: see [`principal::account`].
pub(super) fn grant(username: &str, bare: bool, proof: &Proof) -> Result<Granted, KerberosError> {
    let account = principal::account(username, bare, gss::default_realm)?;
    let name = account.as_deref().map(Name::principal).transpose()?;
    let prefix = format!("MEMORY:winfleet-{}", Uuid::new_v4().simple());
    let master = match proof {
        Proof::Password(secret) => {
            let name = name.as_ref().ok_or_else(|| {
                KerberosError::new(KerberosProblem::NoName, "a password needs a user name")
            })?;
            Cred::password(name, secret.expose().as_bytes())
                .map_err(|error| from_password(error, account.as_deref()))?
        }
        Proof::TicketCache(cache) => {
            let store = cache.clone().map(|cache| Store {
                ccache: Some(cache),
                client_keytab: None,
            });
            Cred::stored(name.as_ref(), store.as_ref(), Mechanism::Krb5)?
        }
        Proof::Certificate(_) => {
            let text = "a client certificate is for auth by certificate";
            return Err(KerberosError::new(KerberosProblem::NoName, text));
        }
        Proof::Keytab(path) => {
            // The library says the same of a missing file, of a missing key and of a file that is no keytab.
            let unfit = |why: &dyn std::fmt::Display| {
                let detail = format!("keytab {}{why}", path.display());
                KerberosError::new(KerberosProblem::Keytab, detail)
            };
            let bytes = keytab(path).map_err(|error| unfit(&format_args!(": {error}")))?;
            if let Some(why) = keytab::fault(&bytes, account.as_deref()) {
                return Err(unfit(&format_args!(" {why}")));
            }
            let store = Store {
                ccache: Some([&prefix, "-0"].concat()),
                client_keytab: Some(format!("FILE:{}", path.display())),
            };
            Cred::stored(name.as_ref(), Some(&store), Mechanism::Krb5)
                .map_err(|error| from_keytab(error, path, account.as_deref()))?
        }
    };
    let (principal, seconds) = master.resolve().map_err(|error| match proof {
        Proof::Keytab(path) => from_keytab(error, path, account.as_deref()),
        Proof::Password(_) => from_password(error, account.as_deref()),
        _ => error,
    })?;
    Ok(Granted {
        principal,
        until: Instant::now() + Duration::from_secs(u64::from(seconds).min(86_400 * 30)),
        account,
        master,
        prefix,
        shards: Mutex::default(),
    })
}

/// The file, which is not larger than any keytab.
fn keytab(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let file = std::fs::File::open(path)?;
    file.take(MAX_KEYTAB).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// "Preauthentication failed" says little to whoever has typed a password.
fn from_password(error: KerberosError, account: Option<&str>) -> KerberosError {
    if error.problem != KerberosProblem::WrongPassword {
        return error;
    }
    let account = account.unwrap_or_default();
    let detail = format!(
        "the KDC refused the password of {account}: {}",
        error.detail
    );
    KerberosError::new(error.problem, detail)
}

/// A key that does not fit is the keytab's fault; no password was typed.
fn from_keytab(error: KerberosError, path: &Path, account: Option<&str>) -> KerberosError {
    use KerberosProblem as P;
    match error.problem {
        P::WrongPassword | P::NoTicket | P::Keytab | P::Other => KerberosError::new(
            P::Keytab,
            format!(
                "keytab {} has no key that the KDC takes for {}: {}",
                path.display(),
                account.unwrap_or("its first account"),
                error.detail
            ),
        ),
        _ => error,
    }
}

impl Granted {
    /// A context for a host's service with its first token, bound to the channel of `binding` (a structure of
    /// [`wsman_proto::auth::channel_bindings`]). Asks the KDC for the service's ticket, once per host.
    pub(super) fn context(
        &self,
        host: &str,
        target: &str,
        mechanism: Mechanism,
        binding: Option<&[u8]>,
    ) -> Result<(Sealing, Vec<u8>), KerberosError> {
        // GSSAPI has addresses and application data apart, and there are no addresses.
        let binding = binding.map(application_data);
        match self.first(host, target, mechanism, binding) {
            // SPNEGO hides the code of the mechanism inside of it; Kerberos alone says it plainly.
            Err(error) if mechanism == Mechanism::Spnego => {
                let plain = self.first(host, target, Mechanism::Krb5, binding);
                Err(plain.err().unwrap_or(error))
            }
            other => other,
        }
    }

    fn first(
        &self,
        host: &str,
        target: &str,
        mechanism: Mechanism,
        binding: Option<&[u8]>,
    ) -> Result<(Sealing, Vec<u8>), KerberosError> {
        let cred = self.shard(host, mechanism)?;
        let cred = cred.as_ref().unwrap_or(&self.master);
        let mut context = Context::new(Name::principal(target)?, mechanism);
        let token = context.step(Some(cred), &[], binding)?;
        Ok((Sealing { context }, token))
    }

    /// A credential of a host's own: two hosts that share one would wait for each other's KDC.
    fn shard(&self, host: &str, mechanism: Mechanism) -> Result<Option<Cred>, KerberosError> {
        let cache = {
            let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
            let next = shards.of.len() / HOSTS_PER_CACHE + 1;
            let shard = *shards.of.entry(host.to_owned()).or_insert(next);
            let cache = format!("{}-{shard}", self.prefix);
            if shard > shards.made {
                if !self.master.copy_to(&cache)? {
                    return Ok(None);
                }
                shards.made = shard;
            }
            cache
        };
        let name = self.account.as_deref().map(Name::principal).transpose()?;
        let store = Store {
            ccache: Some(cache),
            client_keytab: None,
        };
        Cred::stored(name.as_ref(), Some(&store), mechanism).map(Some)
    }
}

/// An established, or half established, context in WinRM's form.
pub(super) struct Sealing {
    context: Context,
}

impl Sealing {
    /// The host's token: it proves that the host could read the ticket.
    pub(super) fn finish(&mut self, token: &[u8]) -> Result<(), KerberosError> {
        self.context.step(None, token, None)?;
        if self.context.is_mutual_and_sealing() {
            Ok(())
        } else {
            Err(KerberosError::new(
                KerberosProblem::NotMutual,
                "the host did not prove that it can read the ticket, or cannot seal",
            ))
        }
    }
}

impl SecurityContext for Sealing {
    fn step(&mut self, token: &[u8], _binding: Option<&[u8]>) -> Result<Step, AuthError> {
        let token = self.context.step(None, token, None).map_err(refused)?;
        Ok(Step {
            token,
            complete: self.context.complete,
        })
    }

    fn seal(&mut self, plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>), AuthError> {
        let token = self.context.wrap(plain).map_err(refused)?;
        layout::split(token, plain.len()).ok_or_else(|| {
            // Their padding has a length of its own (wsman.md 6.1), which WinRM's header does not tell apart.
            AuthError(WEAK_KEY.to_owned())
        })
    }

    fn open(&mut self, header: &[u8], data: &[u8]) -> Result<Vec<u8>, AuthError> {
        self.context
            .unwrap(&[header, data].concat())
            .map_err(refused)
    }
}

fn refused(error: KerberosError) -> AuthError {
    AuthError(error.detail)
}
