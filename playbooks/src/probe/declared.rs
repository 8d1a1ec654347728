//! A probe as the playbook says it: fields that may be templates, a condition, and what is fixed for all hosts.

use std::time::Duration;

use document::{Node, Value};

use super::settled::SERVICES;
use super::targets::{Connectivity, Region, regional};
use super::{HostProbe, Probe, RunAs, To};
use crate::rules::{Invalid, Notes, av_pac_url, av_server, host_port, url, winhttp_server};
use crate::step::{Condition, Evaluation, Field};
use crate::template;

/// How long Antivirus may take to show a new policy (reference section 5).
const AV_WITHIN: Duration = Duration::from_secs(120);
/// How long the sensor may take to be in contact again (reference 3.8).
const SENSOR_WITHIN: Duration = Duration::from_secs(30 * 60);

/// One probe of a playbook.
#[derive(Clone, Debug)]
pub struct ProbeStep {
    /// The name, or one made from what the probe asks.
    pub name: String,
    /// The kind, a word of [`super::PROBES`].
    pub kind: &'static str,
    /// Where it stands in the playbook.
    pub line: u32,
    pub(crate) when: Option<Condition>,
    pub(crate) run_as: RunAs,
    pub(crate) fields: ProbeFields,
    pub(crate) node: Node,
}

/// What a probe is given.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProbeFields {
    /// Those that may be templates.
    pub(crate) fields: Vec<Field>,
    pub(crate) within: Option<Duration>,
    pub(crate) again_after: Option<Duration>,
    /// Before the first write; absent: where the kind can be asked then.
    pub(crate) candidate: Option<bool>,
    pub(crate) region: Option<Region>,
    pub(crate) connectivity: Option<Connectivity>,
}

impl ProbeStep {
    /// The condition, as written.
    pub fn when(&self) -> Option<&str> {
        self.when.as_ref().map(|condition| condition.text.as_str())
    }

    /// Every name that the condition and the templates refer to.
    pub(crate) fn names(&self) -> Vec<String> {
        let condition = self.when().map(|text| template::names(text, true));
        let condition = condition.into_iter().flatten().flatten();
        condition.chain(self.field_names()).collect()
    }

    /// Every name that the templates refer to.
    pub(crate) fn field_names(&self) -> Vec<String> {
        let fields = self.fields.fields.iter().flat_map(Field::templates);
        let texts = fields.map(|text| template::names(text, false));
        texts.flatten().flatten().collect()
    }

    /// Whether the kind may be asked before the first write, as far as the playbook itself says.
    pub(crate) fn may_be_candidate(&self) -> bool {
        matches!(self.kind, "proxy_tcp" | "proxy_connect")
            && self.fields.candidate.unwrap_or(true)
            && !self.fields.is_direct()
    }

    /// The probe for one host; `None` while something is a template or has been complained about.
    pub(crate) fn compiled(&self, evaluation: &mut Evaluation<'_>) -> Option<HostProbe> {
        let probe = self.fields.probe(self.kind, evaluation)?;
        Some(HostProbe {
            name: self.name.clone(),
            run_as: self.run_as,
            // The explicit proxy of these two does not depend on what is written.
            candidate: self.fields.candidate.unwrap_or(true)
                && matches!(
                    probe,
                    Probe::ProxyTcp { .. } | Probe::ProxyConnect { via: Some(_), .. }
                ),
            probe,
        })
    }
}

impl ProbeFields {
    /// The playbook itself says that no proxy is asked.
    fn is_direct(&self) -> bool {
        let via = self.field("via").map(|field| &field.node.value);
        matches!(via, Some(Value::Text(text)) if text == DIRECT)
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// See [`ProbeStep::compiled`].
    pub(crate) fn probe(&self, kind: &str, evaluation: &mut Evaluation<'_>) -> Option<Probe> {
        let mut optional =
            |name: &str, rule: fn(&str, &mut Notes) -> Result<String, Invalid>| match self
                .field(name)
            {
                None => Some(None),
                Some(field) => evaluation.text(field, rule).map(Some),
            };
        Some(match kind {
            "winhttp_is" => Probe::WinhttpIs {
                server: optional("server", server_or_direct)?.filter(|server| server != DIRECT),
            },
            "av_effective" => {
                let server = optional("server", av_server);
                let pac_url = optional("pac_url", av_pac_url);
                Probe::AvEffective {
                    server: server?,
                    pac_url: pac_url?,
                    within: self.within.unwrap_or(AV_WITHIN),
                }
            }
            "proxy_tcp" => Probe::ProxyTcp {
                via: optional("via", host_port)??,
            },
            "proxy_connect" => {
                let via = self.field("via").and_then(|field| {
                    evaluation.text(field, |text, notes| self.proxy_or_direct(text, notes))
                });
                let to = self.field("to").and_then(|field| {
                    evaluation.check(field, |value, notes| self.to(value, notes))
                });
                Probe::ProxyConnect { via: via?, to: to? }
            }
            "services" => Probe::Services {
                names: match self.field("names") {
                    None => vec!["Sense".to_owned(), "WinDefend".to_owned()],
                    Some(field) => evaluation.check(field, services)?,
                },
            },
            "maps" => Probe::Maps {
                again_after: self.again_after.unwrap_or_default(),
            },
            "sensor_events" => Probe::SensorEvents {
                within: self.within.unwrap_or(SENSOR_WITHIN),
            },
            "sensor_connected" => Probe::SensorConnected {
                within: self.within.unwrap_or(SENSOR_WITHIN),
            },
            _ => Probe::Updates {},
        })
    }
}

impl ProbeFields {
    /// A word for the addresses of Defender, one URL or a list of them.
    fn to(&self, value: &Value, notes: &mut Notes) -> Result<To, Invalid> {
        const EXPECTED: &str = "defender_required, defender_all, a URL, or a list of URLs";
        let wrong = || Invalid::new("this does not name what is to be reached").expected(EXPECTED);
        match value {
            Value::Text(text) if text == "defender_required" || text == "defender_all" => {
                let all = text == "defender_all";
                let connectivity = self.connectivity.unwrap_or(Connectivity::Streamlined);
                Ok(match self.region {
                    Some(region) => {
                        To::Urls(regional(region, connectivity, all).ok_or_else(unpublished)?)
                    }
                    None => To::Defender { all },
                })
            }
            Value::Text(text) if !text.contains("://") => Err(
                match document::nearest(text, ["defender_required", "defender_all"]) {
                    Some(near) => wrong().hint(format!("did you mean '{near}'?")),
                    None => wrong(),
                },
            ),
            Value::Text(text) => self.urls(vec![url(text, notes)?]),
            Value::List(items) if !items.is_empty() => items
                .iter()
                .map(|item| match &item.value {
                    Value::Text(text) => url(text, notes),
                    _ => Err(wrong()),
                })
                .collect::<Result<_, _>>()
                .and_then(|urls| self.urls(urls)),
            _ => Err(wrong()),
        }
    }

    /// URLs of one's own, which are all that is asked for.
    fn urls(&self, urls: Vec<String>) -> Result<To, Invalid> {
        if self.region.is_some() {
            return Err(Invalid::new("'region' has no effect beside URLs")
                .expected("defender_required or defender_all where a region is given")
                .hint("leave 'region' and 'connectivity' out: URLs name all that is asked for"));
        }
        Ok(To::Urls(urls))
    }

    /// `None`: without a proxy, which is no proxy that could be tried before it is written.
    fn proxy_or_direct(&self, text: &str, notes: &mut Notes) -> Result<Option<String>, Invalid> {
        if text != DIRECT {
            return host_port(text, notes).map(Some);
        }
        if self.candidate == Some(true) {
            return Err(
                Invalid::new("'candidate: true' has no effect with 'via: direct'")
                    .expected("host:port where 'candidate' is true")
                    .hint("leave 'candidate' out: without a proxy there is none to try before the first write"),
            );
        }
        Ok(None)
    }
}

/// Only of the Emirates some names are not known.
fn unpublished() -> Invalid {
    Invalid::new("no names are published for streamlined connectivity in the region 'uae'")
        .expected("connectivity: standard")
        .hint("hosts that are onboarded name their own: leave 'region' out; or give URLs in 'to'")
}

const DIRECT: &str = "direct";

fn server_or_direct(text: &str, notes: &mut Notes) -> Result<String, Invalid> {
    if text == DIRECT {
        return Ok(text.to_owned());
    }
    winhttp_server(text, notes)
}

fn services(value: &Value, _: &mut Notes) -> Result<Vec<String>, Invalid> {
    let names: Vec<&str> = SERVICES.iter().map(|(name, _)| *name).collect();
    let wrong = || {
        Invalid::new("these are not services that can be asked for")
            .expected(format!("a list of {}", names.join(", ")))
    };
    let Value::List(items) = value else {
        return Err(wrong());
    };
    let mut found = Vec::new();
    for item in items {
        let Value::Text(text) = &item.value else {
            return Err(wrong());
        };
        let known = names.iter().find(|name| name.eq_ignore_ascii_case(text));
        let Some(known) = known else {
            let error = wrong();
            return Err(match document::nearest(text, names.iter().copied()) {
                Some(near) => error.hint(format!("did you mean '{near}'?")),
                None => error,
            });
        };
        found.push((*known).to_owned());
    }
    if found.is_empty() {
        Err(wrong())
    } else {
        Ok(found)
    }
}
