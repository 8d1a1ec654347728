//! Network adapters, Defender's namespace and the log of group policy (`root/rsop/computer`).

use super::classes::{instance, number};
use super::{Instance, Value};
use crate::host::Host;
use crate::registry::{KeyPath, kind};

/// Adapters with IP, and one without.
pub(super) fn adapters(host: &Host) -> Vec<Instance> {
    let texts =
        |texts: &[String]| Value::Array(texts.iter().map(|text| text.as_str().into()).collect());
    let one = |index: usize, enabled: bool, addresses: Value, gateways: Value| {
        let properties = vec![
            ("DefaultIPGateway", gateways),
            ("Description", "Simulated adapter".into()),
            ("IPAddress", addresses),
            ("IPEnabled", Value::Bool(enabled)),
            ("Index", number(index as i64)),
        ];
        instance("Win32_NetworkAdapterConfiguration", &["Index"], properties)
    };
    let mut all = vec![one(0, false, Value::Null, Value::Null)];
    let with_ip = host.options.adapters.iter().enumerate();
    all.extend(with_ip.map(|(index, adapter)| {
        one(
            index + 1,
            true,
            texts(&adapter.addresses),
            texts(&adapter.gateways),
        )
    }));
    all
}

/// `None`: the feature is not installed, its namespace is not there.
pub(super) fn antivirus(host: &Host, class: &str) -> Option<Vec<Instance>> {
    let antivirus = host.options.antivirus.as_ref()?;
    if class.eq_ignore_ascii_case("MSFT_MpComputerStatus") {
        let properties = vec![
            ("AMEngineVersion", "1.1.24090.11".into()),
            ("AMProductVersion", Value::Text(antivirus.platform.clone())),
            ("AMRunningMode", Value::Text(antivirus.mode.clone())),
            ("AMServiceEnabled", Value::Bool(true)),
            (
                "AntivirusSignatureLastUpdated",
                Value::Datetime("2026-11-23T06:00:00.000000+00:00".into()),
            ),
            ("IsTamperProtected", Value::Bool(antivirus.tamper_protected)),
            (
                "TamperProtectionSource",
                if antivirus.tamper_protected {
                    "ATP"
                } else {
                    "N/A"
                }
                .into(),
            ),
            ("ComputerID", Value::Text(host.identity().machine_guid)),
        ];
        return Some(vec![instance(
            "MSFT_MpComputerStatus",
            &["ComputerID"],
            properties,
        )]);
    }
    if !class.eq_ignore_ascii_case("MSFT_MpPreference") {
        return None;
    }
    let policy = |name: &str| {
        let key = KeyPath::parse(r"SOFTWARE\Policies\Microsoft\Windows Defender");
        let state = host.state();
        let value = state
            .registry
            .key(&key)?
            .value(name)
            .map(|(_, value)| value.clone())?;
        (value.kind == kind::SZ).then(|| value.as_text())
    };
    let text = |text: String| {
        if text.is_empty() {
            Value::Null
        } else {
            Value::Text(text)
        }
    };
    let preferences = host.state().preferences.clone();
    let bypass = match policy("ProxyBypass") {
        Some(one) => vec![one],
        None => preferences.bypass,
    };
    let properties = vec![
        (
            "AttackSurfaceReductionRules_Actions",
            Value::Array(Vec::new()),
        ),
        ("AttackSurfaceReductionRules_Ids", Value::Array(Vec::new())),
        ("ComputerID", Value::Text(host.identity().machine_guid)),
        ("ForceUseProxyOnly", Value::Bool(false)),
        ("MAPSReporting", number(2)),
        (
            "ProxyBypass",
            Value::Array(bypass.iter().map(|one| one.as_str().into()).collect()),
        ),
        (
            "ProxyPacUrl",
            text(policy("ProxyPacUrl").unwrap_or(preferences.pac_url)),
        ),
        (
            "ProxyServer",
            text(policy("ProxyServer").unwrap_or(preferences.server)),
        ),
        (
            "SignatureFallbackOrder",
            "MicrosoftUpdateServer | MMPC".into(),
        ),
    ];
    Some(vec![instance(
        "MSFT_MpPreference",
        &["ComputerID"],
        properties,
    )])
}

/// `None`: there are no such classes.
pub(super) fn rsop(host: &Host, class: &str) -> Option<Vec<Instance>> {
    if !host.options.rsop_logging {
        return None;
    }
    let none = Vec::new();
    let policies = match host.options.rsop_empty {
        true => &none,
        false => &host.options.group_policy,
    };
    let id = |gpo: &str| {
        Value::Text(format!(
            "cn={{{gpo}}},cn=policies,cn=system,DC=corp,DC=example"
        ))
    };
    if class.eq_ignore_ascii_case("RSOP_GPO") {
        let mut names: Vec<&str> = policies.iter().map(|policy| policy.gpo.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let one = |id: Value, name: &str| {
            instance("RSOP_GPO", &["id"], vec![("id", id), ("name", name.into())])
        };
        let named = names.into_iter().map(|name| one(id(name), name));
        // The log names the local policy whether it sets anything or not.
        let local =
            (!host.options.rsop_empty).then(|| one("LocalGPO".into(), "Local Group Policy"));
        return Some(local.into_iter().chain(named).collect());
    }
    if !class.eq_ignore_ascii_case("RSOP_RegistryPolicySetting") {
        return None;
    }
    let one = |policy: &crate::spec::PolicySpec| {
        let raw = policy.data.as_ref().map(crate::spec::SeedData::raw);
        let bytes = raw
            .iter()
            .flat_map(|raw| &raw.bytes)
            .map(|byte| number(*byte))
            .collect();
        let properties = vec![
            ("GPOID", id(&policy.gpo)),
            ("deleted", Value::Bool(raw.is_none())),
            (
                "id",
                Value::Text(format!("{}-{}", policy.value, policy.precedence)),
            ),
            ("precedence", number(policy.precedence)),
            ("registryKey", Value::Text(policy.key.clone())),
            ("value", Value::Array(bytes)),
            ("valueName", Value::Text(policy.value.clone())),
            ("valueType", number(raw.as_ref().map_or(0, |raw| raw.kind))),
        ];
        instance(
            "RSOP_RegistryPolicySetting",
            &["id", "precedence"],
            properties,
        )
    };
    Some(policies.iter().map(one).collect())
}
