/// How a table begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableHead {
    /// The names of all columns.
    pub header: Vec<String>,
    /// The fields of the first rows. A row may have more or fewer than there are columns.
    pub first_rows: Vec<Vec<String>>,
}
