//! [`Work`]: what clients do meanwhile. Each asks again, on another server, until it is answered.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use domain::Digest;

use super::{
    super::{http::Answer, server::digest_in},
    cluster::{Cluster, SERVERS},
};

/// How many work at the same time: one for each stage, and those who push.
pub const CLIENTS: usize = 5;
/// The stages, each with one client that promotes the two releases in turn: so no promotion is ever refused.
const STAGES: [&str; 3] = ["a", "b", "c"];
/// How long a client goes on asking for one thing.
const PATIENCE: Duration = Duration::from_secs(60);
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What was acknowledged.
#[derive(Default)]
pub struct Diary {
    /// The entry of each promotion, by its number.
    pub promotions: BTreeMap<u64, u64>,
    /// Manifests by their paths.
    pub manifests: BTreeMap<String, Vec<u8>>,
}

/// What there is to do.
pub struct Work {
    releases: [String; 2],
    numbers: AtomicU64,
    diary: Mutex<Diary>,
}

impl Work {
    /// Makes a project and two releases, each on another server.
    pub fn prepare(cluster: &Cluster) -> Self {
        cluster.write("selfsame.yaml", "project: shop\ncomponents: { web: {} }\nstages: { a: {}, b: {}, c: {} }\n");
        cluster.done(0, &["apply", "selfsame.yaml", "--yes"]);
        let releases = [1, 2].map(|server| {
            cluster.write("artifact", &format!("artifact {server}"));
            let artifact = digest_in(&cluster.done(server, &["push", "artifact", "--component", "web"]));
            digest_in(&cluster.done(server, &["release", "create", "--component", &format!("web={artifact}")]))
        });
        Self { releases, numbers: AtomicU64::new(0), diary: Mutex::default() }
    }

    /// Works until it is over.
    pub fn go_on(&self, cluster: &Cluster, client: usize, over: &AtomicBool) {
        for turn in 0.. {
            if over.load(Ordering::Relaxed) {
                return;
            }
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            match STAGES.get(client) {
                Some(stage) => self.promote(cluster, stage, &self.releases[turn % 2], number),
                None => self.push(cluster, number),
            }
        }
    }

    /// What was acknowledged.
    pub fn into_diary(self) -> Diary {
        self.diary.into_inner().expect("nobody panicked with the diary")
    }

    fn promote(&self, cluster: &Cluster, stage: &str, release: &str, number: u64) {
        let path = format!("/v1/projects/shop/stages/{stage}/promotions");
        let (key, body) = (format!("promotion-{number}"), format!("{{\"release\":\"{release}\",\"reason\":\"work\"}}"));
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", &*key)];
        let answer = until_answered(number, |server| cluster.ask(server, "POST", &path, &headers, body.as_bytes()));
        assert!(matches!(answer.status, 200 | 201), "{key} into {stage}: {}", String::from_utf8_lossy(&answer.body));
        let index = answer.json()["index"].as_u64().expect("an index");
        self.diary.lock().expect("the diary").promotions.insert(number, index);
    }

    fn push(&self, cluster: &Cluster, number: u64) {
        let blob = number.to_le_bytes().repeat(500);
        let digest = Digest::sha256(&blob);
        let octets = [("Content-Type", "application/octet-stream")];
        let path = format!("/v2/shop/web/blobs/uploads/?digest={digest}");
        let pushed = until_answered(number, |server| cluster.ask(server, "POST", &path, &octets, &blob));
        assert_eq!(pushed.status, 201, "{pushed:?}");
        let descriptor =
            |media_type: &str| serde_json::json!({"mediaType": media_type, "digest": digest, "size": blob.len()});
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json"),
            "layers": [descriptor("application/octet-stream")],
        });
        let (path, bytes) = (format!("/v2/shop/web/manifests/n{number}"), manifest.to_string().into_bytes());
        // On another server than the blob.
        let put = until_answered(number + 1, |server| {
            cluster.ask(server, "PUT", &path, &[("Content-Type", MANIFEST)], &bytes)
        });
        assert_eq!(put.status, 201, "{}", String::from_utf8_lossy(&put.body));
        self.diary.lock().expect("the diary").manifests.insert(path, bytes);
    }
}

/// Asks one server after another, until one of them answers with more than that it cannot, or that it is busy.
fn until_answered(first: u64, ask: impl Fn(usize) -> io::Result<Answer>) -> Answer {
    let begun = Instant::now();
    let mut last = None;
    for server in (first as usize..).map(|number| number % SERVERS) {
        assert!(begun.elapsed() < PATIENCE, "no server answers: {last:?}");
        match ask(server) {
            Ok(answer) if answer.status < 500 && answer.status != 429 => return answer,
            other => last = Some(other),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    unreachable!("there is always another")
}
