//! What every Windows has in its registry, as far as anybody who manages a fleet reads it.

use std::sync::{Arc, OnceLock};

use super::{KeyPath, RawValue, Registry, kind};
use crate::spec::HostOptions;

const POLICIES: [&str; 4] = [
    r"SOFTWARE\Policies\Microsoft\Windows\DataCollection",
    r"SOFTWARE\Policies\Microsoft\Windows Advanced Threat Protection",
    r"SOFTWARE\Policies\Microsoft\Windows Defender",
    r"SOFTWARE\Policies\Microsoft\Windows Defender\Spynet",
];
const KEYS: [&str; 15] = [
    r"SOFTWARE\Classes",
    r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree",
    r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall",
    r"SOFTWARE\Microsoft\Windows Defender",
    r"SOFTWARE\Microsoft\Windows Advanced Threat Protection",
    r"SOFTWARE\Microsoft\Cryptography",
    r"SOFTWARE\Policies\Microsoft\Windows",
    r"SOFTWARE\Policies\Microsoft\SystemCertificates",
    r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Internet Settings\Connections",
    r"SOFTWARE\WOW6432Node\Microsoft\Cryptography",
    r"SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName",
    r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters",
];
const VERSION: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const ENVIRONMENT: &str = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
const CONNECTIONS: &str =
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
const AGENT: &str =
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\{5B1F3A04-6F5A-4C1F-9B3E-0C2D7B6A9E11}";

/// What differs from host to host.
pub(crate) struct BaseFacts<'a> {
    pub(crate) computer_name: &'a str,
    pub(crate) dns_name: &'a str,
    pub(crate) machine_guid: &'a str,
    pub(crate) options: &'a HostOptions,
}

impl Registry {
    /// The registry of a fresh host.
    pub(crate) fn fresh(facts: &BaseFacts<'_>) -> Self {
        static COMMON: OnceLock<Registry> = OnceLock::new();
        let common = COMMON.get_or_init(common);
        let mut registry = Self {
            root: Arc::clone(&common.root),
        };
        registry.describe_system(facts);
        registry.describe_sensor(facts.options);
        for role in &facts.options.roles {
            let (service, program) = role.service();
            let key = format!(r"SYSTEM\CurrentControlSet\Services\{service}");
            registry.put(&key, "ImagePath", RawValue::text(kind::EXPAND_SZ, program));
            registry.put(&key, "Start", RawValue::dword(2));
        }
        if facts.options.policy_keys {
            for key in POLICIES {
                registry.create(&KeyPath::parse(key));
            }
        }
        if facts.options.winhttp_settings {
            registry.put(
                CONNECTIONS,
                "WinHttpSettings",
                RawValue::new(
                    kind::BINARY,
                    &winhttp_blob(facts.options.winhttp_marker, "", ""),
                ),
            );
        }
        registry
    }

    /// Sets a value and creates the key where needed.
    pub(crate) fn put(&mut self, key: &str, name: &str, value: RawValue) {
        let path = KeyPath::parse(key);
        self.create(&path);
        self.set(&path, name, value);
    }

    fn describe_system(&mut self, facts: &BaseFacts<'_>) {
        let os = &facts.options.os;
        let build = os.build.to_string();
        for (name, text) in [
            ("CurrentBuild", build.as_str()),
            ("CurrentBuildNumber", build.as_str()),
            ("EditionID", &os.edition),
            ("InstallationType", &os.installation_type),
            ("ProductName", &os.product_name),
            ("DisplayVersion", &os.display_version),
        ] {
            self.put(VERSION, name, RawValue::sz(text));
        }
        self.put(VERSION, "UBR", RawValue::dword(os.ubr));
        self.put(
            r"SOFTWARE\Microsoft\Cryptography",
            "MachineGuid",
            RawValue::sz(facts.machine_guid),
        );
        self.put(
            r"SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName",
            "ComputerName",
            RawValue::sz(facts.computer_name),
        );
        let host = facts.dns_name.split('.').next().unwrap_or_default();
        self.put(
            r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters",
            "Hostname",
            RawValue::sz(host),
        );
    }

    fn describe_sensor(&mut self, options: &HostOptions) {
        let Some(sensor) = &options.sensor else {
            return;
        };
        let service = r"SYSTEM\CurrentControlSet\Services\Sense";
        self.put(
            service,
            "ImagePath",
            RawValue::text(kind::EXPAND_SZ, &sensor.image_path),
        );
        self.put(service, "Start", RawValue::dword(2));
        self.put(
            service,
            "DisplayName",
            RawValue::sz("Windows Defender Advanced Threat Protection Service"),
        );
        if sensor.unified_agent {
            self.put(
                AGENT,
                "DisplayName",
                RawValue::sz("Microsoft Defender for Endpoint"),
            );
            let platform =
                r"C:\ProgramData\Microsoft\Windows Defender Advanced Threat Protection\Platform";
            let location = format!("{platform}\\{}\\", sensor.version);
            self.put(
                r"SOFTWARE\Microsoft\Windows Advanced Threat Protection",
                "InstallLocation",
                RawValue::sz(&location),
            );
        }
    }
}

fn common() -> Registry {
    let mut registry = Registry::default();
    for key in KEYS {
        registry.create(&KeyPath::parse(key));
    }
    for hive in [
        "HKU\\.DEFAULT\\Software",
        "HKU\\S-1-5-18\\Software",
        "HKCC\\System",
    ] {
        registry.create(&KeyPath::parse(hive));
    }
    registry.put(VERSION, "CurrentVersion", RawValue::sz("6.3"));
    registry.put(VERSION, "SystemRoot", RawValue::sz(r"C:\Windows"));
    registry.put(
        r"SOFTWARE\Microsoft\Windows\CurrentVersion",
        "ProgramFilesDir",
        RawValue::sz(r"C:\Program Files"),
    );
    registry.put(
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System",
        "EnableLUA",
        RawValue::dword(1),
    );
    for (name, text) in [
        ("windir", r"%SystemRoot%"),
        ("TEMP", r"%SystemRoot%\TEMP"),
        ("ComSpec", r"%SystemRoot%\system32\cmd.exe"),
    ] {
        registry.put(ENVIRONMENT, name, RawValue::text(kind::EXPAND_SZ, text));
    }
    registry.put(ENVIRONMENT, "PROCESSOR_ARCHITECTURE", RawValue::sz("AMD64"));
    for (service, path) in [
        (
            "WinRM",
            r"%SystemRoot%\System32\svchost.exe -k NetworkService -p",
        ),
        (
            "WinDefend",
            r#""%ProgramFiles%\Windows Defender\MsMpEng.exe""#,
        ),
    ] {
        let key = format!(r"SYSTEM\CurrentControlSet\Services\{service}");
        registry.put(&key, "ImagePath", RawValue::text(kind::EXPAND_SZ, path));
        registry.put(&key, "Start", RawValue::dword(2));
    }
    registry
}

/// `WinHttpSettings` as netsh writes it: marker, counter 0, flags, proxy, bypass, lengths little-endian.
pub(crate) fn winhttp_blob(marker: u32, proxy: &str, bypass: &str) -> Vec<u8> {
    let flags: u32 = if proxy.is_empty() { 1 } else { 3 };
    let mut blob = Vec::with_capacity(20 + proxy.len() + bypass.len());
    for number in [marker, 0, flags] {
        blob.extend(number.to_le_bytes());
    }
    for text in [proxy, bypass] {
        blob.extend((text.len() as u32).to_le_bytes());
        blob.extend(text.as_bytes());
    }
    blob
}
