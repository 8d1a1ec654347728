//! Just enough DER to exchange a token inside of SPNEGO's (RFC 4178 section 4.2) for another one.

/// From the outside of a `NegTokenResp` to the mechanism's token.
pub(super) const RESPONSE: &[u8] = &[0xA1, 0x30, 0xA2, 0x04];
/// From the outside of a `NegTokenInit`, in the framing of GSS-API, to the mechanism's token.
pub(super) const INIT: &[u8] = &[0x60, 0xA0, 0x30, 0xA2, 0x04];

/// The content of the first element along the path of tags.
pub(super) fn find<'a>(bytes: &'a [u8], path: &[u8]) -> Option<&'a [u8]> {
    let Some((tag, below)) = path.split_first() else {
        return Some(bytes);
    };
    let mut rest = bytes;
    while let Some((found, content, after)) = element(rest) {
        if found == *tag {
            return find(content, below);
        }
        rest = after;
    }
    None
}

/// The same bytes with the content of that element changed, all lengths around it corrected.
pub(super) fn replaced(
    bytes: &[u8],
    path: &[u8],
    change: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let Some((tag, below)) = path.split_first() else {
        return change(bytes);
    };
    let mut rest = bytes;
    while let Some((found, content, after)) = element(rest) {
        if found == *tag {
            let inside = replaced(content, below, change)?;
            let mut out = bytes[..bytes.len() - rest.len()].to_vec();
            out.push(found);
            out.extend(length(inside.len())?);
            out.extend(inside);
            out.extend(after);
            return Some(out);
        }
        rest = after;
    }
    None
}

/// Tags of SPNEGO's messages: framing of GSS-API, context, SEQUENCE, OCTET STRING, OID, ENUMERATED, BIT STRING and the
/// GeneralString of a hint.
const TAGS: &[u8] = &[
    0x60, 0xA0, 0xA1, 0xA2, 0xA3, 0x30, 0x04, 0x06, 0x0A, 0x03, 0x1B,
];
/// Deeper than any message goes.
const DEPTH: usize = 8;

/// Whether the first element, and all that is inside of it, is made of SPNEGO's tags and fits where it stands: what reads
/// it afterwards may trust its lengths.
pub(super) fn well_formed(bytes: &[u8]) -> bool {
    element(bytes).is_some_and(|(tag, content, _)| inside(tag, content, DEPTH))
}

fn inside(tag: u8, content: &[u8], depth: usize) -> bool {
    const CONSTRUCTED: u8 = 0x20;
    if depth == 0 || !TAGS.contains(&tag) {
        return false;
    }
    let mut rest = if tag & CONSTRUCTED == 0 { &[] } else { content };
    while !rest.is_empty() {
        match element(rest) {
            Some((tag, content, after)) if inside(tag, content, depth - 1) => rest = after,
            _ => return false,
        }
    }
    true
}

/// Tag, content, and what follows, of the first element; no more than the bytes hold.
pub fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            let length = digits
                .iter()
                .fold(0, |sum, digit| (sum << 8) | usize::from(*digit));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn length(length: usize) -> Option<Vec<u8>> {
    let [.., high, low] = length.to_be_bytes();
    match length {
        0..=0x7F => Some(vec![low]),
        0x80..=0xFF => Some(vec![0x81, low]),
        0x100..=0xFFFF => Some(vec![0x82, high, low]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{RESPONSE, find, replaced, well_formed};

    #[test]
    fn lengths_and_tags_are_looked_at_all_the_way_down() {
        let good: &[u8] = &[0xA1, 0x07, 0x30, 0x05, 0xA0, 0x03, 0x0A, 0x01, 0x01];
        assert!(well_formed(good));
        assert!(
            well_formed(&[good, &[0; 3]].concat()),
            "what follows is not read"
        );
        for (place, byte) in [
            (1, 0x08),
            (3, 0x06),
            (5, 0x04),
            (7, 0x02),
            (5, 0x88),
            (4, 0x80),
            (6, 0x02),
        ] {
            let mut bad = good.to_vec();
            bad[place] = byte;
            assert!(!well_formed(&bad), "{bad:02x?}");
        }
        // Nothing is as deep as this.
        let deep = (0..20).fold(Vec::new(), |inner: Vec<u8>, _| {
            [
                &[0x30, u8::try_from(inner.len()).unwrap()],
                inner.as_slice(),
            ]
            .concat()
        });
        assert!(!well_formed(&deep));
    }

    #[test]
    fn lengths_around_a_changed_token_follow() {
        let wrap = |tag: u8, content: &[u8]| {
            let length = super::length(content.len()).unwrap();
            [&[tag], length.as_slice(), content].concat()
        };
        let response = |token: &[u8], mic: &[u8]| {
            let state = wrap(0xA0, &wrap(0x0A, &[1]));
            let token = wrap(0xA2, &wrap(0x04, token));
            let mic = wrap(0xA3, &wrap(0x04, mic));
            wrap(0xA1, &wrap(0x30, &[state, token, mic].concat()))
        };
        for (before, after) in [(3, 3), (3, 120), (120, 300), (300, 70_000 / 2), (300, 1)] {
            let (old, new) = (vec![7; before], vec![8; after]);
            let token = response(&old, b"mic");
            assert_eq!(find(&token, RESPONSE), Some(old.as_slice()));
            let changed = replaced(&token, RESPONSE, &mut |_| Some(new.clone()));
            assert_eq!(changed, Some(response(&new, b"mic")));
        }
        let token = response(&[7; 300], b"mic");
        for cut in 0..token.len() {
            assert_eq!(replaced(&token[..cut], RESPONSE, &mut |_| None), None);
        }
    }
}
