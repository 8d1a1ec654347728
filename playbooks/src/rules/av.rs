//! Defender Antivirus: `ProxyServer` (S30), `ProxyPacUrl` (S37), `ProxyBypass` (S38).

use std::net::IpAddr;

use super::address::{check_host, host_and_port, plain, split_url, url};
use super::{Invalid, Notes};

const SERVER: &str = "http://host:port, for example http://10.0.0.6:8080";

/// Judges an AV proxy: `https?://host:port`, a single trailing slash tolerated.
pub(crate) fn av_server(text: &str, notes: &mut Notes) -> Result<String, Invalid> {
    judge_server(text, notes).map_err(|mut error| {
        error.expected.get_or_insert_with(|| SERVER.to_owned());
        error
    })?;
    Ok(text.to_owned())
}

fn judge_server(text: &str, notes: &mut Notes) -> Result<(), Invalid> {
    plain(text)?;
    if text.contains([',', ';', '=']) {
        return Err(Invalid::new(format!("'{text}' is a list"))
            .hint("one proxy only; a list is a matter of winhttp_proxy"));
    }
    if !text.contains("://") {
        let error = Invalid::new(format!("'{text}' has no scheme")).expected(SERVER);
        return Err(error.hint(format!(
            "Defender Antivirus takes a URL; the bare host:port belongs to edr_proxy: write 'http://{}'",
            text.trim_start_matches('/')
        )));
    }
    let url = split_url(text)
        .map_err(|error| error.or_hint("socks and other schemes are not honoured"))?;
    if !matches!(url.rest, "" | "/") {
        return Err(Invalid::new(format!(
            "the path '{}' has no place in a proxy address",
            url.rest
        ))
        .hint("a .pac file stands in pac_url"));
    }
    if url.authority.starts_with('[') {
        return Err(Invalid::new("an IPv6 literal is not taken here")
            .hint("Defender for Endpoint needs IPv4"));
    }
    match url.authority.contains(':') {
        true => host_and_port(url.authority, notes)?,
        false => {
            check_host(url.authority, notes)?;
            return Err(Invalid::new(format!("'{text}' has no port")));
        }
    }
    if url.scheme == "https" {
        notes.push(format!(
            "'{text}': https to the proxy itself needs a recent Antivirus platform; prefer http://"
        ));
    }
    Ok(())
}

/// Judges a PAC address.
pub(crate) fn av_pac_url(text: &str, notes: &mut Notes) -> Result<String, Invalid> {
    const EXPECTED: &str =
        "an http:// or https:// URL, for example http://proxy.contoso.com/proxy.pac";
    if text.starts_with("\\\\") {
        return Err(Invalid::new("a UNC path is not taken")
            .expected(EXPECTED)
            .hint("publish the .pac file on a web server"));
    }
    if text.to_ascii_lowercase().starts_with("file:") {
        return Err(Invalid::new("'file:' is not taken")
            .expected(EXPECTED)
            .hint("publish the .pac file on a web server"));
    }
    url(text, notes).map_err(|mut error| {
        error.expected.get_or_insert_with(|| EXPECTED.to_owned());
        error
    })
}

/// Judges the bypass policy: one entry, a URL or an IP address. The separator of several entries inside the policy
/// string is not documented, so lists are refused.
pub(crate) fn av_bypass(text: &str, notes: &mut Notes) -> Result<String, Invalid> {
    const EXPECTED: &str = "one URL or IP address, for example http://intranet.contoso.com";
    let refuse = |message: String| Invalid::new(message).expected(EXPECTED);
    if text.contains([';', ',']) {
        return Err(refuse(format!("'{text}' is a list"))
            .hint("the separator inside this policy is not documented: one entry only; lists belong to winhttp_proxy"));
    }
    if text.contains(['<', '>', '*']) {
        return Err(refuse(format!("'{text}' is a pattern"))
            .hint("'<local>' and '*' belong to winhttp_proxy's bypass"));
    }
    plain(text).map_err(|error| error.expected(EXPECTED))?;
    if text.parse::<IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    let range = text
        .split_once('/')
        .map(|(address, _)| address.parse::<IpAddr>());
    if let Some(Ok(address)) = range {
        return Err(
            refuse(format!("'{text}' is a range of addresses")).hint(format!(
                "one address only, such as '{address}', or a URL; ranges have no form here"
            )),
        );
    }
    if !text.contains("://") {
        return Err(
            refuse(format!("'{text}' is neither a URL nor an IP address"))
                .hint(format!("write 'http://{text}'")),
        );
    }
    url(text, notes).map_err(|mut error| {
        error.expected.get_or_insert_with(|| EXPECTED.to_owned());
        error
    })
}
