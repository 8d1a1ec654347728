//! Requests: reads an envelope and judges its headers as a strict Windows would (reference 2.2).

use std::time::Duration;

use roxmltree::{Document, Node};

use super::fault::{BAD_HEADER, BAD_XML, Fault};
use super::uri;

/// Headers a server knows; anything else with a qualified `mustUnderstand` is a fault.
const KNOWN: [(&str, &str); 19] = [
    (uri::A, "To"),
    (uri::A, "ReplyTo"),
    (uri::A, "Action"),
    (uri::A, "MessageID"),
    (uri::A, "From"),
    (uri::A, "FaultTo"),
    (uri::W, "ResourceURI"),
    (uri::W, "MaxEnvelopeSize"),
    (uri::W, "OperationTimeout"),
    (uri::W, "Locale"),
    (uri::W, "SelectorSet"),
    (uri::W, "OptionSet"),
    (uri::W, "FragmentTransfer"),
    (uri::W, "RequestEPR"),
    (uri::P, "DataLocale"),
    (uri::P, "SessionId"),
    (uri::P, "OperationID"),
    (uri::P, "SequenceId"),
    (uri::P, "ActivityId"),
];

/// What a reply repeats of its request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meta {
    pub(crate) message_id: Option<String>,
    /// `OperationID` and `SequenceId` of a robust connection.
    pub(crate) robust: Option<(String, String)>,
    /// The largest reply the client can take.
    pub(crate) max_envelope: usize,
}

/// An option of the `OptionSet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opt {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) must_comply: bool,
}

/// A request whose headers are in order.
pub(crate) struct Request<'a, 'input> {
    pub(crate) to: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) selectors: Vec<(String, String)>,
    pub(crate) options: Vec<Opt>,
    pub(crate) timeout: Duration,
    pub(crate) body: Node<'a, 'input>,
}

/// True for an element of this namespace and name.
pub(crate) fn is(node: &Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.is_element()
        && node.tag_name().name() == name
        && node.tag_name().namespace() == Some(namespace)
}

/// The first child element of this namespace and name.
pub(crate) fn child<'a, 'i>(
    node: &Node<'a, 'i>,
    namespace: &str,
    name: &str,
) -> Option<Node<'a, 'i>> {
    node.children().find(|child| is(child, namespace, name))
}

/// The header of the envelope a body belongs to; the body itself where there is none, which `parts` has ruled out.
pub(crate) fn header_of<'a, 'i>(body: &Node<'a, 'i>) -> Node<'a, 'i> {
    body.parent()
        .and_then(|root| child(&root, uri::S, "Header"))
        .unwrap_or(*body)
}

/// All text directly inside.
pub(crate) fn content(node: &Node<'_, '_>) -> String {
    node.children()
        .filter(Node::is_text)
        .filter_map(|child| child.text())
        .collect()
}

/// Header and body of an envelope.
pub(crate) fn parts<'a, 'i>(doc: &'a Document<'i>) -> Result<(Node<'a, 'i>, Node<'a, 'i>), Fault> {
    let root = doc.root_element();
    if !is(&root, uri::S, "Envelope") {
        return Err(Fault::new(BAD_XML));
    }
    match (child(&root, uri::S, "Header"), child(&root, uri::S, "Body")) {
        (Some(header), Some(body)) => Ok((header, body)),
        _ => Err(Fault::new(BAD_XML)),
    }
}

/// What a reply or fault repeats, as far as it can be made out.
pub(crate) fn meta(header: &Node<'_, '_>, server_max: usize) -> Meta {
    let text = |namespace, name| child(header, namespace, name).map(|node| content(&node));
    let robust = text(uri::P, "OperationID").zip(text(uri::P, "SequenceId"));
    let asked = text(uri::W, "MaxEnvelopeSize").and_then(|text| text.trim().parse().ok());
    Meta {
        message_id: text(uri::A, "MessageID").filter(|id| !id.trim().is_empty()),
        robust,
        max_envelope: asked.map_or(server_max, |asked: usize| asked.min(server_max)),
    }
}

/// Judges the headers.
pub(crate) fn request<'a, 'i>(
    header: Node<'a, 'i>,
    body: Node<'a, 'i>,
    max_timeout: Duration,
) -> Result<Request<'a, 'i>, Fault> {
    understood(&header)?;
    let text = |namespace, name| child(&header, namespace, name).map(|node| content(&node));
    let id = text(uri::A, "MessageID").unwrap_or_default();
    if id.trim().is_empty() || id.len() > 2048 {
        return Err(Fault::new(BAD_HEADER));
    }
    let reply_to = child(&header, uri::A, "ReplyTo").ok_or_else(|| Fault::new(2_150_858_769))?;
    let address = child(&reply_to, uri::A, "Address")
        .map(|node| content(&node))
        .unwrap_or_default();
    if address.trim() != uri::ANONYMOUS {
        return Err(Fault::new(2_150_858_870));
    }
    if let Some(size) = text(uri::W, "MaxEnvelopeSize") {
        let size: u64 = size.trim().parse().map_err(|_| Fault::new(2_150_858_823))?;
        if size < 8192 {
            return Err(Fault::new(2_150_858_805));
        }
    }
    let timeout = match text(uri::W, "OperationTimeout") {
        None => max_timeout,
        Some(text) => {
            let asked = duration(text.trim())
                .filter(|asked| !asked.is_zero())
                .ok_or_else(|| Fault::new(BAD_HEADER))?;
            asked.min(max_timeout).max(Duration::from_millis(500))
        }
    };
    if let Some(fragment) = child(&header, uri::W, "FragmentTransfer") {
        return Err(Fault::new(if must_understand(&fragment) {
            2_150_858_818
        } else {
            BAD_HEADER
        }));
    }
    let action = text(uri::A, "Action")
        .filter(|action| !action.trim().is_empty())
        .ok_or_else(|| Fault::new(NO_ACTION_HEADER))?;
    Ok(Request {
        to: text(uri::A, "To").unwrap_or_default(),
        action: action.trim().into(),
        resource: text(uri::W, "ResourceURI")
            .unwrap_or_default()
            .trim()
            .into(),
        selectors: selectors(&header)?,
        options: options(&header),
        timeout,
        body,
    })
}

const NO_ACTION_HEADER: u32 = 2_150_858_769;

fn must_understand(node: &Node<'_, '_>) -> bool {
    matches!(
        node.attribute((uri::S, "mustUnderstand")),
        Some("true" | "1")
    )
}

fn understood(header: &Node<'_, '_>) -> Result<(), Fault> {
    for node in header.children().filter(Node::is_element) {
        let known = KNOWN
            .iter()
            .any(|(namespace, name)| is(&node, namespace, name));
        if !known && must_understand(&node) {
            return Err(Fault::new(2_150_858_768));
        }
        let locale = is(&node, uri::W, "Locale") || is(&node, uri::P, "DataLocale");
        if locale && (must_understand(&node) || node.attribute((uri::XML, "lang")).is_none()) {
            return Err(Fault::new(2_150_858_855));
        }
    }
    Ok(())
}

fn selectors(header: &Node<'_, '_>) -> Result<Vec<(String, String)>, Fault> {
    let mut found: Vec<(String, String)> = Vec::new();
    let Some(set) = child(header, uri::W, "SelectorSet") else {
        return Ok(found);
    };
    for node in set.children().filter(|node| is(node, uri::W, "Selector")) {
        let name = node.attribute("Name").unwrap_or_default().to_string();
        if name.is_empty() {
            return Err(Fault::new(2_150_858_813));
        }
        if found
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(&name))
        {
            return Err(Fault::new(2_150_858_847));
        }
        found.push((name, content(&node)));
    }
    Ok(found)
}

fn options(header: &Node<'_, '_>) -> Vec<Opt> {
    let set = child(header, uri::W, "OptionSet");
    let nodes = set
        .iter()
        .flat_map(|set| set.children())
        .filter(|node| is(node, uri::W, "Option"));
    nodes
        .map(|node| Opt {
            name: node.attribute("Name").unwrap_or_default().into(),
            value: content(&node),
            must_comply: matches!(node.attribute("MustComply"), Some("true" | "1")),
        })
        .collect()
}

/// A non-negative `xs:duration`; months and years do not occur.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (days, time) = text
        .strip_prefix('P')?
        .split_once('T')
        .unwrap_or((text.strip_prefix('P')?, ""));
    let mut seconds = match days {
        "" => 0.0,
        days => days.strip_suffix('D')?.parse::<u32>().ok()? as f64 * 86400.0,
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let mut rest = time;
    for (unit, factor) in [('H', 3600.0), ('M', 60.0), ('S', 1.0)] {
        if let Some((number, after)) = rest.split_once(unit) {
            if number.is_empty()
                || !number
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.')
            {
                return None;
            }
            seconds += number.parse::<f64>().ok()? * factor;
            rest = after;
        }
    }
    if rest.is_empty() && seconds < 1e9 {
        Some(Duration::from_secs_f64(seconds))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("PT60S", Some(60_000)),
            ("PT60.000S", Some(60_000)),
            ("PT0.5S", Some(500)),
            ("PT1M30S", Some(90_000)),
            ("P1D", Some(86_400_000)),
            ("P0DT0H0M20S", Some(20_000)),
            ("PT0S", Some(0)),
            ("-PT5S", None),
            ("PT-5S", None),
            ("60", None),
            ("3600000", None),
            ("P", None),
            ("PT", None),
            ("PT5", None),
            ("", None),
        ] {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        }
    }
}
