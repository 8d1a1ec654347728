//! Reads the NTLM challenge (Type 2, MS-NLMP 2.2.1.2): who the host says it is. Untrusted and bounded; the
//! authentication library only sees a token that has passed here.

/// What a challenge says about its sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// `MsvAvNbComputerName`.
    pub computer: Option<String>,
    /// `MsvAvNbDomainName`.
    pub domain: Option<String>,
    /// `MsvAvDnsComputerName`.
    pub dns_computer: Option<String>,
    /// `MsvAvDnsDomainName`.
    pub dns_domain: Option<String>,
    /// `TargetName`: the domain, or the computer where there is none.
    pub target: Option<String>,
}

const SIGNATURE: &[u8] = b"NTLMSSP\0\x02\0\0\0";
/// Windows stays far below this.
const MAX_TOKEN: usize = 16 * 1024;
const MAX_NAME: usize = 1024;

impl Challenge {
    /// Reads a raw challenge.
    pub fn parse(token: &[u8]) -> Result<Self, &'static str> {
        if token.len() > MAX_TOKEN {
            return Err("the NTLM challenge is too long");
        }
        if !token.starts_with(SIGNATURE) || token.len() < 48 {
            return Err("the token is not an NTLM challenge");
        }
        let target = field(token, 12)?;
        let info = field(token, 40)?;
        let mut found = Self {
            target: name(target),
            ..Self::default()
        };
        let mut rest = info;
        while let [id_low, id_high, length_low, length_high, after @ ..] = rest {
            let id = u16::from_le_bytes([*id_low, *id_high]);
            let length = usize::from(u16::from_le_bytes([*length_low, *length_high]));
            if id == 0 {
                return Ok(found);
            }
            let value = after
                .get(..length)
                .ok_or("an AV pair of the NTLM challenge is cut off")?;
            match id {
                1 => found.computer = name(value),
                2 => found.domain = name(value),
                3 => found.dns_computer = name(value),
                4 => found.dns_domain = name(value),
                _ => {}
            }
            rest = &after[length..];
        }
        if rest.is_empty() {
            Ok(found)
        } else {
            Err("an AV pair of the NTLM challenge is cut off")
        }
    }

    /// Reads the challenge inside a SPNEGO token.
    pub fn find(token: &[u8]) -> Result<Self, &'static str> {
        let at = token
            .windows(SIGNATURE.len())
            .position(|window| window == SIGNATURE);
        Self::parse(&token[at.ok_or("the token holds no NTLM challenge")?..])
    }
}

/// Length and offset at `at`, resolved. An empty field may have any offset.
fn field(token: &[u8], at: usize) -> Result<&[u8], &'static str> {
    let length = usize::from(u16::from_le_bytes([token[at], token[at + 1]]));
    let offset = u32::from_le_bytes([token[at + 4], token[at + 5], token[at + 6], token[at + 7]]);
    if length == 0 {
        return Ok(&[]);
    }
    usize::try_from(offset)
        .ok()
        .and_then(|offset| token.get(offset..offset.checked_add(length)?))
        .ok_or("a field of the NTLM challenge points outside of it")
}

fn name(utf16: &[u8]) -> Option<String> {
    if utf16.is_empty() || utf16.len() > MAX_NAME {
        return None;
    }
    let units: Vec<u16> = utf16
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    Some(String::from_utf16_lossy(&units))
}
