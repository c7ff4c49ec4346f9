//! A site on the web, for programs that download files.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Lets clients of `reqwest` be made in this process: they want to know a provider of cryptography.
pub fn ready_for_http() {
    // It may be set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A site that answers each request by its path, until the test ends.
pub struct Site(SocketAddr);

impl Site {
    pub fn new(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        Self::of_requests(move |head| answer(head.split(' ').nth(1).unwrap()))
    }

    /// A site that answers each request by its head.
    pub fn of_requests(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let request = head(&mut connection);
                // The client may have gone.
                let _ = connection.write_all(answer(&request).as_bytes());
            }
        });
        Self(address)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0)
    }
}

/// The head of a request.
fn head(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A response with this status and body.
pub fn response(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}
