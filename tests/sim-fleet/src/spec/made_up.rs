//! Invents hosts: plausible names, operating systems and prior states, the same ones for the same seed.

use super::{FleetSpec, HostOptions, HostSpec, Language, OsSpec, SeedData, SeedValue, SensorSpec};

const COLLECTION: &str = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";
const DEFENDER: &str = r"SOFTWARE\Policies\Microsoft\Windows Defender";
const CONNECTIONS: &str =
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";

/// xorshift64*: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }
}

impl FleetSpec {
    /// `count` hosts `pc-0001.corp.example`... with varied systems and prior states, and the default account.
    pub fn made_up(count: usize, seed: u64) -> Self {
        let names = (1..=count).map(|number| format!("pc-{number:04}.corp.example"));
        let mut spec = Self::named(names);
        spec.vary(seed);
        spec
    }

    /// Gives every host that has no options and no values of its own a plausible state.
    pub fn vary(&mut self, seed: u64) {
        for (index, host) in self.hosts.iter_mut().enumerate() {
            if host.options.is_none() && host.registry.is_empty() {
                let mix = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
                    ^ seed.wrapping_mul(0xD1B5_4A32_D192_ED03);
                invent(host, &mut Dice(mix | 1));
            }
        }
    }
}

fn invent(host: &mut HostSpec, dice: &mut Dice) {
    for _ in 0..4 {
        dice.roll(2);
    }
    let os = system(dice);
    let server = os.installation_type.starts_with("Server");
    let sensor = SensorSpec {
        version: format!("10.8760.{}.{}", os.build, os.ubr),
        ..SensorSpec::default()
    };
    host.options = Some(HostOptions {
        os,
        language: [Language::En, Language::En, Language::De, Language::Ja][dice.roll(4) as usize],
        chassis: if server {
            vec![1]
        } else {
            vec![[3, 9, 10][dice.roll(3) as usize]]
        },
        sensor: (dice.roll(25) != 0).then_some(sensor),
        policy_keys: dice.roll(5) != 0,
        winhttp_settings: dice.roll(2) == 0,
        winhttp_marker: if dice.roll(4) == 0 { 0x18 } else { 0x28 },
        ..HostOptions::default()
    });
    prior(&mut host.registry, dice);
}

fn system(dice: &mut Dice) -> OsSpec {
    let (build, ubr, edition, kind, name, version) = match dice.roll(10) {
        0..=3 => (
            19045,
            4529,
            "Enterprise",
            "Client",
            "Windows 10 Enterprise",
            "22H2",
        ),
        4..=6 => (
            22631,
            3880,
            "Enterprise",
            "Client",
            "Windows 10 Enterprise",
            "23H2",
        ),
        7 => (
            26100,
            1742,
            "Professional",
            "Client",
            "Windows 10 Pro",
            "24H2",
        ),
        8 => (
            17763,
            5936,
            "ServerStandard",
            "Server",
            "Windows Server 2019 Standard",
            "1809",
        ),
        _ => (
            20348,
            2527,
            "ServerDatacenter",
            "Server Core",
            "Windows Server 2022 Datacenter",
            "21H2",
        ),
    };
    OsSpec {
        build,
        ubr,
        edition: edition.into(),
        installation_type: kind.into(),
        product_name: name.into(),
        display_version: version.into(),
    }
}

/// About half of the hosts have no proxy yet, the others an old one in one or more of the three stores.
fn prior(values: &mut Vec<SeedValue>, dice: &mut Dice) {
    if dice.roll(3) == 0 {
        values.push(SeedValue::new(
            COLLECTION,
            "AllowTelemetry",
            SeedData::Dword(1),
        ));
    }
    if dice.roll(4) == 0 {
        values.push(SeedValue::new(
            COLLECTION,
            "TelemetryProxyServer",
            SeedData::Sz("old-proxy.corp.example:3128".into()),
        ));
        values.push(SeedValue::new(
            COLLECTION,
            "DisableEnterpriseAuthProxy",
            SeedData::Dword(dice.roll(2) as u32),
        ));
    }
    if dice.roll(6) == 0 {
        values.push(SeedValue::new(
            DEFENDER,
            "ProxyServer",
            SeedData::Sz("http://old-proxy.corp.example:3128".into()),
        ));
    }
    if dice.roll(6) == 0 {
        let blob = crate::registry::winhttp_blob(0x18, "old-proxy.corp.example:3128", "<local>");
        values.push(SeedValue::new(
            CONNECTIONS,
            "WinHttpSettings",
            SeedData::Binary(blob),
        ));
    }
}
