//! Facts of hosts as one meets them, and what reading them costs.

use playbooks::{Fact, FactSet, FactValue, Facts};
use rollout::Observe;
use sim_fleet::{
    AdapterSpec, FleetSpec, HostOptions, HostSpec, PROFILES, PolicySpec, SeedData, SeedValue,
};

use crate::lab::Lab;

const COLLECTION: &str = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";

async fn lab(options: HostOptions) -> Lab {
    lab_with(options, Vec::new()).await
}

async fn lab_with(options: HostOptions, registry: Vec<SeedValue>) -> Lab {
    let mut spec = FleetSpec::named(Vec::<&str>::new());
    spec.hosts.push(HostSpec {
        name: "pc-1.corp.example".into(),
        options: Some(options),
        registry,
        ..HostSpec::default()
    });
    Lab::of(spec).await
}

/// The facts, and how many requests they cost.
async fn read(lab: &Lab, wanted: &FactSet) -> (Facts, u32) {
    let mut session = lab.open().await;
    let before = session.cost().requests;
    let facts = session.facts(wanted).await.unwrap();
    let cost = session.cost().requests - before;
    session.close().await;
    (facts, cost)
}

fn set(facts: &[Fact]) -> FactSet {
    facts.iter().copied().collect()
}

#[tokio::test]
async fn every_fact_of_every_profile_is_read() {
    for profile in PROFILES {
        let lab = lab(HostOptions::profile(profile).unwrap()).await;
        let (facts, _) = read(&lab, &FactSet::all()).await;
        let unread: Vec<(Fact, &str)> = facts.failures().collect();
        assert_eq!(unread, [], "{profile}");
        for row in playbooks::FACTS {
            assert!(facts.value(row.fact).is_some(), "{profile}: {}", row.name);
        }
        assert_eq!(lab.host().counters().writes, 0, "{profile}");
    }
}

#[tokio::test]
async fn branches_roads_and_gates_by_profile() {
    // Branch, whether the gate is passed, F2, below the floor of S14, usable IPv4.
    let expected = [
        ("windows_10", "in_box", true, "modern", false, true),
        ("windows_10_1809", "in_box", false, "modern", true, true),
        ("windows_11", "in_box", true, "modern", false, true),
        ("laptop", "in_box", true, "modern", false, true),
        ("ipv6_only", "in_box", true, "modern", false, false),
        (
            "server_2012_r2",
            "unified_agent",
            true,
            "unified_agent",
            false,
            true,
        ),
        ("server_2012_r2_mma", "other", false, "mma", false, true),
        (
            "server_2016",
            "unified_agent",
            false,
            "unified_agent",
            false,
            true,
        ),
        ("server_2019_old", "in_box", false, "modern", true, true),
        ("domain_controller", "in_box", true, "modern", false, true),
        ("cluster_node", "in_box", true, "modern", false, true),
    ];
    for (profile, branch, gate, support, below, ipv4) in expected {
        let lab = lab(HostOptions::profile(profile).unwrap()).await;
        let (facts, _) = read(&lab, &FactSet::all()).await;
        assert_eq!(facts.text(Fact::SensorBranch), Some(branch), "{profile}");
        assert_eq!(
            facts.flag(Fact::SensorPrefersStaticProxy),
            Some(gate),
            "{profile}"
        );
        assert_eq!(facts.text(Fact::OsSupport), Some(support), "{profile}");
        assert_eq!(facts.flag(Fact::OsBelowFloor), Some(below), "{profile}");
        assert_eq!(facts.flag(Fact::NetworkIpv4), Some(ipv4), "{profile}");
        assert_eq!(
            facts.flag(Fact::ChassisPortable),
            Some(profile == "laptop"),
            "{profile}"
        );
        let controller = facts.number(Fact::OsProductType) == Some(2);
        assert_eq!(controller, profile == "domain_controller", "{profile}");
        assert_eq!(
            facts.flag(Fact::RolesCluster),
            Some(profile == "cluster_node"),
            "{profile}"
        );
        assert_eq!(
            facts.flag(Fact::RolesMma),
            Some(profile == "server_2012_r2_mma"),
            "{profile}"
        );
        assert_eq!(
            facts.flag(Fact::AvPresent),
            Some(profile != "server_2012_r2_mma"),
            "{profile}"
        );
    }
}

#[tokio::test]
async fn one_class_is_one_request_and_services_travel_together() {
    let lab = Lab::one().await;
    let cost = async |facts: &[Fact]| read(&lab, &set(facts)).await.1;
    assert_eq!(
        cost(&[Fact::OsCaption, Fact::OsProductType, Fact::ClockSkew]).await,
        1
    );
    assert_eq!(
        cost(&[Fact::AvMode, Fact::AvPlatform, Fact::AvTamperProtected]).await,
        1
    );
    assert_eq!(
        cost(&[Fact::RolesCluster, Fact::RolesExchange, Fact::ServicesSense]).await,
        1
    );
    // Four variables that are not there: the listing alone.
    assert_eq!(
        cost(&[Fact::EnvHttpProxy, Fact::EnvHttpsProxy, Fact::EnvAllProxy]).await,
        1
    );
    assert_eq!(cost(&[Fact::OsBuild]).await, 1);
    assert_eq!(cost(&[]).await, 0);
}

#[tokio::test]
async fn group_policy_names_its_values() {
    let policy = |value: &str, data, gpo: &str, precedence| PolicySpec {
        key: COLLECTION.into(),
        value: value.into(),
        data,
        gpo: gpo.into(),
        precedence,
    };
    let options = HostOptions {
        group_policy: vec![
            policy(
                "TelemetryProxyServer",
                Some(SeedData::Sz("10.9.9.9:1".into())),
                "Proxy 'old'",
                2,
            ),
            policy(
                "TelemetryProxyServer",
                Some(SeedData::Sz("10.0.0.6:8080".into())),
                "Proxy",
                1,
            ),
            policy("DisableEnterpriseAuthProxy", None, "Baseline", 1),
            policy("AllowTelemetry", Some(SeedData::Dword(1)), "Baseline", 1),
        ],
        ..HostOptions::default()
    };
    let lab = lab(options).await;
    let (facts, _) = read(&lab, &set(&[Fact::GpoSettings])).await;
    let words = [
        "DisableEnterpriseAuthProxy = deleted by 'Baseline'",
        "TelemetryProxyServer = 10.0.0.6:8080 by 'Proxy'",
        "TelemetryProxyServer = 10.9.9.9:1 by 'Proxy 'old''",
    ];
    assert_eq!(facts.texts(Fact::GpoSettings), words);
    assert_eq!(facts.gpo[0].value, None);
    assert_eq!(facts.gpo[1].precedence, 1);
}

/// A policy may delete whatever a key holds. That is asked for with the rest, for the keys in question alone; where a policy
/// names the value as well, as lists do, its word counts.
#[tokio::test]
async fn a_policy_that_deletes_all_values_of_a_key_is_told() {
    let policy = |key: &str, value: &str, data| PolicySpec {
        key: key.into(),
        value: value.into(),
        data,
        gpo: "Baseline".into(),
        precedence: 1,
    };
    let av = r"SOFTWARE\Policies\Microsoft\Windows Defender";
    let list = SeedData::Sz("SSLOptions;Other".into());
    let options = HostOptions {
        group_policy: vec![
            policy(COLLECTION, "**delvals.", None),
            policy(
                COLLECTION,
                "TelemetryProxyServer",
                Some(SeedData::Sz("a:1".into())),
            ),
            policy(&format!(r"{av}\Spynet"), "**DeleteValues", Some(list)),
            policy(&format!(r"{av}\Exclusions\Paths"), "**delvals.", None),
        ],
        ..HostOptions::default()
    };
    let lab = lab(options).await;
    let (facts, cost) = read(&lab, &set(&[Fact::GpoSettings])).await;
    let words = [
        "DisableEnterpriseAuthProxy = deleted by 'Baseline'",
        "SSLOptions = deleted by 'Baseline'",
        "TelemetryProxyServer = a:1 by 'Baseline'",
    ];
    let mut told = facts.texts(Fact::GpoSettings).to_vec();
    told.sort();
    assert_eq!(told, words);
    let plain = |value: &str| policy(COLLECTION, value, Some(SeedData::Dword(1)));
    let options = HostOptions {
        group_policy: vec![
            plain("TelemetryProxyServer"),
            plain("DisableEnterpriseAuthProxy"),
            plain("SSLOptions"),
        ],
        ..HostOptions::default()
    };
    let lab = self::lab(options).await;
    let (facts, as_much) = read(&lab, &set(&[Fact::GpoSettings])).await;
    assert_eq!(
        facts.texts(Fact::GpoSettings).len(),
        2,
        "each in its own key"
    );
    assert_eq!(cost, as_much, "as many rows cost the same");
}

#[tokio::test]
async fn what_is_switched_off_or_not_there_is_said() {
    let options = HostOptions {
        rsop_logging: false,
        antivirus: None,
        advproxy: false,
        adapters: vec![
            AdapterSpec::new(&["10.1.1.1"], &[]),
            AdapterSpec::new(&["fe80::2"], &["fe80::1"]),
        ],
        ..HostOptions::default()
    };
    let lab = lab(options).await;
    let (facts, _) = read(&lab, &FactSet::all()).await;
    assert!(facts.unread(Fact::GpoSettings).is_some());
    assert_eq!(facts.flag(Fact::AvPresent), Some(false));
    assert_eq!(facts.value(Fact::AvMode), Some(&FactValue::Null));
    assert_eq!(facts.flag(Fact::AdvProxyKnown), Some(false));
    assert_eq!(facts.flag(Fact::NetworkIpv4), Some(true));
    assert_eq!(facts.flag(Fact::NetworkIpv4Route), Some(false));
}

#[tokio::test]
async fn an_empty_log_of_group_policy_is_no_answer() {
    let owner = PolicySpec {
        key: COLLECTION.into(),
        value: "TelemetryProxyServer".into(),
        data: Some(SeedData::Sz("gpo:1".into())),
        gpo: "Proxy Paris".into(),
        precedence: 1,
    };
    let lab = lab(HostOptions {
        rsop_empty: true,
        group_policy: vec![owner],
        ..HostOptions::default()
    })
    .await;
    let (facts, asked) = read(&lab, &set(&[Fact::GpoSettings])).await;
    let why = facts.unread(Fact::GpoSettings).expect("not known");
    assert!(why.contains("names no policy at all"), "{why}");
    // What was not asked for lack of room is not told as an empty log.
    let mut cramped = set(&[Fact::GpoSettings]);
    cramped.requests = Some(1);
    let (facts, _) = read(&lab, &cramped).await;
    let why = facts.unread(Fact::GpoSettings).expect("not known");
    assert!(why.contains("used up"), "{why}");
    // Whoever asks for nothing more than the rows saves a request.
    let mut trusting = set(&[Fact::GpoSettings]);
    trusting.policy_log_trusted = true;
    let (facts, trusted) = read(&lab, &trusting).await;
    assert_eq!(facts.texts(Fact::GpoSettings), [] as [&str; 0]);
    assert_eq!((asked, trusted), (2, 1));
    // A log that names policies, and none for these values, is an answer.
    let lab = self::lab(HostOptions::default()).await;
    let (facts, _) = read(&lab, &set(&[Fact::GpoSettings])).await;
    assert!(facts.unread(Fact::GpoSettings).is_none());
}

#[tokio::test]
async fn a_column_that_this_antivirus_does_not_have_costs_no_other() {
    let mut options = HostOptions::default();
    let antivirus = options.antivirus.as_mut().unwrap();
    antivirus.lacks = vec!["TamperProtectionSource".into(), "ForceUseProxyOnly".into()];
    antivirus.proxy_server = "http://10.0.0.6:8080".into();
    let lab = lab(options).await;
    let (facts, _) = read(&lab, &FactSet::all()).await;
    let unread: Vec<(Fact, &str)> = facts.failures().collect();
    assert_eq!(unread, []);
    assert_eq!(facts.flag(Fact::AvPresent), Some(true));
    assert_eq!(facts.text(Fact::AvMode), Some("Normal"));
    assert_eq!(
        facts.text(Fact::AvEffectiveServer),
        Some("http://10.0.0.6:8080")
    );
    for lacking in [Fact::AvTamperSource, Fact::AvForceProxyOnly] {
        assert_eq!(facts.value(lacking), Some(&FactValue::Null));
    }
}

#[tokio::test]
async fn what_antivirus_hides_from_an_account_is_no_proxy() {
    let mut options = HostOptions::default();
    let antivirus = options.antivirus.as_mut().unwrap();
    antivirus.proxy_server = "N/A: Must be an administrator to view".into();
    let lab = lab(options).await;
    let (facts, _) = read(&lab, &set(&[Fact::AvEffectiveServer])).await;
    let why = facts.unread(Fact::AvEffectiveServer).expect("not known");
    assert!(why.contains("not shown to this account"), "{why}");
}

#[tokio::test]
async fn onboarding_and_the_proxies_that_stand() {
    let sensor = r"SOFTWARE\Microsoft\Windows Advanced Threat Protection";
    let status = format!(r"{sensor}\Status");
    let onboarded = r#"{"body":"{\"orgId\":\"TENANT\",\"geoLocationUrl\":\"https://winatp-gw-weu.microsoft.com\",\"vortexGeoLocation\":\"EU\"}"}"#;
    let registry = vec![
        SeedValue::new(&status, "OnboardingState", SeedData::Dword(1)),
        SeedValue::new(
            &status,
            "LastConnected",
            SeedData::Qword(133_801_632_000_000_000),
        ),
        SeedValue::new(sensor, "OnboardedInfo", SeedData::Sz(onboarded.into())),
        SeedValue::new(
            COLLECTION,
            "TelemetryProxyServer",
            SeedData::Sz("10.0.0.6:8080".into()),
        ),
    ];
    let options = HostOptions {
        clock_ahead: 3600,
        ..HostOptions::default()
    };
    let lab = lab_with(options, registry).await;
    let (facts, _) = read(&lab, &FactSet::all()).await;
    assert_eq!(facts.flag(Fact::SensorOnboarded), Some(true));
    assert_eq!(
        facts.text(Fact::SensorLastConnected),
        Some("2025-01-01T00:00:00Z")
    );
    assert_eq!(facts.text(Fact::SensorConnectivity), Some("standard"));
    assert_eq!(
        facts.texts(Fact::SensorHosts),
        ["winatp-gw-weu.microsoft.com"]
    );
    assert_eq!(facts.text(Fact::ProxyEdr), Some("10.0.0.6:8080"));
    let skew = facts.number(Fact::ClockSkew).unwrap();
    assert!((3540..=3660).contains(&skew), "{skew}");
    assert!(
        !format!("{facts:?}").contains("TENANT"),
        "the tenant stays where it is"
    );
}

#[tokio::test]
async fn without_wmi_registry_facts_are_read_and_the_others_said_to_be_unread() {
    let lab = Lab::one().await.defaults("channel: shell");
    let (facts, _) = read(
        &lab,
        &set(&[Fact::OsBuild, Fact::SensorOnboarded, Fact::ChassisPortable]),
    )
    .await;
    assert_eq!(facts.number(Fact::OsBuild), Some(19045));
    assert_eq!(facts.value(Fact::SensorOnboarded), Some(&FactValue::Null));
    assert!(facts.unread(Fact::ChassisPortable).unwrap().contains("WMI"));
}

fn seed(key: &str, value: &str, data: SeedData) -> SeedValue {
    SeedValue {
        key: key.into(),
        value: Some(value.into()),
        data: Some(data),
    }
}

#[tokio::test]
async fn settings_of_local_system_are_read_from_its_own_hive() {
    const OWN: &str = r"HKU\S-1-5-18\Software\Microsoft\Windows\CurrentVersion\Internet Settings";
    const OTHERS: &str =
        r"HKU\.DEFAULT\Software\Microsoft\Windows\CurrentVersion\Internet Settings";
    let registry = vec![
        seed(OWN, "proxyenable", SeedData::Dword(1)),
        seed(OWN, "ProxyServer", SeedData::Sz("own.example:1".into())),
        seed(
            OTHERS,
            "AutoConfigURL",
            SeedData::Sz("http://other/".into()),
        ),
    ];
    let lab = lab_with(HostOptions::default(), registry).await;
    let wanted = set(&[
        Fact::WinInetSystemEnabled,
        Fact::WinInetSystemServer,
        Fact::WinInetSystemPacUrl,
    ]);
    let (facts, _) = read(&lab, &wanted).await;
    assert_eq!(facts.flag(Fact::WinInetSystemEnabled), Some(true));
    assert_eq!(facts.text(Fact::WinInetSystemServer), Some("own.example:1"));
    assert_eq!(
        facts.value(Fact::WinInetSystemPacUrl),
        Some(&FactValue::Null)
    );
    assert_eq!(lab.host().counters().writes, 0);
}

#[tokio::test]
async fn who_manages_the_device_and_what_antivirus_says_of_itself() {
    const ENROLLED: &str = r"SOFTWARE\Microsoft\Enrollments\8C6F7D53-6A67-4D3E-9D5C-0D7C2B9B1F10";
    const PLAIN: &str = r"SOFTWARE\Microsoft\Enrollments\1E05DD5D-A022-46C5-963C-B20DE341170F";
    const DEFENDER: &str = r"SOFTWARE\Microsoft\Windows Defender";
    let registry = vec![
        seed(ENROLLED, "ProviderID", SeedData::Sz("MS DM Server".into())),
        seed(PLAIN, "EnrollmentState", SeedData::Dword(1)),
        seed(
            r"SOFTWARE\Microsoft\Enrollments\Context",
            "ProviderID",
            SeedData::Sz("none".into()),
        ),
        seed(DEFENDER, "PassiveMode", SeedData::Dword(1)),
        seed(
            &format!(r"{DEFENDER}\Features"),
            "TPExclusions",
            SeedData::Dword(1),
        ),
    ];
    let lab = lab_with(HostOptions::default(), registry).await;
    let wanted = set(&[
        Fact::MdmProviders,
        Fact::AvPassive,
        Fact::AvTamperExclusions,
        Fact::OsProductName,
    ]);
    let (facts, _) = read(&lab, &wanted).await;
    let one = FactValue::Texts(vec!["MS DM Server".to_owned()]);
    assert_eq!(facts.value(Fact::MdmProviders), Some(&one));
    assert_eq!(facts.flag(Fact::AvPassive), Some(true));
    assert_eq!(facts.number(Fact::AvTamperExclusions), Some(1));
    assert_eq!(
        facts.text(Fact::OsProductName),
        Some("Windows 10 Enterprise")
    );
}

/// Every row of the reference that the product promises has a fact.
#[test]
fn every_row_of_the_reference_has_its_facts() {
    for row in (1..=20).chain([22]).map(|number| format!("F{number}")) {
        assert!(playbooks::FACTS.iter().any(|fact| fact.row == row), "{row}");
    }
}

/// Server 2016 whose agent names no folder: the list of what is installed tells, and the version of a file, both by WMI.
#[tokio::test]
async fn without_wmi_the_sensors_branch_and_version_are_unread_and_not_denied() {
    let sensor = r"SOFTWARE\Microsoft\Windows Advanced Threat Protection";
    let wanted = set(&[
        Fact::SensorPresent,
        Fact::SensorUnifiedAgent,
        Fact::SensorBranch,
        Fact::SensorVersion,
        Fact::SensorPrefersStaticProxy,
    ]);
    for channel in ["auto", "shell"] {
        let lab = lab(HostOptions::profile("server_2016").unwrap()).await;
        assert!(lab.host().delete_value(sensor, "InstallLocation"));
        let lab = lab.defaults(&format!("channel: {channel}"));
        let (facts, _) = read(&lab, &wanted).await;
        assert_eq!(facts.flag(Fact::SensorPresent), Some(true));
        if channel == "auto" {
            assert_eq!(facts.text(Fact::SensorBranch), Some("unified_agent"));
            assert!(facts.text(Fact::SensorVersion).is_some());
            continue;
        }
        for fact in [
            Fact::SensorUnifiedAgent,
            Fact::SensorBranch,
            Fact::SensorVersion,
            Fact::SensorPrefersStaticProxy,
        ] {
            assert_eq!(facts.value(fact), None, "{}", fact.name());
            assert!(facts.unread(fact).unwrap().contains("WMI"), "{fact:?}");
        }
    }
    // Without a sensor nothing is unknown.
    let lab = lab(HostOptions {
        sensor: None,
        ..HostOptions::default()
    })
    .await
    .defaults("channel: shell");
    let (facts, _) = read(&lab, &wanted).await;
    assert_eq!(facts.failures().collect::<Vec<_>>(), []);
    assert_eq!(facts.value(Fact::SensorVersion), Some(&FactValue::Null));
    assert_eq!(facts.flag(Fact::SensorPrefersStaticProxy), Some(false));
}
