//! The values of our own fixtures, each named.

use wsman_proto::reply::{Reply, decode};
use wsman_proto::xml::Bounds;
use wsman_proto::{Fault, Retry};

use super::message;
use super::reading::Reading;

const SHELL: &str = "4C0FFEE1-7A55-4B1E-8C2D-90D1E5CA1E01";
const COMMAND: &str = "C0DE0001-3D7E-4A0B-8F11-2B5E9A77D042";

fn text(name: &str) -> String {
    std::fs::read_to_string(super::fixtures_folder().join(name)).unwrap()
}

fn output(stdout: &str, stderr: &str, exit_code: Option<i32>) -> Reading {
    Reading::Output {
        stdout: stdout.as_bytes().to_vec(),
        stderr: stderr.as_bytes().to_vec(),
        exit_code,
        done: exit_code.is_some(),
    }
}

fn refused(code: u32, subcode: &str, machine: &str) -> Reading {
    Reading::Fault {
        code,
        subcode: subcode.to_owned(),
        machine: machine.to_owned(),
    }
}

fn expected(name: &str) -> Reading {
    match name {
        "create_reply.xml" | "create_reply_with_shell.xml" => Reading::Shell(SHELL.to_owned()),
        "create_reply_first_generation.xml" => Reading::Shell(["uuid:", SHELL].concat()),
        "command_reply.xml" | "command_reply_flush_left.xml" => {
            Reading::Command(COMMAND.to_owned())
        }
        "receive_reply_cut_output.xml" => output(
            "\r\nAktuelle WinHTTP-Proxyeinstellungen:\r\n\r\n    Proxyserver: 10.0.0.6:8080 \u{2013} f\u{fc}r alle\r\n",
            "",
            Some(0),
        ),
        "receive_reply_errors.xml" => output(
            "",
            "#< CLIXML\r\n<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">\
             <S S=\"Error\">no such service_x000D__x000A_</S></Objs>",
            Some(1),
        ),
        "receive_reply_no_command_id.xml" => output("first second", "", None),
        "receive_reply_end_with_content.xml" => output("on stdout", "on stderr", Some(0)),
        "receive_reply_running.xml" => output("One line of output.", "One warning!", None),
        "receive_reply_only_the_end.xml" => output("", "", Some(123)),
        "receive_reply_large_exit_code.xml" => output("", "", Some(-1_073_741_510)),
        "send_reply.xml" => Reading::Plain("SendResponse".to_owned()),
        "signal_reply.xml" => Reading::Plain("SignalResponse".to_owned()),
        "delete_reply.xml" => Reading::Plain(String::new()),
        "fault_timeout.xml" => refused(2_150_858_793, "TimedOut", "192.0.2.10"),
        "fault_timeout_spread.xml" => refused(2_150_858_793, "TimedOut", "srv22.corp.example"),
        "fault_schema.xml" => refused(2_150_858_817, "SchemaValidationError", "SRV08.corp.example"),
        "fault_must_understand.xml" => refused(0, "MustUnderstand", ""),
        "fault_bare.xml" => refused(0, "Unknown", ""),
        "fault_command_line_too_long.xml" => refused(2_147_942_606, "InternalError", "192.0.2.11"),
        "fault_quota_of_operations.xml" => refused(2_150_859_174, "InternalError", ""),
        "fault_quota_of_shells.xml" => refused(2_150_859_173, "QuotaLimit", ""),
        "fault_filter_first_generation.xml" => refused(2_150_858_778, "CannotProcessFilter", ""),
        "fault_filter.xml" => refused(2_150_858_778, "CannotProcessFilter", "localhost"),
        other => panic!("{other} has no values here"),
    }
}

#[test]
fn fixtures_say_what_is_noted() {
    let files = super::files(&super::fixtures_folder());
    assert_eq!(files.len(), 25);
    for name in files.keys() {
        assert_eq!(Reading::of(&text(name)), expected(name), "{name}");
    }
}

fn fault(name: &str) -> Fault {
    let text = text(name);
    let id = text
        .split_once("<a:RelatesTo>")
        .map_or("", |(_, rest)| rest.split_once("</a:RelatesTo>").unwrap().0);
    match decode(text.as_bytes(), id, Bounds::default()).unwrap() {
        Reply::Fault(fault) => fault,
        Reply::Body(_) => panic!("{name} is no fault"),
    }
}

#[test]
fn faults_of_the_fixtures_are_explained() {
    let check = |file: &str, name: &str, retry, cause: &str| {
        let fault = fault(file);
        assert_eq!(
            (fault.name, fault.retry, fault.cause.as_str()),
            (name, retry, cause),
            "{file}"
        );
    };
    let nothing = "Nothing to report before the operation timeout.";
    check(
        "fault_timeout.xml",
        "ERROR_WSMAN_OPERATION_TIMEDOUT",
        Retry::Poll,
        nothing,
    );
    check(
        "fault_timeout_spread.xml",
        "ERROR_WSMAN_OPERATION_TIMEDOUT",
        Retry::Poll,
        nothing,
    );
    check(
        "fault_schema.xml",
        "ERROR_WSMAN_SCHEMA_VALIDATION_ERROR",
        Retry::FixRequest,
        "IdleTimeOut ist keine Dauer.",
    );
    check(
        "fault_must_understand.xml",
        "ERROR_WSMAN_SOAP_FAULT_MUST_UNDERSTAND",
        Retry::FixRequest,
        "A header was not understood.",
    );
    check("fault_bare.xml", "unknown", Retry::No, "");
    check(
        "fault_command_line_too_long.xml",
        "ERROR_FILENAME_EXCED_RANGE",
        Retry::FixRequest,
        "Der Dateiname oder die Erweiterung ist zu lang.",
    );
    check(
        "fault_quota_of_operations.xml",
        "ERROR_WSMAN_QUOTA_MAX_OPERATIONS",
        Retry::NewShell,
        "This user may run 15 operations at a time.",
    );
    check(
        "fault_quota_of_shells.xml",
        "ERROR_WSMAN_QUOTA_MAX_SHELLS",
        Retry::Backoff,
        "This user may have 30 shells.",
    );
    let class = "There is no such class in this namespace.";
    for file in ["fault_filter.xml", "fault_filter_first_generation.xml"] {
        check(
            file,
            "ERROR_WSMAN_ENUMERATE_CANNOT_PROCESS_FILTER",
            Retry::FixRequest,
            class,
        );
    }
    assert_eq!(fault("fault_filter.xml").provider, "WMI Provider");
    assert_eq!(fault("fault_must_understand.xml").detail, "ResourceUri");
    assert_eq!(fault("fault_quota_of_shells.xml").cim_status, Some(27));
}

/// Byte for byte: one host of a decade ago wrote `uuid.` where the request had said so.
#[test]
fn an_id_with_a_point_is_an_id() {
    let text = text("fault_schema.xml");
    assert!(text.contains("<a:RelatesTo>uuid."));
    let with_colon = text.replace("uuid.", "uuid:");
    let id = with_colon
        .split_once("<a:RelatesTo>")
        .unwrap()
        .1
        .split('<')
        .next()
        .unwrap();
    assert!(decode(with_colon.as_bytes(), id, Bounds::default()).is_ok());
    assert!(decode(text.as_bytes(), id, Bounds::default()).is_err());
}

/// The places of a template are filled in, and the samples in a file of notes are found one by one.
#[test]
fn templates_and_samples_become_messages() {
    let template = "<s:Envelope xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' \
        xmlns:rsp='http://schemas.microsoft.com/wbem/wsman/1/windows/shell' \
        xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Header>\n</s:Header><s:Body><rsp:ReceiveResponse>\
        <rsp:Stream CommandId='<%= command_id %>' Name='stdout'><%= some_data %></rsp:Stream>\
        </rsp:ReceiveResponse></s:Body></s:Envelope>";
    let messages = message::messages("a.xml.erb", template);
    assert_eq!(Reading::of(&messages[0]), output("some_data", "", None));
    let notes = "<!-- one --><?xml version='1.0'?><e:Envelope xmlns:e='x'></e:Envelope>\n\n<!-- id: 7 -->\n\
        <?xml version='1.0'?><e:Envelope xmlns:e='x'></e:Envelope> the end";
    let messages = message::messages("notes.txt", notes);
    assert_eq!(messages.len(), 2);
    assert!(
        messages
            .iter()
            .all(|message| message.ends_with("</e:Envelope>"))
    );
    assert!(message::messages("INDEX.md", "# No messages").is_empty());
}
