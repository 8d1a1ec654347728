//! The same messages read by another XML library and with none of this crate's code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node};

use super::reading::Reading;

fn find<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.descendants()
        .find(|node| node.is_element() && node.tag_name().name() == name)
}

fn text(node: Option<Node<'_, '_>>) -> String {
    let pieces = node.into_iter().flat_map(|node| node.descendants());
    let pieces = pieces.filter(Node::is_text).filter_map(|node| node.text());
    pieces.collect::<String>().trim().to_owned()
}

fn after(text: &str, mark: char) -> String {
    text.rsplit(mark).next().unwrap().to_owned()
}

/// Panics where the document is not XML.
pub(super) fn read(message: &str) -> Reading {
    let document = Document::parse(message).unwrap();
    let root = document.root();
    if find(root, "Fault").is_some() {
        return fault(root);
    }
    if find(root, "RelatesTo").is_none() {
        return Reading::Request(after(&text(find(root, "Action")), '/'));
    }
    let body = find(root, "Body").unwrap();
    if let Some(selector) = find(body, "Selector") {
        return Reading::Shell(text(Some(selector)));
    }
    if let Some(id) = find(body, "CommandId") {
        return Reading::Command(text(Some(id)));
    }
    if find(body, "ReceiveResponse").is_some() {
        return output(body);
    }
    let first = body.children().find(Node::is_element);
    Reading::Plain(first.map_or("", |node| node.tag_name().name()).to_owned())
}

fn output(body: Node<'_, '_>) -> Reading {
    let stream = |wanted: &str| -> Vec<u8> {
        body.descendants()
            .filter(|node| node.tag_name().name() == "Stream")
            .filter(|node| node.attribute("Name") == Some(wanted))
            .flat_map(|node| STANDARD.decode(text(Some(node))).unwrap())
            .collect()
    };
    let state = find(body, "CommandState").and_then(|state| state.attribute("State"));
    Reading::Output {
        stdout: stream("stdout"),
        stderr: stream("stderr"),
        exit_code: text(find(body, "ExitCode")).parse().ok(),
        done: state.is_some_and(|state| state.ends_with("/Done")),
    }
}

fn fault(root: Node<'_, '_>) -> Reading {
    let detail = find(root, "WSManFault");
    let code = match detail {
        Some(detail) => detail.attribute("Code").unwrap().to_owned(),
        None => text(find(root, "error_Code")),
    };
    let code_element = find(root, "Code");
    let subcode = text(code_element.and_then(|code| find(code, "Subcode")));
    let value = text(code_element.and_then(|code| find(code, "Value")));
    let word = match (subcode.is_empty(), after(&value, ':')) {
        (false, _) => after(&subcode, ':'),
        (true, value) if value == "Sender" || value == "Receiver" => String::new(),
        (true, value) => value,
    };
    Reading::Fault {
        code: code.parse().unwrap_or(0),
        subcode: word,
        machine: detail
            .map_or("", |detail| detail.attribute("Machine").unwrap_or(""))
            .to_owned(),
    }
}
