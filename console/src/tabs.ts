/** Ingests one file; the Upload panel uses this operation too. */
export const UPLOAD = `# Ingests a CSV file of trips.
# 1. Choose it in the Upload panel,
#    or drop it on the page.
# 2. Run this operation; the panel shows
#    the progress.
mutation IngestTrips($file: Upload!) {
  ingestTrips(file: $file) {
    duplicate # already ingested?
    ingestion {
      id
      source
    }
  }
}
`;

const WEEKLY = `# Trips per week that start in a box.
# For a region: (region: "Prague")
query WeeklyAverage {
  weeklyAverage(
    bbox: {
      west: 14.3, south: 50.0
      east: 14.5, north: 50.1
    }
  ) {
    average
    averageOfActiveWeeks
    totalTrips
    calendarWeeks
    weeks { # drawn below
      week
      trips
    }
  }
}
`;

const GROUPED = `# Trips of similar origin, destination
# and time of day, largest groups first.
query GroupedTrips {
  groupedTrips(
    # filter: { region: "Turin" }
    resolution: 7
    timeBucketMinutes: 60
    first: 60
  ) {
    totalCount
    nodes {
      trips
      startTime
      endTime
      origin {
        ...Hexagon
      }
      destination {
        ...Hexagon
      }
    }
  }
}

# Drawn below, on a map.
fragment Hexagon on Cell {
  index
  center { lon lat }
  boundary { lon lat }
}
`;

const REGIONS = `# Regions, and the datasource of the
# latest trip in each.
query Regions {
  regions {
    name
    trips
    firstDepartedAt
    lastDepartedAt
    latestDatasource {
      name
      lastDepartedAt
    }
  }
}
`;

/** Follows one ingestion until it ends. */
export function statusQuery(id: string): string {
  return `# Pushed live: the current state,
# changes, the final state.
subscription IngestionStatus {
  ingestionStatus(id: ${JSON.stringify(id)}) {
    source
    state
    phase
    percent
    rowsRead
    rowsIngested
    rowsRejected
    rowsPerSecond
    etaSeconds
    error {
      code
      message
    }
    warnings {
      message
    }
  }
}
`;
}

/** Shows the rejected rows of an ingestion, with reasons. */
export function rejectedRowsQuery(id: string): string {
  return `# Rejected rows, and the reasons.
query RejectedRows {
  ingestion(id: ${JSON.stringify(id)}) {
    source
    rowsRejected
    rejectedRows(first: 100) {
      nodes {
        line
        column
        reason
        raw
      }
    }
  }
}
`;
}

/** The tabs of a first visit. */
export const DEFAULT_TABS: { query: string }[] = [
  UPLOAD,
  statusQuery('1'),
  WEEKLY,
  GROUPED,
  REGIONS,
].map((query) => ({ query }));
