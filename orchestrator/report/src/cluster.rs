//! Hosts that did not succeed, grouped by cause: what a person reads instead of 600 red lines.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use rollout::{HostRecord, Outcome, Reason};

/// Hosts with one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster<'a> {
    /// How they ended.
    pub outcome: Outcome,
    /// The machine-readable cause, where there is one.
    pub reason: Option<Reason>,
    /// The first host's own words; untrusted.
    pub detail: Option<&'a str>,
    /// What to do about it.
    pub remedy: Option<&'a str>,
    /// Their names, in the order of the inventory.
    pub hosts: Vec<&'a str>,
}

/// What makes two causes the same: everything but the host's own names and addresses.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    outcome: Outcome,
    reason: Option<Reason>,
    detail: String,
}

/// Groups all hosts that are neither as wanted nor back as they were, and those that are back because they themselves had
/// failed: why a run took itself back. Largest first; hosts that were merely never started come last.
pub fn clusters(hosts: &[HostRecord]) -> Vec<Cluster<'_>> {
    let mut found: BTreeMap<Key, Cluster<'_>> = BTreeMap::new();
    for host in hosts.iter().filter(|host| match host.outcome {
        Outcome::Ok => false,
        Outcome::RolledBack => host.reason.is_some(),
        _ => true,
    }) {
        let detail = host.detail.as_deref();
        let key = Key {
            outcome: host.outcome,
            reason: host.reason,
            detail: detail
                .map(|text| general(numbered(text), host.name.as_str()))
                .unwrap_or_default(),
        };
        let cluster = found.entry(key).or_insert_with(|| Cluster {
            outcome: host.outcome,
            reason: host.reason,
            detail,
            remedy: host.remedy.as_deref(),
            hosts: Vec::new(),
        });
        cluster.hosts.push(host.name.as_str());
    }
    let mut clusters: Vec<Cluster<'_>> = found.into_values().collect();
    clusters.sort_by_key(|cluster| {
        (
            cluster.outcome == Outcome::NotStarted,
            usize::MAX - cluster.hosts.len(),
        )
    });
    clusters
}

/// The text up to the name and number of a Windows error, such as `Get: ERROR_ACCESS_DENIED (5)`: what the host says
/// behind it is the same in the language of the host. The whole text where there is none or it has no name.
fn numbered(text: &str) -> &str {
    let number = |(at, _): (usize, &str)| {
        let (name, code) = text[..at].rsplit_once(" (")?;
        let name = name.rsplit(' ').next()?;
        let named = name.len() > 1
            && name
                .chars()
                .all(|c| matches!(c, 'A'..='Z' | '0'..='9' | '_'));
        let numeric = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
        (named && numeric).then_some(&text[..=at])
    };
    text.match_indices("): ").find_map(number).unwrap_or(text)
}

/// Stands for what is one host's own.
pub(crate) const OWN: &str = "*";

/// The text without what differs from host to host: its name, its short name, addresses and machine ids. A list of them is
/// one, however long.
pub fn general(text: &str, host: &str) -> String {
    let short = host.split('.').next().unwrap_or(host);
    let word = |word: &str| -> String {
        let bare = word
            .trim_matches(|c: char| matches!(c, '\'' | '"' | '(' | ')' | ',' | ';' | ':' | '.'));
        let name = bare.rsplit_once(':').map_or(bare, |(name, _port)| name);
        // A service is named by its class and its host: HTTP/pc-0001.corp.example.
        let name = name.rsplit_once('/').map_or(name, |(_class, name)| name);
        let own = name.eq_ignore_ascii_case(host) || name.eq_ignore_ascii_case(short);
        let address = bare.parse::<IpAddr>().is_ok() || bare.parse::<SocketAddr>().is_ok();
        let id = bare.len() == 36 && bare.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        if own || address || id {
            word.replacen(bare, OWN, 1)
        } else {
            word.to_owned()
        }
    };
    let mut words: Vec<String> = text.split_whitespace().map(word).collect();
    let listed = |word: &str| word.strip_suffix(',').unwrap_or(word) == OWN;
    words.dedup_by(|next, first| listed(first) && listed(next));
    // The last of a list has no comma, and which one is left says how long it was.
    for word in &mut words {
        if listed(word) {
            OWN.clone_into(word);
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::host;

    #[test]
    fn the_name_of_a_service_holds_that_of_its_host() {
        let told = |host: &str| general(&format!("the target name HTTP/{host}, refused"), host);
        assert_eq!(told("b.x"), told("c.x"));
        assert_ne!(
            told("b.x"),
            general("the target name HTTP/alias.x, refused", "b.x")
        );
    }

    #[test]
    fn one_cause_is_one_cluster_whatever_the_host_is_called() {
        let failed = |name: &str, detail: &str| {
            host(name, Outcome::Failed, Some((Reason::WrongHost, detail)))
        };
        let hosts = [
            host("a.x", Outcome::Ok, None),
            failed("b.x", "'b.x' answers as OTHER (10.0.0.1:5985)"),
            host("d.x", Outcome::NotStarted, None),
            failed("c.x", "'c.x' answers as OTHER (10.0.0.2:5985)"),
            host("e.x", Outcome::NotStarted, None),
            host("f.x", Outcome::NotStarted, None),
        ];
        let found = clusters(&hosts);
        let shape: Vec<(Outcome, Vec<&str>)> = found
            .iter()
            .map(|cluster| (cluster.outcome, cluster.hosts.clone()))
            .collect();
        assert_eq!(
            shape,
            [
                (Outcome::Failed, vec!["b.x", "c.x"]),
                (Outcome::NotStarted, vec!["d.x", "e.x", "f.x"])
            ]
        );
    }

    /// However many addresses a host has.
    #[test]
    fn a_list_of_addresses_is_one_cause() {
        let blocked = |name: &str, addresses: &str| {
            let detail = format!("no_ipv4: its addresses are {addresses}");
            host(
                name,
                Outcome::Failed,
                Some((Reason::PreflightBlocked, &detail)),
            )
        };
        let hosts = [
            blocked("a.x", "fe80::1"),
            blocked("b.x", "fe80::2, 2001:db8::7"),
            blocked("c.x", "169.254.1.1, fe80::2, 2001:db8::7"),
        ];
        assert_eq!(clusters(&hosts).len(), 1);
    }

    #[test]
    fn the_cause_of_a_breach_is_there_after_its_host_was_taken_back() {
        let hosts = [
            host("a.x", Outcome::RolledBack, None),
            host(
                "b.x",
                Outcome::RolledBack,
                Some((Reason::AccessDenied, "no")),
            ),
        ];
        let found = clusters(&hosts);
        assert_eq!((found.len(), &found[0].hosts[..]), (1, &["b.x"][..]));
    }

    #[test]
    fn hosts_of_all_languages_share_a_cause() {
        let denied = |name: &str, words: &str| {
            let detail = format!("GetStringValue: ERROR_ACCESS_DENIED (5){words}");
            host(name, Outcome::Failed, Some((Reason::AccessDenied, &detail)))
        };
        let hosts = [
            denied("a", ": Access is denied"),
            denied("b", ": Zugriff verweigert"),
            denied("c", ""),
            denied("d", " on the key"),
        ];
        let found = clusters(&hosts);
        assert_eq!(found[0].hosts, ["a", "b", "c"]);
        assert_eq!(found.len(), 2);
        assert_eq!(
            numbered("unknown (0): other words"),
            "unknown (0): other words"
        );
    }

    #[test]
    fn different_faults_stay_apart() {
        let hosts = [
            host(
                "a",
                Outcome::Failed,
                Some((Reason::Fault, "fault 0x80338012")),
            ),
            host(
                "b",
                Outcome::Failed,
                Some((Reason::Fault, "fault 0x80338000")),
            ),
        ];
        assert_eq!(clusters(&hosts).len(), 2);
    }
}
