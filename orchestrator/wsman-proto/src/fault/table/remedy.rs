//! What a person can do, once for each kind of cause.

pub(super) const ACCOUNT: &str = "check user name and password (winfleet credential test), and that the account may log on over the network";
pub(super) const BUSY: &str =
    "the host is busy or starting: try again later (winfleet resume, winfleet catch-up)";
pub(super) const CLEAN_UP: &str =
    "nothing to do: what was to be ended had ended; winfleet goes on with a new shell";
pub(super) const COMMAND: &str =
    "the command line is too long for Windows: shorten the bypass list of the playbook";
pub(super) const ELSEWHERE: &str = "a message that the Windows client makes itself, found in logs and PowerShell: winfleet ping names the \
     same cause from this side";
pub(super) const ENVELOPE: &str = "a key with very many values does not fit one reply: raise MaxEnvelopeSizekb on the host \
     (winrm set winrm/config @{MaxEnvelopeSizekb=\"500\"})";
pub(super) const KEY: &str =
    "an administrator or an uninstaller removes this key right now: run again when that is done";
pub(super) const NO_SHELLS: &str = "AllowRemoteShellAccess is false on the host (winrm/config/winrs): registry steps work with channel: cim; \
     netsh steps need a shell";
pub(super) const OTHER_USER: &str = "another account opened that shell: winfleet opens its own; where it comes again, send a trace (winfleet ping --trace FILE)";
pub(super) const POLL: &str =
    "nothing: no output yet, winfleet asks again until its own deadline (request_timeout)";
pub(super) const PROFILE: &str = "the account's profile was unloaded under the shell: run again; winfleet asks for shells without a profile";
pub(super) const PROGRAM: &str = "the host does not take what winfleet sends: note its Windows version and send a trace (winfleet ping --trace FILE)";
pub(super) const QUOTA: &str = "a WS-Management quota of the host is used up: wait until other tools are done, or raise it \
     (winrm get winrm/config)";
pub(super) const READ_BACK: &str =
    "it may have been carried out: winfleet reads the host back before it says anything; run again";
pub(super) const REMOTE_OFF: &str = "remote access is turned off on the host: Enable-PSRemoting, or winrm quickconfig, in an elevated prompt there";
pub(super) const RESTART: &str =
    "the host's WinRM or WMI service is going down or starting: try again in a few minutes";
pub(super) const RIGHTS: &str = "the account needs administrator rights on the host; a local account other than the built-in Administrator \
     is filtered over the network unless LocalAccountTokenFilterPolicy is 1";
pub(super) const REQUEST: &str = "what the step sends does not fit one request: shorten it (the bypass list), or raise MaxEnvelopeSizekb on the host \
     (winrm set winrm/config @{MaxEnvelopeSizekb=\"500\"})";
pub(super) const SEALED_ANEW: &str = "run again; where it comes again, something on the way changes messages or connections: connect past it, or use \
     transport: https";
pub(super) const ANTIVIRUS: &str = "Defender Antivirus does not run (service WinDefend; it is off where another antivirus is registered): leave the step \
     out for such hosts, or use store: policy";
pub(super) const SEALING: &str =
    "use transport: https, or another proof than Basic: AllowUnencrypted is never needed";
pub(super) const SHELL: &str = "the shell is gone (idle time, restart of the service, quota): winfleet opens a new one where the step may run \
     twice, and reads the host back";
pub(super) const SHELLS: &str = "other tools or lost shells use up the quota: wait for their idle timeout (two hours at most) or raise MaxShellsPerUser";
pub(super) const START_WMI: &str =
    "start the service winmgmt on the host and set it to automatic start";
pub(super) const VALUE: &str = "the value is not what the step takes it for: look at it (winfleet plan) and correct the playbook or the value";
pub(super) const WMI: &str = "check WMI on the host (winmgmt /verifyrepository, service winmgmt), or set channel: auto or shell so that reg.exe \
     is used";
