//! Areas as GeoJSON (<https://www.rfc-editor.org/rfc/rfc7946>).

use serde_json::{Value, json};
use thiserror::Error;

use super::{Polygon, PolygonError};

/// Why a GeoJSON value is not an area.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum GeoJsonError {
    /// It is not an object with a type.
    #[error("it is not a GeoJSON object with a `type`")]
    NoObject,
    /// Its type has no area, or is unknown.
    #[error("its type is `{0}`, not Polygon or MultiPolygon")]
    Type(String),
    /// A collection of more or less than one feature.
    #[error("it is a FeatureCollection of {0} features, not of one")]
    Features(usize),
    /// A member that its type requires is missing, or has another form.
    #[error("`{0}` is missing or malformed")]
    Member(&'static str),
    /// Its corners are not a polygon.
    #[error(transparent)]
    Polygon(#[from] PolygonError),
}

impl Polygon {
    /// The polygon of a geometry of type Polygon or `MultiPolygon`, of a feature with such a
    /// geometry, or of a collection of one such feature. Heights are ignored.
    pub fn from_geojson(value: &Value) -> Result<Self, GeoJsonError> {
        let kind = value.get("type").and_then(Value::as_str);
        match kind.ok_or(GeoJsonError::NoObject)? {
            "Feature" => Self::from_geojson(member(value, "geometry")?),
            "FeatureCollection" => match features(value)? {
                [feature] => Self::from_geojson(feature),
                features => Err(GeoJsonError::Features(features.len())),
            },
            "Polygon" => Ok(Self::new(vec![polygon(member(value, "coordinates")?)?])?),
            "MultiPolygon" => {
                let polygons = list(member(value, "coordinates")?)?.iter().map(polygon);
                Ok(Self::new(polygons.collect::<Result<_, _>>()?)?)
            }
            other => Err(GeoJsonError::Type(other.chars().take(40).collect())),
        }
    }

    /// The polygon as a geometry: a Polygon if it is one, else a `MultiPolygon`.
    #[must_use]
    pub fn to_geojson(&self) -> Value {
        match self.polygons() {
            [one] => json!({ "type": "Polygon", "coordinates": one }),
            several => json!({ "type": "MultiPolygon", "coordinates": several }),
        }
    }
}

/// The features of a collection.
pub fn features(collection: &Value) -> Result<&[Value], GeoJsonError> {
    let features = member(collection, "features")?.as_array();
    features
        .map(Vec::as_slice)
        .ok_or(GeoJsonError::Member("features"))
}

fn member<'a>(value: &'a Value, name: &'static str) -> Result<&'a Value, GeoJsonError> {
    value.get(name).ok_or(GeoJsonError::Member(name))
}

fn list(value: &Value) -> Result<&[Value], GeoJsonError> {
    let items = value.as_array().map(Vec::as_slice);
    items.ok_or(GeoJsonError::Member("coordinates"))
}

fn polygon(value: &Value) -> Result<Vec<Vec<[f64; 2]>>, GeoJsonError> {
    let ring = |value| list(value)?.iter().map(position).collect();
    list(value)?.iter().map(ring).collect()
}

fn position(value: &Value) -> Result<[f64; 2], GeoJsonError> {
    let [lon, lat, ..] = list(value)? else {
        return Err(GeoJsonError::Member("coordinates"));
    };
    match (lon.as_f64(), lat.as_f64()) {
        (Some(lon), Some(lat)) => Ok([lon, lat]),
        _ => Err(GeoJsonError::Member("coordinates")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_read_and_written() {
        let ring = json!([[0.5, 0.0], [1.0, 0.0], [0.0, 1.0], [0.5, 0.0]]);
        let polygon = json!({ "type": "Polygon", "coordinates": [ring, ring] });
        let several = json!({ "type": "MultiPolygon", "coordinates": [[ring], [ring]] });
        for geometry in [polygon, several] {
            let read = Polygon::from_geojson(&geometry).unwrap();
            assert_eq!(read.to_geojson(), geometry);
            let feature = json!({ "type": "Feature", "properties": null, "geometry": geometry });
            assert_eq!(Polygon::from_geojson(&feature).as_ref(), Ok(&read));
            let one = json!({ "type": "FeatureCollection", "features": [feature] });
            assert_eq!(Polygon::from_geojson(&one), Ok(read));
        }
        let high = json!([[0, 0, 9], [1, 0, 9], [0, 1, 9], [0, 0, 9]]);
        let high = json!({ "type": "Polygon", "coordinates": [high] });
        assert!(Polygon::from_geojson(&high).unwrap().contains(0.0, 0.0));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let message = |value: Value| Polygon::from_geojson(&value).unwrap_err().to_string();
        let no_object = "it is not a GeoJSON object with a `type`";
        assert_eq!(message(json!([1, 2])), no_object);
        assert_eq!(message(json!({ "type": 5 })), no_object);
        assert_eq!(
            message(json!({ "type": "Point", "coordinates": [0, 0] })),
            "its type is `Point`, not Polygon or MultiPolygon"
        );
        assert_eq!(
            message(json!({ "type": "FeatureCollection", "features": [] })),
            "it is a FeatureCollection of 0 features, not of one"
        );
        assert_eq!(
            message(json!({ "type": "Feature" })),
            "`geometry` is missing or malformed"
        );
        let coordinates = "`coordinates` is missing or malformed";
        for wrong in [
            json!(null),
            json!([[1, 2]]),
            json!([[["a", 2]]]),
            json!([[[1]]]),
        ] {
            let polygon = json!({ "type": "Polygon", "coordinates": wrong });
            assert_eq!(message(polygon), coordinates);
        }
    }
}
