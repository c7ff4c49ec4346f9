/// A column that trips are parsed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Region,
    Origin,
    Destination,
    Departure,
    Datasource,
    Arrival,
}

/// Number of [`Column`]s.
pub(super) const COLUMNS: usize = Column::ALL.len();

impl Column {
    /// The required columns, and then the optional one.
    pub(super) const ALL: [Column; 6] = [
        Self::Region,
        Self::Origin,
        Self::Destination,
        Self::Departure,
        Self::Datasource,
        Self::Arrival,
    ];

    /// The columns that every file has.
    pub(super) fn required() -> impl Iterator<Item = Self> + Clone {
        Self::ALL
            .into_iter()
            .filter(|column| *column != Self::Arrival)
    }

    /// The name in messages and in a header.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Origin => "origin_coord",
            Self::Destination => "destination_coord",
            Self::Departure => "datetime",
            Self::Datasource => "datasource",
            Self::Arrival => "arrived_at",
        }
    }

    /// Another name in a header.
    const fn alias(self) -> Option<&'static str> {
        match self {
            Self::Departure => Some("date_time"),
            Self::Arrival => Some("end_datetime"),
            _ => None,
        }
    }

    /// The column of a name or an alias, in upper or lower case.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let is_called = |called: &str| name.eq_ignore_ascii_case(called);
        Self::ALL
            .into_iter()
            .find(|column| is_called(column.name()) || column.alias().is_some_and(is_called))
    }
}
