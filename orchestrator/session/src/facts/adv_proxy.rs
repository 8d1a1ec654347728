//! The other store of WinHTTP, which only `netsh winhttp show advproxy` shows (reference 2.7): one command in the
//! host's one shell. Its heading is localised, the JSON below it is not.

use playbooks::{AdvProxy, Fact, FactSet, FactValue, Facts, Source};

use crate::error::Trouble;
use crate::link::Link;
use crate::shell;

const COMMAND: &str = "netsh winhttp show advproxy";

impl Link {
    pub(super) async fn adv_proxy_facts(
        &mut self,
        wanted: &FactSet,
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let asked = wanted
            .iter()
            .filter(|fact| fact.row().source == Source::AdvProxy);
        let shown = if self.shell_allowed() {
            match shell::run(&mut self.client, COMMAND).await {
                Ok(output) => Ok(AdvProxy::shown(&String::from_utf8_lossy(&output.stdout))),
                Err(trouble) => Err(self.unread(trouble)?),
            }
        } else {
            Err("channel cim forbids to ask netsh in a shell".to_owned())
        };
        for fact in asked {
            match &shown {
                Ok(shown) => facts.set(fact, value(fact, shown.as_ref())),
                Err(why) => facts.set_unread(fact, why.clone()),
            }
        }
        Ok(())
    }
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
