//! Answers that mean harm (`knobs::Hostile`): what is inside of a sealed body, and what stands around it.

use super::http::Reply;
use crate::dialect::HttpDialect;
use crate::knobs::{Hostile, HostileKind};

const END_OF_HEADER: &str = "</s:Header>";

/// Changes what a reply says, before it is sealed. Only what answers an operation: logons go on as usual.
pub(super) fn before_sealing(knob: Hostile, reply: &mut Reply) {
    let count = knob.count();
    let Ok(text) = std::str::from_utf8(&reply.body) else {
        return;
    };
    let Some((header, body)) = text.split_once(END_OF_HEADER) else {
        return;
    };
    let with = |body: &str| {
        [
            header,
            END_OF_HEADER,
            "<s:Body>",
            body,
            "</s:Body></s:Envelope>",
        ]
        .concat()
    };
    let changed = match knob.kind {
        HostileKind::EntityBomb => [&bomb(count), text].concat(),
        HostileKind::Nesting => with(&["<a>".repeat(count), "</a>".repeat(count)].concat()),
        HostileKind::Attributes => {
            let attributes: String = (0..count)
                .map(|number| format!(" a{number}=\"\""))
                .collect();
            with(&["<a", &attributes, "/>"].concat())
        }
        HostileKind::Values => match body.find("<p:ReturnValue>") {
            Some(at) if body.contains("EnumValues_OUTPUT") => {
                let values = "<p:sNames>v</p:sNames><p:Types>1</p:Types>".repeat(count);
                [header, END_OF_HEADER, &body[..at], &values, &body[at..]].concat()
            }
            _ => return,
        },
        HostileKind::Fault => {
            reply.status = 500;
            with(&fault("5", "AccessDenied", &"x".repeat(count * 1024)))
        }
        HostileKind::Timeouts => {
            reply.status = 500;
            with(&fault("2150858793", "TimedOut", "not yet"))
        }
        HostileKind::Headers | HostileKind::Multipart => return,
    };
    reply.body = changed.into_bytes();
}

/// The bytes of a reply whose outside means harm; `None` where its inside does.
pub(super) fn outside(knob: Hostile, reply: &Reply) -> Option<Vec<u8>> {
    match knob.kind {
        HostileKind::Headers => {
            let lines = "X-Filler: y\r\n".repeat(knob.count());
            let head = format!(
                "HTTP/1.1 200 OK\r\nServer: Microsoft-HTTPAPI/2.0\r\n{lines}Content-Length: 0\r\n\r\n"
            );
            Some(head.into_bytes())
        }
        HostileKind::Multipart => {
            let mut broken = Reply {
                status: reply.status,
                content_type: reply.content_type,
                body: b"--Encrypted Boundary\r\n".to_vec(),
                ..Reply::default()
            };
            broken
                .body
                .extend("\tX: y\r\n".repeat(knob.count()).bytes());
            broken.body.extend(b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=18446744073709551615\r\n");
            broken.body.extend(&reply.body);
            Some(broken.encode(HttpDialect::default()))
        }
        _ => None,
    }
}

/// Each entity is ten times the one before it.
fn bomb(count: usize) -> String {
    let mut text = "<!DOCTYPE x [<!ENTITY e0 \"lol\">".to_owned();
    for number in 1..=count {
        let before = format!("&e{};", number - 1).repeat(10);
        text += &format!("<!ENTITY e{number} \"{before}\">");
    }
    text + "]>"
}

fn fault(code: &str, subcode: &str, reason: &str) -> String {
    format!(
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:{subcode}</s:Value></s:Subcode></s:Code>\
         <s:Reason><s:Text xml:lang=\"en-US\">{reason}</s:Text></s:Reason><s:Detail>\
         <f:WSManFault xmlns:f=\"http://schemas.microsoft.com/wbem/wsman/1/wsmanfault\" Code=\"{code}\" Machine=\"h\">\
         <f:Message>{reason}</f:Message></f:WSManFault></s:Detail></s:Fault>"
    )
}
