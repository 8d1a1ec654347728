//! Console code pages: what becomes of text on its way to a client (reference 10.1).

use crate::spec::Language;

/// The OEM code page of a host's language.
pub(crate) fn oem(language: Language) -> u32 {
    match language {
        Language::En => 437,
        Language::De => 850,
        Language::Ja => 932,
    }
}

/// Where bytes stand that a program wrote past the console: text carries each of them as one private character.
const RAW: u32 = 0x0010_F700;

/// Output of a program that writes the OEM code page whatever the console says (`net`, `chcp`).
pub(crate) fn past_the_console(bytes: &[u8]) -> String {
    let raw = |byte: u8| char::from_u32(RAW + u32::from(byte)).unwrap_or('?');
    let carried = |byte: &u8| match byte {
        0..=0x7f => char::from(*byte),
        _ => raw(*byte),
    };
    bytes.iter().map(carried).collect()
}

fn raw_byte(c: char) -> Option<u8> {
    u8::try_from(u32::from(c).checked_sub(RAW)?).ok()
}

/// Text as bytes of a code page; what does not exist there becomes `?`. 0: the host's OEM code page.
pub(crate) fn encode(text: &str, codepage: u32, language: Language) -> Vec<u8> {
    let codepage = if codepage == 0 {
        oem(language)
    } else {
        codepage
    };
    if codepage == 65001 {
        let mut bytes = Vec::with_capacity(text.len());
        for c in text.chars() {
            match raw_byte(c) {
                Some(byte) => bytes.push(byte),
                None => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        return bytes;
    }
    let byte = |c: char| match (codepage, c) {
        (_, '\0'..='\x7f') => c as u8,
        _ if raw_byte(c).is_some() => raw_byte(c).unwrap_or(b'?'),
        (850, 'ä') => 0x84,
        (850, 'ö') => 0x94,
        (850, 'ü') => 0x81,
        (850, 'Ä') => 0x8e,
        (850, 'Ö') => 0x99,
        (850, 'Ü') => 0x9a,
        (850, 'ß') => 0xe1,
        _ => b'?',
    };
    text.chars().map(byte).collect()
}
