//! Where the TCP connection goes: always the endpoint's address, whatever name the URL has.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The address does not resolve.
#[derive(Debug, thiserror::Error)]
#[error("{address}: {detail}")]
pub(crate) struct NotResolved {
    pub(crate) address: String,
    pub(crate) detail: String,
}

/// Resolves every name to one address: a DNS name, IPv4 or IPv6.
#[derive(Clone, Debug)]
pub(crate) struct Fixed(pub(crate) String);

impl Resolve for Fixed {
    fn resolve(&self, _name: Name) -> Resolving {
        let address = self.0.clone();
        Box::pin(async move {
            let bare = address
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned();
            // Port 0: replaced by the URL's.
            let found: Vec<SocketAddr> = match tokio::net::lookup_host((bare.as_str(), 0)).await {
                Ok(found) => found.collect(),
                Err(error) => {
                    return Err(NotResolved {
                        address,
                        detail: error.to_string(),
                    }
                    .into());
                }
            };
            if found.is_empty() {
                return Err(NotResolved {
                    address,
                    detail: "no address".to_owned(),
                }
                .into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
