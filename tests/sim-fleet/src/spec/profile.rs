//! Hosts as one meets them: builds of Windows with what usually stands on them.

use super::{AdapterSpec, AntivirusSpec, HostOptions, OsSpec, Role, SensorSpec};

/// Names of the profiles.
pub const PROFILES: [&str; 11] = [
    "windows_10",
    "windows_10_1809",
    "windows_11",
    "laptop",
    "ipv6_only",
    "server_2012_r2",
    "server_2012_r2_mma",
    "server_2016",
    "server_2019_old",
    "domain_controller",
    "cluster_node",
];

impl HostOptions {
    /// The options of a profile, `None` for a name that is not one of [`PROFILES`].
    pub fn profile(name: &str) -> Option<Self> {
        let in_box = |version: &str| {
            Some(SensorSpec {
                version: version.into(),
                ..SensorSpec::default()
            })
        };
        let plain = Self {
            adapters: vec![AdapterSpec::new(&["10.20.0.5", "fe80::1"], &["10.20.0.1"])],
            ..Self::default()
        };
        let server = |build, ubr, name: &str| Self {
            os: os(build, ubr, "ServerStandard", "Server", name),
            chassis: vec![1],
            ..plain.clone()
        };
        Some(match name {
            "windows_10" => plain,
            "windows_10_1809" => Self {
                os: os(17763, 1910, "Enterprise", "Client", "Windows 10 Enterprise"),
                sensor: in_box("10.7720.17763.1910"),
                ..plain
            },
            "windows_11" => Self {
                os: os(22631, 3880, "Enterprise", "Client", "Windows 10 Enterprise"),
                sensor: in_box("10.8760.22631.3880"),
                ..plain
            },
            "laptop" => Self {
                chassis: vec![10],
                ..plain
            },
            "ipv6_only" => Self {
                adapters: vec![AdapterSpec::new(
                    &["169.254.7.7", "2001:db8::7"],
                    &["fe80::1"],
                )],
                ..plain
            },
            "server_2012_r2" => Self {
                sensor: unified("10.8049.22439.1084"),
                ..server(9600, 21620, "Windows Server 2012 R2 Standard")
            },
            "server_2012_r2_mma" => Self {
                sensor: None,
                antivirus: None,
                roles: vec![Role::Mma],
                ..server(9600, 21620, "Windows Server 2012 R2 Standard")
            },
            "server_2016" => Self {
                sensor: unified("10.8048.22439.1065"),
                ..server(14393, 6252, "Windows Server 2016 Standard")
            },
            "server_2019_old" => Self {
                sensor: in_box("10.8209.17763.1910"),
                ..server(17763, 1910, "Windows Server 2019 Standard")
            },
            "domain_controller" => Self {
                roles: vec![Role::DomainController],
                sensor: in_box("10.8760.20348.2527"),
                ..server(20348, 2527, "Windows Server 2022 Datacenter")
            },
            "cluster_node" => Self {
                roles: vec![Role::Cluster],
                sensor: in_box("10.8760.20348.2527"),
                antivirus: Some(AntivirusSpec {
                    tamper_protected: true,
                    ..AntivirusSpec::default()
                }),
                ..server(20348, 2527, "Windows Server 2022 Datacenter")
            },
            _ => return None,
        })
    }
}

fn os(build: u32, ubr: u32, edition: &str, kind: &str, name: &str) -> OsSpec {
    OsSpec {
        build,
        ubr,
        edition: edition.into(),
        installation_type: kind.into(),
        product_name: name.into(),
        display_version: String::new(),
    }
}

fn unified(version: &str) -> Option<SensorSpec> {
    let folder = r"C:\ProgramData\Microsoft\Windows Defender Advanced Threat Protection\Platform";
    Some(SensorSpec {
        version: version.into(),
        image_path: format!(r#""{folder}\{version}\MsSense.exe""#),
        unified_agent: true,
        file_missing: false,
    })
}
