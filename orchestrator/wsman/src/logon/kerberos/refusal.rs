//! What a host says of a ticket that it does not take: a KRB-ERROR (RFC 4120 5.9.1), as it is or inside of SPNEGO, whose
//! library keeps silent about it.

use wsman_proto::auth::der::element;

use super::error::{KerberosError, KerberosProblem, of_code};

/// Kerberos' object identifier as an element, and the mark of an error (RFC 4121 4.1).
const MARK: [u8; 13] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 3, 0];
/// `[APPLICATION 30]`, and `error-code [6]`.
const KRB_ERROR: u8 = 0x7e;
const ERROR_CODE: u8 = 0xa6;

/// Why the host did not take the ticket for `service`, from the token of its 401.
pub(super) fn reason(service: &str, token: Option<&[u8]>) -> KerberosError {
    let code = token.and_then(code);
    match code.and_then(of_code) {
        Some(problem @ KerberosProblem::ClockSkew) => KerberosError::new(
            problem,
            "the host says that its clock and the ticket's differ too much (clock skew)",
        ),
        Some(problem @ KerberosProblem::NoTicket) => {
            KerberosError::new(problem, "the host says that the ticket has expired")
        }
        _ => {
            let code = code.map_or_else(String::new, |code| format!(" (Kerberos error {code})"));
            KerberosError::new(
                KerberosProblem::TicketRefused,
                format!("the host refused the ticket for {service}{code}"),
            )
        }
    }
}

/// The error code in a token of the host, wherever it stands.
fn code(token: &[u8]) -> Option<i32> {
    let at = token.windows(MARK.len()).position(|part| part == MARK)?;
    let message = content(KRB_ERROR, &token[at + MARK.len()..])?;
    let mut fields = content(0x30, message)?;
    while !fields.is_empty() {
        let (tag, field, rest) = element(fields)?;
        if tag == ERROR_CODE {
            let digits = content(2, field)?;
            let short = digits.len() <= 4 && digits.first()? & 0x80 == 0;
            return short.then(|| {
                digits
                    .iter()
                    .fold(0, |sum, digit| sum << 8 | i32::from(*digit))
            });
        }
        fields = rest;
    }
    None
}

fn content(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    element(bytes)
        .filter(|(found, ..)| *found == tag)
        .map(|(_, content, _)| content)
}

#[cfg(test)]
mod tests {
    use super::{KerberosProblem, MARK, code, reason};

    /// A KRB-ERROR as hosts write it: version, type, time, code, realm.
    fn token(code: u8) -> Vec<u8> {
        let fields = [
            [0xa0, 3, 2, 1, 5].as_slice(),
            &[0xa1, 3, 2, 1, 30],
            &[0xa4, 0x11, 0x18, 0x0f],
            b"20261126201315Z",
            &[0xa5, 3, 2, 1, 7],
            &[0xa6, 3, 2, 1, code],
            &[0xa9, 6, 0x1b, 4, b'C', b'O', b'R', b'P'],
        ]
        .concat();
        let length = u8::try_from(fields.len()).unwrap();
        let error = [&[0x7e, length + 2, 0x30, length], fields.as_slice()].concat();
        let length = u8::try_from(MARK.len() + error.len()).unwrap();
        [&[0x60, length], MARK.as_slice(), &error].concat()
    }

    #[test]
    fn the_host_says_why_plainly_and_inside_of_spnego() {
        use KerberosProblem as P;
        for (code, problem) in [
            (37, P::ClockSkew),
            (32, P::NoTicket),
            (41, P::TicketRefused),
            (34, P::TicketRefused),
        ] {
            let plain = token(code);
            assert_eq!(super::code(&plain), Some(i32::from(code)));
            // NegTokenResp: rejected, with the token inside.
            let inside = [&[0xa1, 90, 0x30, 88, 0xa0, 3, 0x0a, 1, 2], plain.as_slice()].concat();
            for token in [plain, inside] {
                assert_eq!(reason("HTTP/x", Some(&token)).problem, problem, "{code}");
            }
        }
        let error = reason("HTTP/x", Some(&token(41)));
        assert_eq!(
            error.detail,
            "the host refused the ticket for HTTP/x (Kerberos error 41)"
        );
        assert_eq!(
            reason("HTTP/x", None).detail,
            "the host refused the ticket for HTTP/x"
        );
    }

    #[test]
    fn a_token_of_any_bytes_is_no_error_code() {
        let whole = token(37);
        for cut in 0..whole.len() {
            let found = code(&whole[..cut]);
            // What is cut off behind the code may say it already only if the lengths allowed that: they do not.
            assert_eq!(found, None, "cut at {cut}");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            let _ = code(&changed);
        }
        assert_eq!(
            code(&[MARK.as_slice(), &[0x7e, 0x84, 0xff, 0xff, 0xff, 0xff]].concat()),
            None
        );
    }
}
