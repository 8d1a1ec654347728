//! The user's page "what to do when", printed from the tables that the program itself uses.
//!
//! `WINFLEET_BLESS=1 cargo test -p cli guide` writes `orchestrator/docs/what-to-do-when.md` anew.

use std::fmt::Write as _;

use rollout::Reason;
use wsman_proto::Retry;
use wsman_proto::fault::{self, Meaning};
use wsman_proto::status::{self, Body};

use crate::command::ping_checks;

const HEAD: &str = "# What to do when

Printed from the program's own tables. `winfleet ping -i INVENTORY` says how far a connection comes and what mends it;
`winfleet report RUN` says the same of every host of a run. Numbers in a message can be looked up below.

";

const TRACE: &str = "`winfleet ping -vvv` shows each message in clear, with secrets masked; `winfleet ping --trace FILE` keeps them in a file
for support, and `winfleet ping --replay FILE` reads such a file without any network. See [`trace.md`](trace.md).

What \"tried again\" says below, a run does by itself while nothing has been written to the host, as often as its
[`retries`](gates.md) allow (twice by default); once something was written, it reads the host back instead. `ping` and
the other verbs that only read ask once, no host for longer than its `host_timeout`. Where WMI does not work and
`channel` is `auto`, the registry is read and written through `reg.exe` in a shell, without waiting.
";

/// A cell of a table: a bar would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn row(page: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    writeln!(page, "| {} |", cells.join(" | ")).expect("writing to a string");
}

fn table(page: &mut String, title: &str, intro: &str, head: &[&str]) {
    write!(page, "## {title}\n\n{intro}\n").expect("writing to a string");
    row(page, head);
    let line = vec!["---"; head.len()].join("|");
    writeln!(page, "|{line}|").expect("writing to a string");
}

/// What becomes of a failure, in a few words.
fn retried(retry: Retry) -> &'static str {
    let again = session::tried_again(retry);
    match retry {
        Retry::Backoff if again => "yes, after a pause",
        Retry::NewShell if again => "yes, with a new shell",
        Retry::Reauthenticate => "once, with a new logon",
        Retry::Poll => "asks again",
        Retry::FixRequest => "no: the request is at fault",
        Retry::Backoff | Retry::NewShell | Retry::No => "no",
    }
}

/// The same of a fault. What refuses an account is never repeated.
fn fault_retried(meaning: &Meaning) -> &'static str {
    match meaning.retry {
        _ if fault::is_enumeration_gone(meaning.code) => "yes: the enumeration is begun again",
        Retry::Reauthenticate => "no",
        retry => retried(retry),
    }
}

fn checks(page: &mut String) {
    let intro = "In the order in which a connection passes them; after the first `FAILED` the rest are `?` (not reached).\n";
    table(
        page,
        "The checks of ping",
        intro,
        &["check", "it passes when", "reasons where it fails"],
    );
    for (check, meaning, reasons) in ping_checks() {
        let reasons: Vec<String> = reasons.iter().map(|reason| format!("`{reason}`")).collect();
        row(page, &[&format!("`{check}`"), meaning, &reasons.join(" ")]);
    }
    page.push('\n');
}

fn reasons(page: &mut String) {
    let intro = "The word stands in every report as `reason`.\n";
    table(
        page,
        "Reasons of a failure",
        intro,
        &["reason", "what happened", "what to do"],
    );
    for reason in Reason::ALL.into_iter().chain([Reason::Internal]) {
        row(
            page,
            &[&format!("`{reason}`"), reason.meaning(), reason.remedy()],
        );
    }
    page.push('\n');
}

fn statuses(page: &mut String) {
    let intro = "Without SOAP it was not the WinRM service that answered, but HTTP.sys on the host or something in between.\n";
    table(
        page,
        "HTTP statuses",
        intro,
        &[
            "status",
            "body",
            "what happened",
            "tried again",
            "what to do",
        ],
    );
    for found in status::statuses() {
        let body = match found.body {
            Body::Other => "empty, HTML",
            Body::Empty => "empty",
            Body::Html => "HTML",
            Body::Soap => "SOAP",
        };
        let retry = found.retry.map_or("-", retried);
        row(
            page,
            &[
                &found.code.to_string(),
                body,
                found.cause,
                retry,
                found.remedy,
            ],
        );
    }
    page.push('\n');
}

fn faults(page: &mut String) {
    let intro = "The number of a SOAP fault, of a `ReturnValue`, or of WMI inside a fault. Windows writes the same number in decimal and in \
                 hexadecimal, and a Win32 number also as 0x8007xxxx.\n";
    let head = [
        "number",
        "hexadecimal",
        "name",
        "what happened",
        "tried again",
        "what to do",
    ];
    table(page, "Numbers of faults", intro, &head);
    for meaning in fault::meanings() {
        let Meaning {
            code,
            name,
            cause,
            remedy,
            ..
        } = meaning;
        let hex = if *code > 0xFFFF {
            format!("0x{code:08X}")
        } else {
            String::new()
        };
        row(
            page,
            &[
                &code.to_string(),
                &hex,
                name,
                cause,
                fault_retried(meaning),
                remedy,
            ],
        );
    }
    page.push('\n');
}

fn words(page: &mut String) {
    let intro = "Where a fault carries no number, these words count as one.\n";
    table(page, "Words of faults", intro, &["word", "counts as"]);
    let named = |code| fault::meaning(code).map_or("", |meaning| meaning.name);
    for alias in fault::subcodes() {
        row(
            page,
            &[&format!("subcode `{}`", alias.word), named(alias.code)],
        );
    }
    for alias in fault::cim_statuses() {
        row(
            page,
            &[&format!("CIMStatusCode {}", alias.word), named(alias.code)],
        );
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str(TRACE);
    page.push('\n');
    checks(&mut page);
    reasons(&mut page);
    statuses(&mut page);
    faults(&mut page);
    words(&mut page);
    page
}

#[test]
fn the_page_is_what_the_tables_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/what-to-do-when.md");
    let page = page();
    if std::env::var_os("WINFLEET_BLESS").is_some() {
        std::fs::write(path, &page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(path)
        .unwrap_or_default()
        .replace("\r\n", "\n");
    assert!(
        committed == page,
        "what-to-do-when.md is not what the tables say; run the test with WINFLEET_BLESS=1 and read the difference"
    );
}

/// Each row is on the page: a table that lost one would still equal itself.
#[test]
fn the_page_has_every_row() {
    let page = page();
    for reason in Reason::ALL {
        assert!(
            page.contains(&format!("| `{reason}` | {} |", reason.meaning())),
            "{reason}"
        );
    }
    for meaning in fault::meanings() {
        assert!(
            page.contains(&format!("| {} | {} |", meaning.name, cell(meaning.cause))),
            "{meaning:?}"
        );
    }
    for status in status::statuses() {
        assert!(
            page.contains(&format!("\n| {} | ", status.code)),
            "{status:?}"
        );
    }
    for (check, ..) in ping_checks() {
        assert!(page.contains(&format!("\n| `{check}` | ")), "{check}");
    }
}
