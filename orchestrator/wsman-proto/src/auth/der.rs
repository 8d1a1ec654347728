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

/// A `NegTokenResp` in its one form: its fields in their order, each length as it has to be, nothing behind. What reads it
/// afterwards may trust all of it. `None` where it is no such message.
pub(super) fn response(bytes: &[u8]) -> Option<Vec<u8>> {
    let (0xA1, message, _) = element(bytes)? else {
        return None;
    };
    let (0x30, mut rest, _) = element(message)? else {
        return None;
    };
    let (mut fields, mut last) = (Vec::new(), 0);
    while !rest.is_empty() {
        let (tag, field, after) = element(rest)?;
        // State, mechanism, token, and the integrity code over the list of mechanisms.
        let kind = match tag {
            0xA0 => 0x0A,
            0xA1 => 0x06,
            0xA2 | 0xA3 => 0x04,
            _ => return None,
        };
        let (found, content, _) = element(field)?;
        if found != kind || tag <= last {
            return None;
        }
        fields.extend(wrapped(tag, &wrapped(kind, content)?)?);
        (last, rest) = (tag, after);
    }
    wrapped(0xA1, &wrapped(0x30, &fields)?)
}

fn wrapped(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![tag];
    out.extend(length(content.len())?);
    out.extend(content);
    Some(out)
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
    use super::{RESPONSE, find, replaced, response};

    #[test]
    fn a_response_has_one_form_or_is_none() {
        let good: &[u8] = &[
            0xA1, 0x0E, 0x30, 0x0C, 0xA0, 0x03, 0x0A, 0x01, 0x01, 0xA2, 0x05, 0x04, 0x03, 1, 2, 3,
        ];
        assert_eq!(response(good).as_deref(), Some(good));
        assert_eq!(
            response(&[good, &[0x88; 30]].concat()).as_deref(),
            Some(good),
            "what is behind it is not handed on"
        );
        // Longer forms of lengths than needed.
        let long = [&[0xA1, 0x82, 0, 0x0E][..], &good[2..]].concat();
        assert_eq!(response(&long).as_deref(), Some(good));
        for (place, byte) in [
            (0, 0x60),
            (1, 0x0F),
            (2, 0x31),
            (3, 0x0B),
            (4, 0xA3),
            (5, 0x88),
            (5, 0x04),
            (6, 0x02),
            (7, 0x02),
            (9, 0xA0),
            (9, 0xA4),
            (11, 0x24),
        ] {
            let mut bad = good.to_vec();
            bad[place] = byte;
            let again = response(&bad);
            assert!(again.is_none(), "{bad:02x?}: {again:02x?}");
        }
        assert_eq!(response(&[0xA1, 0]), None);
    }

    #[test]
    fn lengths_around_a_changed_token_follow() {
        let wrap = |tag: u8, content: &[u8]| {
            let length = super::length(content.len()).unwrap();
            [&[tag], length.as_slice(), content].concat()
        };
        let made = |token: &[u8], mic: &[u8]| {
            let state = wrap(0xA0, &wrap(0x0A, &[1]));
            let token = wrap(0xA2, &wrap(0x04, token));
            let mic = wrap(0xA3, &wrap(0x04, mic));
            wrap(0xA1, &wrap(0x30, &[state, token, mic].concat()))
        };
        for (before, after) in [(3, 3), (3, 120), (120, 300), (300, 70_000 / 2), (300, 1)] {
            let (old, new) = (vec![7; before], vec![8; after]);
            let token = made(&old, b"mic");
            assert_eq!(find(&token, RESPONSE), Some(old.as_slice()));
            let changed = replaced(&token, RESPONSE, &mut |_| Some(new.clone()));
            assert_eq!(changed, Some(made(&new, b"mic")));
        }
        let token = made(&[7; 300], b"mic");
        for cut in 0..token.len() {
            assert_eq!(replaced(&token[..cut], RESPONSE, &mut |_| None), None);
        }
    }
}
