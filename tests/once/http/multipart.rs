//! Forms as clients write them.

use super::*;
use crate::suite::program::Home;

const TWO: &str = "mutation ($a: Upload!, $b: Upload!, $again: Boolean!) {
    a: ingestTrips(file: $a) { duplicate ingestion { id source } }
    b: ingestTrips(file: $b, allowDuplicate: $again) { duplicate ingestion { id source } } }";
const ONE: &str = "mutation ($a: Upload!, $again: Boolean!) {
    a: ingestTrips(file: $a) { duplicate ingestion { id source } }
    b: ingestTrips(file: $a, allowDuplicate: $again) { duplicate ingestion { id source } } }";

fn shared(query: &str, paths: &[&str], again: bool) -> Form {
    let variables = json!({ "a": null, "b": null, "again": again });
    let operations = json!({ "query": query, "variables": variables });
    Form::new()
        .text("operations", operations.to_string())
        .text("map", json!({ "0": paths }).to_string())
        .part("0", Part::text(CSV).file_name("trips.csv"))
}

async fn states(server: &Server, ids: &[&str]) -> Vec<String> {
    let mut states = Vec::new();
    for id in ids {
        let ended = server.backend.ended(id.parse().unwrap()).await;
        states.push(format!("{:?} {}", ended.state, ended.rows_ingested));
    }
    states
}

/// As apollo-upload-client sends it.
#[tokio::test]
async fn one_file_serves_several_fields() {
    let both = ["variables.a", "variables.b"];
    for (query, paths) in [(TWO, &both[..]), (ONE, &both[..1])] {
        let server = Server::start().await;
        let form = shared(query, paths, false);
        let answer = body(post(&server).multipart(form).send().await.unwrap()).await;
        let (a, b) = (&answer["data"]["a"], &answer["data"]["b"]);
        assert_eq!(
            (&a["duplicate"], &b["duplicate"]),
            (&json!(false), &json!(true)),
            "{answer}"
        );
        assert_eq!(a["ingestion"], b["ingestion"], "{answer}");
        let id = a["ingestion"]["id"].as_str().unwrap();
        assert_eq!(states(&server, &[id]).await, ["Succeeded 4"]);

        // A second ingestion of the same bytes has a file of its own.
        let server = Server::start().await;
        let form = shared(query, paths, true);
        let answer = body(post(&server).multipart(form).send().await.unwrap()).await;
        let (a, b) = (&answer["data"]["a"], &answer["data"]["b"]);
        assert_eq!(
            (&a["duplicate"], &b["duplicate"]),
            (&json!(false), &json!(false)),
            "{answer}"
        );
        assert_eq!(b["ingestion"]["source"], "trips.csv");
        let ids = [a, b].map(|field| field["ingestion"]["id"].as_str().unwrap());
        assert_ne!(ids[0], ids[1]);
        assert_eq!(states(&server, &ids).await, ["Succeeded 4", "Succeeded 4"]);
        for _ in 0..100 {
            if server.spooled() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(server.spooled(), 0);
    }
}

/// Each of two ingestions that share their bytes finds them after a restart.
#[tokio::test]
async fn shared_files_outlast_the_server() {
    let home = Home::new();
    let server = home.serve();
    let form = shared(TWO, &["variables.a", "variables.b"], true);
    let request = client().post(server.url("/graphql")).multipart(form);
    let answer = body(request.send().await.unwrap()).await;
    let ids = ["a", "b"].map(|name| answer["data"][name]["ingestion"]["id"].as_str().unwrap());
    server.process.kill();
    let server = home.serve();
    for id in ids {
        assert_eq!(server.ended(id).await["state"], "SUCCEEDED");
    }
    assert_eq!(server.trips().await, 8);
}

#[tokio::test]
async fn names_of_files_are_decoded() {
    let server = Server::start().await;
    let names = [
        ("filename*=UTF-8''na%C3%AFve%20%E2%82%AC.csv", "naïve €.csv"),
        (r#"filename="x.csv"; filename*=UTF-8''%C3%A9.csv"#, "é.csv"),
        (r#"filename="=?UTF-8?B?w6kgMS5jc3Y=?=""#, "é 1.csv"),
        (r#"filename="é 1.csv""#, "é 1.csv"),
    ];
    for (number, (parameters, expected)) in names.into_iter().enumerate() {
        let operations = json!({ "query": INGEST, "variables": { "file": null } });
        let part = |name: &str, body: &str| {
            format!("--b\r\ncontent-disposition: form-data; {name}\r\n\r\n{body}\r\n")
        };
        let text = format!(
            "{}{}{}--b--\r\n",
            part("name=operations", &operations.to_string()),
            part("name=map", r#"{"0":["variables.file"]}"#),
            // Bytes of its own, else it would be a duplicate.
            part(
                &format!("name=\"0\"; {parameters}"),
                &format!("{CSV}{}", "\n".repeat(number))
            ),
        );
        let request = post(&server)
            .header(CONTENT_TYPE, "multipart/form-data; boundary=b")
            .body(text);
        let answer = body(request.send().await.unwrap()).await;
        let source = &answer["data"]["ingestTrips"]["ingestion"]["source"];
        assert_eq!(source, expected, "{answer}");
    }
}
