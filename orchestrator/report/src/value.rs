//! A registry value in the two forms of a report: for people, and as JSON (product contract, section 5).

use playbooks::{Observed, RawValue, Target, WinHttpSettings, type_name};
use serde_json::Value;

use crate::shape::Found;

/// For people: `absent`, `REG_SZ "text"`, `REG_DWORD 1`; the WinHTTP blob is decoded.
pub fn text(target: &Target, observed: &Observed) -> String {
    match observed {
        Observed::KeyAbsent { .. } => "absent (no key)".to_owned(),
        Observed::ValueAbsent => "absent".to_owned(),
        Observed::Present(value) => present(target, value),
        // A preference has no registry type of its own.
        Observed::Opaque { why, .. } if target.is_av_preference() => {
            format!("not readable: {why}")
        }
        Observed::Opaque { kind, why } => {
            format!(
                "{} whose exact content cannot be read: {why}",
                type_name(*kind)
            )
        }
    }
}

fn present(target: &Target, value: &RawValue) -> String {
    if *target == Target::win_http_settings()
        && let Ok(settings) = WinHttpSettings::decode_value(value)
    {
        return settings.to_string();
    }
    value.text()
}

/// `type:hex`; `type:***` where the bytes hold a user and password in front of a host.
pub(crate) fn bytes(value: &RawValue) -> String {
    let bytes = value.shown_bytes();
    format!("{}:{}", value.kind, bytes.as_deref().unwrap_or("***"))
}

/// `{state, type, bytes, text}`; a value that could not be read exactly, or holds a user and password, has no `bytes`.
pub fn json(target: &Target, observed: &Observed) -> Value {
    // Our own types serialised to memory: cannot fail.
    serde_json::to_value(Found::of(target, observed)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use playbooks::Typed;
    use rollout::Outcome;

    use super::*;
    use crate::groups::Side;
    use crate::{Timeline, csv, html, json, sample};

    /// In every form of every report, as text and as bytes.
    #[test]
    fn a_user_and_password_of_an_earlier_proxy_stand_in_no_report() {
        let old = Observed::Present(Typed::Sz("http://bob:geheim@old:8080".to_owned()).to_raw());
        let mut host = sample::host("pc-1", Outcome::Ok, None);
        let change = &mut host.steps[0].changes[0];
        let target = change.target.clone();
        (change.before, change.after) = (old.clone(), Some(old.clone()));
        let record = sample::run(vec![host]);
        let side = Side::observed(&target, &old);
        assert_eq!(side.text, "REG_SZ 'http://***@old:8080'");
        assert_eq!(side.json["bytes"], Value::Null);
        let reports = [
            json::pretty(&json::run(&record)),
            csv::run(&record),
            html::page(&record, &Timeline::default(), &html::Evidence::default()),
            side.json.to_string(),
        ];
        for report in reports {
            assert!(report.contains("***@old:8080"), "{report}");
            assert!(!report.contains("geheim"), "{report}");
            assert!(!report.contains("67006500"), "{report}");
        }
    }
}
