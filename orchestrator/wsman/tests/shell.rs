//! The shell: output in pieces, polling, and its deletion in every exit path.

use std::time::Duration;

use wsman::{ErrorKind, Sent, cleanup_finished};

use crate::server::{Act, Seen, Server, connect};

const SHELL: &str = "xmlns:rsp='http://schemas.microsoft.com/wbem/wsman/1/windows/shell'";

fn created() -> Act {
    Act::Body(
        "<x:ResourceCreated xmlns:x='http://schemas.xmlsoap.org/ws/2004/09/transfer' \
         xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' \
         xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'><a:Address>x</a:Address><a:ReferenceParameters>\
         <w:SelectorSet><w:Selector Name='ShellId'>S-1</w:Selector></w:SelectorSet></a:ReferenceParameters>\
         </x:ResourceCreated>"
            .to_owned(),
    )
}

fn piece(inside: &str) -> Act {
    Act::Body(format!(
        "<rsp:ReceiveResponse {SHELL}>{inside}</rsp:ReceiveResponse>"
    ))
}

fn done(code: u32) -> Act {
    piece(&format!(
        "<rsp:CommandState CommandId='C-1' State='http://schemas.microsoft.com/wbem/wsman/1/windows/shell/\
         CommandState/Done'><rsp:ExitCode>{code}</rsp:ExitCode></rsp:CommandState>"
    ))
}

/// A host whose Receives are answered by `receive`, which gets their number.
fn host(receive: impl Fn(usize) -> Act) -> impl Fn(usize, &Seen) -> Act {
    let received = std::sync::atomic::AtomicUsize::new(0);
    move |_, seen| match seen.action.rsplit('/').next().unwrap() {
        "Create" => created(),
        "Command" => Act::Body(format!(
            "<rsp:CommandResponse {SHELL}><rsp:CommandId>C-1</rsp:CommandId></rsp:CommandResponse>"
        )),
        "Receive" => receive(received.fetch_add(1, std::sync::atomic::Ordering::SeqCst)),
        _ => Act::Body(String::new()),
    }
}

/// What is due before the next command stays due where it could not leave: else that command would meet a busy shell.
#[tokio::test]
async fn a_command_that_is_not_done_is_ended_even_where_requests_ran_out_in_between() {
    let server = Server::start(host(|number| match number {
        0 => piece(""),
        _ => done(0),
    }))
    .await;
    let mut client = server.client().await;
    assert_eq!(client.run_within("long", 1).await.unwrap(), None);
    client.allow_requests(Some(0));
    let error = client.run("reads", None).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::TooLarge(_)), "{error:?}");
    client.allow_requests(None);
    client.run("writes", None).await.unwrap();
    let actions = server.actions();
    assert_eq!(
        actions,
        [
            "Create", "Command", "Receive", "Signal", "Command", "Receive"
        ]
    );
}

#[tokio::test]
async fn output_cut_inside_a_character_and_timeouts_in_between() {
    let server = Server::start(host(|number| match number {
        0 | 2 => Act::Fault(2_150_858_793),
        1 => piece("<rsp:Stream Name='stdout' CommandId='C-1'>YeI=</rsp:Stream>"),
        3 => piece("<rsp:Stream Name='stdout' CommandId='C-1'>gqw=</rsp:Stream><rsp:Stream Name='stderr' CommandId='C-1'>eA==</rsp:Stream>"),
        _ => done(4_294_967_295),
    }))
    .await;
    let mut client = server.client().await;
    let output = client.run("type x", None).await.unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "a\u{20ac}");
    assert_eq!(
        (output.stderr.as_slice(), output.exit_code),
        (b"x".as_slice(), Some(-1))
    );
    client.run("ver", None).await.unwrap();
    client.close().await;
    // The signal of a finished command is due before the next one, and saved before Delete.
    assert_eq!(
        server.actions(),
        [
            "Create", "Command", "Receive", "Receive", "Receive", "Receive", "Receive", "Signal",
            "Command", "Receive", "Delete"
        ]
    );
}

#[tokio::test]
async fn a_dropped_client_deletes_its_shell() {
    let server = Server::start(host(|_| done(0))).await;
    let mut client = server.client().await;
    client.run("ver", None).await.unwrap();
    drop(client);
    assert!(cleanup_finished(Duration::from_secs(20)).await);
    assert_eq!(server.actions().last().unwrap(), "Delete");
}

#[tokio::test]
async fn a_cancelled_command_deletes_its_shell_on_a_new_connection() {
    let server = Server::start(host(|_| Act::Hang)).await;
    let mut client = server.client().await;
    assert!(
        tokio::time::timeout(Duration::from_millis(300), client.run("pause", None))
            .await
            .is_err()
    );
    drop(client);
    assert!(cleanup_finished(Duration::from_secs(20)).await);
    let seen = server.seen();
    let last = seen.last().unwrap();
    assert!(
        last.action.ends_with("/Delete") && last.connection == 1,
        "{last:?}"
    );
}

#[tokio::test]
async fn a_used_up_shell_is_replaced_and_the_command_repeated() {
    let server = Server::start(move |number, seen| {
        match (number, seen.action.rsplit('/').next().unwrap()) {
            (1, "Command") => Act::Fault(2_150_859_174),
            (_, "Receive") => done(0),
            _ => host(|_| done(0))(number, seen),
        }
    })
    .await;
    let mut client = server.client().await;
    assert_eq!(client.run("ver", None).await.unwrap().exit_code, Some(0));
    assert_eq!(
        server.actions(),
        [
            "Create", "Command", "Delete", "Create", "Command", "Receive"
        ]
    );
}

#[tokio::test]
async fn an_aborted_command_is_not_repeated() {
    let server = Server::start(host(|_| Act::Fault(995))).await;
    let mut client = server.client().await;
    let error = client.run("ver", None).await.unwrap_err();
    assert_eq!(error.sent, Sent::Unknown);
    assert_eq!(error.fault().unwrap().code, 995);
    assert_eq!(server.actions(), ["Create", "Command", "Receive"]);
}

#[tokio::test]
async fn endless_output_is_bounded() {
    let server = Server::start(host(|_| {
        piece("<rsp:Stream Name='stdout' CommandId='C-1'>YWFh</rsp:Stream>")
    }))
    .await;
    let mut endpoint = server.endpoint();
    endpoint.limits.output = 10;
    let mut client = connect(endpoint).await.unwrap();
    let error = client.run("type x", None).await.unwrap_err();
    assert!(matches!(&error.kind, ErrorKind::TooLarge(_)), "{error:?}");
    let error = client.run(&"x".repeat(8192), None).await.unwrap_err();
    assert!(
        matches!(
            (&error.kind, error.sent),
            (ErrorKind::TooLarge(_), Sent::Nothing)
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_command_that_never_has_news_is_given_up() {
    for silence in [
        || Act::Fault(2_150_858_793),
        || piece("<rsp:Stream Name='stdout' CommandId='C-1'/>"),
    ] {
        let server = Server::start(host(move |_| silence())).await;
        let mut client = server.client().await;
        let error = client.run("ver", None).await.unwrap_err();
        assert!(error.to_string().contains("at once"), "{error:?}");
        assert_eq!(error.sent, Sent::Unknown);
        client.close().await;
        let actions = server.actions();
        assert!(actions.len() < 110, "{} requests", actions.len());
        assert_eq!(actions.last().unwrap(), "Delete");
    }
}

/// Whether the host did it is not known, in neither case.
#[tokio::test]
async fn a_deletion_is_repeated_where_contact_is_lost_or_the_host_broke_it_off() {
    const ABORTED: u32 = 995;
    for trouble in [|| Act::Close, || Act::Fault(ABORTED)] {
        let deletions = std::sync::atomic::AtomicUsize::new(0);
        let healthy = host(|_| done(0));
        let server = Server::start(move |number, seen| {
            let delete = seen.action.ends_with("/Delete");
            if delete && deletions.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 {
                return trouble();
            }
            healthy(number, seen)
        })
        .await;
        let mut client = server.client().await;
        client.run("ver", None).await.unwrap();
        client.close().await;
        assert_eq!(
            server.actions()[2..],
            ["Receive", "Delete", "Delete", "Delete"]
        );
    }
}
