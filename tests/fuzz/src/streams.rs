//! The output of a command: split at any byte over any number of replies, in base64, decoded as UTF-8 at the end.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wsman_proto::reply::{Reply, decode};
use wsman_proto::shell::Output;
use wsman_proto::xml::Bounds;

const ID: &str = "uuid:A";
const COMMAND: &str = "C";
/// Ends a piece. Pieces that begin with `=` are sent as they are, all others in base64.
const CUT: u8 = 0xFF;

/// Sends the pieces as the host would, and compares what was gathered with what was sent.
pub fn streams(bytes: &[u8]) {
    let mut sent = [Vec::new(), Vec::new()];
    let mut output = Output::default();
    let mut exact = true;
    for piece in bytes.split(|byte| *byte == CUT) {
        let which = usize::from(piece.first().is_some_and(|byte| byte % 2 == 1));
        let text = match piece.split_first() {
            // The host's own text: markup is wanted, so it is not escaped.
            Some((b'=', raw)) => {
                exact = false;
                String::from_utf8_lossy(raw).into_owned()
            }
            _ => {
                sent[which].extend_from_slice(piece);
                wrapped(&STANDARD.encode(piece))
            }
        };
        add(
            &mut output,
            &reply(["stdout", "stderr"][which], &text),
            exact,
        );
    }
    if exact {
        assert_eq!(output.stdout, sent[0]);
        assert_eq!(output.stderr, sent[1]);
        assert!(!output.done && output.exit_code.is_none());
        let whole = String::from_utf8(sent[0].clone());
        let read = String::from_utf8_lossy(&output.stdout);
        assert!(whole.is_err() || whole.is_ok_and(|whole| whole == read));
    } else {
        // Base64 grows by a third: what is held is bounded by what was sent.
        assert!(output.stdout.len() + output.stderr.len() <= bytes.len());
    }
}

fn add(output: &mut Output, reply: &str, exact: bool) {
    match decode(reply.as_bytes(), ID, Bounds::default()) {
        Ok(Reply::Body(body)) => {
            let added = output.add(&body, COMMAND);
            assert!(added.is_ok() || !exact);
        }
        Ok(Reply::Fault(_)) | Err(_) => assert!(!exact),
    }
}

/// Line breaks in the middle, as some hosts write them.
fn wrapped(text: &str) -> String {
    let (first, second) = text.split_at(text.len() / 2);
    [first, "\r\n\t", second].concat()
}

fn reply(stream: &str, text: &str) -> String {
    [
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' \
         xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' \
         xmlns:r='http://schemas.microsoft.com/wbem/wsman/1/windows/shell'>\
         <s:Header><a:RelatesTo>uuid:A</a:RelatesTo></s:Header><s:Body><r:ReceiveResponse>\
         <r:Stream Name='",
        stream,
        "' CommandId='C'>",
        text,
        "</r:Stream></r:ReceiveResponse></s:Body></s:Envelope>",
    ]
    .concat()
}
