//! Does anything listen there? The cheapest question there is: one TCP connection, nothing sent.

use std::time::Duration;

use tokio::net::TcpStream;

/// True where a TCP connection to the address (a DNS name, IPv4 or IPv6) comes about within `patience`. Proves
/// nothing about who answers. Cancel safe.
pub async fn answers(address: &str, port: u16, patience: Duration) -> bool {
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    let connected = tokio::time::timeout(patience, TcpStream::connect((bare, port))).await;
    matches!(connected, Ok(Ok(_)))
}
