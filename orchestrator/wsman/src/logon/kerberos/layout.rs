//! From a token of `gss_wrap` to the two parts that WinRM sends (auth-crates.md 3.2).
//!
//! `gss_wrap` puts the checksum behind the ciphertext and says "rotated by 0"; WinRM wants everything but the
//! ciphertext in front, which is the same token rotated once. The count is not covered by the checksum, so the
//! receiver of either form sees the same message.

/// Token header of RFC 4121 4.2.6.2.
const HEADER: usize = 16;
/// Header and confounder: what stands in front of the ciphertext in both forms.
const FRONT: usize = HEADER + 16;
/// The flag that says that the message is encrypted.
const SEALED: u8 = 2;

/// Security header and ciphertext of a wrapped message whose plain text had `plain` bytes. `None` for anything but
/// an encrypted RFC 4121 token without filler: the old RC4 keys make others, and are refused by that.
pub(super) fn split(mut token: Vec<u8>, plain: usize) -> Option<(Vec<u8>, Vec<u8>)> {
    let header = token.get(..HEADER)?;
    if header[..2] != [5, 4] || header[2] & SEALED == 0 || header[4..8] != [0; 4] {
        return None;
    }
    let length = token.len().checked_sub(plain)?;
    let rotation = u16::try_from(length.checked_sub(FRONT)?).ok()?;
    token[HEADER..].rotate_right(usize::from(rotation));
    token[6..8].copy_from_slice(&rotation.to_be_bytes());
    let data = token.split_off(length);
    Some((token, data))
}

#[cfg(test)]
mod tests {
    use super::split;

    /// 05 04, sealed, EC 0, RRC 0, sequence 7; confounder c, data d, header copy h, checksum m.
    fn token(plain: usize) -> Vec<u8> {
        let head = [5, 4, 2, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
        [
            head.as_slice(),
            &[b'c'; 16],
            &vec![b'd'; plain],
            &[b'h'; 16],
            &[b'm'; 12],
        ]
        .concat()
    }

    #[test]
    fn the_ciphertext_comes_last_and_the_rotation_is_said() {
        for plain in [0, 1, 15, 16, 3000] {
            let (header, data) = split(token(plain), plain).unwrap();
            assert_eq!(header.len(), 60);
            assert_eq!(header[4..8], [0, 0, 0, 28]);
            assert_eq!(data.len(), plain);
            // Rotated back it is the token again but for the count.
            let mut whole = [header, data].concat();
            whole[16..].rotate_left(28);
            whole[7] = 0;
            assert_eq!(whole, token(plain));
        }
    }

    /// Length of the plain text, what `gss_wrap` of MIT Kerberos made, and the two parts that its `gss_unwrap_iov`
    /// took for the same message (recorded by `tests/interop/realms/record.py`).
    const MIT: [(usize, &str, &str, &str); 2] = [
        (
            1,
            "050406ff000000000000000002d07b43154fcd721d96062d77779d8818dc81dd7f7776edc0b96881aea9bfa701a15127\
             7cb22f3cc9c38b77469ca48d42",
            "050406ff0000001c0000000002d07b437776edc0b96881aea9bfa701a151277cb22f3cc9c38b77469ca48d42154fcd72\
             1d96062d77779d8818dc81dd",
            "7f",
        ),
        (
            16,
            "050406ff000000000000000002d07b44924f6f30d593119f99acb21e16c9f41e42c5c538341f2aa93c7ce2e263646ab6\
             1fb6c6de6a2bbc6ff46eab2533bfd5c271e835f4ac421715766fbf90",
            "050406ff0000001c0000000002d07b441fb6c6de6a2bbc6ff46eab2533bfd5c271e835f4ac421715766fbf90924f6f30\
             d593119f99acb21e16c9f41e",
            "42c5c538341f2aa93c7ce2e263646ab6",
        ),
    ];

    #[test]
    fn messages_of_mit_kerberos_are_brought_into_the_form_that_it_takes() {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect()
        };
        for (plain, token, header, data) in MIT {
            let parts = split(bytes(token), plain);
            assert_eq!(parts, Some((bytes(header), bytes(data))));
        }
    }

    #[test]
    fn other_tokens_are_refused() {
        let changed = |at: usize, byte| {
            let mut token = token(8);
            token[at] = byte;
            split(token, 8)
        };
        assert!(changed(1, 5).is_none(), "not a wrap token");
        assert!(changed(2, 0).is_none(), "signed only");
        assert!(changed(5, 16).is_none(), "filler");
        assert!(changed(7, 28).is_none(), "rotated already");
        assert!(split(token(8), 100).is_none(), "too short");
        assert!(split(vec![5, 4], 0).is_none());
    }
}
