//! HTTP/1.1 as HTTP.sys speaks it: heads, bodies, replies. One request at a time, nothing of SOAP.

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::dialect::{Framing, HeaderNames, HttpDialect};

/// HTTP.sys refuses longer heads (reference 1.4).
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// The head of a request.
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// The first header of this name, letter case ignored.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn chunked(&self) -> bool {
        self.header("transfer-encoding")
            .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"))
    }

    pub(crate) fn length(&self) -> Option<usize> {
        self.header("content-length")?.trim().parse().ok()
    }

    pub(crate) fn expects_continue(&self) -> bool {
        self.header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }
}

/// Why no request came.
pub(crate) enum NoRequest {
    /// The client went away, or broke the connection in the middle.
    Closed,
    /// A bare status and the end of the connection.
    Status(u16),
}

/// A connection with what was read ahead.
pub(crate) struct Wire<S> {
    pub(crate) stream: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Reads a head.
    pub(crate) async fn head(&mut self) -> Result<Head, NoRequest> {
        loop {
            if let Some((head, length)) = parse_head(&self.buffer)? {
                self.buffer.drain(..length);
                return Ok(head);
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(NoRequest::Status(400));
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), NoRequest> {
        self.buffer.reserve(4096);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(count) if count > 0 => Ok(()),
            _ => Err(NoRequest::Closed),
        }
    }

    /// Reads the body of a head, at most `limit` bytes.
    pub(crate) async fn body(&mut self, head: &Head, limit: usize) -> Result<Vec<u8>, NoRequest> {
        let length = if head.chunked() {
            None
        } else {
            Some(head.length().ok_or(NoRequest::Status(411))?)
        };
        if length.is_some_and(|length| length > limit) {
            return Err(NoRequest::Status(413));
        }
        if head.expects_continue() {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        match length {
            Some(length) => self.take(length).await,
            None => self.chunks(limit).await,
        }
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>, NoRequest> {
        while self.buffer.len() < length {
            self.fill().await?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    async fn chunks(&mut self, limit: usize) -> Result<Vec<u8>, NoRequest> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(digits, 16).map_err(|_| NoRequest::Status(400))?;
            if body.len() + size > limit {
                return Err(NoRequest::Status(413));
            }
            if size == 0 {
                while !self.line().await?.is_empty() {}
                return Ok(body);
            }
            body.extend(self.take(size).await?);
            self.line().await?;
        }
    }

    async fn line(&mut self) -> Result<String, NoRequest> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                self.buffer.drain(..end + 2);
                return Ok(line);
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(NoRequest::Status(400));
            }
            self.fill().await?;
        }
    }

    /// Writes bytes.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), NoRequest> {
        self.stream
            .write_all(bytes)
            .await
            .map_err(|_| NoRequest::Closed)?;
        self.stream.flush().await.map_err(|_| NoRequest::Closed)
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<(Head, usize)>, NoRequest> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(length)) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
            let head = Head {
                method: request.method.unwrap_or_default().into(),
                path: request.path.unwrap_or_default().into(),
                headers: request
                    .headers
                    .iter()
                    .map(|header| (header.name.into(), text(header.value)))
                    .collect(),
            };
            Ok(Some((head, length)))
        }
        Err(_) => Err(NoRequest::Status(400)),
    }
}

/// A reply before it becomes bytes.
#[derive(Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Vec<u8>,
    /// `WWW-Authenticate` lines.
    pub(crate) authenticate: Vec<String>,
    pub(crate) close: bool,
    /// Robust connections: chunked, with a trailer.
    pub(crate) chunked: bool,
    /// The body is clear text that is sealed on its way out: sealing moves the sequence, so it comes last.
    pub(crate) seal: bool,
}

impl Reply {
    /// A bare status.
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// Head and body.
    pub(crate) fn encode(&self, dialect: HttpDialect) -> Vec<u8> {
        let framing = match dialect.framing {
            // Robust connections are answered so in every dialect.
            Framing::Length if self.chunked => Framing::ChunkedWithTrailer,
            // HTTP.sys answers without a body by itself, and never in chunks.
            _ if self.body.is_empty() => Framing::Length,
            framing => framing,
        };
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, phrase(self.status));
        let mut line = |name: &str, value: &str| {
            let name = match dialect.header_names {
                HeaderNames::Capitals => name.to_owned(),
                HeaderNames::LowerCase => name.to_ascii_lowercase(),
            };
            head += &format!("{name}: {value}\r\n");
        };
        if let Some(kind) = self.content_type {
            line("Content-Type", kind);
        }
        line("Server", "Microsoft-HTTPAPI/2.0");
        for scheme in &self.authenticate {
            line("WWW-Authenticate", scheme);
        }
        let date = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT");
        line("Date", &date.to_string());
        if self.close {
            line("Connection", "close");
        }
        match framing {
            Framing::Length => line("Content-Length", &self.body.len().to_string()),
            Framing::Chunked => line("Transfer-Encoding", "chunked"),
            Framing::ChunkedWithTrailer => {
                line("Transfer-Encoding", "chunked");
                line("Trailer", "X-Checked");
            }
        }
        let mut bytes = head.into_bytes();
        bytes.extend(b"\r\n");
        match framing {
            Framing::Length => bytes.extend(&self.body),
            Framing::Chunked => self.in_chunks(&mut bytes, 1000, "", "\r\n"),
            Framing::ChunkedWithTrailer => {
                self.in_chunks(&mut bytes, 997, ";part", "X-Checked: yes\r\n\r\n");
            }
        }
        bytes
    }

    fn in_chunks(&self, bytes: &mut Vec<u8>, size: usize, extension: &str, end: &str) {
        for chunk in self.body.chunks(size) {
            bytes.extend(format!("{:X}{extension}\r\n", chunk.len()).bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n");
        bytes.extend(end.bytes());
    }
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
