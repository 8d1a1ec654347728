//! The cmd shell and what runs in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sim_fleet::{HostOptions, Language, QuotaKind, QuotaKnob, RawValue, kind};

use crate::client::{CMD, Response, SHELL, TRANSFER, World, envelope, world};

async fn create(world: &World) -> Response {
    let options = r#"<w:OptionSet><w:Option Name="WINRS_CODEPAGE">65001</w:Option></w:OptionSet>"#;
    world
        .post(&envelope(
            &format!("{TRANSFER}/Create"),
            CMD,
            options,
            "<rsp:Shell/>",
        ))
        .await
        .unwrap()
}

fn on(shell: &str, verb: &str, body: &str) -> String {
    let selector = format!(
        r#"<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet><w:OperationTimeout>PT0.5S</w:OperationTimeout>"#
    );
    let action = if verb == "Delete" {
        format!("{TRANSFER}/Delete")
    } else {
        format!("{SHELL}/{verb}")
    };
    envelope(&action, CMD, &selector, body)
}

async fn start(world: &World, shell: &str, line: &str) -> Response {
    let line = line
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    world
        .post(&on(
            shell,
            "Command",
            &format!("<rsp:CommandLine><rsp:Command>{line}</rsp:Command></rsp:CommandLine>"),
        ))
        .await
        .unwrap()
}

async fn receive(world: &World, shell: &str, command: &str) -> Response {
    let body = format!(
        r#"<rsp:Receive><rsp:DesiredStream CommandId="{command}">stdout stderr</rsp:DesiredStream></rsp:Receive>"#
    );
    world.post(&on(shell, "Receive", &body)).await.unwrap()
}

fn decoded(reply: &Response) -> String {
    let bytes: Vec<u8> = reply
        .texts("Stream")
        .iter()
        .flat_map(|piece| STANDARD.decode(piece).unwrap())
        .collect();
    String::from_utf8(bytes).unwrap()
}

/// Output of both streams and the exit code.
async fn run(world: &World, shell: &str, line: &str) -> (String, i64) {
    let command = start(world, shell, line).await.text("CommandId").unwrap();
    let reply = receive(world, shell, &command).await;
    (
        decoded(&reply),
        reply.text("ExitCode").unwrap().parse().unwrap(),
    )
}

async fn shell(change: impl FnOnce(&mut HostOptions)) -> (World, String) {
    let world = world(change).await;
    let id = create(&world).await.text("ShellId").unwrap();
    (world, id)
}

#[tokio::test]
async fn command_lines() {
    let (world, id) = shell(|_| ()).await;
    for (line, out, code) in [
        ("echo hello", "hello\r\n", 0),
        ("echo a& echo b", "a\r\nb\r\n", 0),
        ("exit /b 3 && echo no", "", 3),
        ("exit /b 3 || echo no", "", 3),
        ("cmd /c exit 3 || echo yes", "yes\r\n", 0),
        ("cmd /c exit 3 && echo no", "", 3),
        (
            r#"cmd /d /s /c "echo "a b" & echo c""#,
            "\"a b\" \r\nc\r\n",
            0,
        ),
        ("(echo a & echo b) | findstr b", "b\r\n", 0),
        ("echo %OS% ^%OS^%", "Windows_NT ^%OS^%\r\n", 0),
        ("set X=1& echo %X%", "%X%\r\n", 0),
        ("echo x>nul", "", 0),
        ("nosuch 2>nul", "", 1),
        ("nosuch >nul 2>&1 || exit /b 17", "", 17),
        (
            "echo a &&",
            "The syntax of the command is incorrect.\r\n",
            255,
        ),
        ("hostname", "pc-0001\r\n", 0),
        ("exit /b -1", "", 4_294_967_295),
    ] {
        let wanted = if line.contains("^%OS^%") {
            "Windows_NT %OS%\r\n"
        } else {
            out
        };
        assert_eq!(
            run(&world, &id, line).await,
            (wanted.to_string(), code),
            "{line}"
        );
    }
    let (out, code) = run(&world, &id, &format!("echo {}", "x".repeat(8200))).await;
    assert_eq!(
        (out.as_str(), code),
        ("The command line is too long.\r\n", 1)
    );
    assert_eq!(
        start(&world, &id, &"x".repeat(33_000)).await.fault(),
        2_147_942_606
    );
}

#[tokio::test]
async fn reg() {
    let (world, id) = shell(|_| ()).await;
    let key = r"HKLM\SOFTWARE\Example\A b";
    for (line, code) in [
        (
            format!(r#"reg add "{key}" /v S /t REG_SZ /d "a b\\" /f /reg:64"#),
            0,
        ),
        (
            format!(r#"reg add "{key}" /v E /t REG_EXPAND_SZ /d ^%OS^% /f"#),
            0,
        ),
        (
            format!(r#"reg add "{key}" /v M /t REG_MULTI_SZ /d "one\0two" /f"#),
            0,
        ),
        (
            format!(r#"reg add "{key}" /v D /t REG_DWORD /d 0x1F /f"#),
            0,
        ),
        (
            format!(r#"reg add "{key}" /v B /t REG_BINARY /d 00FF /f"#),
            0,
        ),
        (format!(r#"reg add "{key}" /ve /d x /f"#), 0),
        (format!(r#"reg add "{key}" /v S /d y"#), 1),
        (format!(r#"reg add "{key}" /v S /t REG_WRONG /f"#), 1),
        (r"reg query HKLM\SOFTWARE\Nope".into(), 1),
        (
            r"reg add HKLM\SOFTWARE\Narrow /v X /d 1 /f /reg:32".into(),
            0,
        ),
    ] {
        assert_eq!(run(&world, &id, &line).await.1, code, "{line}");
    }
    let value = |name| world.host.value(key, name).unwrap();
    assert_eq!(value("S"), RawValue::sz("a b\\"));
    assert_eq!(value("E").kind, kind::EXPAND_SZ);
    assert_eq!(value("M"), RawValue::multi(&["one", "two"]));
    assert_eq!(value("D"), RawValue::dword(31));
    assert_eq!(value("B"), RawValue::new(kind::BINARY, &[0, 255]));
    assert_eq!(value(""), RawValue::sz("x"));
    assert!(
        world.host.key_exists(r"SOFTWARE\WOW6432Node\Narrow")
            && !world.host.key_exists(r"SOFTWARE\Narrow")
    );
    world
        .host
        .set_value(key, "E", RawValue::text(kind::EXPAND_SZ, "%OS%"));
    let (out, _) = run(&world, &id, &format!(r#"reg query "{key}" /v E"#)).await;
    assert_eq!(
        out,
        "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Example\\A b\r\n    E    REG_EXPAND_SZ    %OS%\r\n\r\n"
    );
    assert_eq!(
        run(&world, &id, &format!(r#"reg delete "{key}" /v S"#))
            .await
            .1,
        1
    );
    assert_eq!(
        run(&world, &id, &format!(r#"reg delete "{key}" /v S /f"#))
            .await
            .1,
        0
    );
    assert_eq!(world.host.value(key, "S"), None);
    assert_eq!(
        run(&world, &id, r"reg delete HKLM\SOFTWARE\Example /f")
            .await
            .1,
        0
    );
    assert!(!world.host.key_exists(key));
}

#[tokio::test]
async fn netsh_writes_the_bytes() {
    let (world, id) =
        shell(|options| (options.winhttp_marker, options.language) = (0x18, Language::De)).await;
    let line = r#"netsh winhttp set proxy proxy-server="10.0.0.6:8080" bypass-list="<local>;*.contoso.com""#;
    let (out, code) = run(&world, &id, line).await;
    assert!(code == 0 && out.contains("Umgehungsliste"), "{out}");
    let key = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
    let blob = || hex::encode(world.host.value(key, "WinHttpSettings").unwrap().bytes);
    assert_eq!(
        blob(),
        "1800000000000000030000000d00000031302e302e302e363a38303830150000003c6c6f63616c3e3b2a2e636f6e746f736f2e636f6d"
    );
    assert_eq!(run(&world, &id, "netsh winhttp reset proxy").await.1, 0);
    assert_eq!(blob(), "1800000000000000010000000000000000000000");
    assert_eq!(run(&world, &id, "netsh winhttp set proxy").await.1, 1);
}

#[tokio::test]
async fn the_life_of_a_command() {
    let (world, id) = shell(|options| options.chunk = 1).await;
    let command = start(&world, &id, "ping -n 60 127.0.0.1")
        .await
        .text("CommandId")
        .unwrap();
    assert_eq!(receive(&world, &id, &command).await.fault(), 2_150_858_793);
    assert_eq!(
        start(&world, &id, "echo x").await.fault(),
        2_150_858_802,
        "one at a time"
    );
    let terminate = format!(
        r#"<rsp:Signal CommandId="{command}"><rsp:Code>{SHELL}/signal/terminate</rsp:Code></rsp:Signal>"#
    );
    assert_eq!(
        world
            .post(&on(&id, "Signal", &terminate))
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        receive(&world, &id, &command).await.fault(),
        2_150_858_843,
        "forgotten"
    );
    let command = start(&world, &id, "findstr b")
        .await
        .text("CommandId")
        .unwrap();
    let send = |text: &str, end| {
        let stream = format!(
            r#"<rsp:Send><rsp:Stream Name="stdin" CommandId="{command}" End="{end}">{}</rsp:Stream></rsp:Send>"#,
            STANDARD.encode(text)
        );
        on(&id, "Send", &stream)
    };
    world.post(&send("abc\r\n", false)).await.unwrap();
    assert_eq!(
        receive(&world, &id, &command).await.fault(),
        2_150_858_793,
        "input has not ended"
    );
    world.post(&send("xyz\r\n", true)).await.unwrap();
    let reply = receive(&world, &id, &command).await;
    assert_eq!(
        (decoded(&reply).as_str(), reply.texts("Stream").len()),
        ("abc\r\n", 5 + 2)
    );
    assert_eq!(world.host.counters().shells_open, 1);
    assert_eq!(
        world.post(&on(&id, "Delete", "")).await.unwrap().status,
        200
    );
    assert_eq!(
        world.post(&on(&id, "Delete", "")).await.unwrap().fault(),
        2_150_858_843
    );
    assert_eq!(world.host.counters().shells_open, 0);
}

#[tokio::test]
async fn quotas() {
    let (world, id) =
        shell(|options| (options.max_shells, options.max_operations) = (Some(1), Some(2))).await;
    let refused = create(&world).await;
    assert_eq!(refused.fault(), 2_150_859_173);
    assert!(refused.body.contains("MSFT_WmiError"));
    run(&world, &id, "echo 1").await;
    run(&world, &id, "echo 2").await;
    assert_eq!(
        start(&world, &id, "echo 3").await.fault(),
        2_150_859_174,
        "the counter never goes down"
    );
    let (legacy, id) = shell(|options| options.legacy = true).await;
    legacy.knobs(|knobs| {
        knobs.quota = Some(QuotaKnob {
            kind: QuotaKind::Operations,
            first: Some(1),
        })
    });
    let refused = start(&legacy, &id, "echo 1").await;
    assert!(
        refused.fault() == 2_150_859_174 && refused.body.contains("WSManFault"),
        "{}",
        refused.body
    );
    assert_eq!(start(&legacy, &id, "echo 1").await.fault(), 0);
}

fn input(shell: &str, command: &str, bytes: &[u8]) -> String {
    let stream = format!(
        r#"<rsp:Send><rsp:Stream Name="stdin" CommandId="{command}">{}</rsp:Stream></rsp:Send>"#,
        STANDARD.encode(bytes)
    );
    on(shell, "Send", &stream)
}

#[tokio::test]
async fn one_send_at_a_time() {
    let (world, id) = shell(|_| {}).await;
    // Nobody reads: what the pipe does not hold keeps the Send under way until its timeout.
    let command = start(&world, &id, "ping -n 60 127.0.0.1")
        .await
        .text("CommandId")
        .unwrap();
    let large = input(&id, &command, &[b'x'; 20_000]);
    let small = input(&id, &command, b"y");
    let second = async {
        loop {
            let reply = world.post(&small).await.unwrap();
            if reply.status != 200 {
                return reply.fault();
            }
        }
    };
    let (first, second) = tokio::join!(world.post(&large), second);
    assert_eq!(first.unwrap().fault(), 2_150_858_793);
    assert_eq!(second, 170);
    let terminate = format!(
        r#"<rsp:Signal CommandId="{command}"><rsp:Code>{SHELL}/signal/terminate</rsp:Code></rsp:Signal>"#
    );
    world.post(&on(&id, "Signal", &terminate)).await.unwrap();

    // A program that reads takes as much as comes.
    let command = start(&world, &id, "findstr y")
        .await
        .text("CommandId")
        .unwrap();
    for _ in 0..3 {
        let reply = world.post(&input(&id, &command, &[b'x'; 20_000])).await;
        assert_eq!(reply.unwrap().status, 200);
    }
}

#[tokio::test]
async fn some_programs_write_the_oem_code_page_whatever_the_console_says() {
    for (language, expected) in [
        (Language::En, b"successfully".as_slice()),
        (Language::De, b"ausgef\x81hrt".as_slice()),
        (Language::Ja, b"\x83R\x83}\x83\x93\x83h".as_slice()),
    ] {
        let (world, id) = shell(|options| options.language = language).await;
        for line in ["net start winrm", "net start winrm | more"] {
            let command = start(&world, &id, line).await.text("CommandId").unwrap();
            let reply = receive(&world, &id, &command).await;
            let bytes: Vec<u8> = reply
                .texts("Stream")
                .iter()
                .flat_map(|piece| STANDARD.decode(piece).unwrap())
                .collect();
            let found = bytes.windows(expected.len()).any(|part| part == expected);
            assert!(found, "{line}: {bytes:x?}");
        }
    }
    let (world, id) = shell(|_| {}).await;
    assert_eq!(
        run(&world, &id, "chcp").await,
        ("Active code page: 65001\r\n".to_owned(), 0)
    );
}

#[tokio::test]
async fn without_memory_a_command_does_nothing_and_says_nothing() {
    let (world, id) = shell(|_| {}).await;
    world.knobs(|knobs| {
        knobs.quota = Some(QuotaKnob {
            kind: QuotaKind::Memory,
            first: Some(1),
        })
    });
    let line = r"reg add HKLM\SOFTWARE\Example /v a /d b /f";
    assert_eq!(run(&world, &id, line).await, (String::new(), 3_221_225_495));
    assert!(!world.host.key_exists(r"SOFTWARE\Example"));
    assert_eq!(run(&world, &id, line).await.1, 0);
}
