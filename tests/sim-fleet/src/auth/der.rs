//! Just enough DER for the tokens of SPNEGO and Kerberos: elements by tag, and the few types that occur.

/// Tag, content, rest.
pub(super) fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (
                digits
                    .iter()
                    .fold(0, |sum, digit| sum << 8 | usize::from(*digit)),
                rest,
            )
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The content of the one element there is, where it has this tag.
pub(super) fn only(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    match element(bytes)? {
        (found, content, []) if found == tag => Some(content),
        _ => None,
    }
}

/// The elements of a SEQUENCE.
pub(super) fn fields(bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let (0x30, mut rest, _) = element(bytes)? else {
        return None;
    };
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (tag, content, after) = element(rest)?;
        fields.push((tag, content));
        rest = after;
    }
    Some(fields)
}

/// The content of the context tag `number` among the fields of a SEQUENCE.
pub(super) fn tagged<'a>(fields: &[(u8, &'a [u8])], number: u8) -> Option<&'a [u8]> {
    fields
        .iter()
        .find(|(tag, _)| *tag == 0xa0 | number)
        .map(|(_, content)| *content)
}

/// An OCTET STRING.
pub(super) fn octets(bytes: &[u8]) -> Option<Vec<u8>> {
    only(4, bytes).map(<[u8]>::to_vec)
}

/// An INTEGER of up to eight bytes.
pub(super) fn integer(bytes: &[u8]) -> Option<i64> {
    let content = only(2, bytes)?;
    if content.is_empty() || content.len() > 8 {
        return None;
    }
    let sign = if content[0] & 0x80 == 0 { 0 } else { -1 };
    Some(
        content
            .iter()
            .fold(sign, |sum, byte| sum << 8 | i64::from(*byte)),
    )
}

/// A KerberosString.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(only(0x1b, bytes)?.to_vec()).ok()
}

/// An element.
pub(super) fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=0x7f => out.push(short as u8),
        middle @ 0x80..=0xff => out.extend([0x81, middle as u8]),
        long => out.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    out.extend(content);
    out
}

/// An INTEGER in its shortest form.
pub(super) fn whole(number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let mut from = 0;
    while from < 7
        && ((bytes[from] == 0 && bytes[from + 1] & 0x80 == 0)
            || (bytes[from] == 0xff && bytes[from + 1] & 0x80 != 0))
    {
        from += 1;
    }
    wrap(2, &bytes[from..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back() {
        for number in [
            0,
            1,
            127,
            128,
            255,
            256,
            1_073_741_823,
            4_294_967_295,
            -1,
            -129,
            i64::MIN,
        ] {
            assert_eq!(integer(&whole(number)), Some(number), "{number}");
        }
        assert_eq!(whole(127), [2, 1, 127]);
        assert_eq!(whole(128), [2, 2, 0, 128]);
    }

    #[test]
    fn an_element_that_is_cut_off_is_none() {
        let long = wrap(4, &[7; 300]);
        assert_eq!(octets(&long), Some(vec![7; 300]));
        for cut in 0..long.len() {
            assert_eq!(element(&long[..cut]), None, "cut at {cut}");
        }
        assert_eq!(only(4, &[4, 0, 0]), None, "something follows");
    }
}
