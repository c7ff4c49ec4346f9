//! The two files of flowmap.blue and FlowmapCity: locations, and flows between them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::mem;

use h3o::CellIndex;

use super::table::MappedZone;
use super::{ExportError, ExportParams, ParamError, Subject};
use crate::analytics::{Answers, Row, RowSink, RowsQuestion, ZoneSets};
use crate::geo::{self, Point};

/// Flows between cells or zones, for flowmap programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flowmap {
    question: RowsQuestion,
}

impl Flowmap {
    /// The flows of groups whose bucket is the whole day, or of pairs of zones; an error if a
    /// parameter is invalid, or the subject has no flows.
    pub async fn new(
        mut params: ExportParams,
        subject: Subject,
        zones: &ZoneSets,
    ) -> Result<Self, ExportError> {
        match subject {
            Subject::Od => {}
            Subject::Groups if params.time_bucket_minutes.is_some() => {
                let message = "does not apply to flowmap: a flow counts the trips of the whole day";
                return Err(ParamError::new("timeBucketMinutes", message).into());
            }
            Subject::Groups => params.time_bucket_minutes = Some("1440".to_owned()),
            _ => return Err(ParamError::new("format", "flowmap is for groups and od").into()),
        }
        let question = params.question(subject, zones).await?;
        Ok(Self { question })
    }

    /// Writes both files. The locations of all flows are held in memory. Trips that start or end in
    /// no zone are in no flow.
    pub async fn write(
        self,
        answers: &Answers,
        locations: impl Write + Send + 'static,
        flows: impl Write + Send + 'static,
    ) -> Result<(), ExportError> {
        let sink = FlowmapSink {
            locations: csv::Writer::from_writer(locations),
            flows: csv::Writer::from_writer(flows),
            places: BTreeMap::new(),
        };
        Ok(answers.export(self.question, sink).await?)
    }
}

struct FlowmapSink<L: Write, F: Write> {
    locations: csv::Writer<L>,
    flows: csv::Writer<F>,
    /// The ends of all flows by their identifiers: names and points.
    places: BTreeMap<String, (String, Point)>,
}

impl<L: Write + Send, F: Write + Send> FlowmapSink<L, F> {
    fn flow(&mut self, ends: [(String, &str, Point); 2], trips: u64) -> io::Result<()> {
        let [origin, destination] = ends.each_ref().map(|(id, ..)| id.as_str());
        let count = trips.to_string();
        self.flows.write_record([origin, destination, &count])?;
        for (id, name, point) in ends {
            self.places
                .entry(id)
                .or_insert_with(|| (name.to_owned(), point));
        }
        Ok(())
    }
}

impl<L: Write + Send, F: Write + Send> RowSink for FlowmapSink<L, F> {
    fn begin(&mut self) -> io::Result<()> {
        self.locations.write_record(["id", "name", "lat", "lon"])?;
        Ok(self.flows.write_record(["origin", "dest", "count"])?)
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        match row {
            Row::Group(group) => {
                let name = |cell: CellIndex| cell.to_string();
                let (origin, destination) = (name(group.origin), name(group.destination));
                let ends = [
                    (origin.clone(), origin.as_str(), geo::center(group.origin)),
                    (
                        destination.clone(),
                        destination.as_str(),
                        geo::center(group.destination),
                    ),
                ];
                self.flow(ends, group.trips)
            }
            Row::Pair(set, pair) => {
                let zone = |number: Option<u32>| MappedZone::of(set, number?);
                match (zone(pair.origin), zone(pair.destination)) {
                    (Some(origin), Some(destination)) => {
                        let ends = [origin, destination];
                        let ends = ends.map(|zone| (zone.id, zone.name, zone.center));
                        self.flow(ends, pair.trips)
                    }
                    _ => Ok(()),
                }
            }
            Row::Week(..) | Row::Trip(_) | Row::Zone(..) => Ok(()),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        for (id, (name, point)) in mem::take(&mut self.places) {
            let [lat, lon] = [point.lat(), point.lon()].map(|degrees| degrees.to_string());
            self.locations.write_record([&id, &name, &lat, &lon])?;
        }
        self.locations.flush()?;
        self.flows.flush()
    }
}
