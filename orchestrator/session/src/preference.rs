//! Preferences of Defender Antivirus (S39): read from `MSFT_MpPreference`, written by its methods `Set` and `Remove`.
//!
//! The class shows what Antivirus goes by, and a policy of the same name hides the preference. So the policy is read
//! beside it: where there is one, the preference below it cannot be seen, and what cannot be seen is not overwritten.
//! There is no second channel: a host without working WMI has no such preferences for us.

use playbooks::{KeyPath, Observed, RawValue, Target, Typed};
use rollout::Reason;
use wsman_proto::cim::Instance;

use crate::error::Trouble;
use crate::facts::NoAnswer;
use crate::link::{Link, Road};

const NAMESPACE: &str = "root/Microsoft/Windows/Defender";
const CLASS: &str = "MSFT_MpPreference";
/// What a preference may be called; the policy above it has the same name.
const PREFERENCES: [&str; 3] = ["ProxyServer", "ProxyPacUrl", "ProxyBypass"];
const POLICIES: &str = r"SOFTWARE\Policies\Microsoft\Windows Defender";
/// Shown instead of a value to whoever is no administrator.
const HIDDEN: &str = "N/A";

impl Link {
    /// Registry values and preferences, in the order asked for.
    pub(crate) async fn observe_mixed(
        &mut self,
        targets: &[Target],
    ) -> Result<Vec<Observed>, Trouble> {
        let preferences = targets.iter().filter(|target| target.is_av_preference());
        let names: Vec<&'static str> = preferences.map(known).collect::<Result<_, _>>()?;
        let values: Vec<Target> = targets
            .iter()
            .filter(|target| !target.is_av_preference())
            .cloned()
            .collect();
        let mut values = if values.is_empty() {
            Vec::new().into_iter()
        } else {
            self.observe_values(&values).await?.into_iter()
        };
        let mut found = self.preferences(&names).await?.into_iter();
        let nothing = || Trouble::Refused(Reason::Internal, "a read gave nothing".to_owned());
        let of = |target: &Target| match target.is_av_preference() {
            true => found.next().ok_or_else(nothing),
            false => values.next().ok_or_else(nothing),
        };
        targets.iter().map(of).collect()
    }

    async fn preferences(&mut self, names: &[&'static str]) -> Result<Vec<Observed>, Trouble> {
        if self.road == Road::Shell {
            let why = "preferences of Antivirus are read and written through WMI, which does not work here";
            return Err(Trouble::Refused(Reason::WmiBroken, why.to_owned()));
        }
        let query = format!("select {} from {CLASS}", names.join(", "));
        let rows = match self.ask(NAMESPACE, &query).await? {
            Ok(rows) => rows,
            // Without Antivirus there is nothing to prefer.
            Err(NoAnswer::NotThere) => return Ok(vec![Observed::ValueAbsent; names.len()]),
            Err(no) => {
                let text = format!("Antivirus does not show its preferences: {}", no.why());
                return Err(Trouble::Refused(Reason::Fault, text));
            }
        };
        let mut policies = Vec::with_capacity(names.len());
        for name in names {
            policies.push(policy(name)?);
        }
        let policies = self.observe_values(&policies).await?;
        let one = |(name, policy): (&&'static str, &Observed)| match rows
            .first()
            .map(|row| shown(name, row))
        {
            _ if !policy.is_absent() => Observed::Opaque {
                kind: 0,
                why: "a policy of the same name hides the preference".to_owned(),
            },
            Some(observed) => observed,
            None => Observed::ValueAbsent,
        };
        Ok(names.iter().zip(&policies).map(one).collect())
    }

    /// Sets a preference and reads it back. `Set` replaces; a list that was added to instead is set anew.
    pub(crate) async fn put_preference(
        &mut self,
        target: &Target,
        raw: &RawValue,
    ) -> Result<Observed, Trouble> {
        let name = known(target)?;
        let texts = match raw.to_typed() {
            Some(Typed::Sz(text)) if name != "ProxyBypass" => vec![text],
            Some(Typed::MultiSz(items)) if name == "ProxyBypass" => items,
            _ => {
                let text = format!("{target}: a preference of another type");
                return Err(Trouble::Refused(Reason::PriorNotRestorable, text));
            }
        };
        let found = self.set_preference(target, name, &texts, raw).await?;
        if found.value() == Some(raw) || name != "ProxyBypass" || found.is_absent() {
            return Ok(found);
        }
        self.remove(target).await?;
        self.set_preference(target, name, &texts, raw).await
    }

    async fn set_preference(
        &mut self,
        target: &Target,
        name: &'static str,
        texts: &[String],
        raw: &RawValue,
    ) -> Result<Observed, Trouble> {
        // Without `Force` the method may ask back, and nobody would answer (wsman.md 4.6).
        let force = ("Force", vec!["true".to_owned()]);
        let sent = self
            .client
            .call(NAMESPACE, CLASS, "Set", &[force, (name, texts.to_vec())])
            .await;
        let sent = self.noted(sent);
        let doubt = self.unless_settled_by_reading(sent)?;
        let found = self.observe_one(target).await?;
        match doubt {
            Some(trouble) if found.value() != Some(raw) => Err(trouble),
            _ => Ok(found),
        }
    }

    /// `Remove` takes switches: what is named goes back to its default (RB3).
    pub(crate) async fn send_preference_removal(&mut self, target: &Target) -> Result<(), Trouble> {
        let name = known(target)?;
        let yes = || vec!["true".to_owned()];
        let sent = self
            .client
            .call(
                NAMESPACE,
                CLASS,
                "Remove",
                &[("Force", yes()), (name, yes())],
            )
            .await;
        self.noted(sent)
    }
}

/// Names come from playbooks and from journals; no other than these is ever sent.
fn known(target: &Target) -> Result<&'static str, Trouble> {
    let known = PREFERENCES.into_iter().find(|name| *name == target.value);
    known.ok_or_else(|| {
        let text = format!("{target}: there is no such preference");
        Trouble::Refused(Reason::Internal, text)
    })
}

fn policy(name: &str) -> Result<Target, Trouble> {
    let key = KeyPath::below_local_machine(POLICIES)
        .map_err(|error| Trouble::Refused(Reason::Internal, error.to_string()))?;
    Ok(Target {
        key,
        value: name.to_owned(),
    })
}

/// Null, an empty text and an empty list all mean that there is no such preference.
fn shown(name: &str, row: &Instance) -> Observed {
    let texts = row.texts(name);
    if texts.iter().any(|text| text.starts_with(HIDDEN)) {
        return Observed::Opaque {
            kind: 0,
            why: "it is not shown to this account".to_owned(),
        };
    }
    match texts.as_slice() {
        [] | [""] => Observed::ValueAbsent,
        [text] if name != "ProxyBypass" => {
            Observed::Present(Typed::Sz((*text).to_owned()).to_raw())
        }
        items if name == "ProxyBypass" => {
            let items = items.iter().map(|item| (*item).to_owned()).collect();
            Observed::Present(Typed::MultiSz(items).to_raw())
        }
        _ => Observed::Opaque {
            kind: 0,
            why: "there is a list where one text is expected".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use wsman_proto::cim::CimValue;

    use super::*;

    fn row(name: &str, values: Vec<CimValue>) -> Instance {
        Instance {
            class: "XmlFragment".to_owned(),
            properties: vec![(name.to_owned(), values)],
        }
    }

    #[test]
    fn nothing_and_empty_are_absent() {
        let text = |text: &str| CimValue::Text(text.to_owned());
        for values in [vec![], vec![CimValue::Null], vec![text("")]] {
            let seen = shown("ProxyServer", &row("ProxyServer", values));
            assert_eq!(seen, Observed::ValueAbsent);
        }
        let seen = shown("ProxyServer", &row("ProxyServer", vec![text("http://a:1")]));
        assert_eq!(
            seen,
            Observed::Present(Typed::Sz("http://a:1".into()).to_raw())
        );
        let one = shown("ProxyBypass", &row("ProxyBypass", vec![text("10.0.0.1")]));
        assert_eq!(
            one,
            Observed::Present(Typed::MultiSz(vec!["10.0.0.1".into()]).to_raw())
        );
        for odd in [vec![text("N/A: Must be admin")], vec![text("a"), text("b")]] {
            let seen = shown("ProxyServer", &row("ProxyServer", odd));
            assert!(!seen.restorable(), "{seen:?}");
        }
    }
}
