/// A column that a trip needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Region,
    Origin,
    Destination,
    Time,
    Datasource,
}

impl Column {
    pub(super) const ALL: [Column; 5] = [
        Self::Region,
        Self::Origin,
        Self::Destination,
        Self::Time,
        Self::Datasource,
    ];

    /// The name in messages and in a header; [`Self::from_name`] accepts another one too.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Origin => "origin_coord",
            Self::Destination => "destination_coord",
            Self::Time => "datetime",
            Self::Datasource => "datasource",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("date_time") {
            return Some(Self::Time);
        }
        Self::ALL
            .into_iter()
            .find(|column| name.eq_ignore_ascii_case(column.name()))
    }
}
