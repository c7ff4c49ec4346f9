/** Takes one file in; what the Upload panel uses as well. */
export const UPLOAD = `# Takes a CSV file of trips in.
# 1. Choose it in the Upload panel,
#    or drop it on the page.
# 2. Run this.
mutation IngestTrips($file: Upload!) {
  ingestTrips(file: $file) {
    duplicate # there already?
    ingestion {
      id
      source
      state
    }
  }
}
`;

const WEEKLY = `# Trips a week that start in a box.
# Or of a region: (region: "Prague")
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

const REGIONS = `# Regions, and the datasource that was
# seen last in each.
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
  return `# Pushed as it happens: the present state,
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

/** Shows why rows of an ingestion could not be read. */
export function rejectedRowsQuery(id: string): string {
  return `# Rows that could not be read, and why.
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
