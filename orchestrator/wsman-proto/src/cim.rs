//! CIM instances as WS-Management carries them (wsman.md 4.2): `Get`, and the items of an enumeration.

use std::collections::HashMap;

use crate::envelope::Request;
use crate::ns;
use crate::xml::Element;

/// One value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CimValue {
    /// `xsi:nil`.
    Null,
    /// Strings, numbers, booleans: as the host wrote them.
    Text(String),
    /// `cim:Datetime`, ISO 8601.
    Datetime(String),
    /// `cim:Interval`, xs:duration.
    Interval(String),
    /// An embedded object or a reference.
    Object(Box<Instance>),
}

/// An instance, or the columns of a WQL projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Class name; `XmlFragment` for a projection.
    pub class: String,
    /// Properties in the host's order; an array property has several values.
    pub properties: Vec<(String, Vec<CimValue>)>,
}

impl Instance {
    /// Reads the element of an instance or an `XmlFragment`.
    pub fn from_element(element: &Element) -> Self {
        let mut properties: Vec<(String, Vec<CimValue>)> = Vec::new();
        // A host may send a hundred thousand names: looking through all for each would take minutes.
        let mut places: HashMap<&str, usize> = HashMap::new();
        for child in element.children() {
            let value = CimValue::from_element(child);
            let place = *places.entry(child.name()).or_insert(properties.len());
            match properties.get_mut(place) {
                Some((_, values)) => values.push(value),
                None => properties.push((child.name().to_owned(), vec![value])),
            }
        }
        Self {
            class: element.name().to_owned(),
            properties,
        }
    }

    /// All values of a property; empty when it is absent. Names are compared without regard to ASCII case, because
    /// WQL does.
    pub fn values(&self, name: &str) -> &[CimValue] {
        self.properties
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or(&[], |(_, values)| values.as_slice())
    }

    /// The first value as text; `None` when it is absent or null.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values(name).first().and_then(CimValue::as_text)
    }

    /// All values as texts, nulls left out.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.values(name)
            .iter()
            .filter_map(CimValue::as_text)
            .collect()
    }
}

impl CimValue {
    fn from_element(element: &Element) -> Self {
        if element.is_nil() {
            return Self::Null;
        }
        let Some(child) = element.children().next() else {
            return Self::Text(element.text());
        };
        match (child.namespace() == ns::CIM, child.name()) {
            (true, "Datetime") => Self::Datetime(child.text()),
            (true, "Interval") => Self::Interval(child.text()),
            _ => Self::Object(Box::new(Instance::from_element(element))),
        }
    }

    /// The value's text; `None` for null and objects.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Datetime(text) | Self::Interval(text) => Some(text),
            Self::Null | Self::Object(_) => None,
        }
    }
}

/// `Get` of one instance: `class` like `Win32_Service`, `namespace` like `root/cimv2`.
pub fn get(namespace: &str, class: &str, selectors: &[(&str, &str)]) -> Request {
    let resource = [ns::WMI, namespace.trim_matches('/'), "/", class].concat();
    let request = Request::new("Get", ns::ACTION_GET, resource, Vec::new()).reads(true);
    selectors.iter().fold(request, |request, (name, value)| {
        request.selector(*name, *value)
    })
}

/// The instance in a `GetResponse`.
pub fn instance(body: &Element) -> Option<Instance> {
    body.children().next().map(Instance::from_element)
}
