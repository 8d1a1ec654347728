//! The classes of `root/cimv2`.

use super::around::adapters;
use super::{Instance, Value};
use crate::host::Host;
use crate::registry::{KeyPath, kind};

type Make = fn(&Host) -> Vec<Instance>;

/// By name.
pub(super) const CLASSES: [(&str, Make); 9] = [
    ("Win32_OperatingSystem", operating_system),
    ("Win32_ComputerSystem", computer_system),
    ("Win32_SystemEnclosure", enclosure),
    ("CIM_DataFile", data_files),
    ("Win32_Service", services),
    ("Win32_BIOS", bios),
    ("Win32_ComputerSystemProduct", product),
    ("Win32_Battery", battery),
    ("Win32_NetworkAdapterConfiguration", adapters),
];

pub(super) fn instance(
    class: &'static str,
    keys: &'static [&'static str],
    properties: Vec<(&'static str, Value)>,
) -> Instance {
    Instance {
        class,
        keys,
        properties: properties.into_iter().collect(),
    }
}

pub(super) fn number(number: impl Into<i64>) -> Value {
    Value::Number(number.into())
}

fn stamp(at: jiff::Timestamp) -> Value {
    Value::Datetime(at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

fn operating_system(host: &Host) -> Vec<Instance> {
    let os = &host.options.os;
    let server = os.installation_type.starts_with("Server");
    // Reference 12, row 51: two reads differ by parts of a second.
    let jitter =
        jiff::SignedDuration::from_millis(jiff::Timestamp::now().subsec_microsecond().into());
    let booted = host.state().booted;
    let ahead = jiff::SignedDuration::from_secs(host.options.clock_ahead);
    let language = [1033, 1031, 1041][host.options.language as usize];
    vec![instance(
        "Win32_OperatingSystem",
        &["Name"],
        vec![
            ("BuildNumber", Value::Text(os.build.to_string())),
            ("CSDVersion", Value::Null),
            ("CSName", Value::Text(host.identity().computer_name)),
            (
                "Caption",
                Value::Text(format!("Microsoft {}", os.product_name)),
            ),
            (
                "LastBootUpTime",
                stamp(booted.checked_sub(jitter).unwrap_or(booted)),
            ),
            ("LocalDateTime", stamp(jiff::Timestamp::now() + ahead)),
            (
                "MUILanguages",
                Value::Array(vec![host.options.language.tag().into()]),
            ),
            (
                "Name",
                Value::Text(format!(
                    r"Microsoft {}|C:\Windows|\Device\Harddisk0\Partition3",
                    os.product_name
                )),
            ),
            ("OSArchitecture", "64-bit".into()),
            ("OSLanguage", number(language)),
            (
                "ProductType",
                number(if controller(host) {
                    2
                } else if server {
                    3
                } else {
                    1
                }),
            ),
            ("SystemDirectory", r"C:\Windows\system32".into()),
            ("Version", Value::Text(format!("10.0.{}", os.build))),
            ("WindowsDirectory", r"C:\Windows".into()),
        ],
    )]
}

fn controller(host: &Host) -> bool {
    host.options
        .roles
        .contains(&crate::spec::Role::DomainController)
}

fn computer_system(host: &Host) -> Vec<Instance> {
    let identity = host.identity();
    let member = !identity.dns_domain.is_empty();
    let server = host.options.os.installation_type.starts_with("Server");
    let domain = if member {
        identity.dns_domain.clone()
    } else {
        "WORKGROUP".into()
    };
    let portable = host
        .options
        .chassis
        .iter()
        .any(|kind| matches!(kind, 8..=11 | 14 | 30..=32));
    vec![instance(
        "Win32_ComputerSystem",
        &["Name"],
        vec![
            (
                "DNSHostName",
                Value::Text(
                    identity
                        .dns_name
                        .split('.')
                        .next()
                        .unwrap_or_default()
                        .into(),
                ),
            ),
            ("Domain", Value::Text(domain)),
            (
                "DomainRole",
                number(if controller(host) {
                    5
                } else {
                    i32::from(server) * 2 + i32::from(member)
                }),
            ),
            ("Manufacturer", "Example Machines".into()),
            ("Model", "Simulated".into()),
            ("Name", Value::Text(identity.computer_name)),
            ("PCSystemType", number(if portable { 2 } else { 1 })),
            ("PartOfDomain", Value::Bool(member)),
            ("TotalPhysicalMemory", number(8_589_934_592_i64)),
            ("UserName", Value::Null),
        ],
    )]
}

fn enclosure(host: &Host) -> Vec<Instance> {
    vec![instance(
        "Win32_SystemEnclosure",
        &["Tag"],
        vec![
            (
                "ChassisTypes",
                Value::Array(
                    host.options
                        .chassis
                        .iter()
                        .map(|kind| number(*kind))
                        .collect(),
                ),
            ),
            ("Manufacturer", "Example Machines".into()),
            ("SMBIOSAssetTag", "".into()),
            ("SerialNumber", "".into()),
            ("Tag", "System Enclosure 0".into()),
        ],
    )]
}

fn data_files(host: &Host) -> Vec<Instance> {
    let mut files = vec![(
        r"c:\windows\system32\cmd.exe".to_string(),
        format!("10.0.{}.{}", host.options.os.build, host.options.os.ubr),
    )];
    if let Some(sensor) = host
        .options
        .sensor
        .as_ref()
        .filter(|sensor| !sensor.file_missing)
    {
        let path = host.expand(&sensor.image_path);
        let bare = match path.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some((inside, _)) => inside.to_string(),
            None => path,
        };
        files.push((bare.to_lowercase(), sensor.version.clone()));
        if sensor.unified_agent {
            let platform =
                r"c:\programdata\microsoft\windows defender advanced threat protection\platform";
            files.push((
                format!(r"{platform}\{}\mssense.exe", sensor.version),
                sensor.version.clone(),
            ));
        }
    }
    let file = |(name, version): (String, String)| {
        let (folder, file) = name.rsplit_once('\\').unwrap_or(("", &name));
        let (stem, extension) = file.rsplit_once('.').unwrap_or((file, ""));
        let properties = vec![
            (
                "Drive",
                Value::Text(name.get(..2).unwrap_or_default().into()),
            ),
            ("Extension", Value::Text(extension.into())),
            ("FileName", Value::Text(stem.into())),
            (
                "Path",
                Value::Text(format!(r"{}\", folder.get(2..).unwrap_or_default())),
            ),
            ("Version", Value::Text(version)),
            ("Name", Value::Text(name.clone())),
        ];
        instance("CIM_DataFile", &["Name"], properties)
    };
    files.into_iter().map(file).collect()
}

fn services(host: &Host) -> Vec<Instance> {
    let root = KeyPath::parse(r"SYSTEM\CurrentControlSet\Services");
    let state = host.state();
    let Some(key) = state.registry.key(&root) else {
        return Vec::new();
    };
    let found: Vec<(String, String)> = key
        .subkeys()
        .filter_map(|(name, key)| {
            let (_, path) = key
                .value("ImagePath")
                .filter(|(_, value)| matches!(value.kind, kind::SZ | kind::EXPAND_SZ))?;
            Some((name.to_string(), path.as_text()))
        })
        .collect();
    drop(state);
    let service = |(name, path): (String, String)| {
        let properties = vec![
            ("DisplayName", Value::Text(name.clone())),
            ("Name", Value::Text(name)),
            ("PathName", Value::Text(host.expand(&path))),
            ("ProcessId", number(1234)),
            ("StartMode", "Auto".into()),
            ("StartName", "LocalSystem".into()),
            ("Started", Value::Bool(true)),
            ("State", "Running".into()),
            ("Status", "OK".into()),
        ];
        instance("Win32_Service", &["Name"], properties)
    };
    found.into_iter().map(service).collect()
}

fn bios(_: &Host) -> Vec<Instance> {
    let properties = vec![
        ("Name", "Simulated BIOS".into()),
        ("SerialNumber", "".into()),
        ("Version", "1".into()),
    ];
    vec![instance("Win32_BIOS", &["Name"], properties)]
}

fn product(host: &Host) -> Vec<Instance> {
    let properties = vec![
        ("Name", "Simulated".into()),
        (
            "UUID",
            Value::Text(host.identity().machine_guid.to_uppercase()),
        ),
    ];
    vec![instance(
        "Win32_ComputerSystemProduct",
        &["Name"],
        properties,
    )]
}

fn battery(host: &Host) -> Vec<Instance> {
    let portable = host
        .options
        .chassis
        .iter()
        .any(|kind| matches!(kind, 8..=11 | 14 | 30..=32));
    let battery = || {
        instance(
            "Win32_Battery",
            &["DeviceID"],
            vec![("DeviceID", "BAT0".into()), ("BatteryStatus", number(2))],
        )
    };
    portable.then(battery).into_iter().collect()
}
