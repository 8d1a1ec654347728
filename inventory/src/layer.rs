//! The settings of one block (defaults, a group, a host), and how blocks are laid over each other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use document::Diagnostic;

use crate::field::Field;
use crate::place::{Place, Placed};
use crate::{Auth, Channel, SpnClass, Transport};

macro_rules! settings {
    ($($name:ident: $type:ty = $read:ident,)*) => {
        /// Every setting a block can have, each with its place.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Layer {
            $(pub(crate) $name: Option<Placed<$type>>,)*
        }

        impl Layer {
            /// The names as they stand in files.
            pub(crate) const KEYS: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Reads one setting; false when there is none of this name.
            pub(crate) fn set(&mut self, key: &str, field: &Field<'_>) -> Result<bool, Diagnostic> {
                match key {
                    $(stringify!($name) => {
                        let value = field.$read()?;
                        self.$name = Some(Placed { value, place: field.place });
                    })*
                    _ => return Ok(false),
                }
                Ok(true)
            }

            /// Takes what is missing here from a weaker layer.
            pub(crate) fn fill(&mut self, weaker: &Self) {
                $(if self.$name.is_none() {
                    self.$name.clone_from(&weaker.$name);
                })*
            }

            /// The settings that both have with different values: name, place here, place there.
            pub(crate) fn conflicts(&self, other: &Self) -> Vec<(&'static str, Place, Place)> {
                let mut found = Vec::new();
                $(if let (Some(one), Some(two)) = (&self.$name, &other.$name)
                    && one.value != two.value
                {
                    found.push((stringify!($name), one.place, two.place));
                })*
                found
            }
        }
    };
}

settings! {
    ring: String = label,
    address: String = address,
    port: u16 = port,
    transport: Transport = transport,
    auth: Auth = auth,
    allow_ntlm: bool = boolean,
    spn_class: SpnClass = spn_class,
    spn_name: String = spn_name,
    credential: String = filled,
    verify_name: bool = boolean,
    ca_file: PathBuf = path,
    cert_sha256: String = sha256,
    tls_verify: bool = boolean,
    channel: Channel = channel,
    connect_timeout: Duration = duration,
    request_timeout: Duration = duration,
    host_timeout: Duration = duration,
}

/// Settings and variables of one block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) layer: Layer,
    pub(crate) vars: BTreeMap<String, serde_json::Value>,
    /// Of the variables where there are any, else of the block.
    pub(crate) place: Place,
}
