//! The messages in a file: one, or several samples one after the other, or a template with places to fill in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Documents in the file, in order. A file of notes has none.
pub(super) fn messages(name: &str, text: &str) -> Vec<String> {
    let text = text.trim_start_matches('\u{feff}');
    if name.ends_with(".erb") {
        return vec![filled_in(text)];
    }
    if name.ends_with(".xml") {
        return vec![text.to_owned()];
    }
    let end = "Envelope>";
    text.split("<?xml ")
        .skip(1)
        .filter_map(|piece| Some(&piece[..piece.rfind(end)? + end.len()]))
        .map(|piece| ["<?xml ", piece].concat())
        .collect()
}

/// A template of Ruby: `<%= name %>` stands for a value. These templates leave the addressing headers out, which no
/// host does.
fn filled_in(template: &str) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("<%=") {
        let (name, after) = after.split_once("%>").unwrap();
        text.push_str(before);
        match name.trim() {
            "command_id" => text.push_str("0BADCAFE-0000-4000-8000-000000000001"),
            data => text.push_str(&STANDARD.encode(data)),
        }
        rest = after;
    }
    text.push_str(rest);
    let header = "<a:RelatesTo>uuid:0BADCAFE-0000-4000-8000-000000000002</a:RelatesTo></s:Header>";
    text.replacen("</s:Header>", header, 1)
}
