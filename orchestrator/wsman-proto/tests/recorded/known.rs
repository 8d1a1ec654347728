//! What is known of messages that other projects keep, by project and name of the text there. Each line was compared with
//! the message by eye.

#[rustfmt::skip] // one message each
const KNOWN: &[(&str, &str)] = &[
    ("WinRb/get_command_output_response.xml.erb", "output 16 bytes \"test_data_stdout\", errors 16 bytes \"test_data_stderr\", exit code Some(0), done true"),
    ("WinRb/get_command_output_response_not_done.xml.erb", "output 16 bytes \"test_data_stdout\", errors 16 bytes \"test_data_stderr\", exit code None, done false"),
    ("WinRb/get_powershell_keepalive_response.xml.erb", "output 34 bytes \"test_data_stdout1test_data_stdout2\", errors 0 bytes \"\", exit code None, done false"),
    ("WinRb/get_powershell_output_response.xml.erb", "output 16 bytes \"test_data_stdout\", errors 0 bytes \"\", exit code Some(0), done true"),
    ("WinRb/get_powershell_output_response_not_done.xml.erb", "output 16 bytes \"test_data_stdout\", errors 0 bytes \"\", exit code None, done false"),
    ("WinRb/open_shell_v1.xml", "shell uuid:739990FF-1492-4CDD-80BB-6E07ADB06D85"),
    ("WinRb/open_shell_v2.xml", "shell 62DE33F0-8674-43D9-B6A5-3298012CC4CD"),
    ("WinRb/soap_fault_v1.xml", "fault 2150858778 \"CannotProcessFilter\" of \"\""),
    ("WinRb/soap_fault_v2.xml", "fault 2150858778 \"CannotProcessFilter\" of \"localhost\""),
    ("WinRb/wmi_error_v2.xml", "fault 2150859173 \"QuotaLimit\" of \"\""),
    ("masterzen/fixture_test_createShellResponse.xml", "shell 67A74734-DD32-4F10-89DE-49A060483810"),
    ("masterzen/fixture_test_doneCommandExitCode0Response.xml", "output 0 bytes \"\", errors 0 bytes \"\", exit code Some(0), done true"),
    ("masterzen/fixture_test_doneCommandResponse.xml", "output 0 bytes \"\", errors 0 bytes \"\", exit code Some(123), done true"),
    ("masterzen/fixture_test_executeCommandResponse.xml", "command 1A6DEE6B-EC68-4DD6-87E9-030C0048ECC4"),
    ("masterzen/fixture_test_executeCommandResponseWithError.xml", "fault 2147942606 \"InternalError\" of \"52.12.219.136\""),
    ("masterzen/fixture_test_operationTimeoutResponse.xml", "fault 2150858793 \"TimedOut\" of \"127.0.0.1\""),
    ("masterzen/fixture_test_outputResponse.xml", "output 19 bytes \"That's all folks!!!\", errors 32 bytes \"This is stderr, I'm pretty sure!\", exit code None, done false"),
    ("masterzen/fixture_test_singleOutputResponse.xml", "output 19 bytes \"That's all folks!!!\", errors 0 bytes \"\", exit code None, done false"),
    ("masterzen/http_test_response.xml", "shell 67A74734-DD32-4F10-89DE-49A060483810"),
    ("pywinrm/conftest_cleanup_cmd_request.xml", "request Signal"),
    ("pywinrm/conftest_cleanup_cmd_response.xml", "reply \"SignalResponse\""),
    ("pywinrm/conftest_close_shell_request.xml", "request Delete"),
    ("pywinrm/conftest_close_shell_response.xml", "reply \"\""),
    ("pywinrm/conftest_get_cmd_output_response.xml", "output 3416 bytes \"\\r\\nWindows IP Configuration\\r\\n\\r\\n   Host Na\", errors 0 bytes \"\", exit code Some(0), done true"),
    ("pywinrm/conftest_get_cmd_ps_output_request.xml", "request Receive"),
    ("pywinrm/conftest_get_ps_output_response.xml", "output 0 bytes \"\", errors 481 bytes \"#< CLIXML\\r\\n<Objs Version=\\\"1.1.0.1\\\" xmlns\", exit code Some(1), done true"),
    ("pywinrm/conftest_open_shell_request.xml", "request Create"),
    ("pywinrm/conftest_open_shell_response.xml", "shell 11111111-1111-1111-1111-111111111113"),
    ("pywinrm/conftest_run_cmd_ps_response.xml", "command 11111111-1111-1111-1111-1111111111%s4"),
    ("pywinrm/conftest_run_cmd_req_input.xml", "request Command"),
    ("pywinrm/conftest_run_cmd_req_input_response.xml", "command 11111111-1111-1111-1111-111111111111"),
    ("pywinrm/conftest_run_cmd_send_input.xml", "request Send"),
    ("pywinrm/conftest_run_cmd_send_input_get_output.xml", "request Receive"),
    ("pywinrm/conftest_run_cmd_send_input_get_output_response.xml", "output 156 bytes \"Microsoft Windows [Version 10.0.17763.10\", errors 0 bytes \"\", exit code Some(0), done true"),
    ("pywinrm/conftest_run_cmd_send_input_response.xml", "reply \"SendResponse\""),
    ("pywinrm/conftest_run_cmd_with_args_request.xml", "request Command"),
    ("pywinrm/conftest_run_cmd_wo_args_request.xml", "request Command"),
    ("pywinrm/conftest_run_ps_request.xml", "request Command"),
    ("pywinrm/conftest_stdin_cmd_cleanup.xml", "request Signal"),
    ("pywinrm/conftest_stdin_cmd_cleanup_response.xml", "reply \"SignalResponse\""),
    ("pywinrm/test_exceptions_fault_line100.xml", "fault 2150858793 \"TimedOut\" of \"server2022.domain.test\""),
    ("pywinrm/test_exceptions_fault_line142.xml", "fault 2150858817 \"SchemaValidationError\" of \"SERVER2008.domain.local\""),
    ("pywinrm/test_exceptions_fault_line15.xml", "fault 0 \"MustUnderstand\" of \"\""),
    ("pywinrm/test_exceptions_fault_line192.xml", "fault 2150859174 \"InternalError\" of \"\""),
    ("pywinrm/test_exceptions_fault_line59.xml", "fault 0 \"Unknown\" of \"\""),
];

/// The line that must come out.
pub(super) fn line(name: &str) -> Option<&'static str> {
    let place = KNOWN.iter().find(|(known, _)| *known == name)?;
    Some(place.1)
}
