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

/// Text as bytes of a code page; what does not exist there becomes `?`. 0: the host's OEM code page.
pub(crate) fn encode(text: &str, codepage: u32, language: Language) -> Vec<u8> {
    let codepage = if codepage == 0 {
        oem(language)
    } else {
        codepage
    };
    if codepage == 65001 {
        return text.as_bytes().to_vec();
    }
    let byte = |c: char| match (codepage, c) {
        (_, '\0'..='\x7f') => c as u8,
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
