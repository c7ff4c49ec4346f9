//! Rejected rows as a file: all of them, once, in the columns of the file that they are of.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use super::program;
use super::support::database::on_postgres;

use std::fmt::Write as _;
use std::io::Write as _;

use program::{Home, Serving};
use reqwest::StatusCode;

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource\n";
const GOOD: &str = "Lyon,POINT (4.83 45.76),POINT (4.86 45.74),2021-03-01 08:00:00,phone\n";
const SECRET: &str = "0123456789abcdef0123";

/// The response to a download.
async fn download(server: &Serving, id: &str) -> reqwest::Response {
    let url = server.url(&format!("/ingestions/{id}/rejected.csv"));
    reqwest::get(url).await.unwrap()
}

/// The rows of a download, its header first.
async fn rows(server: &Serving, id: &str) -> Vec<Vec<String>> {
    let response = download(server, id).await;
    assert_eq!(response.status(), StatusCode::OK);
    let text = response.text().await.unwrap();
    // As long as the header, each of them; separated as the header is.
    let delimiter = text.strip_prefix("line").unwrap().as_bytes()[0];
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let rows = reader.records().map(Result::unwrap);
    rows.map(|row| row.iter().map(str::to_owned).collect())
        .collect()
}

/// The status and the text of a download that is refused.
async fn refused(server: &Serving, id: &str) -> (u16, String) {
    let response = download(server, id).await;
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn remove(server: &Serving, id: &str) {
    let query = "mutation ($id: ID!) { removeIngestion(id: $id) { state } }";
    server.ask(query, serde_json::json!({ "id": id })).await;
}

/// Files of rejected rows in the data directory.
fn files(home: &Home) -> usize {
    std::fs::read_dir(home.path("data/rejected"))
        .unwrap()
        .count()
}

#[tokio::test]
async fn every_rejected_row_is_there_in_its_own_columns() {
    let home = Home::new();
    let server = home.serve();
    let mut text = String::from(
        "id;\"the \"\"kind\"\"\";region;start_lng;start_lat;end_lng;end_lat;started_at\n",
    );
    let mut expected = Vec::new();
    for number in 0..5_000 {
        let bad = number % 2 == 0;
        let lat = if bad { 91 } else { 45 };
        let _ = writeln!(
            text,
            "{number};\"a;\"\"b\"\", c\";Lyon;4.83;{lat};4.86;45.74;2021-03-01 08:00"
        );
        if bad {
            let line = (number + 2).to_string();
            let reason = "latitude 91 is outside -90…90";
            let number = number.to_string();
            let cells = [
                line.as_str(),
                "start_lat",
                reason,
                &number,
                "a;\"b\", c",
                "Lyon",
                "4.83",
                "91",
                "4.86",
                "45.74",
                "2021-03-01 08:00",
            ];
            expected.push(cells.map(str::to_owned).to_vec());
        }
    }
    // These have not the columns of the file.
    text.push_str("x;y\nx;\"y\" z;\n");
    let id = server.upload(&home.write("trips.csv", &text)).await;
    assert_eq!(server.ended(&id).await["rowsRejected"], 2_502);
    let found = rows(&server, &id).await;
    let header =
        "line,column,reason,id,the \"kind\",region,start_lng,start_lat,end_lng,end_lat,started_at";
    assert_eq!(found[0], header.split(',').collect::<Vec<_>>());
    let reasons: Vec<_> = found[1..2_501].iter().zip(&expected).collect();
    for (found, expected) in reasons {
        assert_eq!((&found[..2], &found[3..]), (&expected[..2], &expected[3..]));
        assert!(found[2].contains("latitude"), "{found:?}");
    }
    let broken: Vec<_> = found[2_501..]
        .iter()
        .map(|row| (&*row[0], &*row[3], &*row[4]))
        .collect();
    assert_eq!(broken, [("5002", "x;y", ""), ("5003", "x;\"y\" z;", "")]);

    let response = download(&server, &id).await;
    let headers = response.headers();
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(
        headers["content-disposition"],
        "attachment; filename=\"rejected-1.csv\""
    );
    assert_eq!(headers["cache-control"], "no-store");

    // What was mended can be ingested as it is.
    let text = response.text().await.unwrap().replace(";91;", ";45.5;");
    let mended = server.upload(&home.write("mended.csv", &text)).await;
    let ended = server.ended(&mended).await;
    assert_eq!(ended["rowsIngested"], 2_500, "{ended}");

    // The columns of an archive are those of its first table.
    let mut zip = zip::ZipWriter::new(std::fs::File::create(home.path("both.zip")).unwrap());
    let other = "started_at,start_lng,start_lat,end_lng,end_lat\nnever,1,2,3,4\n";
    for (name, text) in [
        ("a.csv", format!("{HEADER}{GOOD}bad,,,,\n")),
        ("b.csv", other.to_owned()),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    let id = server.upload(&home.path("both.zip")).await;
    server.ended(&id).await;
    let found = rows(&server, &id).await;
    assert_eq!(
        found[0].join(","),
        format!("line,column,reason,{}", HEADER.trim())
    );
    assert_eq!(found[1][3..], ["bad", "", "", "", ""]);
    assert_eq!(found[2][3..], ["never,1,2,3,4", "", "", "", ""]);
    assert!(found[2][2].ends_with("(line 2 of b.csv)"), "{found:?}");
}

#[tokio::test]
async fn what_was_corrected_can_be_ingested_as_it_is() {
    let home = Home::new();
    let server = home.serve();
    for (delimiter, point) in [(',', '.'), (';', '.'), (';', ','), ('\t', ','), ('|', ',')] {
        let number = |number: &str| number.replace('.', &String::from(point));
        let row = |note: &str, latitude: &str, time: &str| {
            let cells = [
                note,
                &number("4.83"),
                &number(latitude),
                &number("-4.865"),
                &number("45.74"),
                time,
            ];
            cells.join(&String::from(delimiter)) + "\n"
        };
        let header = "note,start_lng,start_lat,end_lng,end_lat,started_at\n";
        let mut text = header.replace(',', &String::from(delimiter));
        text += &row("good", "45.76", "2021-03-01 08:00");
        text += &row("\"a,b;c\td|e \"\"f\"\"\"", "95.76", "2021-03-01 08:00");
        text += &row("\"two\nlines\"", "45.76", "never");
        let id = server.upload(&home.write("trips.csv", &text)).await;
        let ended = server.ended(&id).await;
        assert_eq!(ended["rowsIngested"], 1, "{ended}");
        assert_eq!(ended["rowsRejected"], 2, "{ended}");
        let text = download(&server, &id).await.text().await.unwrap();
        let corrected = text.replace(&number("95.76"), &number("45.76")).replace(
            &format!("{delimiter}never"),
            &format!("{delimiter}2021-03-01 08:00"),
        );
        assert_ne!(text, corrected);
        let again = server.upload(&home.write("again.csv", &corrected)).await;
        let ended = server.ended(&again).await;
        assert_eq!(ended["state"], "SUCCEEDED", "{text}: {ended}");
        assert_eq!(ended["rowsIngested"], 2, "{text}: {ended}");
        remove(&server, &again).await;
        remove(&server, &id).await;
    }
}

#[tokio::test]
async fn what_has_no_rejected_rows_says_so() {
    let home = Home::new();
    let server = home.serve();
    let good = server
        .upload(&home.write("good.csv", &format!("{HEADER}{GOOD}")))
        .await;
    server.ended(&good).await;
    let (status, text) = refused(&server, &good).await;
    assert_eq!(status, 404);
    assert!(text.contains("ingestion 1 has no rejected rows"), "{text}");
    for id in ["77", "x", "01", "-1"] {
        let (status, text) = refused(&server, id).await;
        assert_eq!(status, 404);
        assert!(
            text.contains(&format!("there is no ingestion {id}")),
            "{text}"
        );
    }
    // One that has failed.
    let failed = server
        .upload(&home.write("bad.csv", &format!("{HEADER}a\nb\n")))
        .await;
    assert_eq!(server.ended(&failed).await["state"], "FAILED");
    assert_eq!(rows(&server, &failed).await.len(), 3);
    // One that was removed, and one that was replaced.
    let text = format!("{HEADER}{GOOD}bad\n");
    let some = server.upload(&home.write("some.csv", &text)).await;
    server.ended(&some).await;
    assert_eq!(files(&home), 2);
    remove(&server, &some).await;
    let (status, text) = refused(&server, &some).await;
    assert_eq!(status, 404);
    assert!(text.contains("was removed"), "{text}");
    assert_eq!(files(&home), 1);
    let many = server.upload(&home.generate("many.csv", 150_000, 1)).await;
    let (status, text) = refused(&server, &many).await;
    if status != 404 {
        assert_eq!(status, 409);
        assert!(text.contains("when it has ended"), "{text}");
    }
    server.ended(&many).await;
    drop(server);

    let token = format!("ann:read:{SECRET}");
    let listen = ["serve", "--listen", "127.0.0.1:0", "--token", &token];
    let server = Serving::start(home.command(&listen));
    assert_eq!(refused(&server, &failed).await.0, 401);
    let request = reqwest::Client::new()
        .get(server.url(&format!("/ingestions/{failed}/rejected.csv")))
        .bearer_auth(SECRET);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);

    if on_postgres() {
        // A server with another data directory does not have the file.
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("TRIPGRAPH_DATA_DIR", home.path("elsewhere"));
        let other = Serving::start(command);
        let (status, text) = refused(&other, &failed).await;
        assert_eq!(status, 404);
        assert!(
            text.contains("a server with another data directory"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn no_row_is_there_twice_after_a_crash() {
    let home = Home::new();
    let text = std::fs::read_to_string(home.generate("trips.csv", 300_000, 1)).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    let bad = "bad,\"two\nlines\",,,";
    let mut expected = Vec::new();
    let mut breaks = 0;
    for (index, line) in lines.iter_mut().enumerate().skip(1) {
        if index % 7 == 0 {
            *line = bad;
            expected.push((index + 1 + breaks).to_string());
            breaks += 1;
        }
    }
    let file = home.write("trips.csv", &(lines.join("\n") + "\n"));
    let mut server = home.serve();
    let id = server.upload(&file).await;
    for rows in [0, 120_000] {
        let further = format!("SELECT COUNT(*) FROM ingestion WHERE rows_ingested > {rows}");
        home.until(&further).await;
        server.process.kill();
        server = home.serve();
    }
    let ended = server.ended(&id).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    assert_eq!(ended["rowsRejected"], expected.len());
    let found = rows(&server, &id).await;
    let found: Vec<_> = found[1..].iter().map(|row| row[0].clone()).collect();
    assert_eq!(found, expected);
}
