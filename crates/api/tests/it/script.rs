//! A server that follows a script: it answers each request with the next line, and keeps what it was asked.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server with prepared answers.
pub struct Script {
    /// Where it listens.
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    /// A server that gives these answers in turn; an empty one closes the connection without an answer.
    pub async fn start(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, answers) = (asked.clone(), answers.iter().map(ToString::to_string).collect::<Vec<_>>());
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let request = read_request(&mut stream).await;
                kept.lock().expect("the requests").push(request);
                stream.write_all(answer.as_bytes()).await.expect("the client reads");
            }
        });
        Self { url, asked }
    }

    /// What it was asked, in order, header names in lower case.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("the requests").clone()
    }
}

/// An answer of the script: JSON, and a problem if it has a code.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    let kind = if body.contains("\"code\"") { "application/problem+json" } else { "application/json" };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let count = stream.read(&mut piece).await.expect("the client writes");
        assert!(count > 0, "the client ended its request early: {text}");
        bytes.extend_from_slice(&piece[..count]);
    }
}
