//! Published formats, known by the columns of their headers. The rule of `column.rs` reads them
//! without this list, which only gives them a name, and the order of day and month where a file may
//! not show it.

use super::column::normalise;
use super::date::DateOrder;

/// A published format.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) name: &'static str,
    /// Normalised names of columns that its files have.
    columns: &'static [&'static str],
    /// How its dates with slashes are written.
    pub(super) order: Option<DateOrder>,
}

const LAYOUTS: [Layout; 14] = [
    Layout {
        name: "plain",
        columns: &[
            "region",
            "origincoord",
            "destinationcoord",
            "datetime",
            "datasource",
        ],
        order: None,
    },
    Layout {
        name: "Lyft bike share",
        columns: &[
            "rideid",
            "startedat",
            "endedat",
            "startlat",
            "startlng",
            "endlat",
            "endlng",
        ],
        order: None,
    },
    Layout {
        name: "Citi Bike or Bluebikes, old",
        columns: &[
            "tripduration",
            "starttime",
            "stoptime",
            "startlatitude",
            "endlongitude",
        ],
        order: Some(DateOrder::MonthDay),
    },
    Layout {
        name: "Ford GoBike",
        columns: &[
            "durationsec",
            "starttime",
            "endtime",
            "startlatitude",
            "endlongitude",
        ],
        order: None,
    },
    Layout {
        name: "TLC yellow taxi, 2009",
        columns: &[
            "trippickupdatetime",
            "tripdropoffdatetime",
            "startlon",
            "endlat",
        ],
        order: None,
    },
    Layout {
        name: "TLC yellow taxi",
        columns: &["tpeppickupdatetime", "pickuplongitude", "dropofflatitude"],
        order: None,
    },
    Layout {
        name: "TLC green taxi",
        columns: &["lpeppickupdatetime", "pickuplongitude", "dropofflatitude"],
        order: None,
    },
    Layout {
        name: "TLC yellow taxi",
        columns: &[
            "vendorid",
            "pickupdatetime",
            "pickuplongitude",
            "dropofflatitude",
        ],
        order: None,
    },
    Layout {
        name: "Chicago taxi",
        columns: &[
            "tripid",
            "tripstarttimestamp",
            "pickuplatitude",
            "dropofflongitude",
        ],
        order: Some(DateOrder::MonthDay),
    },
    Layout {
        name: "Porto taxi",
        columns: &["tripid", "calltype", "taxiid", "timestamp", "polyline"],
        order: None,
    },
    Layout {
        name: "Divvy, old",
        columns: &["tripid", "starttime", "bikeid", "fromid", "toid"],
        order: Some(DateOrder::MonthDay),
    },
    Layout {
        name: "Capital Bikeshare, old",
        columns: &[
            "startdate",
            "enddate",
            "startnumber",
            "endnumber",
            "membertype",
        ],
        order: Some(DateOrder::MonthDay),
    },
    Layout {
        name: "TfL cycle hire",
        columns: &["rentalid", "startdate", "enddate", "startid", "endid"],
        order: Some(DateOrder::DayMonth),
    },
    Layout {
        name: "MDS trips",
        columns: &["tripid", "deviceid", "starttime", "startlng", "endlat"],
        order: None,
    },
];

impl Layout {
    /// The format of a file with these columns.
    pub(super) fn of(names: &[String]) -> Option<&'static Self> {
        let names: Vec<String> = names.iter().map(|name| normalise(name)).collect();
        let has = |column: &&str| names.iter().any(|name| name == column);
        LAYOUTS
            .iter()
            .find(|layout| layout.columns.iter().all(&has))
    }
}
