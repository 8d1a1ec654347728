//! Replies: the envelope around a body or a fault (reference 2.3), and Identify.

use std::sync::Arc;

use super::envelope::Meta;
use super::fault::Fault;
use super::xml::{element, escape, text};
use super::{Answer, Body, uri};
use crate::dialect::{ActivityId, FaultRelatesTo, Machine, MessageIds, RelatesTo, rewritten};
use crate::host::Host;

/// The envelope of a result.
pub(super) fn envelope(host: &Arc<Host>, meta: &Meta, result: Result<Body, Fault>) -> Answer {
    let answer = match &result {
        // Identify has no addressing headers, in either direction.
        Ok(body) if body.action.is_empty() => Answer {
            status: 200,
            xml: plain(&body.xml),
            robust: false,
        },
        Ok(body) => wrap(host, meta, &body.action, &body.xml, 200),
        Err(fault) => refuse(host, meta, fault),
    };
    let answer = written(host, answer);
    if answer.xml.len() > meta.max_envelope && answer.status == 200 {
        return written(host, refuse(host, meta, &Fault::new(2_150_858_790)));
    }
    answer
}

/// In the host's prefixes and layout. Not where a knob is about to change the text by its own means.
fn written(host: &Host, answer: Answer) -> Answer {
    let knobs = host.knobs();
    if knobs.hostile.is_some() || knobs.garbage.is_some() {
        return answer;
    }
    Answer {
        xml: rewritten(answer.xml, host.dialect().xml),
        ..answer
    }
}

fn refuse(host: &Arc<Host>, meta: &Meta, fault: &Fault) -> Answer {
    let identity = host.identity();
    let dialect = host.dialect().faults;
    let machine = match dialect.machine {
        Machine::DnsName => identity.dns_name.as_str(),
        Machine::Empty => "",
        Machine::Address => "127.0.0.1",
    };
    let silent = Meta {
        message_id: None,
        ..meta.clone()
    };
    let meta = match dialect.relates_to {
        FaultRelatesTo::Present => meta,
        FaultRelatesTo::Absent => &silent,
    };
    let fault = fault.clone().in_dialect(dialect);
    let body = fault.body(machine, host.options.language, dialect);
    wrap(host, meta, &fault.action(), &body, 500)
}

fn wrap(host: &Arc<Host>, meta: &Meta, action: &str, body: &str, status: u16) -> Answer {
    let dialect = host.dialect().xml;
    let fresh = || {
        let id = uuid::Uuid::new_v4().to_string();
        match dialect.message_ids {
            MessageIds::Upper => id.to_uppercase(),
            MessageIds::Lower => id,
        }
    };
    let mut header = text("a:Action", action) + &text("a:MessageID", &format!("uuid:{}", fresh()));
    if !host.options.legacy && dialect.activity_id == ActivityId::Present {
        header += &text("p:ActivityId", &fresh());
    }
    if let Some((operation, sequence)) = &meta.robust {
        header += &(text("p:OperationID", operation) + &text("p:SequenceId", sequence));
    }
    header += &text("a:To", uri::ANONYMOUS);
    if let Some(id) = &meta.message_id {
        let id = match dialect.relates_to {
            _ if host.knobs().wrong_relates_to => {
                "uuid:00000000-0000-0000-0000-000000000000".to_owned()
            }
            RelatesTo::AsSent => id.clone(),
            RelatesTo::Lower => id.to_lowercase(),
        };
        header += &text("a:RelatesTo", &id);
    }
    let xml = format!(
        "{}{}{}",
        open(host),
        element("s:Header", &header),
        close(body)
    );
    Answer {
        status,
        xml,
        robust: meta.robust.is_some(),
    }
}

fn open(host: &Host) -> String {
    format!(
        "<s:Envelope xml:lang=\"{}\" xmlns:s=\"{}\" xmlns:a=\"{}\" xmlns:x=\"{}\" xmlns:e=\"{}\" xmlns:n=\"{}\" xmlns:w=\"{}\" xmlns:p=\"{}\">",
        host.options.language.tag(),
        uri::S,
        uri::A,
        uri::X,
        uri::E,
        uri::N,
        uri::W,
        uri::P
    )
}

fn close(body: &str) -> String {
    if body.is_empty() {
        "<s:Body/></s:Envelope>".into()
    } else {
        format!("<s:Body>{body}</s:Body></s:Envelope>")
    }
}

/// An envelope without headers.
pub(super) fn plain(body: &str) -> String {
    format!(
        "<s:Envelope xml:lang=\"en-US\" xmlns:s=\"{}\"><s:Header/>{}",
        uri::S,
        close(body)
    )
}

/// The identity of a host; an anonymous caller is told less.
pub(super) fn identify(host: &Host, authenticated: bool) -> Body {
    let stack = if host.options.legacy { "2.0" } else { "3.0" };
    let version = if authenticated {
        format!("10.0.{}", host.options.os.build)
    } else {
        "0.0.0".into()
    };
    let mut inner = text(
        "i:ProtocolVersion",
        "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    ) + &text("i:ProductVendor", "Microsoft Corporation")
        + &text(
            "i:ProductVersion",
            &format!("OS: {version} SP: 0.0 Stack: {stack}"),
        );
    if authenticated && !host.options.legacy {
        let profile = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/http/spnego-kerberos";
        inner += &element(
            "i:SecurityProfiles",
            &text("i:SecurityProfileName", profile),
        );
    }
    let xml = format!(
        "<i:IdentifyResponse xmlns:i=\"{}\">{inner}</i:IdentifyResponse>",
        escape(uri::IDENTITY)
    );
    Body {
        action: String::new(),
        xml,
    }
}
