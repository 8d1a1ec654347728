//! Writes replies, whole or broken as the knobs want it.

use std::sync::atomic::Ordering;

use super::connection::End;
use super::faults::After;
use super::hostile;
use super::http::{Reply, Wire};
use super::session::Session;
use crate::dialect::HttpDialect;
use crate::host::Host;
use crate::knobs::GarbageKind;

const SOAP: &str = "application/soap+xml;charset=UTF-8";

/// Sends a reply; gives how the connection ends, where it does.
pub(super) async fn reply<S: super::connection::Socket>(
    wire: &mut Wire<S>,
    host: &Host,
    session: &mut Session,
    mut reply: Reply,
    after: After,
) -> Option<End> {
    let close = reply.close;
    let dialect = host.dialect().http;
    if let After::Garbage(GarbageKind::Xml) = after {
        reply.body = BROKEN_XML.into();
    } else if let After::Garbage(GarbageKind::Envelope) = after {
        reply.body = OTHER_ENVELOPE.into();
    } else if let After::Hostile(knob) = after {
        hostile::before_sealing(knob, &mut reply);
    }
    session.finish(&mut reply, dialect);
    let bytes = match after {
        After::Pass => reply.encode(dialect),
        After::Reset => return Some(End::Reset),
        After::Hang => return Some(End::Hang),
        After::Cut(count) => {
            let bytes = reply.encode(dialect);
            let _ = wire.send(&bytes[..count.min(bytes.len())]).await;
            // Give the client the chance to see the bytes before the reset overtakes them.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            return Some(End::Reset);
        }
        After::Garbage(kind) => garbage(kind, &reply),
        After::Hostile(knob) => {
            hostile::outside(knob, &reply).unwrap_or_else(|| reply.encode(dialect))
        }
        After::Huge(length) => return Some(huge(wire, &reply, length).await),
        After::Endless => return Some(endless(wire, &reply).await),
        After::Trickle(interval, size) => {
            for piece in reply.encode(dialect).chunks(size) {
                if wire.send(piece).await.is_err() {
                    return Some(End::Close);
                }
                tokio::time::sleep(interval).await;
            }
            Vec::new()
        }
    };
    host.tally
        .bytes_sent
        .fetch_add(bytes.len() as u64, Ordering::Relaxed);
    match wire.send(&bytes).await {
        Ok(()) if close => Some(End::Close),
        Ok(()) => None,
        Err(_) => Some(End::Close),
    }
}

const BROKEN_XML: &str = "<s:Envelope><s:Body></s:Envelope";
const OTHER_ENVELOPE: &str = "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\">\
     <s:Header><a:Action>urn:nothing</a:Action></s:Header><s:Body><x/></s:Body></s:Envelope>";

fn garbage(kind: GarbageKind, reply: &Reply) -> Vec<u8> {
    let with = |content_type, body: Vec<u8>| {
        Reply {
            status: 200,
            content_type: Some(content_type),
            body,
            ..Reply::default()
        }
        .encode(HttpDialect::default())
    };
    match kind {
        GarbageKind::Bytes => {
            b"\x16\x03\x01\x02\x00\x01\x00SSH-2.0-OpenSSH\r\n\0\xff\xfe garbage\r\n\r\n".to_vec()
        }
        GarbageKind::Html => with(
            "text/html",
            b"<html><body>Please log in to the guest network.</body></html>".to_vec(),
        ),
        // The body was exchanged before it was sealed.
        GarbageKind::Xml | GarbageKind::Envelope => {
            with(reply.content_type.unwrap_or(SOAP), reply.body.clone())
        }
        GarbageKind::Signature => {
            let mut broken = Reply {
                status: reply.status,
                content_type: reply.content_type,
                body: reply.body.clone(),
                ..Reply::default()
            };
            // The signature stands right behind the second part's head; any bit of the ciphertext does as well.
            let at = broken.body.len().saturating_sub(40);
            if let Some(byte) = broken.body.get_mut(at) {
                *byte ^= 1;
            }
            broken.encode(HttpDialect::default())
        }
    }
}

async fn huge<S: super::connection::Socket>(wire: &mut Wire<S>, reply: &Reply, length: u64) -> End {
    let kind = reply.content_type.unwrap_or(SOAP);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nServer: Microsoft-HTTPAPI/2.0\r\nContent-Length: {length}\r\n\r\n"
    );
    let filler = vec![b'A'; 64 * 1024];
    if wire.send(head.as_bytes()).await.is_err() {
        return End::Close;
    }
    let mut left = length;
    while left > 0 {
        let piece = left.min(filler.len() as u64) as usize;
        if wire.send(&filler[..piece]).await.is_err() {
            return End::Close;
        }
        left -= piece as u64;
    }
    End::Close
}

async fn endless<S: super::connection::Socket>(wire: &mut Wire<S>, reply: &Reply) -> End {
    let kind = reply.content_type.unwrap_or(SOAP);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nServer: Microsoft-HTTPAPI/2.0\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    if wire.send(head.as_bytes()).await.is_err() {
        return End::Close;
    }
    let mut chunk = b"2000\r\n".to_vec();
    chunk.resize(chunk.len() + 0x2000, b' ');
    chunk.extend(b"\r\n");
    while wire.send(&chunk).await.is_ok() {
        // So that a client that drains without judging does not occupy a core of the machine the tests run on.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    End::Close
}
