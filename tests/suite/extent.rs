//! The extent of a region is that of the trips in the answers, whatever came and went.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::support;

use support::backend::Backend;
use tripgraph::analytics::{summaries, verify};
use tripgraph::model::Extent;

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource\n";

async fn extent(backend: &Backend, region: &str) -> Option<[f64; 4]> {
    let summaries = summaries(&backend.store).await.unwrap();
    let verification = verify(&backend.store).await.unwrap();
    assert_eq!(verification.differing, 0, "{verification:#?}");
    summaries.region(region).map(|summary| {
        let Extent {
            west,
            south,
            east,
            north,
        } = summary.extent;
        [west, south, east, north]
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_exact_after_merging_and_removing() {
    let backend = Backend::start().await;
    let row = |region: &str, from: &str, to: &str, source: &str| {
        format!("{region},POINT ({from}),POINT ({to}),2021-03-01 08:00:00,{source}\n")
    };
    let lyon = row("Lyon", "4.830000000000001 45.76", "4.86 45.74", "a");
    let west = row("Lyon", "-0.1 45.75", "4.84 45.75", "b");
    let swapped = row("Lyon", "45.76 4.83", "4.86 45.74", "a");
    let sydney = row("Sydney", "151.2 -33.8", "179.99999999999997 -34", "a");
    let first = backend.ingest(&format!("{HEADER}{lyon}{sydney}")).await.id;
    let second = backend.ingest(&format!("{HEADER}{west}")).await.id;
    let third = backend.ingest(&format!("{HEADER}{swapped}{lyon}")).await.id;
    let all = Some([-0.1, 4.83, 45.76, 45.76]);
    assert_eq!(extent(&backend, "Lyon").await, all);
    let pacific = Some([151.2, -34.0, 179.999_999_999_999_97, -33.8]);
    assert_eq!(extent(&backend, "Sydney").await, pacific);
    while backend.store.sql_rows_missing().await.unwrap() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    backend.ingestions.compact().await.unwrap();
    assert_eq!(extent(&backend, "Lyon").await, all);
    backend.ingestions.remove(third).await.unwrap();
    let without = Some([-0.1, 45.74, 4.86, 45.76]);
    assert_eq!(extent(&backend, "Lyon").await, without);
    backend.ingestions.remove(second).await.unwrap();
    let one = Some([4.830_000_000_000_001, 45.74, 4.86, 45.76]);
    assert_eq!(extent(&backend, "Lyon").await, one);
    backend.ingestions.remove(first).await.unwrap();
    assert_eq!(extent(&backend, "Lyon").await, None);
}

#[tokio::test]
async fn it_is_in_the_schema() {
    let home = super::program::Home::new();
    let server = home.serve();
    let file = "region,origin_coord,destination_coord,datetime,datasource\n\
                Lyon,POINT (0 0),POINT (4.86 45.74),2021-03-01 08:00:00,phone\n";
    let id = server.upload(&home.write("trips.csv", file)).await;
    server.ended(&id).await;
    let query = "{ region(name: \"Lyon\") { extent { west south east north } } \
                 datasource(name: \"phone\") { regions { extent { north } } } }";
    assert_eq!(
        server.ask(query, serde_json::json!({})).await,
        serde_json::json!({
            "region": { "extent": { "west": 0.0, "south": 0.0, "east": 4.86, "north": 45.74 } },
            "datasource": { "regions": [{ "extent": { "north": 45.74 } }] },
        })
    );
}
