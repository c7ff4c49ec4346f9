use clap::Parser;

use super::*;

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    server: ServerConfig,
}

fn server(options: &[&str]) -> ServerConfig {
    Options::parse_from([&["tripgraph"], options].concat()).server
}

#[test]
fn an_open_server_listens_on_loopback_only() {
    assert!(server(&[]).check().is_ok());
    assert!(server(&["--listen", "[::1]:0"]).check().is_ok());
    assert!(server(&["--listen", "0.0.0.0:8000"]).check().is_err());
    let anonymous = ["--listen", "0.0.0.0:8000", "--allow-anonymous"];
    assert!(server(&anonymous).check().is_ok());
    let token = [
        "--listen",
        "0.0.0.0:8000",
        "--token",
        "ann:read:0123456789abcdef",
    ];
    assert!(server(&token).check().is_ok());
}

#[test]
fn tokens_may_be_several() {
    let secret = "0123456789abcdef";
    let two = format!("ann:read:{secret},bob:write:{secret}");
    let one = format!("eve:read:{secret}");
    let tokens = server(&["--token", &two, "--token", &one]).tokens();
    assert_eq!(tokens.unwrap().len(), 3);
}

#[test]
fn secrets_are_not_repeated() {
    let two = "ann:read:0123456789abcdef,hunter2";
    let server = server(&["--token", two, "--base-map-url", "hunter2"]);
    let message = server.tokens().unwrap_err().to_string();
    assert!(message.starts_with("token 2 of --token"), "{message}");
    let text = format!("{server:?} {message} {}", server.base_map().unwrap_err());
    for secret in ["hunter2", "0123456789abcdef"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn every_host_is_allowed_only_with_tokens() {
    let address = "127.0.0.1:80".parse().unwrap();
    let hosts = |options: &[&str]| server(options).allowed_hosts(address);
    assert_eq!(hosts(&[]), AllowedHosts::local(address, Vec::new()));
    let token = ["--token", "ann:read:0123456789abcdef"];
    assert_eq!(hosts(&token), AllowedHosts::Any);
    let host = ["--allowed-host", "a.example,b.example"];
    let expected = ["a.example", "b.example"].map(|host| host.parse().unwrap());
    let expected = AllowedHosts::local(address, expected.to_vec());
    assert_eq!(hosts(&host), expected);
    assert_eq!(hosts(&[host, token].concat()), expected);
    let public = hosts(&["--public-url", "https://trips.example:8443"]);
    let expected = AllowedHosts::local(address, vec!["trips.example".parse().unwrap()]);
    assert_eq!(public, expected);
}
