//! What a session is asked to take back, and whose work it finds there: the three-way judgement.

use playbooks::{Desired, KeyPath, Observed, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::prior::{words, words_at};

/// One value to take back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undo {
    /// Where.
    pub target: Target,
    /// What was there before the run (RB0). Another word in events, where `prior` is what was found just now.
    #[serde(rename = "restore")]
    pub prior: Observed,
    /// What the run left there, as read back. For WinHTTP the recorded bytes.
    pub ours: Observed,
    /// Write `prior` even where somebody else changed the value since.
    pub force: bool,
    /// `Some` where the change may or may not have been written (indeterminate), with what was wanted: any state
    /// that satisfies it counts as ours besides `ours`.
    pub uncertain: Option<Desired>,
}

/// Whose work a present state is, as far as an [`Undo`] is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The prior content is there: nothing to do, except keys to remove (RB2).
    Prior,
    /// What the run left there: may be taken back.
    Ours,
    /// Somebody else changed it since: taken back only by force (RB6).
    Foreign,
}

impl Undo {
    /// The three-way judgement (prior, ours, current). Sessions use this and no comparison of their own.
    pub fn judge(&self, current: &Observed) -> Standing {
        if current.same_content(&self.prior) {
            Standing::Prior
        } else if current.same_content(&self.ours)
            || self
                .uncertain
                .as_ref()
                .is_some_and(|wanted| wanted.satisfied_by(current))
        {
            Standing::Ours
        } else {
            Standing::Foreign
        }
    }

    /// A foreign change with all three values, for people.
    pub fn conflict_text(&self, current: &Observed) -> String {
        let three = |words: &dyn Fn(&Observed) -> String| {
            let ours = match &self.uncertain {
                Some(wanted) => wanted.text(),
                None => words(&self.ours),
            };
            [words(&self.prior), ours, words(current)]
        };
        let mut said = three(&|state| words_at(&self.target, state));
        if said[2] == said[0] || said[2] == said[1] {
            // They read alike and are not: their bytes tell them apart.
            said = three(&words);
        }
        let [prior, ours, mut now] = said;
        // Nor do the bytes of a value that holds an account.
        if now == prior || now == ours {
            now.push_str(", with another user or password");
        }
        format!(
            "{} was changed by somebody else since: before the run {prior}, the run left {ours}, now {now}",
            self.target,
        )
    }

    /// The highest key that the run may have created and a restore may remove again where it is empty; it and the
    /// keys below it down to the target's (RB2). `None`: no key may be removed.
    pub fn created_from(&self) -> Option<&KeyPath> {
        match &self.prior {
            Observed::KeyAbsent { first_missing } => Some(first_missing),
            _ => None,
        }
    }
}

/// What became of an [`Undo`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "restored", rename_all = "snake_case")]
pub enum Restored {
    /// The prior state is back, read back.
    Done,
    /// It was there already.
    AlreadyPrior,
    /// The present state is neither prior nor ours; nothing was written (RB6).
    Conflict {
        /// What is there now.
        current: Observed,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use playbooks::RawValue;

    /// The settings of WinHTTP as bytes: marker, counter, flags, server, bypass list.
    fn winhttp(counter: u8, server: &str) -> Observed {
        let mut bytes = vec![0x28, 0, 0, 0, counter, 0, 0, 0, 3, 0, 0, 0];
        bytes.extend_from_slice(&u32::try_from(server.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(server.as_bytes());
        bytes.extend_from_slice(&[0; 4]);
        Observed::Present(RawValue { kind: 3, bytes })
    }

    #[test]
    fn a_conflict_is_told_in_words_and_in_bytes_where_words_do_not_tell_it() {
        let undo = Undo {
            target: Target::win_http_settings(),
            prior: Observed::ValueAbsent,
            ours: winhttp(0, "ours:1"),
            force: false,
            uncertain: None,
        };
        let text = undo.conflict_text(&winhttp(0, "theirs:2"));
        let said = "before the run absent, the run left 'ours:1', now 'theirs:2'";
        assert!(text.ends_with(said), "{text}");
        let text = undo.conflict_text(&winhttp(7, "ours:1"));
        assert!(text.contains("'2800000007000000"), "{text}");
    }

    #[test]
    fn a_conflict_over_an_account_is_one_in_words_too() {
        let with = |account: &str| winhttp(0, &format!("{account}@proxy:1"));
        let undo = Undo {
            target: Target::win_http_settings(),
            prior: with("svc:one"),
            ours: winhttp(0, "ours:1"),
            force: false,
            uncertain: None,
        };
        let text = undo.conflict_text(&with("svc:two"));
        assert!(text.ends_with("with another user or password"), "{text}");
        assert!(!text.contains("svc"), "{text}");
        let text = undo.conflict_text(&winhttp(0, "theirs:2"));
        assert!(!text.contains("password"), "{text}");
    }
}
