//! The life of one connection.

use std::sync::Arc;

use tokio::net::TcpStream;

use crate::fleet::Fleet;
use crate::host::Host;

/// Serves one connection until it ends.
pub(crate) async fn serve(
    _fleet: Arc<Fleet>,
    _stream: TcpStream,
    _host: Option<Arc<Host>>,
    _secure: bool,
) {
}
