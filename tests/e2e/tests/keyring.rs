//! Passwords in a real Secret Service. It needs `dbus` and `gnome-keyring`, hence only with `WINFLEET_KEYRING=1`.

use std::process::Command;

use e2e::{Lab, LabBuilder};

/// A Secret Service of its own for one command, thrown away afterwards. The folders are set before the bus starts,
/// because the bus hands its environment to what it activates.
const WITH_KEYRING: &str = r#"
set -e
mkdir -m 700 -p "$HOME/run" "$HOME/data"
export XDG_RUNTIME_DIR=$HOME/run XDG_DATA_HOME=$HOME/data XDG_CACHE_HOME=$HOME/cache
exec dbus-run-session -- bash -c '
  printf test-only | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null
  for _ in $(seq 500); do
    dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
      string:org.freedesktop.secrets | grep -q "boolean true" && break
    sleep .02
  done
  eval "$1"' _ "$1"
"#;

/// What a shell sees of the whole life of an entry; `W` is the program.
const LIFE: &str = r#"
printf '%s\n' "$LAB_PASSWORD" | "$W" credential set rollout && echo set
"$W" credential list
"$W" credential test rollout
"$W" credential test rollout -i inventory.yaml --on pc-0001.corp.example | grep -o 'ntlm (sealed'
"$W" credential delete rollout && echo deleted
"$W" credential test rollout || echo "gone $?"
"$W" credential list | wc -l
"#;

#[test]
fn a_password_lives_in_the_keyring_from_set_to_delete() {
    if std::env::var_os("WINFLEET_KEYRING").is_none() {
        return;
    }
    let lab: Lab = LabBuilder::hosts(1).start();
    let text = std::fs::read_to_string(lab.path("inventory.yaml")).expect("an inventory");
    let text = text.replace("{ env: LAB_PASSWORD }", "{ keyring: rollout }");
    lab.write("inventory.yaml", &text);
    let output = Command::new("bash")
        .args(["-c", WITH_KEYRING, "_", LIFE])
        .current_dir(lab.folder())
        .env("HOME", lab.folder())
        .env("XDG_STATE_HOME", lab.path("state"))
        .env("W", e2e::binary())
        .env("LAB_PASSWORD", e2e::PASSWORD)
        .output()
        .expect("bash is there");
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let wanted = [
        "set",
        "rollout",
        "the password of 'rollout' can be read",
        "ntlm (sealed",
        "deleted",
        "gone 1",
        "0",
    ];
    assert_eq!(lines, wanted, "{}", String::from_utf8_lossy(&output.stderr));
}
