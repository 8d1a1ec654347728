//! V3 and V4: programs of Windows run in the host's one shell, nothing is installed (reference 3.11). `curl.exe` gives
//! the answer of the proxy and that of the far end; .NET shows who vouches for the certificate, and stands in where a
//! Windows has no curl. What they print is not localised: numbers, and words of our own.

use playbooks::road::{self, Curl, Shown};
use playbooks::{Facts, Finding, TargetVerdict, To, Verdict, named_by_host};
use wsman::CommandOutput;

use super::program::Program;
use crate::error::Trouble;
use crate::link::Link;
use crate::shell;

/// Seconds that one address may take.
const PATIENCE: u32 = 20;

impl Link {
    pub(super) async fn proxy_tcp(&mut self, via: &str) -> Result<Verdict, Trouble> {
        let Some((host, port)) = via.rsplit_once(':') else {
            return Ok(Verdict::new(Finding::Unclear, "the proxy has no port"));
        };
        // The cmdlet takes an IPv6 address as it is.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let script = format!(
            "Test-NetConnection -ComputerName {host} -Port {port} -InformationLevel Quiet -WarningAction SilentlyContinue"
        );
        let output = match self.tool(&Program::Script(script)).await? {
            Ok(output) => output,
            Err(why) => return Ok(Verdict::new(Finding::ToolMissing, why)),
        };
        let words = String::from_utf8_lossy(&output.stdout);
        Ok(match words.split_whitespace().last() {
            Some("True") => Verdict::new(Finding::PortOpen, format!("{via} takes a connection")),
            Some("False") => Verdict::new(
                Finding::ProxyUnreachable,
                format!("{via} takes no connection from the host"),
            ),
            _ => Verdict::new(Finding::ToolMissing, shell::said(&output)),
        })
    }

    pub(super) async fn proxy_connect(
        &mut self,
        via: Option<&str>,
        to: &To,
        facts: &Facts,
    ) -> Result<Verdict, Trouble> {
        let urls = match to {
            To::Urls(urls) => urls.clone(),
            To::Defender { all } => match named_by_host(facts, *all) {
                Some(urls) => urls,
                None => {
                    let why = "the host is not onboarded and names no addresses";
                    return Ok(Verdict::new(
                        Finding::NotApplicable,
                        format!("{why}; the probe can name a region"),
                    ));
                }
            },
        };
        let mut found = Vec::with_capacity(urls.len());
        for url in &urls {
            match self.curl(via, url).await? {
                Ok(Some(target)) => found.push(target),
                Ok(None) => break,
                Err(why) => return Ok(Verdict::new(Finding::ToolMissing, why)),
            }
        }
        let by_curl = found.len() == urls.len();
        // The script speaks to the usual port.
        let usual = |url: &&String| url.starts_with("https://") && !road::name(url).contains(':');
        let secure: Vec<&String> = urls.iter().filter(usual).collect();
        // An answer of the proxy itself ends the matter: there is no certificate to look at.
        let look = via.filter(|_| !by_curl || found.iter().any(open));
        let shown = match look {
            Some(via) => self.shown(via, &secure).await?,
            None => Vec::new(),
        };
        let of = |url: &str| {
            let place = secure.iter().position(|other| *other == url)?;
            shown.get(place)
        };
        if by_curl {
            let urls = urls.iter();
            let targets = found.into_iter().zip(urls);
            let looked = |url: &String| look.is_some() && secure.contains(&url);
            let targets = targets.map(|(found, url)| match of(url) {
                _ if !open(&found) => found,
                Some(shown) if shown.issuer.is_some() => road::with_issuer(found, Some(shown)),
                shown if looked(url) => road::without_issuer(found, shown),
                _ => found,
            });
            return Ok(Verdict::of_targets(targets.collect()));
        }
        let targets: Vec<TargetVerdict> = urls
            .iter()
            .filter_map(|url| Some(road::judged_by_shown(url, of(url)?)))
            .collect();
        if targets.is_empty() {
            let why = "there is no curl.exe, and PowerShell did not answer";
            return Ok(Verdict::new(Finding::ToolMissing, why));
        }
        Ok(Verdict::of_targets(targets))
    }

    /// One address by curl; the inner `None`: there is no curl.
    async fn curl(
        &mut self,
        via: Option<&str>,
        url: &str,
    ) -> Result<Result<Option<TargetVerdict>, String>, Trouble> {
        let first = match self.run_curl(via, url, false).await? {
            Ok(Some(first)) => first,
            Ok(None) => return Ok(Ok(None)),
            Err(why) => return Ok(Err(why)),
        };
        let unchecked = if first.may_be_revocation() {
            self.run_curl(via, url, true).await?.ok().flatten()
        } else {
            None
        };
        let found = road::judged(url, via.is_some(), &first, unchecked.as_ref());
        Ok(Ok(Some(found)))
    }

    async fn run_curl(
        &mut self,
        via: Option<&str>,
        url: &str,
        unchecked: bool,
    ) -> Result<Result<Option<Curl>, String>, Trouble> {
        let wanted = "%{http_connect} %{http_code} %{ssl_verify_result}";
        // The variables of an environment must not divert a probe that asks without proxy.
        let proxy = match via {
            Some(via) => format!("-x http://{via}"),
            None => "--noproxy *".to_owned(),
        };
        let patience = PATIENCE.to_string();
        let mut arguments = vec!["-sS", "-o", "NUL", "-m", patience.as_str()];
        arguments.extend(proxy.split(' '));
        arguments.extend(unchecked.then_some("--ssl-no-revoke"));
        arguments.extend(["-w", wanted, url]);
        let arguments = arguments.into_iter().map(str::to_owned);
        let output = match self.tool(&Program::Curl(arguments.collect())).await? {
            Ok(output) => output,
            Err(why) => return Ok(Err(why)),
        };
        let out = String::from_utf8_lossy(&output.stdout);
        let exit = output.exit_code.unwrap_or(-1);
        Ok(Ok(Curl::printed(exit, &out, &shell::said(&output))))
    }

    /// What TLS shows behind the proxy for each of these addresses, in as few processes as their lines of command take. Where
    /// one does not tell of all of its own, the rest is not asked.
    async fn shown(&mut self, via: &str, urls: &[&String]) -> Result<Vec<Shown>, Trouble> {
        let Some((host, port)) = via.rsplit_once(':') else {
            return Ok(Vec::new());
        };
        let mut all = Vec::with_capacity(urls.len());
        for urls in batches(urls) {
            let script = script(host, port, urls);
            let Ok(output) = self.tool(&Program::Script(script)).await? else {
                break;
            };
            let shown = read(&String::from_utf8_lossy(&output.stdout), urls.len());
            let complete = shown.len() == urls.len();
            all.extend(shown);
            if !complete {
                break;
            }
        }
        Ok(all)
    }

    /// A program that reads, as whom the probe says; the inner error says why it cannot be asked.
    pub(super) async fn tool(
        &mut self,
        program: &Program,
    ) -> Result<Result<CommandOutput, String>, Trouble> {
        if let Some(task) = self.system.clone() {
            return self.run_as_system(&task, program).await;
        }
        match program.line() {
            Ok(line) => self.command(&line).await,
            Err(why) => Ok(Err(why)),
        }
    }

    /// A line of cmd that reads.
    pub(super) async fn command(
        &mut self,
        line: &str,
    ) -> Result<Result<CommandOutput, String>, Trouble> {
        if !self.shell_allowed() {
            return Ok(Err(
                "channel cim forbids to run a program in a shell".to_owned()
            ));
        }
        match shell::run(&mut self.client, line).await {
            Ok(output) => Ok(Ok(output)),
            Err(trouble) => Ok(Err(self.unread(trouble)?)),
        }
    }
}

/// The road itself is open, so that a certificate can be looked at. An unreachable list of revoked certificates may be that
/// of an inspecting authority, which often names none.
fn open(found: &TargetVerdict) -> bool {
    matches!(
        found.finding,
        Finding::ConnectedThroughProxy
            | Finding::TlsFailed
            | Finding::TlsInspected
            | Finding::RevocationUnreachable
    )
}

/// Characters of addresses in one script; a line of cmd takes 8191 in all.
const BATCH: usize = 5000;

/// The addresses in their order, in parts that each fit into one script.
fn batches<'a, 'u>(urls: &'a [&'u String]) -> impl Iterator<Item = &'a [&'u String]> {
    let mut rest = urls;
    std::iter::from_fn(move || {
        let mut left = BATCH;
        let fit = rest.iter().take_while(|url| {
            // Quotes and comma; each apostrophe is doubled.
            let cost = url.len() + url.matches('\'').count() + 3;
            let fits = cost <= left;
            left = left.saturating_sub(cost);
            fits
        });
        // No address is that long (`rules/address.rs`); one at a time is the least.
        let count = fit.count().max(1).min(rest.len());
        let (batch, behind) = rest.split_at(count);
        rest = behind;
        (!batch.is_empty()).then_some(batch)
    })
}

/// CONNECT by hand, then TLS with any certificate, which is shown and not trusted: no secret travels.
fn script(host: &str, port: &str, urls: &[&String]) -> String {
    let list: Vec<String> = urls
        .iter()
        .filter_map(|url| url.strip_prefix("https://"))
        .map(|rest| {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            format!("'{host}|/{}'", path.replace('\'', "''"))
        })
        .collect();
    let wait = PATIENCE * 1000;
    format!(
        "$p='{host}';$o={port};$u={list};$n=[string][char]13+[char]10;foreach($e in $u){{try{{$h,$a=$e.Split('|');\
$c=New-Object Net.Sockets.TcpClient;if(-not $c.ConnectAsync($p,$o).Wait({wait})){{throw 'timeout'}};$s=$c.GetStream();\
$s.ReadTimeout={wait};$q=[Text.Encoding]::ASCII.GetBytes('CONNECT '+$h+':443 HTTP/1.1'+$n+'Host: '+$h+':443'+$n+$n);\
$s.Write($q,0,$q.Length);$r='';while(-not $r.EndsWith($n+$n)){{$i=$s.ReadByte();if($i -lt 0){{break}};$r+=[char]$i}};\
'connect '+$r.Split(' ')[1];if($r.Split(' ')[1] -eq '200'){{$t=New-Object Net.Security.SslStream($s,$false,{{$true}});\
$t.AuthenticateAsClient($h,$null,3072,$false);'issuer '+$t.RemoteCertificate.Issuer;\
$q=[Text.Encoding]::ASCII.GetBytes('GET '+$a+' HTTP/1.1'+$n+'Host: '+$h+$n+'Connection: close'+$n+$n);$t.Write($q,0,$q.Length);\
$t.ReadTimeout={wait};$r='';while($r.Length -lt 12){{$i=$t.ReadByte();if($i -lt 0){{break}};$r+=[char]$i}};'answer '+$r.Split(' ')[1]}}}}\
catch{{'error '+$_.Exception.GetBaseException().Message}};if($c){{$c.Close()}};'next'}}",
        list = list.join(","),
    )
}

/// What the script printed, address by address.
fn read(text: &str, count: usize) -> Vec<Shown> {
    let mut all = Vec::with_capacity(count);
    let mut shown = Shown::default();
    for line in text.lines().map(str::trim) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "connect" => shown.connect = rest.parse().ok(),
            "issuer" => shown.issuer = Some(rest.chars().take(300).collect()),
            "answer" => shown.status = rest.parse().ok(),
            "error" => shown.error = Some(rest.chars().take(200).collect()),
            "next" => all.push(std::mem::take(&mut shown)),
            _ => {}
        }
    }
    all.truncate(count);
    all
}

#[cfg(test)]
mod tests {
    use super::super::program::powershell;
    use super::*;

    #[test]
    fn the_script_survives_cmd() {
        let urls: Vec<String> = (0..30)
            .map(|n| format!("https://ussus{n}eastprod.blob.core.windows.net/storage/it's"))
            .collect();
        let urls: Vec<&String> = urls.iter().collect();
        let script = script("p.example", "8080", &urls);
        assert!(
            !script.contains(['"', '%', '^', '!']) && !script.contains(['\r', '\n']),
            "{script}"
        );
        assert!(powershell(&script).len() < 8000);
        assert!(script.contains("/storage/it''s'"));
    }

    #[test]
    fn many_addresses_are_parted_so_that_each_line_can_be_sent() {
        let urls: Vec<String> = (0..200)
            .map(|n| format!("https://host-{n}.corp.example/a/rather/long/path?and=a&query='{n}'"))
            .collect();
        let urls: Vec<&String> = urls.iter().collect();
        let parts: Vec<&[&String]> = batches(&urls).collect();
        assert!(parts.len() > 1);
        assert_eq!(parts.concat(), urls);
        for part in parts {
            assert!(powershell(&script("p.example", "8080", part)).len() < 8000);
        }
        assert_eq!(batches(&[]).count(), 0);
        let long = format!("https://a.example/{}", "x".repeat(6000));
        assert_eq!(batches(&[&long, &long]).count(), 2);
    }

    #[test]
    fn what_it_prints_is_read_address_by_address() {
        let text = "connect 200\r\nissuer CN=X, O=Microsoft Corporation\r\nanswer 404\r\nnext\r\nconnect 407\r\nnext\r\nerror no route\r\nnext\r\n";
        let shown = read(text, 3);
        assert_eq!((shown[0].connect, shown[0].status), (Some(200), Some(404)));
        assert_eq!(shown[1].connect, Some(407));
        assert_eq!(shown[2].error.as_deref(), Some("no route"));
    }
}
