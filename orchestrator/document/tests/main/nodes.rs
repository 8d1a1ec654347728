use document::{Document, Node, Value, from_yaml, nearest};

fn node(text: &str) -> (Document, Node) {
    let document = Document::from_bytes("f.yaml", text.as_bytes()).unwrap();
    let node = from_yaml(&document).unwrap();
    (document, node)
}

#[test]
fn keys_and_values_know_their_places() {
    let (document, root) = node("a: 1\nb:\n  - { c: 'x y', d: 007 }\n");
    let Value::Map(entries) = &root.value else {
        panic!("{root:?}")
    };
    assert_eq!(
        (
            entries[1].0.value.as_str(),
            entries[1].0.line,
            entries[1].0.column
        ),
        ("b", 2, 1)
    );
    let Value::List(items) = &root.entry("b").unwrap().value else {
        panic!("{root:?}")
    };
    let text = items[0].entry("c").unwrap();
    assert_eq!(
        (text.line, text.column, text.source(&document)),
        (3, 10, "'x y'")
    );
    assert_eq!(items[0].entry("d").unwrap().source(&document), "007");
    assert_eq!(items[0].entry("e"), None);
}

#[test]
fn json_keeps_types_and_order() {
    let (_, root) = node("z: [1, 2.5, true, ~, 'x', 18446744073709551615]\na: { b: -3 }\n");
    let json = root.to_json().to_string();
    assert_eq!(
        json,
        r#"{"z":[1,2.5,true,null,"x",18446744073709551615],"a":{"b":-3}}"#
    );
}

#[test]
fn aliases_and_merges_are_expanded_and_point_at_their_use() {
    let (_, root) = node("base: &b { x: 1 }\nuse:\n  <<: *b\n  y: *b\n");
    assert_eq!(
        root.entry("use").unwrap().to_json().to_string(),
        r#"{"y":{"x":1},"x":1}"#
    );
    assert_eq!(root.entry("use").unwrap().entry("y").unwrap().line, 4);
}

#[test]
fn the_nearest_name_is_near() {
    let names = ["max_failed", "max_parallel", "select"];
    for (word, expected) in [
        ("max_faild", Some("max_failed")),
        ("maxFailed", Some("max_failed")),
        ("max-parallel", Some("max_parallel")),
        ("selcet", Some("select")),
        ("SELECT", Some("select")),
        ("soak", None),
        ("", None),
    ] {
        assert_eq!(nearest(word, names), expected, "{word}");
    }
}
