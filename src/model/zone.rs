use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use crate::geo::{GeoJsonError, Polygon, Zones, features};

/// Maximum length of the name of a set, in bytes.
const MAX_NAME: usize = 200;
/// Separates the name of a set from the key of a zone.
const SEPARATOR: char = '/';

/// An area of a set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Zone {
    /// What identifies it in its set.
    pub key: String,
    /// Its name, for people.
    pub name: String,
    /// Its polygons.
    pub boundary: Arc<Polygon>,
}

/// Zones under a name, in an order: a point is in the first zone that contains it.
#[derive(Debug)]
pub struct ZoneSet {
    /// Its name.
    pub name: String,
    zones: Vec<Zone>,
    index: Zones,
}

/// The properties of features that say what zones are called.
#[derive(Debug, Clone, Default)]
pub struct ZoneProperties {
    /// The property that identifies a zone; else it is the feature's `id`, or its number from 1.
    pub id: Option<String>,
    /// The property with its name; else it is `name`, or what identifies the zone.
    pub name: Option<String>,
}

/// Why a file is not a set of zones.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ZoneError {
    /// The name of the set can't be used.
    #[error("the name of a zone set has 1 to {MAX_NAME} bytes, and no `/`")]
    SetName,
    /// It is not JSON.
    #[error("the file is not JSON: {0}")]
    Json(String),
    /// It is not a collection of features.
    #[error("the file is not a GeoJSON FeatureCollection")]
    NoCollection,
    /// There are no zones.
    #[error("the file has no features")]
    Empty,
    /// The boundary of a zone is not an area.
    #[error("feature {number}: {error}")]
    Boundary {
        /// The feature's number, from 1.
        number: usize,
        /// What is wrong.
        error: GeoJsonError,
    },
    /// A feature lacks a property.
    #[error("feature {number} has no property `{property}` that is a text or a number")]
    Property {
        /// The feature's number, from 1.
        number: usize,
        /// The property.
        property: String,
    },
    /// Two zones have the same key.
    #[error("features {first} and {second} have the same id `{key}`")]
    Twice {
        /// The first feature's number, from 1.
        first: usize,
        /// The second feature's number.
        second: usize,
        /// What both are identified by.
        key: String,
    },
}

impl PartialEq for ZoneSet {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.zones == other.zones
    }
}

impl Eq for ZoneSet {}

impl Hash for ZoneSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.zones.hash(state);
    }
}

impl ZoneSet {
    /// A set of zones.
    #[must_use]
    pub fn new(name: String, zones: Vec<Zone>) -> Self {
        let boundaries = zones.iter().map(|zone| Arc::clone(&zone.boundary));
        Self {
            index: Zones::new(boundaries.collect()),
            name,
            zones,
        }
    }

    /// The zones of a GeoJSON `FeatureCollection`, in its order.
    pub fn from_geojson(
        name: &str,
        json: &[u8],
        properties: &ZoneProperties,
    ) -> Result<Self, ZoneError> {
        if name.is_empty() || name.len() > MAX_NAME || name.contains([SEPARATOR, '\0']) {
            return Err(ZoneError::SetName);
        }
        // A byte order mark.
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let value: Value =
            serde_json::from_slice(json).map_err(|error| ZoneError::Json(error.to_string()))?;
        if value.get("type").and_then(Value::as_str) != Some("FeatureCollection") {
            return Err(ZoneError::NoCollection);
        }
        let features = features(&value).map_err(|_| ZoneError::NoCollection)?;
        let mut numbers = HashMap::new();
        let mut zones = Vec::with_capacity(features.len());
        for (number, feature) in (1..).zip(features) {
            let zone = zone(number, feature, properties)?;
            if let Some(first) = numbers.insert(zone.key.clone(), number) {
                return Err(ZoneError::Twice {
                    first,
                    second: number,
                    key: zone.key,
                });
            }
            zones.push(zone);
        }
        if zones.is_empty() {
            return Err(ZoneError::Empty);
        }
        Ok(Self::new(name.to_owned(), zones))
    }

    /// The zones in their order.
    #[must_use]
    pub fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// The zones as areas.
    #[must_use]
    pub const fn index(&self) -> &Zones {
        &self.index
    }

    /// The identifier of a zone, unique among all sets.
    #[must_use]
    pub fn id(&self, zone: &Zone) -> String {
        format!("{}{SEPARATOR}{}", self.name, zone.key)
    }

    /// The name of the set and the key of the zone of an identifier.
    #[must_use]
    pub fn split_id(id: &str) -> Option<(&str, &str)> {
        id.split_once(SEPARATOR)
    }

    /// Approximate size in memory, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let sizes = self.zones.iter().map(|zone| 200 + zone.boundary.size());
        sizes.sum()
    }
}

fn zone(number: usize, feature: &Value, properties: &ZoneProperties) -> Result<Zone, ZoneError> {
    let property = |name: &str| {
        feature
            .get("properties")
            .and_then(|all| text(all.get(name)?))
    };
    let required = |name: &String| {
        property(name).ok_or_else(|| ZoneError::Property {
            number,
            property: name.clone(),
        })
    };
    let key = match &properties.id {
        Some(name) => required(name)?,
        None => feature
            .get("id")
            .and_then(text)
            .unwrap_or_else(|| number.to_string()),
    };
    let name = match &properties.name {
        Some(name) => required(name)?,
        None => property("name").unwrap_or_else(|| key.clone()),
    };
    let boundary =
        Polygon::from_geojson(feature).map_err(|error| ZoneError::Boundary { number, error })?;
    Ok(Zone {
        key,
        name,
        boundary: Arc::new(boundary),
    })
}

/// A text or a number as a text. PostgreSQL's texts hold no NUL.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.replace('\0', "")),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn feature(id: &Value, properties: &Value) -> Value {
        let ring = [[0, 0], [1, 0], [0, 1], [0, 0]];
        json!({ "type": "Feature", "id": id, "properties": properties,
                "geometry": { "type": "Polygon", "coordinates": [ring] } })
    }

    fn set(features: &[Value], properties: &ZoneProperties) -> Result<ZoneSet, ZoneError> {
        let collection = json!({ "type": "FeatureCollection", "features": features });
        ZoneSet::from_geojson("set", collection.to_string().as_bytes(), properties)
    }

    #[test]
    fn zones_are_called_as_their_properties_say() {
        let features = [
            feature(&json!(null), &json!({ "code": 7, "name": "Old Town" })),
            feature(&json!("b"), &json!({ "code": "8", "title": "New Town" })),
        ];
        let names = |properties| {
            let set = set(&features, &properties).unwrap();
            let name = |zone: &Zone| format!("{}: {}", set.id(zone), zone.name);
            set.zones().iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(
            names(ZoneProperties::default()),
            ["set/1: Old Town", "set/b: b"]
        );
        let by_code = ZoneProperties {
            id: Some("code".to_owned()),
            name: None,
        };
        assert_eq!(names(by_code), ["set/7: Old Town", "set/8: 8"]);
        assert_eq!(ZoneSet::split_id("set/a/b"), Some(("set", "a/b")));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let message = |features: &[Value], property: Option<&str>| {
            let properties = ZoneProperties {
                id: None,
                name: property.map(str::to_owned),
            };
            set(features, &properties).unwrap_err().to_string()
        };
        assert_eq!(message(&[], None), "the file has no features");
        let same = feature(&json!(5), &json!(null));
        assert_eq!(
            message(&[same.clone(), same.clone()], None),
            "features 1 and 2 have the same id `5`"
        );
        assert_eq!(
            message(&[same], Some("label")),
            "feature 1 has no property `label` that is a text or a number"
        );
        let point = json!({ "type": "Feature", "geometry": { "type": "Point" } });
        assert_eq!(
            message(&[point], None),
            "feature 1: its type is `Point`, not Polygon or MultiPolygon"
        );
        for (name, json) in [("", "{}"), ("a/b", "{}")] {
            let error = ZoneSet::from_geojson(name, json.as_bytes(), &ZoneProperties::default());
            assert_eq!(error.unwrap_err(), ZoneError::SetName);
        }
        let error = ZoneSet::from_geojson("set", b"[1", &ZoneProperties::default());
        assert!(matches!(error, Err(ZoneError::Json(_))));
        let error = ZoneSet::from_geojson("set", b"{}", &ZoneProperties::default());
        assert_eq!(error.unwrap_err(), ZoneError::NoCollection);
    }
}
