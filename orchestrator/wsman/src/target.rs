//! The URL of a listener. The name goes into URL, `Host` header and TLS; the address decides where TCP goes.

use std::net::{IpAddr, Ipv6Addr};

use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::endpoint::Endpoint;

/// A listener's URL, and a `Host` header where it cannot be taken from the URL.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) host: Option<HeaderValue>,
    /// What goes into `a:To`.
    pub(crate) to: String,
}

/// Stands in URLs for names that would bypass the resolver. Reserved (RFC 2606), and resolved by us anyway.
const PLACEHOLDER: &str = "host.invalid";

impl Target {
    pub(crate) fn new(endpoint: &Endpoint, path: &str) -> Result<Self, String> {
        let scheme = if endpoint.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let name = bare(&endpoint.name);
        let shown = match name.parse::<Ipv6Addr>() {
            Ok(address) => ["[", &address.to_string(), "]"].concat(),
            Err(_) => name.to_owned(),
        };
        if shown.is_empty()
            || shown.contains(['/', '@', '?', '#', '\\'])
            || shown.contains(char::is_whitespace)
        {
            return Err(format!("'{}' cannot be a host name", endpoint.name));
        }
        let make = |host: &str| {
            let text = format!("{scheme}://{host}:{}{path}", endpoint.port);
            Url::parse(&text)
                .map_err(|error| format!("'{}' cannot be a host name: {error}", endpoint.name))
        };
        let url = make(&shown)?;
        let to = url.to_string();
        // An IP address in the URL is dialled directly, past the resolver. That is only right when it is the
        // address; and a name like `0001`, which URLs read as an IPv4 address, never is one.
        let literal = url
            .host_str()
            .and_then(|host| bare(host).parse::<IpAddr>().ok());
        let same = |literal: IpAddr| {
            bare(&endpoint.address).parse() == Ok(literal) && name.parse() == Ok(literal)
        };
        if literal.is_none_or(same) {
            return Ok(Self {
                url,
                host: None,
                to,
            });
        }
        if endpoint.tls.is_some() {
            return Err(format!(
                "with TLS, '{}' has to be a DNS name, or an IP address equal to the address '{}'",
                endpoint.name, endpoint.address
            ));
        }
        let host = HeaderValue::from_str(&format!("{shown}:{}", endpoint.port))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            url: make(PLACEHOLDER)?,
            host: Some(host),
            to,
        })
    }
}

fn bare(name: &str) -> &str {
    name.strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::Target;
    use crate::endpoint::{Endpoint, TlsPolicy};

    fn check(name: &str, address: &str, url: &str, host: Option<&str>) {
        let mut endpoint = Endpoint::http(name, 5985);
        endpoint.address = address.to_owned();
        let target = Target::new(&endpoint, "/wsman").unwrap();
        assert_eq!(target.url.as_str(), url);
        assert_eq!(
            target.host.as_ref().map(|host| host.to_str().unwrap()),
            host
        );
    }

    #[test]
    fn names_and_addresses() {
        check(
            "pc-1.corp.example",
            "10.0.0.1",
            "http://pc-1.corp.example:5985/wsman",
            None,
        );
        check("10.0.0.1", "10.0.0.1", "http://10.0.0.1:5985/wsman", None);
        check("fd00::1", "fd00::1", "http://[fd00::1]:5985/wsman", None);
        check(
            "[fd00::1]",
            "fd00:0::1",
            "http://[fd00::1]:5985/wsman",
            None,
        );
    }

    #[test]
    fn what_looks_like_an_address_does_not_bypass_the_resolver() {
        check(
            "10.0.0.1",
            "10.9.9.9",
            "http://host.invalid:5985/wsman",
            Some("10.0.0.1:5985"),
        );
        check(
            "0001",
            "10.9.9.9",
            "http://host.invalid:5985/wsman",
            Some("0001:5985"),
        );
        let mut endpoint = Endpoint::http("10.0.0.1", 5986);
        endpoint.tls = Some(TlsPolicy::default());
        endpoint.address = "10.9.9.9".to_owned();
        assert!(Target::new(&endpoint, "/wsman").is_err());
    }

    #[test]
    fn names_that_would_change_the_url_are_refused() {
        for name in ["", "a/b", "user@host", "a b", "a?b", "a\\b"] {
            assert!(
                Target::new(&Endpoint::http(name, 5985), "/wsman").is_err(),
                "{name}"
            );
        }
    }
}
