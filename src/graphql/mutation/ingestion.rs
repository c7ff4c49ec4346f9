use async_graphql::{Context, ID, Object, Result, SimpleObject};
use tracing::Instrument;

use crate::graphql::ApiError;
use crate::graphql::cache::service;
use crate::graphql::types::{Ingestion, Long, TripFormat, Upload, parse_id};
use crate::ingest::parse::{FileOptions, Locations, LocationsError, read_list, read_locations};
use crate::ingest::{Enqueued, Fetcher, IngestError, IngestOptions, Ingestions};
use crate::model::IngestionId;

#[derive(Default)]
pub(super) struct IngestionMutation;

/// Result of `ingestTrips` and `ingestUrl`.
#[derive(SimpleObject)]
pub(crate) struct IngestTripsPayload {
    /// The new ingestion, or the existing one if the file is a duplicate.
    ingestion: Ingestion,
    /// Whether the same bytes were already queued, running or published; `ingestion` is then the
    /// existing ingestion.
    duplicate: bool,
    /// Whether `duplicate` holds and the existing ingestion was given another `format`. The file is not
    /// read again: to read it in this format, send it with the id of that ingestion as `replaces`.
    format_differs: bool,
}

impl From<Enqueued> for IngestTripsPayload {
    fn from(enqueued: Enqueued) -> Self {
        Self {
            ingestion: Ingestion(enqueued.ingestion),
            duplicate: enqueued.duplicate,
            format_differs: enqueued.format_differs,
        }
    }
}

#[Object]
impl IngestionMutation {
    /// Enqueues a file of trips. The mutation returns when the file is on disk. The ingestion
    /// then runs in the background, and `ingestionStatus` reports its progress.
    #[graphql(complexity = "100 + child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn ingest_trips(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "File of trips.")] file: Upload,
        #[graphql(
            desc = "How the file is read. Properties that are omitted are recognised from the file."
        )]
        format: Option<TripFormat>,
        #[graphql(
            desc = "Locations that the ids in the file name: CSV with the columns id, lon and lat, or \
                    station_information.json of GBFS; at most 32 MiB."
        )]
        locations: Option<Upload>,
        #[graphql(
            desc = "Ingestion to replace: its trips leave every answer in the moment in which those \
                    of the file appear, and stay if the file fails."
        )]
        replaces: Option<ID>,
        #[graphql(
            default = false,
            desc = "Ingest the file even if the same bytes are queued, running or published."
        )]
        allow_duplicate: bool,
        #[graphql(
            desc = "Fail as soon as more rows than this are rejected; no limit if not given."
        )]
        max_rejected_rows: Option<Long>,
    ) -> Result<IngestTripsPayload> {
        let options = options(
            format,
            replaces.as_ref(),
            allow_duplicate,
            max_rejected_rows,
        )?;
        let ingestions = service::<Ingestions>(ctx)?.clone();
        check_replaces(&ingestions, &options).await?;
        let options = with_locations(ctx, options, locations).await?;
        let upload = file.receive(ctx).await?;
        let enqueued = finish(async move { ingestions.enqueue(upload, &options).await });
        Ok(enqueued.await?.into())
    }

    /// Downloads a file of trips from a URL and enqueues it. The mutation returns when the file is
    /// on disk, and the download continues if the client disconnects. `FORBIDDEN` unless the server
    /// was started with `--allow-url-prefix` for the URL and for each URL that it redirects to.
    #[graphql(complexity = "100 + child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn ingest_url(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "URL of the file, http or https.")] url: String,
        #[graphql(
            desc = "How the file is read. Properties that are omitted are recognised from the file."
        )]
        format: Option<TripFormat>,
        #[graphql(
            desc = "Locations that the ids in the file name: CSV with the columns id, lon and lat, or \
                    station_information.json of GBFS; at most 32 MiB."
        )]
        locations: Option<Upload>,
        #[graphql(
            desc = "Ingestion to replace: its trips leave every answer in the moment in which those \
                    of the file appear, and stay if the file fails."
        )]
        replaces: Option<ID>,
        #[graphql(
            default = false,
            desc = "Ingest the file even if the same bytes are queued, running or published."
        )]
        allow_duplicate: bool,
        #[graphql(
            desc = "Fail as soon as more rows than this are rejected; no limit if not given."
        )]
        max_rejected_rows: Option<Long>,
    ) -> Result<IngestTripsPayload> {
        let options = options(
            format,
            replaces.as_ref(),
            allow_duplicate,
            max_rejected_rows,
        )?;
        let ingestions = service::<Ingestions>(ctx)?.clone();
        let fetcher = service::<Fetcher>(ctx)?.clone();
        check_replaces(&ingestions, &options).await?;
        let options = with_locations(ctx, options, locations).await?;
        let enqueued = finish(async move {
            let file = fetcher.fetch(&url, ingestions.spool()).await?;
            ingestions.enqueue(file, &options).await
        });
        Ok(enqueued.await?.into())
    }

    /// Stops a queued or running ingestion; it leaves no trips. `CONFLICT` if it has ended.
    async fn cancel_ingestion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the ingestion.")] id: ID,
    ) -> Result<Ingestion> {
        let id = known(&id)?;
        let ingestions = service::<Ingestions>(ctx)?.clone();
        Ok(Ingestion(
            finish(async move { ingestions.cancel(id).await }).await?,
        ))
    }

    /// Removes the trips of a succeeded ingestion from every answer. `CONFLICT` if it has not
    /// succeeded.
    #[graphql(complexity = "100 + child_complexity")]
    async fn remove_ingestion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the ingestion.")] id: ID,
    ) -> Result<Ingestion> {
        let id = known(&id)?;
        let ingestions = service::<Ingestions>(ctx)?.clone();
        Ok(Ingestion(
            finish(async move { ingestions.remove(id).await }).await?,
        ))
    }
}

/// The options of a file, checked before it is received.
fn options(
    format: Option<TripFormat>,
    replaces: Option<&ID>,
    allow_duplicate: bool,
    max_rejected_rows: Option<Long>,
) -> Result<IngestOptions, ApiError> {
    let max_rejected_rows = max_rejected_rows
        .map(|rows| rows.count("maxRejectedRows"))
        .transpose()?;
    let options = IngestOptions {
        allow_duplicate,
        max_rejected_rows,
        replaces: replaces.map(known).transpose()?,
        format: format.unwrap_or_default().into(),
        locations: None,
    };
    FileOptions::new(&options.format, "").map_err(IngestError::from)?;
    Ok(options)
}

/// Adds the locations in an uploaded list.
async fn with_locations(
    ctx: &Context<'_>,
    options: IngestOptions,
    list: Option<Upload>,
) -> Result<IngestOptions, ApiError> {
    let Some(list) = list else {
        return Ok(options);
    };
    let list = list.receive(ctx).await?;
    let format = FileOptions::new(&options.format, "").map_err(IngestError::from)?;
    let read = tokio::task::spawn_blocking(move || -> Result<Locations, LocationsError> {
        let bytes = read_list(std::fs::File::open(list.path())?)?;
        read_locations(&bytes, &format)
    });
    let locations = read.await.map_err(ApiError::internal)?;
    Ok(IngestOptions {
        locations: Some(locations.map_err(IngestError::from)?),
        ..options
    })
}

/// Fails before the file is received, where that is certain.
async fn check_replaces(ingestions: &Ingestions, options: &IngestOptions) -> Result<(), ApiError> {
    if let Some(id) = options.replaces {
        ingestions.check_replaces(id).await?;
    }
    Ok(())
}

fn known(id: &ID) -> Result<IngestionId, ApiError> {
    parse_id(id).ok_or_else(|| ApiError::no_ingestion(id.as_str()))
}

/// Runs the work to its end even if the client disconnects, which drops the resolver.
async fn finish<T: Send + 'static>(
    work: impl Future<Output = Result<T, IngestError>> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(outcome) => Ok(outcome?),
        Err(error) => Err(ApiError::internal(error)),
    }
}
