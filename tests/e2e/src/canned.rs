//! Servers that are no WinRM: some read an HTTP request and give one answer to all, one passes requests on.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// Listens on a port of its own and answers every request with these bytes. Lives as long as the process.
pub fn canned(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            std::thread::spawn(move || serve(connection, answer));
        }
    });
    address
}

fn serve(mut connection: TcpStream, answer: &str) {
    let mut seen = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count) = connection.read(&mut piece) {
        seen.extend_from_slice(&piece[..count]);
        if count == 0 {
            return;
        }
        // A TLS client hello has no end of headers, and is answered all the same, as an HTTP server does.
        if seen[0] != b'P' || is_whole(&seen) {
            seen.clear();
            if connection.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// A load balancer before a host that has a connection of its own to it for each request. `via`: a header line by which
/// it says so, or nothing.
pub fn unkept(host: SocketAddr, via: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            std::thread::spawn(move || pass_on(connection, host, via));
        }
    });
    address
}

/// Whoever goes away ends it.
fn pass_on(mut connection: TcpStream, host: SocketAddr, via: &str) -> Option<()> {
    loop {
        let request = message(&mut connection)?;
        let mut upstream = TcpStream::connect(host).ok()?;
        upstream.write_all(&request).ok()?;
        let answer = message(&mut upstream)?;
        let line = answer.windows(2).position(|pair| pair == b"\r\n")? + 2;
        let answer = [&answer[..line], via.as_bytes(), &answer[line..]].concat();
        connection.write_all(&answer).ok()?;
    }
}

/// One whole message with a length.
fn message(connection: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
    while !is_whole(&seen) {
        match connection.read(&mut piece).ok()? {
            0 => return None,
            count => seen.extend_from_slice(&piece[..count]),
        }
    }
    Some(seen)
}

fn is_whole(seen: &[u8]) -> bool {
    let text = String::from_utf8_lossy(seen);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    body.len() >= length.unwrap_or(0)
}
