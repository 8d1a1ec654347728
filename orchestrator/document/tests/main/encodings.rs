use document::{Document, MAX_BYTES};

const TEXT: &str = "name: pärk-😀\r\nnext\n";

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(bytes)
        .collect()
}

fn complaint(bytes: &[u8]) -> String {
    Document::from_bytes("h.csv", bytes)
        .unwrap_err()
        .to_string()
}

#[test]
fn every_encoding_gives_the_same_text() {
    let with_mark = [b"\xef\xbb\xbf", TEXT.as_bytes()].concat();
    let little = utf16(TEXT, u16::to_le_bytes);
    let big = utf16(TEXT, u16::to_be_bytes);
    for bytes in [TEXT.as_bytes(), &with_mark, &little, &big] {
        assert_eq!(Document::from_bytes("h", bytes).unwrap().text, TEXT);
    }
}

#[test]
fn a_bad_byte_has_a_place() {
    let said = complaint(b"name\npc-1;M\xfcnchen\n");
    assert!(
        said.starts_with("h.csv:2:7: this is not UTF-8 text"),
        "{said}"
    );
    assert!(
        said.contains("byte 0xfc") && said.contains("Windows-1252"),
        "{said}"
    );
}

#[test]
fn utf16_without_mark_is_recognised() {
    assert!(complaint(b"n\0a\0m\0e\0").starts_with("h.csv:1:2: "));
    assert!(complaint(b"n\0a\0m\0e\0").contains("UTF-16 without byte order mark"));
}

#[test]
fn broken_utf16_has_a_place() {
    let mut cut = utf16("ab\ncd", u16::to_le_bytes);
    cut.pop();
    assert!(
        complaint(&cut).starts_with("h.csv:2:2: UTF-16 text ends in half"),
        "{}",
        complaint(&cut)
    );
    let lone = [0xff, 0xfe, b'a', 0, 0x00, 0xd8, b'b', 0];
    assert!(
        complaint(&lone).starts_with("h.csv:1:2: half of a surrogate pair"),
        "{}",
        complaint(&lone)
    );
    assert!(complaint(&[0xff, 0xfe, 0, 0, b'a', 0, 0, 0]).contains("UTF-32"));
}

#[test]
fn a_file_is_read_or_the_reason_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hosts.txt");
    std::fs::write(&path, utf16("pc-1\r\n", u16::to_le_bytes)).unwrap();
    let document = Document::read(&path).unwrap();
    assert_eq!(
        (document.name.as_str(), document.text.as_str()),
        (path.to_str().unwrap(), "pc-1\r\n")
    );
    let missing = Document::read(&folder.path().join("none.txt"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("none.txt: cannot be read: "), "{missing}");
    assert!(missing.contains("hint: no file in '"), "{missing}");
    let slip = |path: &str| {
        Document::read(&folder.path().join(path))
            .unwrap_err()
            .to_string()
    };
    let near = slip("hosst.txt");
    assert!(
        near.contains("did you mean '") && near.contains("hosts.txt'?"),
        "{near}"
    );
    assert!(slip("nowhere/hosts.txt").contains("there is no folder '"));
    assert!(Document::read(folder.path()).is_err());
}

#[test]
fn a_huge_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.txt");
    std::fs::File::create(&path)
        .unwrap()
        .set_len(MAX_BYTES + 1)
        .unwrap();
    assert!(
        Document::read(&path)
            .unwrap_err()
            .to_string()
            .contains("larger than 64 MiB")
    );
}
