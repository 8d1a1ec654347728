//! Sealed bodies: `multipart/encrypted` as reference 6.1 lays it out, byte for byte.

use crate::dialect::{Delimiter, HttpDialect, PartHeaders, PartLines, PartsEnd};

/// What a sealed body is called, by the scheme of its logon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Under `Negotiate`.
    #[default]
    Spnego,
    /// Under `Kerberos`.
    Kerberos,
}

impl Protocol {
    /// The `Content-Type` of a sealed reply.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Spnego => {
                "multipart/encrypted;protocol=\"application/HTTP-SPNEGO-session-encrypted\";boundary=\"Encrypted Boundary\""
            }
            Self::Kerberos => {
                "multipart/encrypted;protocol=\"application/HTTP-Kerberos-session-encrypted\";boundary=\"Encrypted Boundary\""
            }
        }
    }

    /// The `Content-Type` of the first part.
    fn part(self) -> &'static str {
        match self {
            Self::Spnego => "application/HTTP-SPNEGO-session-encrypted",
            Self::Kerberos => "application/HTTP-Kerberos-session-encrypted",
        }
    }

    /// The protocol of a request's `Content-Type`; `None` where it is not sealed.
    pub(crate) fn of(content_type: &str) -> Option<Self> {
        let kind = content_type.to_ascii_lowercase();
        if !kind.starts_with("multipart/encrypted") {
            return None;
        }
        [Self::Spnego, Self::Kerberos]
            .into_iter()
            .find(|protocol| kind.contains(&protocol.part().to_ascii_lowercase()))
    }
}

const BOUNDARY: &str = "--Encrypted Boundary";

/// A sealed body taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sealed<'a> {
    /// Length of the clear text, as declared.
    pub(crate) length: usize,
    /// Charset of the clear text is UTF-16.
    pub(crate) utf16: bool,
    pub(crate) signature: &'a [u8],
    pub(crate) data: &'a [u8],
}

/// Takes a sealed body apart; `None` where it deviates from the layout. The ciphertext may contain the boundary, so
/// only lengths decide where it ends.
pub(crate) fn read(protocol: Protocol, body: &[u8]) -> Option<Sealed<'_>> {
    let mut rest = body;
    let (length, utf16) = head(protocol, &mut rest)?;
    expect(&mut rest, BOUNDARY)?;
    let line = line(&mut rest)?;
    if line.trim_start_matches('\t') != "Content-Type: application/octet-stream" {
        return None;
    }
    let header = usize::try_from(u32::from_le_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
    let signature = rest.get(4..4usize.checked_add(header)?)?;
    let data = rest.get(4 + header..)?;
    // With RC4 and with AES the ciphertext is as long as the clear text.
    let (data, end) = data.split_at_checked(length)?;
    let end = std::str::from_utf8(end).ok()?;
    (end.trim_end_matches("\r\n") == "--Encrypted Boundary--").then_some(Sealed {
        length,
        utf16,
        signature,
        data,
    })
}

fn head(protocol: Protocol, rest: &mut &[u8]) -> Option<(usize, bool)> {
    expect(rest, BOUNDARY)?;
    let kind = line(rest)?.trim_start_matches('\t');
    if kind.strip_prefix("Content-Type: ")? != protocol.part() {
        return None;
    }
    let original = line(rest)?
        .trim_start_matches('\t')
        .strip_prefix("OriginalContent:")?
        .trim()
        .to_string();
    let mut parts = original.split(';');
    if !parts
        .next()?
        .eq_ignore_ascii_case("type=application/soap+xml")
    {
        return None;
    }
    let (mut length, mut utf16) = (None, false);
    for part in parts {
        let (name, value) = part.split_once('=')?;
        match name.trim().to_ascii_lowercase().as_str() {
            "charset" if value.eq_ignore_ascii_case("utf-8") => {}
            "charset" if value.eq_ignore_ascii_case("utf-16") => utf16 = true,
            "length" => length = Some(value.trim().parse().ok()?),
            _ => return None,
        }
    }
    Some((length?, utf16))
}

fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let line = std::str::from_utf8(&rest[..end]).ok()?;
    *rest = &rest[end + 2..];
    Some(line)
}

fn expect(rest: &mut &[u8], wanted: &str) -> Option<()> {
    (line(rest)? == wanted).then_some(())
}

/// A sealed reply.
pub(crate) fn write(
    protocol: Protocol,
    signature: &[u8],
    data: &[u8],
    dialect: HttpDialect,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 300);
    let tab = match dialect.part_headers {
        PartHeaders::Tab => "\t",
        PartHeaders::Bare => "",
    };
    let boundary = match dialect.delimiter {
        Delimiter::Tight => BOUNDARY,
        Delimiter::Blank => "-- Encrypted Boundary",
    };
    let end = match dialect.parts_end {
        PartsEnd::LineEnd => "\r\n",
        PartsEnd::Bare => "",
        PartsEnd::BlankLine => "\r\n\r\n",
    };
    let (first, line) = match dialect.part_lines {
        PartLines::Windows => ("", ""),
        PartLines::Mime => ("", "\r\n"),
        PartLines::Leading => ("\r\n", ""),
    };
    let head = format!(
        "{first}{boundary}\r\n{tab}Content-Type: {}\r\n\
         {tab}OriginalContent: type=application/soap+xml;charset=UTF-8;Length={}\r\n{line}\
         {boundary}\r\n{tab}Content-Type: application/octet-stream\r\n{line}",
        protocol.part(),
        data.len()
    );
    out.extend(head.bytes());
    out.extend((signature.len() as u32).to_le_bytes());
    out.extend(signature);
    out.extend(data);
    out.extend(format!("{line}{boundary}--{end}").bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(protocol: Protocol, signature: &[u8], data: &[u8]) -> Vec<u8> {
        super::write(protocol, signature, data, HttpDialect::default())
    }

    #[test]
    fn what_is_written_can_be_read_even_with_a_boundary_inside() {
        let data = b"--Encrypted Boundary\r\n--Encrypted Boundary--\r\n";
        let body = write(Protocol::Spnego, &[1; 16], data);
        let sealed = read(Protocol::Spnego, &body).unwrap();
        assert_eq!(
            (sealed.signature, sealed.data, sealed.length),
            (&[1u8; 16][..], &data[..], data.len())
        );
        assert!(body.ends_with(b"--Encrypted Boundary--\r\n"));
        assert_eq!(read(Protocol::Kerberos, &body), None, "another protocol");
    }

    #[test]
    fn the_protocol_stands_in_the_content_type() {
        for protocol in [Protocol::Spnego, Protocol::Kerberos] {
            assert_eq!(Protocol::of(protocol.content_type()), Some(protocol));
        }
        assert_eq!(Protocol::of("multipart/encrypted"), None);
        assert_eq!(
            Protocol::of("application/soap+xml;x=application/HTTP-SPNEGO-session-encrypted"),
            None
        );
    }

    #[test]
    fn tabs_and_the_last_line_end_are_optional_the_rest_is_not() {
        let body = write(Protocol::Spnego, &[1; 16], b"x");
        let text = |bytes: &[u8]| {
            bytes
                .iter()
                .map(|byte| char::from(*byte))
                .collect::<String>()
        };
        let plain: Vec<u8> = text(&body).replace('\t', "").bytes().collect();
        assert!(read(Protocol::Spnego, &plain).is_some());
        assert!(read(Protocol::Spnego, &body[..body.len() - 2]).is_some());
        for cut in 0..body.len() - 2 {
            assert_eq!(read(Protocol::Spnego, &body[..cut]), None, "cut at {cut}");
        }
        for (from, to) in [
            ("--Encrypted", "-- Encrypted"),
            ("Length=1", "Length=2"),
            ("soap+xml", "json"),
            ("UTF-8", "latin1"),
        ] {
            let broken: Vec<u8> = text(&body).replacen(from, to, 1).bytes().collect();
            assert_eq!(read(Protocol::Spnego, &broken), None, "{from}");
        }
    }
}
