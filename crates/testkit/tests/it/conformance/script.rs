//! Conversations with a registry, as text: a line for each request, with what must come back behind the arrow.
//!
//! ```text
//! PATCH {location} 0-1023 | X-Other: header  -> 202 | Range: 0-1023 | Location
//! GET   {a}/blobs/{digest}                   -> 200 | !Link | = whole
//! ```
//!
//! * Names in braces stand for something: `{location}` is the last `Location` that was answered, `{upload}` the last upload, `{a}`, `{b}` and `{c}`
//!   are repositories, and the rest is what the case has set.
//! * A request may send `whole` (the blob), `stream` (the same without saying how long it is), `other` (bytes that are not the blob) or a part of it
//!   such as `0-1023`, with `Content-Range`.
//! * An answer has its status; then headers with their values, headers that are there, and `!` with headers that are not; and with `=` its body:
//!   `whole`, `nothing`, a part, JSON, or the code of an error.

use std::collections::BTreeMap;

use super::{Answer, Registry};

/// What the names in braces stand for, and the blob that it is about.
#[derive(Default)]
pub(super) struct Conversation {
    pub blob: Vec<u8>,
    pub names: BTreeMap<&'static str, String>,
    /// Whose token is sent, if it is not the administrator's.
    pub token: Option<String>,
}

impl Conversation {
    pub fn new() -> Self {
        let names = [("a", "/v2/conformance/a"), ("b", "/v2/conformance/b"), ("c", "/v2/private/c")];
        let names = names.map(|(name, path)| (name, path.to_owned())).into();
        Self { names, ..Self::default() }
    }

    /// Goes through all of it.
    pub async fn run(&mut self, registry: &Registry, case: &str, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let what = format!("{case}: {line}");
            let (request, expected) = line.split_once("->").unwrap_or_else(|| panic!("{what}: no arrow"));
            let answer = self.ask(registry, &self.filled(request)).await;
            for (name, header) in [("location", "location"), ("upload", "docker-upload-uuid")] {
                self.names.extend(answer.header(header).map(|value| (name, value.to_owned())));
            }
            self.check(&what, request.trim_start().starts_with("HEAD"), &self.filled(expected), &answer);
        }
    }

    fn filled(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    async fn ask(&self, registry: &Registry, request: &str) -> Answer {
        let mut pieces = request.split(" | ").map(str::trim);
        let mut words = pieces.next().unwrap_or_default().split_whitespace();
        let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
        let mut headers: Vec<(&str, &str)> = pieces.filter_map(|header| header.split_once(": ")).collect();
        let body = match words.next() {
            None => reqwest::Body::default(),
            Some("whole") => self.blob.clone().into(),
            Some("other") => [&self.blob[..], b"oh no"].concat().into(),
            Some("stream") => {
                let pieces: Vec<_> =
                    self.blob.chunks(500).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
                reqwest::Body::wrap_stream(futures::stream::iter(pieces))
            }
            Some(part) => {
                headers.push(("content-range", part));
                self.part(part).to_vec().into()
            }
        };
        let token = self.token.as_deref().unwrap_or(&registry.world.admin);
        registry.ask_as(token, method, path, &headers, body).await
    }

    fn part(&self, part: &str) -> &[u8] {
        let (first, last) = part.split_once('-').unwrap_or_else(|| panic!("`{part}` is no part of a blob"));
        &self.blob[first.parse().expect("a number")..=last.parse().expect("a number")]
    }

    fn check(&self, what: &str, is_head: bool, expected: &str, answer: &Answer) {
        let mut pieces = expected.split(" | ").map(str::trim);
        let status = pieces.next().unwrap_or_default();
        assert_eq!(answer.status.to_string(), status, "{what}: {}", answer.text());
        if answer.status >= 400 && !is_head {
            assert!(!answer.code().is_empty(), "{what}: an error has a code: {}", answer.text());
        }
        for piece in pieces {
            match (piece.strip_prefix("= "), piece.strip_prefix('!'), piece.split_once(": ")) {
                (Some(body), ..) => self.check_body(what, body, answer),
                (_, Some(absent), _) => assert_eq!(answer.header(absent), None, "{what}"),
                (.., Some((name, value))) => assert_eq!(answer.all(name), [value], "{what}: {name}"),
                (.., None) => assert!(answer.header(piece).is_some(), "{what}: there is no `{piece}`"),
            }
        }
    }

    fn check_body(&self, what: &str, body: &str, answer: &Answer) {
        match body {
            "whole" => assert!(answer.body == self.blob, "{what}: other bytes: {}", answer.text()),
            "nothing" => assert!(answer.body.is_empty(), "{what}: {}", answer.text()),
            json if json.starts_with('{') => {
                let json: serde_json::Value =
                    serde_json::from_str(json).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(answer.json(), json, "{what}");
            }
            code if code.starts_with(|first: char| first.is_ascii_uppercase()) => {
                assert_eq!(answer.code(), code, "{what}: {}", answer.text());
            }
            part => assert!(answer.body == self.part(part), "{what}: other bytes"),
        }
    }
}
