//! The fleet as a program: what it says when it is ready is true.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

const SPEC: &str = "
proxies:
  '10.0.0.6:8080': works
  '10.0.0.7:8080': { answers: 407 }
  '10.0.0.9:8080': blackholes
hosts: [ { name: pc-0001.corp.example } ]
";

/// What the proxy answers to a CONNECT; `None`: nothing within the time.
fn connect(address: &str, patience: Duration) -> Option<String> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    let request = "CONNECT a.microsoft.com:443 HTTP/1.1\r\nHost: a.microsoft.com:443\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    Some(String::from_utf8_lossy(&head).into_owned())
}

#[test]
fn proxies_of_a_description_really_listen_where_the_program_says() {
    let folder = std::env::temp_dir();
    let spec = folder.join(format!("sim-fleet-proxies-{}.yaml", std::process::id()));
    let authority = folder.join(format!("sim-fleet-proxies-{}.pem", std::process::id()));
    std::fs::write(&spec, SPEC).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_sim-fleet"))
        .args(["--spec".as_ref(), spec.as_os_str()])
        .args(["--ca-file".as_ref(), authority.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(program.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let at = |name: &str| ready["proxies"][name].as_str().unwrap().to_owned();
    let long = Duration::from_secs(30);
    let answer = |name: &str, patience| connect(&at(name), patience);
    assert_eq!(answer("10.0.0.6:8080", long).unwrap(), "HTTP/1.1 200");
    assert_eq!(answer("10.0.0.7:8080", long).unwrap(), "HTTP/1.1 407");
    // It took the connection, and nothing comes.
    assert_eq!(answer("10.0.0.9:8080", Duration::from_millis(300)), None);
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
    for file in [spec, authority] {
        std::fs::remove_file(file).unwrap();
    }
}
