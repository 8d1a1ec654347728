//! One host's settings: built-in < defaults < groups in the order the host lists them < host.
//!
//! And what has to hold between settings once they are resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::layer::{Block, Layer};
use crate::place::{Place, Placed, Problems};
use crate::read::Entry;
use crate::unite::Group;
use crate::{
    Auth, Channel, Credential, Host, Origin, PasswordSource, Settings, Sourced, SpnClass,
    Transport, VarLayer,
};

/// What all hosts share.
pub(crate) struct Context<'p> {
    pub(crate) groups: BTreeMap<&'p str, Group<'p>>,
    pub(crate) credentials: &'p BTreeMap<String, Credential>,
    /// What was already said, so that a wrong default is one complaint and not one for each host.
    pub(crate) said: BTreeSet<(Place, Place)>,
}

/// Where a layer of one host comes from.
#[derive(Clone, Copy)]
enum Source<'p> {
    Host,
    Group(&'p str),
    Defaults,
}

impl Source<'_> {
    fn origin(self, problems: &Problems<'_>, place: Place) -> Origin {
        let (file, line) = (problems.document(place.document).name.clone(), place.line);
        match self {
            Self::Host => Origin::Host { file, line },
            Self::Group(name) => Origin::Group {
                name: name.to_owned(),
                file,
                line,
            },
            Self::Defaults => Origin::Defaults { file, line },
        }
    }
}

/// A host's layers, strongest first.
struct Stack<'s, 'd> {
    layers: Vec<(Source<'s>, &'s Layer)>,
    problems: &'s Problems<'d>,
}

impl<'s> Stack<'s, '_> {
    fn find<T>(&self, of: fn(&Layer) -> &Option<Placed<T>>) -> Option<(Source<'s>, &'s Placed<T>)> {
        self.layers
            .iter()
            .find_map(|(source, layer)| of(layer).as_ref().map(|placed| (*source, placed)))
    }

    fn place<T>(&self, of: fn(&Layer) -> &Option<Placed<T>>) -> Option<Place> {
        self.find(of).map(|(_, placed)| placed.place)
    }

    fn get<T: Clone>(&self, of: fn(&Layer) -> &Option<Placed<T>>, built_in: T) -> Sourced<T> {
        match self.find(of) {
            Some((source, placed)) => Sourced {
                value: placed.value.clone(),
                from: source.origin(self.problems, placed.place),
            },
            None => Sourced {
                value: built_in,
                from: Origin::BuiltIn,
            },
        }
    }

    fn optional<T: Clone>(&self, of: fn(&Layer) -> &Option<Placed<T>>) -> Sourced<Option<T>> {
        match self.find(of) {
            Some((source, placed)) => Sourced {
                value: Some(placed.value.clone()),
                from: source.origin(self.problems, placed.place),
            },
            None => Sourced {
                value: None,
                from: Origin::BuiltIn,
            },
        }
    }

    fn settings(&self, name: &str) -> Settings {
        let transport = self.get(|layer| &layer.transport, Transport::Http);
        let port = match transport.value {
            Transport::Http => 5985,
            Transport::Https => 5986,
        };
        Settings {
            address: self.get(|layer| &layer.address, name.to_owned()),
            port: self.get(|layer| &layer.port, port),
            transport,
            auth: self.get(|layer| &layer.auth, Auth::Negotiate),
            allow_ntlm: self.get(|layer| &layer.allow_ntlm, true),
            spn_class: self.get(|layer| &layer.spn_class, SpnClass::default()),
            spn_name: self.optional(|layer| &layer.spn_name),
            credential: self.optional(|layer| &layer.credential),
            verify_name: self.get(|layer| &layer.verify_name, true),
            ca_file: self.optional(|layer| &layer.ca_file),
            cert_sha256: self.optional(|layer| &layer.cert_sha256),
            tls_verify: self.get(|layer| &layer.tls_verify, true),
            channel: self.get(|layer| &layer.channel, Channel::Auto),
            connect_timeout: self.get(|layer| &layer.connect_timeout, Duration::from_secs(10)),
            request_timeout: self.get(|layer| &layer.request_timeout, Duration::from_secs(90)),
            host_timeout: self.get(|layer| &layer.host_timeout, Duration::from_secs(600)),
        }
    }
}

/// Resolves one host; complaints go to `problems`, and the host is made all the same.
pub(crate) fn host(
    entry: &Entry,
    defaults: &[&Block],
    context: &mut Context<'_>,
    problems: &mut Problems<'_>,
) -> Host {
    let groups = known_groups(entry, context, problems);
    let layers = std::iter::once((Source::Host, &entry.block.layer))
        .chain(
            groups
                .iter()
                .rev()
                .map(|(name, group)| (Source::Group(name), &group.layer)),
        )
        .chain(
            defaults
                .iter()
                .map(|block| (Source::Defaults, &block.layer)),
        )
        .collect();
    let stack = Stack { layers, problems };
    let name = &entry.name.value;
    let settings = stack.settings(name.as_str());
    let ring = stack.optional(|layer| &layer.ring);
    let places = Places {
        name: entry.name.place,
        auth: stack.place(|layer| &layer.auth),
        credential: stack.place(|layer| &layer.credential),
        transport: stack.place(|layer| &layer.transport),
        tls_verify: stack.place(|layer| &layer.tls_verify),
    };
    let blocks = defaults
        .iter()
        .rev()
        .map(|block| (Source::Defaults, *block))
        .chain(groups.iter().flat_map(|(name, group)| {
            group
                .blocks
                .iter()
                .map(|block| (Source::Group(name), *block))
        }))
        .chain(std::iter::once((Source::Host, &entry.block)));
    let vars = blocks
        .filter(|(_, block)| !block.vars.is_empty())
        .map(|(source, block)| VarLayer {
            from: source.origin(problems, block.place),
            vars: block.vars.clone(),
        });
    let host = Host {
        ring: ring.value,
        ring_from: ring.from,
        groups: entry
            .groups
            .iter()
            .map(|group| group.value.clone())
            .collect(),
        vars: vars.collect(),
        origin: Source::Host.origin(problems, entry.name.place),
        name: name.clone(),
        settings,
    };
    between(&host, &places, &mut context.said, problems);
    let credential = host.settings.credential.value.as_ref();
    if let Some(credential) = credential.and_then(|name| context.credentials.get(name)) {
        fits(&host, credential, &places, &mut context.said, problems);
    }
    host
}

fn known_groups<'c, 'p>(
    entry: &'c Entry,
    context: &'c Context<'p>,
    problems: &mut Problems<'_>,
) -> Vec<(&'c str, &'c Group<'p>)> {
    let mut known = Vec::new();
    for group in &entry.groups {
        match context.groups.get(group.value.as_str()) {
            Some(found) => known.push((group.value.as_str(), found)),
            None => {
                let diagnostic = problems.at(
                    group.place,
                    format!("the group '{}' is not declared", group.value),
                );
                let diagnostic = diagnostic
                    .expect(declared("groups", context.groups.keys().copied()))
                    .hint(format!("declare it: groups: {{ {}: {{}} }}", group.value))
                    .nearest(&group.value, context.groups.keys().copied());
                problems.push(diagnostic);
            }
        }
    }
    known
}

/// Credentials named in any block have to be declared, used or not.
pub(crate) fn credential_exists(block: &Block, context: &Context<'_>, problems: &mut Problems<'_>) {
    let Some(credential) = &block.layer.credential else {
        return;
    };
    if !context.credentials.contains_key(&credential.value) {
        let names = || context.credentials.keys().map(String::as_str);
        let diagnostic = problems.at(
            credential.place,
            format!("the credential '{}' is not declared", credential.value),
        );
        let diagnostic = diagnostic
            .expect(declared("credentials", names()))
            .nearest(&credential.value, names());
        problems.push(diagnostic);
    }
}

fn declared<'n>(what: &str, names: impl Iterator<Item = &'n str>) -> String {
    const SHOWN: usize = 12;
    let names: Vec<&str> = names.collect();
    match names.len() {
        0 => format!("a name below '{what}', where none is declared"),
        count if count > SHOWN => format!(
            "one of {} and {} more",
            names[..SHOWN].join(", "),
            count - SHOWN
        ),
        _ => format!("one of {}", names.join(", ")),
    }
}

/// Where the settings stand that can contradict each other.
struct Places {
    name: Place,
    auth: Option<Place>,
    credential: Option<Place>,
    transport: Option<Place>,
    tls_verify: Option<Place>,
}

fn between(
    host: &Host,
    places: &Places,
    said: &mut BTreeSet<(Place, Place)>,
    problems: &mut Problems<'_>,
) {
    let settings = &host.settings;
    if settings.verify_name.value && host.name.as_str().parse::<IpAddr>().is_ok() {
        let message = "a name that is an IP address cannot be compared with the host's own name";
        let diagnostic = problems
            .at(places.name, message)
            .expect("verify_name: false");
        problems.push(
            diagnostic.hint("better: the host's name as 'name', the IP address as 'address'"),
        );
    }
    let auth = places.auth.unwrap_or(places.name);
    if settings.auth.value == Auth::Certificate
        && settings.transport.value == Transport::Http
        && said.insert((auth, places.transport.unwrap_or(auth)))
    {
        let message = "auth 'certificate' is for transport 'https': the certificate is shown in the TLS handshake";
        let diagnostic = problems.at(auth, message);
        problems.push(diagnostic.expect("transport: https"));
    }
    if settings.auth.value != Auth::Basic {
        return;
    }
    if settings.transport.value == Transport::Http
        && said.insert((auth, places.transport.unwrap_or(auth)))
    {
        let from = places
            .transport
            .map_or("built in".to_owned(), |place| problems.name(place));
        let message =
            format!("auth 'basic' on transport 'http' ({from}) would send the password in clear");
        let diagnostic = problems.at(auth, message).expect("transport: https");
        problems.push(diagnostic.hint("on http use negotiate or ntlm, which seal"));
    }
    if !settings.tls_verify.value && said.insert((auth, places.tls_verify.unwrap_or(auth))) {
        let from = places
            .tls_verify
            .map_or_else(String::new, |place| format!(" ({})", problems.name(place)));
        let message = format!("tls_verify: false{from} forbids auth 'basic'");
        let diagnostic = problems
            .at(auth, message)
            .expect("verified TLS, or auth negotiate or ntlm");
        problems.push(
            diagnostic
                .hint("pin the certificate with cert_sha256 instead of turning verification off"),
        );
    }
}

/// What a credential is made of has to fit the way of logging on.
fn fits(
    host: &Host,
    credential: &Credential,
    places: &Places,
    said: &mut BTreeSet<(Place, Place)>,
    problems: &mut Problems<'_>,
) {
    let auth = host.settings.auth.value;
    let (fits, expected) = match &credential.password {
        PasswordSource::Tickets(_) | PasswordSource::Keytab(_) => (
            matches!(auth, Auth::Negotiate | Auth::Kerberos),
            "auth: kerberos or negotiate; the others need a password",
        ),
        PasswordSource::Certificate { .. } => (auth == Auth::Certificate, "auth: certificate"),
        _ => (
            auth != Auth::Certificate,
            "a credential with 'certificate' and 'key'",
        ),
    };
    let place = places.credential.unwrap_or(places.name);
    if fits || !said.insert((place, places.auth.unwrap_or(place))) {
        return;
    }
    let word = match auth {
        Auth::Negotiate => "negotiate",
        Auth::Kerberos => "kerberos",
        Auth::Ntlm => "ntlm",
        Auth::Basic => "basic",
        Auth::Certificate => "certificate",
    };
    let message = format!(
        "the credential '{}' is not for auth '{word}'",
        credential.name
    );
    problems.push(problems.at(place, message).expect(expected));
}
