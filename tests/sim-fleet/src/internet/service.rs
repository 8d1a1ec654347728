//! The far end: answers one request with the status that the real service gives on that path (reference 3.10).

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest head of a request that is read.
const LONGEST: usize = 16 * 1024;

/// Reads a head up to the empty line; `None` where the other side ends before.
pub(super) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > LONGEST {
            return None;
        }
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Answers one request and closes.
pub(super) async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    if let Some(head) = head(&mut stream).await {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let _ = answer(&mut stream, status(path), "").await;
        let _ = stream.shutdown().await;
    }
}

/// A reply without content.
pub(super) async fn answer(
    stream: &mut (impl AsyncWrite + Unpin),
    status: u16,
    headers: &str,
) -> std::io::Result<()> {
    let reply = format!(
        "HTTP/1.1 {status} Simulated\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(reply.as_bytes()).await?;
    stream.flush().await
}

fn status(path: &str) -> u16 {
    if path.contains("/storage/") || path == "/" {
        400
    } else if path.contains("mdav/test") || path.contains("submitReport") {
        404
    } else {
        200
    }
}
