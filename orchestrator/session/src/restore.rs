//! Taking one value back (defender-proxy reference 1.2: RB1 to RB4, RB6).
//!
//! Three-way: what was there before, what the run left, what is there now. Keys are deleted only if the run created
//! them and they are empty, one by one upwards, never with what is below them. WinHTTP's bytes are written back as
//! they were recorded.

use playbooks::registry::REG_MULTI_SZ;
use playbooks::{KeyPath, Observed, Target};
use rollout::{Reason, Restored, Standing, Undo};

use wsman::ErrorKind;

use crate::cim;
use crate::error::Trouble;
use crate::link::{Link, Road};
use crate::shell;

impl Link {
    /// Takes one value back. Idempotent; not cancel safe.
    pub(crate) async fn restore(&mut self, undo: &Undo) -> Result<Restored, Trouble> {
        let current = self.observe_one(&undo.target).await?;
        match undo.judge(&current) {
            Standing::Prior => {
                // The value is gone already, but keys that the run made may be left (a run that was killed between
                // the value and the last of them).
                let removed =
                    made_keys_are_left(undo, &current) && self.remove_created_keys(undo).await?;
                Ok(if removed {
                    Restored::Done
                } else {
                    Restored::AlreadyPrior
                })
            }
            Standing::Foreign if !undo.force => Ok(Restored::Conflict { current }),
            Standing::Ours | Standing::Foreign => {
                self.put_prior(undo).await?;
                Ok(Restored::Done)
            }
        }
    }

    async fn put_prior(&mut self, undo: &Undo) -> Result<(), Trouble> {
        let target = &undo.target;
        match &undo.prior {
            Observed::Present(raw) => {
                // RB3: a list is taken away before the old one is set.
                if target.is_av_preference() && raw.kind == REG_MULTI_SZ {
                    self.remove(target).await?;
                }
                let found = self.put(target, raw).await?;
                if found.value() != Some(raw) {
                    return Err(differs(target, &found));
                }
            }
            Observed::KeyAbsent { .. } | Observed::ValueAbsent => {
                let found = self.remove(target).await?;
                if !found.is_absent() {
                    return Err(differs(target, &found));
                }
                if made_keys_are_left(undo, &found) {
                    self.remove_created_keys(undo).await?;
                }
            }
            Observed::Opaque { why, .. } => {
                let text = format!("{target}: the prior value is not known exactly ({why})");
                return Err(Trouble::Refused(Reason::PriorNotRestorable, text));
            }
        }
        Ok(())
    }

    /// Deletes a value of a key that is nobody's but ours, and the key where nothing is left in it. Idempotent.
    pub(crate) async fn clear(&mut self, target: &Target) -> Result<(), Trouble> {
        if self.road == Road::Cim {
            match self.clear_by_cim(target).await {
                Err(trouble) if self.leaves_wmi(&trouble) => {}
                result => return result,
            }
        }
        if !self.remove(target).await?.is_absent() {
            return Err(still_there(target));
        }
        if self.key_is_empty(&target.key).await? == Some(true) {
            self.delete_empty_key(&target.key).await?;
        }
        Ok(())
    }

    /// In three requests. A key with keys below it is one that Windows itself does not delete.
    async fn clear_by_cim(&mut self, target: &Target) -> Result<(), Trouble> {
        let key = target.key.as_str();
        let deleted = self.client.delete_value(key, &target.value).await;
        self.noted(deleted)?;
        match self.client.enum_values(key).await? {
            None => return Ok(()),
            Some(left) if left.iter().any(|(name, _)| *name == target.value) => {
                return Err(still_there(target));
            }
            Some(left) if !left.is_empty() => return Ok(()),
            Some(_) => {}
        }
        self.missing.insert(target.key.clone());
        let deleted = self.client.delete_key(key).await;
        match self.noted(deleted) {
            Err(trouble) if matches!(&trouble, Trouble::Wire(error) if matches!(error.kind, ErrorKind::Registry { .. })) => {
                match cim::key_is_empty(&mut self.client, &target.key).await? {
                    Some(true) => Err(trouble),
                    Some(false) | None => Ok(()),
                }
            }
            result => result.map(drop),
        }
    }

    /// RB2. True if a key was deleted.
    async fn remove_created_keys(&mut self, undo: &Undo) -> Result<bool, Trouble> {
        let mut removed = false;
        for key in created_keys(&undo.target.key, undo.created_from()) {
            match self.key_is_empty(&key).await? {
                // Gone already: the parent may still be ours.
                None => {}
                Some(false) => break,
                Some(true) => {
                    self.delete_empty_key(&key).await?;
                    removed = true;
                }
            }
        }
        Ok(removed)
    }

    pub(crate) async fn key_is_empty(&mut self, key: &KeyPath) -> Result<Option<bool>, Trouble> {
        if self.road == Road::Cim {
            match cim::key_is_empty(&mut self.client, key).await {
                Err(trouble) if self.leaves_wmi(&trouble) => {}
                result => return result,
            }
        }
        let result = shell::key_is_empty(&mut self.client, key).await;
        self.by_shell(result)
    }

    pub(crate) async fn delete_empty_key(&mut self, key: &KeyPath) -> Result<(), Trouble> {
        self.missing.insert(key.clone());
        if self.road == Road::Cim {
            let deleted = self.client.delete_key(key.as_str()).await;
            match self.noted(deleted) {
                Err(trouble) if self.leaves_wmi(&trouble) => {}
                result => return result.map(drop),
            }
        }
        let sent = shell::delete_empty_key(&mut self.client, key).await;
        self.noted_by_shell(sent)?;
        let left = shell::key_is_empty(&mut self.client, key).await;
        match self.by_shell(left)? {
            None => Ok(()),
            Some(_) => {
                let text = format!("reg.exe did not delete the empty key {key}");
                Err(Trouble::Refused(Reason::ReadBackDiffers, text))
            }
        }
    }
}

/// A key that the run made may still be there: the target's own, or one above it where its own is gone.
fn made_keys_are_left(undo: &Undo, current: &Observed) -> bool {
    match (undo.created_from(), current) {
        (Some(_), Observed::ValueAbsent) => true,
        (Some(highest), Observed::KeyAbsent { first_missing }) => first_missing
            .self_and_ancestors()
            .skip(1)
            .any(|above| above == *highest),
        _ => false,
    }
}

/// The keys from the target's upwards to the highest one that the run created; none where that is not on the way.
fn created_keys(key: &KeyPath, highest: Option<&KeyPath>) -> Vec<KeyPath> {
    let Some(highest) = highest else {
        return Vec::new();
    };
    let mut keys: Vec<KeyPath> = Vec::new();
    for ancestor in key.self_and_ancestors() {
        let last = ancestor == *highest;
        keys.push(ancestor);
        if last {
            return keys;
        }
    }
    Vec::new()
}

fn still_there(target: &Target) -> Trouble {
    let text = format!("{target} could not be deleted");
    Trouble::Refused(Reason::ReadBackDiffers, text)
}

fn differs(target: &Target, found: &Observed) -> Trouble {
    let found = match found {
        Observed::Present(raw) => format!("type {} '{}'", raw.kind, raw.text()),
        Observed::Opaque { kind, why } => format!("a value of type {kind} ({why})"),
        Observed::KeyAbsent { .. } | Observed::ValueAbsent => "nothing".to_owned(),
    };
    let text = format!("{target}: after writing the prior state back, {found} is there");
    Trouble::Refused(Reason::ReadBackDiffers, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_created_keys_are_candidates() {
        let key = |text| KeyPath::parse(text).unwrap();
        let deep = key(r"HKLM\SOFTWARE\A\B\C");
        let keys = created_keys(&deep, Some(&key(r"HKLM\software\a\b")));
        assert_eq!(
            keys,
            [key(r"HKLM\SOFTWARE\A\B\C"), key(r"HKLM\SOFTWARE\A\B")]
        );
        assert_eq!(
            created_keys(&deep, Some(&deep)),
            std::slice::from_ref(&deep)
        );
        assert_eq!(created_keys(&deep, None), []);
        assert_eq!(created_keys(&deep, Some(&key(r"HKLM\SOFTWARE\Other"))), []);
    }
}
