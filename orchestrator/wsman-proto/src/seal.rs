//! The `multipart/encrypted` framing of sealed bodies (MS-WSMV 2.2.9.1, wsman.md 6.1).
//!
//! The length `H` in front of the security header and the `Length` of the first part decide where the ciphertext
//! ends. The boundary is never searched in it, because ciphertext may contain any bytes.

use std::ops::Range;

/// What sealed bodies are called: it follows the scheme of the logon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Under `Negotiate`, whatever is inside of it.
    Spnego,
    /// Under `Kerberos`.
    Kerberos,
}

impl Protocol {
    /// Content type of a sealed request.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Spnego => {
                "multipart/encrypted;protocol=\"application/HTTP-SPNEGO-session-encrypted\";\
                 boundary=\"Encrypted Boundary\""
            }
            Self::Kerberos => {
                "multipart/encrypted;protocol=\"application/HTTP-Kerberos-session-encrypted\";\
                 boundary=\"Encrypted Boundary\""
            }
        }
    }

    /// Content type of the first part.
    const fn part(self) -> &'static [u8] {
        match self {
            Self::Spnego => b"application/HTTP-SPNEGO-session-encrypted",
            Self::Kerberos => b"application/HTTP-Kerberos-session-encrypted",
        }
    }
}

const BOUNDARY: &str = "Encrypted Boundary";
/// Longer security headers exist for no mechanism.
const MAX_HEADER: usize = 4096;
/// Of a header of a part.
const MAX_LINE: usize = 1024;

/// Why a sealed body was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed body: {0}")]
pub struct FramingError(&'static str);

/// Where things are in a sealed body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Security header (signature).
    pub header: Range<usize>,
    /// Ciphertext.
    pub data: Range<usize>,
    /// `Length`: what the plain text must measure.
    pub length: usize,
}

/// Wraps a sealed message whose plain text had `length` bytes.
pub fn encode(protocol: Protocol, header: &[u8], data: &[u8], length: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(header.len() + data.len() + 320);
    body.extend_from_slice(b"--Encrypted Boundary\r\n\tContent-Type: ");
    body.extend_from_slice(protocol.part());
    body.extend_from_slice(
        b"\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=",
    );
    body.extend_from_slice(length.to_string().as_bytes());
    body.extend_from_slice(
        b"\r\n--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n",
    );
    let size = u32::try_from(header.len()).expect("a security header is some bytes long");
    body.extend_from_slice(&size.to_le_bytes());
    body.extend_from_slice(header);
    body.extend_from_slice(data);
    body.extend_from_slice(b"--Encrypted Boundary--\r\n");
    body
}

/// True for the content type of a sealed body.
pub fn is_sealed(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("multipart/encrypted")
}

/// Finds the parts of a sealed body.
pub fn decode(content_type: &str, body: &[u8]) -> Result<Frame, FramingError> {
    if !is_sealed(content_type) {
        return Err(FramingError("the content type is not multipart/encrypted"));
    }
    let boundary = boundary(content_type);
    let mut at = 0;
    // Multipart bodies of others may begin with a line end (RFC 2046 5.1.1).
    while body[at..].starts_with(b"\r\n") && at < MAX_LINE {
        at += 2;
    }
    if !is_delimiter(line(body, &mut at)?, boundary) {
        return Err(FramingError("no opening boundary"));
    }
    let mut length = None;
    loop {
        let text = line(body, &mut at)?;
        if is_delimiter(text, boundary) {
            break;
        }
        if let Some(value) = field(text, "OriginalContent") {
            length = Some(original_length(value)?);
        }
    }
    let length = length.ok_or(FramingError("no OriginalContent"))?;
    loop {
        let text = line(body, &mut at)?;
        if field(text, "Content-Type").is_some_and(is_payload) {
            break;
        }
        if text.trim().is_empty() || is_delimiter(text, boundary) {
            return Err(FramingError("no payload"));
        }
    }
    let mut size = header_size(body, at)?;
    // MIME has an empty line behind the headers of a part, Windows has none. As the length of a security header it would
    // be far too long.
    if size > MAX_HEADER && body[at..].starts_with(b"\r\n") {
        at += 2;
        size = header_size(body, at)?;
    }
    if size > MAX_HEADER {
        return Err(FramingError("the security header is too long"));
    }
    let header = at + 4..at + 4 + size;
    let end = header
        .end
        .checked_add(length)
        .ok_or(FramingError("the length is too large"))?;
    let mut rest = body
        .get(end..)
        .ok_or(FramingError("it is cut off, or its length is wrong"))?;
    // One line end, none, or one too many; and, as everywhere but here, one before the delimiter.
    while let Some(shorter) = rest.strip_suffix(b"\r\n") {
        rest = shorter;
    }
    rest = rest.strip_prefix(b"\r\n").unwrap_or(rest);
    let closing = std::str::from_utf8(rest)
        .ok()
        .and_then(|rest| rest.strip_suffix("--"));
    if !closing.is_some_and(|closing| is_delimiter(closing, boundary)) {
        return Err(FramingError(
            "its length does not lead to the closing boundary",
        ));
    }
    Ok(Frame {
        data: header.end..end,
        header,
        length,
    })
}

/// The number in front of the security header.
fn header_size(body: &[u8], at: usize) -> Result<usize, FramingError> {
    body.get(at..at + 4)
        .and_then(|size| size.try_into().ok())
        .map(u32::from_le_bytes)
        .and_then(|size| usize::try_from(size).ok())
        .ok_or(FramingError("it is cut off"))
}

/// Content type of the second part, with parameters or without.
fn is_payload(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/octet-stream")
}

/// The next header line, without its line end. Lines are short: nothing is searched beyond that.
fn line<'a>(body: &'a [u8], at: &mut usize) -> Result<&'a str, FramingError> {
    let rest = &body[*at..];
    let window = &rest[..rest.len().min(MAX_LINE)];
    let end = window
        .windows(2)
        .position(|pair| pair == b"\r\n")
        .ok_or(FramingError("a header line has no end"))?;
    *at += end + 2;
    std::str::from_utf8(&window[..end]).map_err(|_| FramingError("a header line is not text"))
}

/// Exchange writes a blank after the dashes; everybody else does not.
fn is_delimiter(line: &str, boundary: &str) -> bool {
    line.strip_prefix("--")
        .is_some_and(|rest| rest.strip_prefix(' ').unwrap_or(rest) == boundary)
}

fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (key, value) = line.split_once(':')?;
    key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
}

fn original_length(value: &str) -> Result<usize, FramingError> {
    value
        .split(';')
        .filter_map(|part| part.split_once('='))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case("Length"))
        .and_then(|(_, number)| number.trim().trim_matches('"').parse().ok())
        .ok_or(FramingError("OriginalContent has no Length"))
}

fn boundary(content_type: &str) -> &str {
    content_type
        .split(';')
        .filter_map(|part| part.split_once('='))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case("boundary"))
        .map_or(BOUNDARY, |(_, value)| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::{Protocol, decode, encode as encode_as};

    fn encode(header: &[u8], data: &[u8], length: usize) -> Vec<u8> {
        encode_as(Protocol::Spnego, header, data, length)
    }

    fn check(body: &[u8], expected: Result<(&[u8], &[u8]), &'static str>) {
        let found = decode(Protocol::Spnego.content_type(), body);
        let found = found
            .as_ref()
            .map(|frame| (&body[frame.header.clone()], &body[frame.data.clone()]));
        assert_eq!(found.map_err(|error| error.0), expected);
    }

    #[test]
    fn the_boundary_inside_the_ciphertext_is_data() {
        let data = b"x--Encrypted Boundary--\r\n--Encrypted Boundary\r\n";
        check(
            &encode(b"sixteen bytes ..", data, data.len()),
            Ok((b"sixteen bytes ..", data)),
        );
    }

    #[test]
    fn servers_may_leave_out_tabs_and_write_line_ends_behind_the_last_delimiter() {
        let body = encode(b"h", b"data", 4);
        let loose: Vec<u8> = body[..body.len() - 2]
            .iter()
            .copied()
            .filter(|byte| *byte != b'\t')
            .collect();
        check(&loose, Ok((b"h", b"data")));
        let longer = [body.as_slice(), b"\r\n"].concat();
        check(&longer, Ok((b"h", b"data")));
        let blank = String::from_utf8(body).unwrap().replace("--Enc", "-- Enc");
        check(blank.as_bytes(), Ok((b"h", b"data")));
    }

    /// A service whose multipart bodies come from a MIME library writes line ends where Windows has none.
    #[test]
    fn line_ends_of_mime_are_read() {
        let body = String::from_utf8(encode(b"h", b"data", 4)).unwrap();
        for (windows, mime) in [
            (
                "--Encrypted Boundary\r\n\tContent-Type: app",
                "\r\n--Encrypted Boundary\r\n\tContent-Type: app",
            ),
            ("Length=4\r\n", "Length=4\r\n\r\n"),
            ("octet-stream\r\n", "octet-stream\r\n\r\n"),
            ("octet-stream\r\n", "octet-stream; charset=binary\r\n"),
            ("Length=4\r\n", "Length=\"4\"\r\n"),
            ("--Encrypted Boundary--", "\r\n--Encrypted Boundary--"),
        ] {
            assert!(body.contains(windows));
            let other = body.replacen(windows, mime, 1);
            check(other.as_bytes(), Ok((b"h", b"data")));
        }
        // Line ends at the end of the ciphertext are ciphertext.
        let data = b"data\r\n\r\n";
        check(&encode(b"\r\n", data, data.len()), Ok((b"\r\n", data)));
        check("\r\n".repeat(1000).as_bytes(), Err("no opening boundary"));
    }

    #[test]
    fn a_wrong_length_is_refused() {
        check(
            &encode(b"h", b"data", 3),
            Err("its length does not lead to the closing boundary"),
        );
        check(
            &encode(b"h", b"data", 400),
            Err("it is cut off, or its length is wrong"),
        );
        check(
            &encode(b"h", b"data", usize::MAX),
            Err("the length is too large"),
        );
        check(
            &encode(&[0; 5000], b"", 0),
            Err("the security header is too long"),
        );
    }

    #[test]
    fn the_first_part_follows_the_protocol() {
        for protocol in [Protocol::Spnego, Protocol::Kerberos] {
            let body = encode_as(protocol, b"h", b"data", 4);
            let name = std::str::from_utf8(protocol.part()).unwrap();
            assert!(protocol.content_type().contains(name));
            assert!(body.windows(name.len()).any(|part| part == name.as_bytes()));
            assert!(decode(protocol.content_type(), &body).is_ok());
        }
    }
}
