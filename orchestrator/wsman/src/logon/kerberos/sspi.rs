//! The system behind Kerberos on Windows: the logged-on user, or an account with a password, through SSPI.
//!
//! The system keeps the tickets. It asks a KDC while a context is made; it blocks then, and is called from
//! `tickets.rs` on threads made for that.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use wsman_proto::Secret;
use wsman_proto::auth::{AuthError, SecurityContext, Step};

use super::error::{KerberosError, KerberosProblem};
pub(super) use super::native::Mechanism;
use super::native::{Context, Credential, Identity};
use super::principal;
use crate::credentials::Proof;

/// The system renews the tickets by itself; after this time a password is proved again.
const WORKING_DAY: Duration = Duration::from_secs(8 * 3600);

/// What the contexts of one account are made with.
pub(super) struct Granted {
    /// As the system calls the account.
    pub(super) principal: String,
    /// When the account is proved anew.
    pub(super) until: Instant,
    /// `None` for whoever is logged on.
    account: Option<(principal::Named, Secret)>,
    kerberos: Arc<Credential>,
    /// Made when a host first wants it.
    negotiate: OnceLock<Arc<Credential>>,
}

/// Whether Kerberos can be tried for the account, without asking anybody.
pub(super) fn check(username: &str, bare: bool) -> Result<(), KerberosError> {
    principal::identity(username, bare, own_domain).map(|_| ())
}

/// Makes the account usable. A password is proved to the KDC here, once, so that a wrong one goes out once.
pub(super) fn grant(username: &str, bare: bool, proof: &Proof) -> Result<Granted, KerberosError> {
    let account = principal::identity(username, bare, own_domain)?;
    let no_name = |text: &str| KerberosError::new(KerberosProblem::NoName, text);
    match (proof, account) {
        (Proof::Password(secret), Some(account)) => {
            // The KDC's own service: every KDC has it, and gives a ticket for it to whoever proved the password.
            let service = ["krbtgt/", account.realm()].concat();
            let granted = Granted::of(Some((account, secret.clone())))?;
            // The context is gone at the end of this line, before its credential can be.
            let proved = Context::new(&service).step(&granted.kerberos, &[], None);
            match proved {
                // A KDC that says that it has no such service has taken the password before.
                Err(error) if error.problem != KerberosProblem::SpnUnknown => Err(error),
                _ => Ok(granted),
            }
        }
        (Proof::Password(_), None) => Err(no_name("a password needs a user name")),
        (Proof::TicketCache(None), None) => Granted::of(None),
        (Proof::TicketCache(None), Some(_)) => Err(no_name(
            "the logged-on user is who he is: leave 'username' out",
        )),
        (Proof::TicketCache(Some(_)) | Proof::Keytab(_), _) => Err(KerberosError::new(
            KerberosProblem::Library,
            "Windows knows no ticket cache by name and no keytab: use logged_on: true, or a password",
        )),
        (Proof::Certificate(_), _) => {
            Err(no_name("a client certificate is for auth by certificate"))
        }
    }
}

impl Granted {
    fn of(account: Option<(principal::Named, Secret)>) -> Result<Self, KerberosError> {
        let kerberos = acquire(Mechanism::Krb5, account.as_ref())?;
        let principal = match &account {
            Some((named, _)) => match &named.domain {
                Some(domain) => [&named.user, "@", domain].concat(),
                None => named.user.clone(),
            },
            None => kerberos
                .name()
                .unwrap_or_else(|| "the logged-on user".to_owned()),
        };
        Ok(Self {
            principal,
            until: Instant::now() + WORKING_DAY,
            account,
            kerberos: Arc::new(kerberos),
            negotiate: OnceLock::new(),
        })
    }

    fn credential(&self, mechanism: Mechanism) -> Result<Arc<Credential>, KerberosError> {
        let found = match mechanism {
            Mechanism::Krb5 => Some(&self.kerberos),
            Mechanism::Spnego => self.negotiate.get(),
        };
        if let Some(found) = found {
            return Ok(Arc::clone(found));
        }
        let made = Arc::new(acquire(mechanism, self.account.as_ref())?);
        // Of two that were made at the same time the second one is freed: one is as good as the other.
        Ok(Arc::clone(self.negotiate.get_or_init(|| made)))
    }

    /// A context for a host's service with its first token. The system asks the KDC for the service's ticket, once.
    pub(super) fn context(
        &self,
        _host: &str,
        target: &str,
        mechanism: Mechanism,
        binding: Option<&[u8]>,
    ) -> Result<(Sealing, Vec<u8>), KerberosError> {
        let credential = self.credential(mechanism)?;
        // The empty realm at the end is what other systems need to leave the realm to the KDC.
        let target = target.strip_suffix('@').unwrap_or(target);
        let mut context = Context::new(target);
        let token = context.step(&credential, &[], binding)?;
        Ok((
            Sealing {
                context,
                credential,
                binding: binding.map(<[u8]>::to_vec),
            },
            token,
        ))
    }
}

/// An established, or half established, context.
pub(super) struct Sealing {
    context: Context,
    credential: Arc<Credential>,
    /// SSPI wants it with each token.
    binding: Option<Vec<u8>>,
}

impl Sealing {
    /// The host's token: it proves that the host could read the ticket.
    pub(super) fn finish(&mut self, token: &[u8]) -> Result<(), KerberosError> {
        self.context
            .step(&self.credential, token, self.binding.as_deref())?;
        if !self.context.is_mutual_and_sealing() {
            return Err(KerberosError::new(
                KerberosProblem::NotMutual,
                "the host did not prove that it can read the ticket, or cannot seal",
            ));
        }
        if !self.context.is_kerberos()? {
            return Err(KerberosError::new(
                KerberosProblem::KdcUnreachable,
                "the system chose something else than Kerberos for this host",
            ));
        }
        Ok(())
    }
}

impl SecurityContext for Sealing {
    fn step(&mut self, token: &[u8], binding: Option<&[u8]>) -> Result<Step, AuthError> {
        let token = self
            .context
            .step(&self.credential, token, binding)
            .map_err(refused)?;
        Ok(Step {
            token,
            complete: self.context.complete,
        })
    }

    fn seal(&mut self, plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>), AuthError> {
        self.context.seal(plain).map_err(refused)
    }

    fn open(&mut self, header: &[u8], data: &[u8]) -> Result<Vec<u8>, AuthError> {
        self.context.open(header, data).map_err(refused)
    }
}

fn acquire(
    mechanism: Mechanism,
    account: Option<&(principal::Named, Secret)>,
) -> Result<Credential, KerberosError> {
    let identity = account.map(|(named, password)| Identity {
        user: &named.user,
        domain: named.domain.as_deref(),
        password,
    });
    Credential::acquire(mechanism, identity.as_ref())
}

/// The domain of whoever is logged on, where that is one.
fn own_domain() -> Option<String> {
    std::env::var("USERDNSDOMAIN")
        .ok()
        .filter(|domain| !domain.is_empty())
}

fn refused(error: KerberosError) -> AuthError {
    AuthError(error.detail)
}
