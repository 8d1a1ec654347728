//! One host's connection with all that is remembered about it: which channel works, whether something was written.
//!
//! Reading is here; writing in `apply.rs`, taking back in `restore.rs`, facts in `facts.rs`. The two channels are
//! `cim.rs` (`StdRegProv`) and `shell.rs` (`reg.exe`): both give exact states or say that they cannot.

use std::collections::HashSet;

use inventory::{Auth, Channel, HostName, Settings, Transport};
use playbooks::registry::REG_SZ;
use playbooks::{KeyPath, Observed, Target, Typed};
use rollout::{Cost, HostError, HostIdentity, Reason, SystemTask};
use wsman::Client;

use crate::cim::{self, Reading};
use crate::error::{Situation, Trouble, host_error, tried_again};
use crate::guard::{BareName, account_is_local};
use crate::shell;

/// The terms on which a host is spoken to, as far as they matter after connecting.
#[derive(Debug)]
pub(crate) struct Terms {
    channel: Channel,
    account: String,
    local_account: bool,
    tls: bool,
    port: u16,
}

impl Terms {
    pub(crate) fn new(host: &HostName, settings: &Settings, username: &str) -> Self {
        Self {
            channel: settings.channel.value,
            account: username.to_owned(),
            local_account: account_is_local(username, host.as_str(), bare_name(settings)),
            tls: settings.transport.value == Transport::Https,
            port: settings.port.value,
        }
    }

    pub(crate) fn situation(&self, wrote: bool) -> Situation<'_> {
        Situation {
            wrote,
            local_account: self.local_account,
            tls: self.tls,
            port: self.port,
            account: &self.account,
        }
    }
}

/// Whose account a name without a domain is on this host.
pub(crate) fn bare_name(settings: &Settings) -> BareName {
    match settings.auth.value {
        Auth::Basic => BareName::Local,
        Auth::Negotiate | Auth::Ntlm | Auth::Kerberos | Auth::Certificate => BareName::Either,
    }
}

/// How registry operations travel now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Road {
    Cim,
    Shell,
}

/// What stands in the place of a value that should have a certain type.
#[derive(Debug)]
pub(crate) enum OfKind {
    /// As it was found; `None` where nothing is there.
    Found(Option<Observed>),
    /// A value of another type, which this road does not show.
    Other,
}

/// What WMI said when it was given up.
#[derive(Debug)]
struct WmiSaid {
    text: String,
    passes: bool,
}

/// A connection to the proved machine.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) client: Client,
    terms: Terms,
    pub(crate) road: Road,
    /// What WMI said when the road was changed, for the message if the shell fails too.
    wmi_said: Option<WmiSaid>,
    identity: HostIdentity,
    /// A write left this machine, or may have.
    pub(crate) wrote: bool,
    /// The task that runs programs, while a probe asks as LocalSystem.
    pub(crate) system: Option<SystemTask>,
    /// The other store of WinHTTP, as it was seen beside the last write by netsh and not yet told.
    pub(crate) advproxy: Option<String>,
    /// Keys seen absent, so that a write creates them first instead of being refused.
    pub(crate) missing: HashSet<KeyPath>,
}

impl Link {
    /// Logs on with the first read, that of MachineGuid.
    pub(crate) async fn open(client: Client, terms: Terms) -> Result<Self, HostError> {
        let road = if terms.channel == Channel::Shell {
            Road::Shell
        } else {
            Road::Cim
        };
        let mut link = Self {
            client,
            terms,
            road,
            wmi_said: None,
            identity: HostIdentity::default(),
            wrote: false,
            system: None,
            advproxy: None,
            missing: HashSet::new(),
        };
        let guid = match link.machine_guid().await {
            Ok(guid) => guid,
            Err(trouble) => {
                let error = link.host_error(&trouble);
                return Err(error.with_spent(link.close().await));
            }
        };
        let peer = link.client.peer();
        link.identity = HostIdentity {
            computer_name: peer.computer_name.clone().or_else(|| peer.dns_name.clone()),
            machine_guid: guid,
            auth: peer.auth.clone(),
        };
        Ok(link)
    }

    pub(crate) fn identity(&self) -> &HostIdentity {
        &self.identity
    }

    pub(crate) fn cost(&self) -> Cost {
        cost(self.client.cost())
    }

    pub(crate) async fn close(self) -> Cost {
        cost(self.client.close().await)
    }

    /// Judges a failure in the light of what was written.
    pub(crate) fn host_error(&self, trouble: &Trouble) -> HostError {
        host_error(trouble, self.terms.situation(self.wrote))
    }

    /// What the session does without, and what a person can do about it.
    pub(crate) fn partly(&self) -> Option<HostError> {
        Some(without_wmi(&self.wmi_said.as_ref()?.text))
    }

    /// Reads once through a shell, where one is allowed and none has read yet.
    pub(crate) async fn try_shell(&mut self) -> Result<(), Trouble> {
        if self.road == Road::Cim && self.shell_allowed() {
            shell::observe(&mut self.client, &[machine_guid_value()?]).await?;
        }
        Ok(())
    }

    async fn machine_guid(&mut self) -> Result<Option<String>, Trouble> {
        let typed = self.known(&[(machine_guid_value()?, REG_SZ)]).await?;
        Ok(typed.into_iter().flatten().find_map(|typed| match typed {
            Typed::Sz(text) => Some(text),
            _ => None,
        }))
    }

    /// Values whose type is known beforehand; `None` for an absent one or one of another type. Expandable texts
    /// may come back expanded. Not for anything that is to be restored.
    pub(crate) async fn known(
        &mut self,
        wanted: &[(Target, u32)],
    ) -> Result<Vec<Option<Typed>>, Trouble> {
        let mut typed = Vec::with_capacity(wanted.len());
        for (target, kind) in wanted {
            let found = match self.of_kind(target.clone(), *kind).await? {
                OfKind::Found(found) => found,
                OfKind::Other => None,
            };
            let raw = found.as_ref().and_then(Observed::value);
            typed.push(raw.and_then(|raw| raw.to_typed()));
        }
        Ok(typed)
    }

    /// A value that should have this type, told apart from one that is there with another. `reg.exe` shows whichever it has.
    pub(crate) async fn of_kind(&mut self, target: Target, kind: u32) -> Result<OfKind, Trouble> {
        if self.road == Road::Cim {
            match cim::of_kind(&mut self.client, &target, kind).await {
                Err(trouble) if self.leaves_wmi(&trouble) => {}
                result => return result,
            }
        }
        let observed = self.observe_by_shell(&[target]).await?;
        Ok(OfKind::Found(observed.into_iter().next()))
    }

    /// Exact present states, in the order asked for.
    pub(crate) async fn observe(&mut self, targets: &[Target]) -> Result<Vec<Observed>, Trouble> {
        if targets.iter().any(Target::is_av_preference) {
            return self.observe_mixed(targets).await;
        }
        self.observe_values(targets).await
    }

    /// Registry values alone.
    pub(crate) async fn observe_values(
        &mut self,
        targets: &[Target],
    ) -> Result<Vec<Observed>, Trouble> {
        let observed = self.observe_by_road(targets).await?;
        for (target, found) in targets.iter().zip(&observed) {
            if matches!(found, Observed::KeyAbsent { .. }) {
                self.missing.insert(target.key.clone());
            } else {
                self.missing.remove(&target.key);
            }
        }
        Ok(observed)
    }

    /// Names of the keys right below a key; empty where it is not there.
    pub(crate) async fn keys(&mut self, key: &KeyPath) -> Result<Vec<String>, Trouble> {
        if self.road == Road::Shell {
            let why = "the keys below a key are listed through WMI only, which does not work here";
            return Err(Trouble::Refused(Reason::WmiBroken, why.to_owned()));
        }
        Ok(self
            .client
            .enum_keys(key.as_str())
            .await?
            .unwrap_or_default())
    }

    /// Names and data of all values of a key but the one called `except`; empty where the key is not there.
    pub(crate) async fn values(
        &mut self,
        key: &KeyPath,
        except: Option<&str>,
    ) -> Result<Vec<(String, Observed)>, Trouble> {
        if self.road == Road::Shell {
            let why = "the values of a key are listed through WMI only, which does not work here";
            return Err(Trouble::Refused(Reason::WmiBroken, why.to_owned()));
        }
        let Some((targets, readings)) = cim::values(&mut self.client, key, except).await? else {
            self.missing.insert(key.clone());
            return Ok(Vec::new());
        };
        self.missing.remove(key);
        let observed = self.settle(&targets, readings).await?;
        let names = targets.into_iter().map(|target| target.value);
        Ok(names.zip(observed).collect())
    }

    pub(crate) async fn observe_one(&mut self, target: &Target) -> Result<Observed, Trouble> {
        let observed = self.observe(std::slice::from_ref(target)).await?;
        let nothing = || Trouble::Refused(Reason::Internal, "a read gave nothing".to_owned());
        observed.into_iter().next().ok_or_else(nothing)
    }

    async fn observe_by_road(&mut self, targets: &[Target]) -> Result<Vec<Observed>, Trouble> {
        if self.road == Road::Cim {
            match cim::observe(&mut self.client, targets).await {
                Ok(readings) => return self.settle(targets, readings).await,
                Err(trouble) if self.leaves_wmi(&trouble) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        self.observe_by_shell(targets).await
    }

    /// Asks the shell for what `StdRegProv` cannot show exactly, all in one command.
    async fn settle(
        &mut self,
        targets: &[Target],
        readings: Vec<Reading>,
    ) -> Result<Vec<Observed>, Trouble> {
        let doubtful: Vec<Target> = targets
            .iter()
            .zip(&readings)
            .filter(|(_, reading)| matches!(reading, Reading::Doubtful { .. }))
            .map(|(target, _)| target.clone())
            .collect();
        let mut exact = if doubtful.is_empty() {
            Ok(Vec::new().into_iter())
        } else {
            self.ask_shell(&doubtful).await?.map(Vec::into_iter)
        };
        let settled = readings
            .into_iter()
            .map(|reading| match (reading, &mut exact) {
                (Reading::Exact(observed), _) => observed,
                (Reading::Doubtful { kind, why }, Ok(exact)) => {
                    exact.next().unwrap_or(Observed::Opaque { kind, why })
                }
                (Reading::Doubtful { kind, why }, Err(refusal)) => Observed::Opaque {
                    kind,
                    why: format!("{why}, and {refusal}"),
                },
            });
        Ok(settled.collect())
    }

    /// A second opinion of the shell while WMI works. The inner error says why there is none; the outer one is the
    /// loss of the host.
    async fn ask_shell(
        &mut self,
        targets: &[Target],
    ) -> Result<Result<Vec<Observed>, String>, Trouble> {
        if self.terms.channel == Channel::Cim {
            return Ok(Err(
                "channel cim forbids to ask reg.exe in a shell".to_owned()
            ));
        }
        match shell::observe(&mut self.client, targets).await {
            Ok(observed) => Ok(Ok(observed)),
            Err(trouble) => match trouble.fault() {
                Some(fault) if !fault.is_timeout() => Ok(Err(format!("the shell says: {fault}"))),
                _ => Err(trouble),
            },
        }
    }

    async fn observe_by_shell(&mut self, targets: &[Target]) -> Result<Vec<Observed>, Trouble> {
        let result = shell::observe(&mut self.client, targets).await;
        let observed = self.by_shell(result)?;
        Ok(targets
            .iter()
            .zip(observed)
            .map(|(target, found)| shell::only_if_writable(target, found))
            .collect())
    }

    /// Adds what WMI said where the shell refuses as well.
    pub(crate) fn by_shell<T>(&self, result: Result<T, Trouble>) -> Result<T, Trouble> {
        result.map_err(|trouble| match (&self.wmi_said, trouble.fault()) {
            (Some(wmi), Some(fault)) if !fault.is_timeout() => Trouble::Neither {
                said: format!(
                    "WMI does not work ({}), and the shell neither: {fault}",
                    wmi.text
                ),
                remedy: fault.remedy,
                passes: wmi.passes || tried_again(fault.retry),
            },
            _ => trouble,
        })
    }

    /// Whether to go on through the shell after this failure; if so, the road is changed for good.
    pub(crate) fn leaves_wmi(&mut self, trouble: &Trouble) -> bool {
        let leaves = self.terms.channel == Channel::Auto && trouble.is_wmi_broken();
        if leaves {
            let said = match trouble {
                Trouble::Wire(error) => error.to_string(),
                Trouble::Refused(_, text) | Trouble::Neither { said: text, .. } => text.clone(),
            };
            tracing::debug!(said, "WMI does not work here, going on with reg.exe");
            self.wmi_said = Some(WmiSaid {
                text: said,
                passes: self.host_error(trouble).passes,
            });
            self.road = Road::Shell;
        }
        leaves
    }

    /// Whether reg.exe may be used on this host at all.
    pub(crate) fn shell_allowed(&self) -> bool {
        self.terms.channel != Channel::Cim
    }

    /// Remembers that a write left, whatever became of it.
    pub(crate) fn noted<T>(&mut self, result: Result<T, wsman::Error>) -> Result<T, Trouble> {
        let result = result.map_err(Trouble::Wire);
        self.wrote |= match &result {
            Ok(_) => true,
            Err(trouble) => trouble.may_have_run(),
        };
        result
    }
}

/// What a host can do where WMI said this and a shell takes its place.
pub(crate) fn without_wmi(said: &str) -> HostError {
    let detail = format!(
        "WMI does not work ({said}): reg.exe in a shell takes its place for the registry, but facts, preflight and probes that need WMI \
         cannot be read"
    );
    let remedy = "check WMI on the host (winmgmt /verifyrepository, service winmgmt)";
    HostError::failed(Reason::WmiBroken, detail).with_remedy(remedy)
}

fn machine_guid_value() -> Result<Target, Trouble> {
    Ok(Target {
        key: KeyPath::below_local_machine(r"SOFTWARE\Microsoft\Cryptography")
            .map_err(|error| Trouble::Refused(Reason::Internal, error.to_string()))?,
        value: "MachineGuid".to_owned(),
    })
}

/// As the engine counts it.
pub(crate) fn cost(cost: wsman::Cost) -> Cost {
    let wsman::Cost {
        requests,
        sent,
        received,
        connections,
    } = cost;
    Cost {
        requests,
        sent,
        received,
        connections,
    }
}
