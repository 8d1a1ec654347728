//! Facts that only programs of Windows show, run in the host's one shell: the other store of WinHTTP by
//! `netsh winhttp show advproxy` (reference 2.7; its heading is localised, the JSON below it is not), and whether the lists
//! of certificates can be fetched, by `curl.exe` (F18).
//!
//! A command costs two to four requests whatever it does, so registry values may travel in the same one.

use playbooks::{AdvProxy, Fact, FactSet, FactValue, Facts, Observed, Source, Target};

use super::local_policy;
use super::registry::target;
use crate::error::Trouble;
use crate::link::Link;
use crate::shell;

/// Served by the same network as the lists of revoked certificates (reference 3.10).
const LISTS: &str =
    "http://ctldl.windowsupdate.com/msdownload/update/v3/static/trustedr/en/pinrulesstl.cab";
/// Seconds that the list may take.
const PATIENCE: u32 = 10;

/// What one command is asked for: facts by the program that shows them, and registry values.
struct Asked {
    adv_proxy: Vec<Fact>,
    lists: Vec<Fact>,
    local: Vec<Fact>,
    values: Vec<(Target, Fact)>,
}

impl Asked {
    fn of(wanted: &FactSet) -> Result<Self, Trouble> {
        let of = |source: Source| {
            let facts = wanted.iter();
            facts.filter(move |fact| fact.row().source == source)
        };
        Ok(Self {
            adv_proxy: of(Source::AdvProxy).collect(),
            lists: of(Source::CertificateLists).collect(),
            local: of(Source::LocalPolicy).collect(),
            values: match wanted.in_one_command {
                Some(_) => places(wanted)?,
                None => Vec::new(),
            },
        })
    }

    fn is_nothing(&self) -> bool {
        self.programs().next().is_none() && self.values.is_empty()
    }

    fn programs(&self) -> impl Iterator<Item = Fact> {
        let facts = self.adv_proxy.iter().chain(&self.lists).chain(&self.local);
        facts.copied()
    }

    /// What only programs show is not known; for the values there are other ways, and whoever asks has to choose them.
    fn not_shown(&self, facts: &mut Facts, why: &str) {
        self.programs().for_each(|fact| facts.set_unread(fact, why));
    }

    /// In this order [`Self::read`] takes what they print.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.adv_proxy.is_empty() {
            lines.push(shell::SHOW_ADVPROXY.to_owned());
        }
        if !self.lists.is_empty() {
            lines.push(fetch());
        }
        if !self.local.is_empty() {
            lines.push(local_policy::show());
        }
        lines
    }

    fn read(
        self,
        wanted: &FactSet,
        facts: &mut Facts,
        found: Vec<Option<Observed>>,
        printed: Vec<String>,
    ) {
        let mut printed = printed.into_iter();
        if !self.adv_proxy.is_empty() {
            let text = printed.next().unwrap_or_default();
            let shown = AdvProxy::shown(&text);
            for fact in self.adv_proxy {
                match &shown {
                    // It knows the command, and what it shows says nothing.
                    None if text.contains('{') => {
                        let why = "what 'netsh winhttp show advproxy' prints is no JSON";
                        facts.set_malformed(fact, why);
                    }
                    shown => facts.set(fact, value(fact, shown.as_ref())),
                }
            }
        }
        if !self.lists.is_empty() {
            let answer = fetched(&printed.next().unwrap_or_default());
            for fact in self.lists {
                match &answer {
                    Some(reached) => facts.set(fact, FactValue::Bool(*reached)),
                    None => facts.set_unread(fact, "this Windows has no curl.exe"),
                }
            }
        }
        if !self.local.is_empty() {
            local_policy::note(&printed.next().unwrap_or_default(), wanted, facts);
        }
        for ((_, fact), found) in self.values.into_iter().zip(found) {
            note(facts, fact, found);
        }
    }
}

impl Link {
    /// Reads what is shown by programs, and with it all registry values of `wanted` where that is asked for.
    pub(super) async fn program_facts(
        &mut self,
        wanted: &FactSet,
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let asked = Asked::of(wanted)?;
        if asked.is_nothing() {
            return Ok(());
        }
        if !self.shell_allowed() {
            asked.not_shown(facts, "channel cim forbids to run a program in a shell");
            return Ok(());
        }
        let targets = asked.values.iter().map(|(target, _)| target.clone());
        let targets: Vec<Target> = targets.collect();
        let receives = wanted.in_one_command.map(|command| command.receives);
        let answers = shell::ask_all(&mut self.client, &targets, &asked.lines(), receives).await;
        match answers {
            Ok(Some((found, printed))) => asked.read(wanted, facts, found, printed),
            Ok(None) => asked.not_shown(
                facts,
                "the command that reads it was not done within the requests of the preflight",
            ),
            Err(trouble) => {
                let why = self.unread(trouble)?;
                asked.not_shown(facts, &why);
                let values = asked.values.iter();
                values.for_each(|(_, fact)| facts.set_unread(*fact, why.clone()));
            }
        }
        Ok(())
    }
}

/// The registry values among the facts that are wanted.
fn places(wanted: &FactSet) -> Result<Vec<(Target, Fact)>, Trouble> {
    let places = wanted.iter().filter_map(|fact| match fact.row().source {
        Source::Registry(key, value, _) | Source::Listed(key, value) => Some((key, value, fact)),
        _ => None,
    });
    places
        .map(|(key, value, fact)| Ok((target(key, value)?, fact)))
        .collect()
}

/// `reg query` does not tell absent from denied: what is not shown counts as not there.
fn note(facts: &mut Facts, fact: Fact, found: Option<Observed>) {
    match found {
        None | Some(Observed::ValueAbsent | Observed::KeyAbsent { .. }) => {
            facts.set(fact, FactValue::Null);
        }
        Some(found) => facts.note_observed(fact, &found),
    }
}

/// Prints the far end's status, and a line end so that what follows begins a line of its own.
fn fetch() -> String {
    let format = shell::argument(r"%{http_connect} %{http_code} %{ssl_verify_result}\n");
    // The text stands here and can be quoted.
    let format = format.unwrap_or_default();
    format!("curl.exe -sS -o NUL -m {PATIENCE} --noproxy * -w {format} {LISTS}")
}

/// Whether the list came; `None`: nothing was printed, so that there is no such program.
fn fetched(printed: &str) -> Option<bool> {
    let status = printed.split_whitespace().nth(1)?;
    Some(status == "200")
}

fn value(fact: Fact, shown: Option<&AdvProxy>) -> FactValue {
    if fact == Fact::AdvProxyKnown {
        return FactValue::Bool(shown.is_some());
    }
    let Some(shown) = shown else {
        return FactValue::Null;
    };
    let text = |text: &Option<String>| text.clone().map_or(FactValue::Null, FactValue::Text);
    match fact {
        Fact::AdvProxyServer => text(&shown.server),
        Fact::AdvProxyBypass => text(&shown.bypass),
        Fact::AdvProxyPacUrl => text(&shown.pac_url),
        _ => FactValue::Bool(shown.auto_detect),
    }
}

#[cfg(test)]
mod tests {
    use super::fetched;

    #[test]
    fn the_list_came_or_not_or_nobody_can_say() {
        assert_eq!(fetched("000 200 0\r\n"), Some(true));
        assert_eq!(fetched("000 000 0\r\n"), Some(false));
        assert_eq!(fetched("000 403 0\r\n"), Some(false));
        assert_eq!(fetched(""), None);
    }
}
