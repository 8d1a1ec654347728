//! `WWW-Authenticate` and `Authorization` (wsman.md 1.3, 5.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// A scheme a host offers, with its token if it sent one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// As the host wrote it.
    pub scheme: String,
    /// Decoded.
    pub token: Option<Vec<u8>>,
}

/// There are half a dozen schemes, none longer than this.
const MAX_OFFERS: usize = 50;
const MAX_SCHEME: usize = 40;

/// Reads the values of all `WWW-Authenticate` headers: one line for each scheme, or several joined by commas.
pub fn offers<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Offer> {
    let mut found = Vec::new();
    for line in lines {
        for part in split(line) {
            let (scheme, rest) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
            // `realm="x"` is a parameter of the scheme before it.
            if scheme.is_empty() || scheme.len() > MAX_SCHEME || scheme.contains(['=', '"']) {
                continue;
            }
            if found.len() >= MAX_OFFERS {
                return found;
            }
            let rest = rest.trim();
            let token = if rest.is_empty() {
                None
            } else {
                STANDARD.decode(rest).ok()
            };
            found.push(Offer {
                scheme: scheme.to_owned(),
                token,
            });
        }
    }
    found
}

/// Splits at commas outside quotes.
fn split(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    line.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .map(str::trim)
}

/// `SCHEME base64(token)`.
pub fn authorization(scheme: &str, token: &[u8]) -> String {
    [scheme, " ", &STANDARD.encode(token)].concat()
}

/// The Basic header, in UTF-8. Only for verified TLS; that rule is the caller's.
pub fn basic(username: &str, password: &Secret) -> Zeroizing<String> {
    let plain = Zeroizing::new([username, ":", password.expose()].concat());
    let encoded = Zeroizing::new(STANDARD.encode(plain.as_bytes()));
    Zeroizing::new(["Basic ", &encoded].concat())
}

#[cfg(test)]
mod tests {
    use super::offers;

    #[test]
    fn separate_and_joined_lines_are_read() {
        let names = |lines: &[&str]| {
            offers(lines.iter().copied())
                .into_iter()
                .map(|offer| offer.scheme)
                .collect::<Vec<_>>()
        };
        let all = ["Negotiate", "Kerberos", "Basic", "CredSSP"];
        assert_eq!(
            names(&["Negotiate", "Kerberos", "Basic realm=\"WSMAN\"", "CredSSP"]),
            all
        );
        assert_eq!(
            names(&["Negotiate, Kerberos, Basic realm=\"W,S\", charset=\"UTF-8\", CredSSP"]),
            all
        );
        assert_eq!(
            offers(["Negotiate YWJj"])[0].token.as_deref(),
            Some(b"abc".as_slice())
        );
        assert_eq!(offers(["Negotiate !!"])[0].token, None);
        let flood = "a,".repeat(30_000) + &"b".repeat(60_000);
        assert_eq!(offers([flood.as_str()]).len(), 50);
    }
}
