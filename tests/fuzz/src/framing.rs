//! Sealed bodies: `multipart/encrypted`.

use wsman_proto::seal::{Protocol, decode, encode};

/// The first line is the content type, where it is text; the rest the body. Without a line end all is the body.
pub fn framing(bytes: &[u8]) {
    let usual = Protocol::Spnego.content_type();
    let head = bytes.iter().position(|byte| *byte == b'\n');
    let (kind, body) = match head.map(|at| (std::str::from_utf8(&bytes[..at]), &bytes[at + 1..])) {
        Some((Ok(kind), body)) if kind.starts_with("multipart/") => (kind, body),
        _ => (usual, bytes),
    };
    if let Ok(frame) = decode(kind, body) {
        assert!(frame.header.start <= frame.header.end && frame.header.end == frame.data.start);
        assert!(frame.data.end <= body.len() && frame.data.len() == frame.length);
        // What we would send with these parts is read back as these parts.
        let (header, data) = (&body[frame.header], &body[frame.data]);
        for protocol in [Protocol::Spnego, Protocol::Kerberos] {
            let again = encode(protocol, header, data, data.len());
            let frame = decode(protocol.content_type(), &again).expect("our own form is read");
            assert_eq!((&again[frame.header], &again[frame.data]), (header, data));
        }
    }
}
