//! `PS_ScheduledTask.RegisterByXml`: a task as an administrator registers it over CIM. Strict: a definition with anything
//! that this host does not carry out is refused as Windows refuses malformed ones, so that no setting is silently ignored.

use roxmltree::{Document, Node};

use super::envelope::{content, is};
use super::fault::{BAD_PARAMETER, Fault, NO_ACTION};
use super::xml::escape;
use super::{Body, Call, Request, uri};
use crate::host::tasks::Task;

const SCHEMA: &str = "http://schemas.microsoft.com/windows/2004/02/mit/task";
/// `SCHED_E_MALFORMEDXML`.
const MALFORMED: u32 = 0x8004_131A;
/// `SCHED_E_INVALIDVALUE`.
const INVALID: u32 = 0x8004_1318;
/// `ERROR_ALREADY_EXISTS` as HRESULT.
const EXISTS: u32 = 0x8007_00B7;

/// Carries it out.
pub(super) fn run(call: &Call<'_>, request: &Request<'_, '_>, method: &str) -> Result<Body, Fault> {
    if method != "RegisterByXml" {
        return Err(Fault::new(NO_ACTION));
    }
    let wrong = || Fault::new(BAD_PARAMETER);
    let input = request.body.first_element_child().ok_or_else(wrong)?;
    let namespace = input.tag_name().namespace().unwrap_or_default();
    if input.tag_name().name() != "RegisterByXml_INPUT"
        || !namespace.eq_ignore_ascii_case(&request.resource)
    {
        return Err(wrong());
    }
    let (mut force, mut name, mut path, mut xml) = (None, None, None, None);
    for node in input.children().filter(Node::is_element) {
        let place = match node.tag_name().name() {
            "Force" => &mut force,
            "TaskName" => &mut name,
            "TaskPath" => &mut path,
            "Xml" => &mut xml,
            _ => return Err(wrong()),
        };
        if !is(&node, namespace, node.tag_name().name()) || place.is_some() {
            return Err(wrong());
        }
        *place = Some(content(&node));
    }
    let (Some(name), Some(xml)) = (name, xml) else {
        return Err(wrong());
    };
    // Only the root folder is known here.
    if path.is_some_and(|path| path != "\\") || name.is_empty() || name.contains(['\\', '/']) {
        return Err(Fault::wmi(BAD_PARAMETER, INVALID));
    }
    let task = definition(&xml).map_err(|code| Fault::wmi(BAD_PARAMETER, code))?;
    let force = force.as_deref() == Some("true");
    let status = if call.host.register_task(&name, task, force) {
        0
    } else {
        EXISTS
    };
    call.host.record(
        &call.user.name,
        "PS_ScheduledTask.RegisterByXml",
        &name,
        &status.to_string(),
        true,
    );
    Ok(Body {
        action: format!("{}Response", request.action),
        xml: format!(
            "<p:RegisterByXml_OUTPUT xmlns:xsi=\"{}\" xmlns:p=\"{}\" xmlns:cim=\"{}\"><p:ReturnValue>{status}</p:ReturnValue><p:cmdletOutput xsi:nil=\"true\"/></p:RegisterByXml_OUTPUT>",
            uri::XSI,
            escape(&request.resource),
            uri::CIM
        ),
    })
}

/// Reads a definition; the error is the number that Windows gives.
fn definition(xml: &str) -> Result<Task, u32> {
    let doc = Document::parse(xml).map_err(|_| MALFORMED)?;
    let root = doc.root_element();
    if root.tag_name().name() != "Task"
        || root.tag_name().namespace() != Some(SCHEMA)
        || root.attribute("version") != Some("1.2")
    {
        return Err(MALFORMED);
    }
    only(
        root,
        &[
            "RegistrationInfo",
            "Triggers",
            "Principals",
            "Settings",
            "Actions",
        ],
    )?;
    only(child(root, "RegistrationInfo")?, &["Author", "Description"])?;
    let trigger = sole(child(root, "Triggers")?, "TimeTrigger")?;
    only(trigger, &["StartBoundary", "EndBoundary", "Enabled"])?;
    let start = moment(trigger, "StartBoundary")?;
    let end = moment(trigger, "EndBoundary")?;
    if end <= start || text(trigger, "Enabled")? != "true" {
        return Err(INVALID);
    }
    let principal = sole(child(root, "Principals")?, "Principal")?;
    only(principal, &["UserId", "RunLevel"])?;
    let actions = child(root, "Actions")?;
    if text(principal, "UserId")? != "S-1-5-18"
        || principal.attribute("id") != actions.attribute("Context")
    {
        return Err(INVALID);
    }
    settings(child(root, "Settings")?)?;
    let exec = sole(actions, "Exec")?;
    only(exec, &["Command", "Arguments"])?;
    Ok(Task {
        start,
        end,
        command: text(exec, "Command")?,
        arguments: text(exec, "Arguments")?,
    })
}

/// It runs on a laptop on battery and on a host that slept, and goes away by itself; nothing else is asked for.
fn settings(settings: Node<'_, '_>) -> Result<(), u32> {
    only(
        settings,
        &[
            "MultipleInstancesPolicy",
            "DisallowStartIfOnBatteries",
            "StopIfGoingOnBatteries",
            "StartWhenAvailable",
            "ExecutionTimeLimit",
            "DeleteExpiredTaskAfter",
            "Enabled",
        ],
    )?;
    let wanted = [
        ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"),
        ("StartWhenAvailable", "true"),
        ("DeleteExpiredTaskAfter", "PT0S"),
        ("Enabled", "true"),
    ];
    for (name, value) in wanted {
        if text(settings, name)? != value {
            return Err(INVALID);
        }
    }
    Ok(())
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Result<Node<'a, 'i>, u32> {
    let mut found = node
        .children()
        .filter(|child| child.is_element() && child.tag_name().name() == name);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(MALFORMED),
    }
}

/// The one element in it.
fn sole<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Result<Node<'a, 'i>, u32> {
    only(node, &[name])?;
    child(node, name)
}

fn only(node: Node<'_, '_>, names: &[&str]) -> Result<(), u32> {
    let mut children = node.children().filter(Node::is_element);
    let known = |child: Node<'_, '_>| {
        child.tag_name().namespace() == Some(SCHEMA) && names.contains(&child.tag_name().name())
    };
    if children.all(known) {
        Ok(())
    } else {
        Err(MALFORMED)
    }
}

fn text(node: Node<'_, '_>, name: &str) -> Result<String, u32> {
    Ok(content(&child(node, name)?))
}

/// Boundaries without a zone would be local time: refused, because nobody here means that.
fn moment(node: Node<'_, '_>, name: &str) -> Result<jiff::Timestamp, u32> {
    let text = text(node, name)?;
    if !text.ends_with('Z') || text.contains('.') {
        return Err(INVALID);
    }
    text.parse().map_err(|_| INVALID)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"><RegistrationInfo><Author>a</Author><Description>d</Description></RegistrationInfo><Triggers><TimeTrigger><StartBoundary>2026-01-01T00:00:00Z</StartBoundary><EndBoundary>2026-01-01T00:10:00Z</EndBoundary><Enabled>true</Enabled></TimeTrigger></Triggers><Principals><Principal id="A"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals><Settings><MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy><DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries><StopIfGoingOnBatteries>false</StopIfGoingOnBatteries><StartWhenAvailable>true</StartWhenAvailable><ExecutionTimeLimit>PT5M</ExecutionTimeLimit><DeleteExpiredTaskAfter>PT0S</DeleteExpiredTaskAfter><Enabled>true</Enabled></Settings><Actions Context="A"><Exec><Command>powershell.exe</Command><Arguments>-x</Arguments></Exec></Actions></Task>"#;

    #[test]
    fn only_a_task_that_goes_away_by_itself_is_taken() {
        let task = definition(GOOD).unwrap();
        assert_eq!(
            (task.command.as_str(), task.arguments.as_str()),
            ("powershell.exe", "-x")
        );
        for (from, to) in [
            ("00:00:00Z", "00:00:00"),
            ("00:00:00Z", "00:00:00.5Z"),
            ("00:10:00Z", "00:00:00Z"),
            ("<EndBoundary>2026-01-01T00:10:00Z</EndBoundary>", ""),
            ("S-1-5-18", "S-1-5-19"),
            ("Context=\"A\"", "Context=\"B\""),
            (
                "<DisallowStartIfOnBatteries>false",
                "<DisallowStartIfOnBatteries>true",
            ),
            ("<DeleteExpiredTaskAfter>PT0S</DeleteExpiredTaskAfter>", ""),
            ("version=\"1.2\"", "version=\"1.1\""),
            ("<Triggers>", "<Triggers><BootTrigger/>"),
            ("<Exec>", "<Exec><WorkingDirectory>x</WorkingDirectory>"),
            ("/mit/task\"", "/mit/tusk\""),
            ("</Task>", ""),
        ] {
            assert!(GOOD.contains(from), "{from}");
            assert!(
                definition(&GOOD.replace(from, to)).is_err(),
                "{from} -> {to}"
            );
        }
    }
}
