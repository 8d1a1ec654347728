//! What is judged where a setting of Defender Antivirus is written.

use super::judge::Found;
use super::subject::{Kind, is_for_offline, is_https, kind_of, text};
use super::{Check, PreflightChange};
use crate::facts::{Fact, Facts};

pub(super) fn antivirus(change: &PreflightChange<'_>, facts: &Facts, found: &mut Found<'_>) {
    let step = change.step;
    if facts.flag(Fact::AvPresent) == Some(false) {
        let detail = "the class MSFT_MpComputerStatus is not there";
        if found.missing(Check::AvMissing, step, detail) {
            return;
        }
    }
    if facts.flag(Fact::AvTamperProtected) == Some(true) {
        let by = facts.text(Fact::AvTamperSource).unwrap_or("not said");
        found.add(
            Check::TamperProtected,
            step,
            format!("switched on by: {by}"),
        );
    }
    if is_https(change) {
        let platform = facts.text(Fact::AvPlatform).unwrap_or("not known");
        let detail = format!("the platform of this host is {platform}");
        found.add(Check::HttpsAvProxy, step, detail);
    }
    if kind_of(change.target) == Kind::Ssl && is_for_offline(change) {
        let number = text(change.desired).unwrap_or_default();
        let lost = match number.as_str() {
            "0" => "neither pinning nor revocation",
            "1" => "no pinning",
            _ => "no revocation",
        };
        let detail = format!("SSLOptions {number}: {lost} is checked");
        found.add(Check::SecurityLowered, step, detail);
    }
}
