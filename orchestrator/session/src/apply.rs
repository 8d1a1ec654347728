//! Writing one change and reading it back. Nothing here infers success from an exit code or from silence.

use playbooks::registry::{REG_BINARY, REG_EXPAND_SZ};
use playbooks::{AdvProxy, Change, Desired, KeyPath, Observed, RawValue, Target};
use rollout::Reason;
use wsman::{CommandOutput, Deleted, ErrorKind};

use crate::cim;
use crate::error::Trouble;
use crate::link::{Link, Road};
use crate::shell;

impl Link {
    /// Writes one change; gives what is there afterwards. Not cancel safe.
    pub(crate) async fn apply(&mut self, change: &Change) -> Result<Observed, Trouble> {
        match &change.desired {
            Desired::Value(raw) => self.put(&change.target, raw).await.map_err(not_the_prior),
            Desired::Absent => self.remove(&change.target).await,
            winhttp => self.netsh(&change.target, winhttp).await,
        }
    }

    /// Writes a value of exactly this type and these bytes, makes its key where that is missing, and reads back.
    pub(crate) async fn put(
        &mut self,
        target: &Target,
        raw: &RawValue,
    ) -> Result<Observed, Trouble> {
        if target.is_av_preference() {
            return self.put_preference(target, raw).await;
        }
        self.can_be_read_back(target, raw)?;
        let sent = self.send_value(target, raw).await;
        let doubt = self.unless_settled_by_reading(sent)?;
        let found = self.read_back(target, raw.kind).await?;
        match doubt {
            Some(trouble) if found.value() != Some(raw) => Err(trouble),
            _ => Ok(found),
        }
    }

    /// What no channel of this host would show exactly is not written: it could neither be proved nor, by a later
    /// session, be told from somebody else's value.
    fn can_be_read_back(&self, target: &Target, raw: &RawValue) -> Result<(), Trouble> {
        let by_wmi = self.road == Road::Cim && cim::shows(raw);
        let why = match self.shell_allowed() {
            _ if by_wmi => return Ok(()),
            true => match shell::shows(target, raw) {
                Ok(()) => return Ok(()),
                Err(why) => why,
            },
            false => "StdRegProv may show it changed, and channel cim forbids to ask reg.exe",
        };
        let text = format!("{target}: the value could not be read back exactly: {why}");
        Err(Trouble::Refused(Reason::ReadBackDiffers, text))
    }

    /// Deletes a value, leaves its key alone, and reads back.
    pub(crate) async fn remove(&mut self, target: &Target) -> Result<Observed, Trouble> {
        let sent = if target.is_av_preference() {
            self.send_preference_removal(target).await
        } else {
            self.send_removal(target).await
        };
        let doubt = self.unless_settled_by_reading(sent)?;
        let found = self.observe_one(target).await?;
        match doubt {
            Some(trouble) if !found.is_absent() => Err(trouble),
            _ => Ok(found),
        }
    }

    /// Makes a key empty-handed callers need; see `restore.rs` for taking keys away.
    async fn create_key(&mut self, key: &KeyPath) -> Result<(), Trouble> {
        let created = self.client.create_key(key.as_str()).await;
        self.noted(created)?;
        self.missing.remove(key);
        Ok(())
    }

    async fn send_value(&mut self, target: &Target, raw: &RawValue) -> Result<(), Trouble> {
        if self.road == Road::Cim {
            match self.send_value_by_cim(target, raw).await {
                Err(trouble) if self.leaves_wmi(&trouble) => {}
                // No form of a value without bytes was taken: reg.exe knows one.
                Err(trouble) if self.shell_allowed() && raw.bytes.is_empty() => {
                    if trouble.may_have_run() || !trouble.is_refused_value() {
                        return Err(trouble);
                    }
                }
                result => return result,
            }
        }
        let sent = shell::set(&mut self.client, target, raw).await;
        self.noted_by_shell(sent)
    }

    async fn send_value_by_cim(&mut self, target: &Target, raw: &RawValue) -> Result<(), Trouble> {
        let data = cim::registry_data(raw)?;
        if self.missing.contains(&target.key) {
            self.create_key(&target.key).await?;
        }
        let key = target.key.as_str();
        let written = self.client.write_value(key, &target.value, &data).await;
        match self.noted(written) {
            Err(trouble) if is_not_found(&trouble) => {}
            result => return result,
        }
        self.create_key(&target.key).await?;
        let written = self.client.write_value(key, &target.value, &data).await;
        self.noted(written)
    }

    async fn send_removal(&mut self, target: &Target) -> Result<(), Trouble> {
        if self.road == Road::Cim {
            let deleted = self
                .client
                .delete_value(target.key.as_str(), &target.value)
                .await;
            match self.noted(deleted) {
                Ok(Deleted::Done | Deleted::Absent) => return Ok(()),
                Err(trouble) if self.leaves_wmi(&trouble) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        let sent = shell::delete_value(&mut self.client, target).await;
        self.noted_by_shell(sent)
    }

    /// `netsh winhttp`, in the one shell. Its exit code and its text prove nothing; the bytes do. The other store of
    /// WinHTTP is shown by the same command, before the write.
    async fn netsh(&mut self, target: &Target, desired: &Desired) -> Result<Observed, Trouble> {
        let unfit = || Trouble::Refused(Reason::Internal, "no command for this state".to_owned());
        let line = shell::netsh(desired).ok_or_else(unfit)??;
        let mark = shell::mark();
        if let Some(both) = shell::showing_advproxy(&line, &mark) {
            let (output, found) = self.ran_netsh(target, desired, &both).await?;
            let parted = output.as_ref().and_then(|it| shell::parted(it, &mark));
            if let Some((shown, _)) = &parted {
                self.advproxy = AdvProxy::document(shown);
            }
            if desired.satisfied_by(&found) {
                return Ok(found);
            }
            if let (Some(output), Some((_, printed))) = (output, parted) {
                let stdout = printed.into_bytes();
                return not_there(found, Some(CommandOutput { stdout, ..output }));
            }
            // A command processor with other rules than cmd.exe's gets the one command alone.
        }
        let (output, found) = self.ran_netsh(target, desired, &line).await?;
        if desired.satisfied_by(&found) {
            return Ok(found);
        }
        not_there(found, output)
    }

    /// Runs a line and reads back; what it printed is not known where only the reading tells whether it ran.
    async fn ran_netsh(
        &mut self,
        target: &Target,
        desired: &Desired,
        line: &str,
    ) -> Result<(Option<CommandOutput>, Observed), Trouble> {
        let ran = shell::run(&mut self.client, line).await;
        let (output, doubt) = match self.noted_by_shell(ran) {
            Ok(output) => (Some(output), None),
            Err(trouble) => (None, self.unless_settled_by_reading(Err(trouble))?),
        };
        let found = self.read_back(target, REG_BINARY).await?;
        match doubt {
            Some(trouble) if !desired.satisfied_by(&found) => Err(trouble),
            _ => Ok((output, found)),
        }
    }

    /// A typed read proves the type as well: a Get of another type is refused by the host. Only where it finds
    /// nothing of that type is the whole state read.
    pub(crate) async fn read_back(
        &mut self,
        target: &Target,
        kind: u32,
    ) -> Result<Observed, Trouble> {
        if self.road == Road::Cim && kind != REG_EXPAND_SZ {
            match cim::typed_value(&mut self.client, target, kind).await {
                Ok(Some(raw)) => return Ok(Observed::Present(raw)),
                Ok(None) => {}
                Err(trouble) if self.leaves_wmi(&trouble) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        self.observe_one(target).await
    }

    /// After a fault that leaves open whether the write was carried out, while the connection is still good, the
    /// reading decides. Gives the trouble to report if the reading does not find the write.
    pub(crate) fn unless_settled_by_reading(
        &self,
        sent: Result<(), Trouble>,
    ) -> Result<Option<Trouble>, Trouble> {
        match sent {
            Ok(()) => Ok(None),
            Err(trouble) if trouble.fault().is_some() && trouble.may_have_run() => {
                Ok(Some(trouble))
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// As `noted`, for commands: a shell that could not be opened has not run anything.
    pub(crate) fn noted_by_shell<T>(&mut self, result: Result<T, Trouble>) -> Result<T, Trouble> {
        self.wrote |= match &result {
            Ok(_) => true,
            Err(trouble) => trouble.may_have_run() && !trouble.is_opening_the_shell(),
        };
        self.by_shell(result)
    }
}

/// What `netsh` left is not what was wanted: its own words, where it says that it failed.
fn not_there(found: Observed, output: Option<CommandOutput>) -> Result<Observed, Trouble> {
    let Some(output) = output.filter(|output| output.exit_code != Some(0)) else {
        return Ok(found);
    };
    let code = output
        .exit_code
        .map_or_else(|| "none".to_owned(), |code| code.to_string());
    let said = shell::said(&output);
    let text = format!("netsh ended with exit code {code}: {said}");
    Err(Trouble::Refused(Reason::ReadBackDiffers, text))
}

/// A wanted value that a channel cannot write is no prior state; the words are right, the reason is not.
fn not_the_prior(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Refused(Reason::PriorNotRestorable, text) => {
            Trouble::Refused(Reason::ReadBackDiffers, text)
        }
        other => other,
    }
}

fn is_not_found(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Wire(error) if matches!(error.kind, ErrorKind::Registry { code: 2, .. }))
}
