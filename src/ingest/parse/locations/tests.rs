use super::*;

fn point(lon: f64, lat: f64) -> Point {
    Point::new(lon, lat).unwrap()
}

fn read(list: impl AsRef<[u8]>) -> Result<Locations, LocationsError> {
    read_locations(list.as_ref(), &FileOptions::default())
}

#[test]
fn lists_are_read() {
    let csv =
        "\u{feff}Station ID;Name;Longitude;Latitude\n1;\"A; B\";-0.1;51.5\n 2 ;C;1;2\n3;D;;\n";
    let locations = read(csv).unwrap();
    assert_eq!(locations.len(), 4);
    assert_eq!(locations["1"], point(-0.1, 51.5));
    assert_eq!(locations["A; B"], locations["1"]);
    assert_eq!(locations["2"], point(1.0, 2.0));
    let gbfs = r#"{"data": {"stations": [
        {"station_id": "7", "short_name": "31280", "name": "A", "lat": 2, "lon": 1},
        {"station_id": 8, "name": [{"text": "7", "language": "en"}], "lat": 4, "lon": 3}]}}"#;
    let locations = read(gbfs).unwrap();
    assert_eq!(locations["31280"], point(1.0, 2.0));
    assert_eq!(
        locations["7"],
        point(1.0, 2.0),
        "ids are preferred to names"
    );
    assert_eq!(locations["8"], point(3.0, 4.0));
}

#[test]
fn lists_are_read_as_tables_of_trips_are() {
    let expected = Locations::from([
        ("1".to_owned(), point(4.83, 45.76)),
        ("É".to_owned(), point(4.85, 45.74)),
    ]);
    for list in [
        "id;lon;lat\n1;4,83;45,76\nÉ;4,85;45,74\n",
        "\n\nid;lon;lat\n1;4,83;45,76\nÉ;4,85;45,74\n",
        "sep=|\r\nid|lon|lat\r\n1|4.83|45,76\r\nÉ|4.85|45.74\r\n",
        "id,wkt\n1,POINT (4.83 45.76)\nÉ,POINT(4.85 45.74)\n2,\n",
        "station_id\tlocation\n1\t{\"type\":\"Point\",\"coordinates\":[4.83,45.76]}\nÉ\tPOINT (4.85 45.74)\n",
        "id,lat,lon\n1,45.76,4.83\n1,45.76,4.83\nÉ,45.74,4.85\n3,NULL,\n",
    ] {
        assert_eq!(read(list).unwrap(), expected, "{list}");
        let utf_16: Vec<u8> = format!("\u{feff}{list}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(read(&utf_16).unwrap(), expected, "{list}");
        for (encoding, bytes) in [
            ("utf-16le", &utf_16[2..]),
            ("latin1", &list.replace('É', "\u{1}").into_bytes()[..]),
        ] {
            let bytes: Vec<u8> = bytes
                .iter()
                .map(|byte| if *byte == 1 { 0xc9 } else { *byte })
                .collect();
            assert!(matches!(read(&bytes), Err(LocationsError::NotText)));
            let format = crate::model::TripFormat {
                encoding: Some(encoding.to_owned()),
                ..crate::model::TripFormat::default()
            };
            let options = FileOptions::new(&format, "").unwrap();
            assert_eq!(
                read_locations(&bytes, &options).unwrap(),
                expected,
                "{list}"
            );
            // What is UTF-8 all the same needs no other encoding.
            assert_eq!(read_locations(list.as_bytes(), &options).unwrap(), expected);
        }
    }
}

#[test]
fn names_of_several_locations_name_none() {
    let list = "id,name,lon,lat\n1,A,1,1\n2,A,2,2\n3,B,3,3\n4,B,3,3\n";
    let locations = read(list).unwrap();
    assert!(!locations.contains_key("A"));
    assert_eq!(locations["B"], point(3.0, 3.0));
    assert_eq!(locations["2"], point(2.0, 2.0));
}

#[test]
fn the_size_of_a_list_is_bounded() {
    let most = usize::try_from(MAX_BYTES).unwrap();
    assert_eq!(read_list(&vec![b'1'; most][..]).unwrap().len(), most);
    let more = read_list(io::repeat(b'1'));
    assert!(matches!(more, Err(LocationsError::TooLarge)));
}

#[test]
fn broken_lists_are_errors() {
    for (list, message) in [
        (
            "id,lat\n1,2\n",
            "the list of locations has no column of longitudes",
        ),
        (
            "place,lat,lon\n1,2,3\n",
            "the list of locations has no column of ids",
        ),
        (
            "id,lat,lon\n1,2,x\n",
            "line 2 of the list of locations: not a number: x",
        ),
        (
            "id,lat,lon\n1,99,3\n",
            "line 2 of the list of locations: latitude 99",
        ),
        ("id,lat,lon\n", "the list of locations is empty"),
        ("", "the list of locations is empty"),
        (" \n\n", "the list of locations is empty"),
        (
            "sep=;\nid;lat;lon\n1;2;x\n",
            "line 3 of the list of locations: not a number: x",
        ),
        (
            "id,wkt\n1,here\n",
            "line 2 of the list of locations: not a WKT point",
        ),
        (
            "name,id,lat,lon\na,7,1,2\nb,7,1,3\n",
            "the list of locations has the id 7 twice",
        ),
        ("id,lat,lon\n\0,1,2", "the list of locations is not text"),
        (
            "{}",
            "the list of locations is not station_information.json",
        ),
    ] {
        let error = read(list).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}
