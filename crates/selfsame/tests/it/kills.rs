//! kill -9 at random instants, many times: what was acknowledged is there, what was not is there whole or not at all.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{http::send, server::Server};

/// How often the server is killed.
const KILLS: u64 = 200;
/// After how many kills the whole ledger is audited.
const AUDIT_EVERY: u64 = 10;

/// What was asked for and what was acknowledged.
#[derive(Default)]
struct Diary {
    /// Promotions by idempotency key: the stage, the release, and the entry's index once acknowledged.
    promotions: BTreeMap<String, (String, String, Option<u64>)>,
    /// Pushed manifests that were acknowledged: digest and bytes.
    manifests: Vec<(String, Vec<u8>)>,
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_half_done() {
    let mut server = Server::start();
    server.write("selfsame.yaml", "project: shop\ncomponents: { web: {} }\nstages: { a: {}, b: {} }\n");
    server.done(&["apply", "selfsame.yaml", "--yes"]);
    let releases = [server.release("one").1, server.release("two").1];
    let numbers = Arc::new(AtomicU64::new(0));
    // A fixed sequence, so that a failure can be seen again; the machine's own timing is random enough.
    let mut random = 0x5EED_u64;
    for kill in 1..=KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let lifetime = Duration::from_millis(5 + (random >> 33) % 120);
        let diary = Arc::new(Mutex::new(Diary::default()));
        live_and_die(&mut server, &releases, &numbers, &diary, lifetime);
        server.restart();
        let diary = std::mem::take(&mut *diary.lock().expect("nobody panicked with the diary"));
        compare(&server, &diary);
        if kill % AUDIT_EVERY == 0 {
            server.audit();
        }
    }
    server.kill();
    let offline = server.audit_directory();
    assert_eq!(offline.code, 0, "{offline:?}");
}

/// Several clients work until the server is killed under them.
fn live_and_die(
    server: &mut Server,
    releases: &[String; 2],
    numbers: &Arc<AtomicU64>,
    diary: &Arc<Mutex<Diary>>,
    lifetime: Duration,
) {
    let (host, token) = (server.host(), server.admin());
    let workers: Vec<_> = ["a", "b", "push", "push"]
        .into_iter()
        .map(|work| {
            let (host, token, numbers, diary, releases) =
                (host.clone(), token.clone(), numbers.clone(), diary.clone(), releases.clone());
            std::thread::spawn(move || match work {
                "push" => push_until_it_breaks(&host, &token, &numbers, &diary),
                stage => promote_until_it_breaks(&host, &token, stage, &releases, &numbers, &diary),
            })
        })
        .collect();
    std::thread::sleep(lifetime);
    server.kill();
    for worker in workers {
        worker.join().expect("a client does not panic");
    }
}

fn promote_until_it_breaks(
    host: &str,
    token: &str,
    stage: &str,
    releases: &[String; 2],
    numbers: &AtomicU64,
    diary: &Mutex<Diary>,
) {
    for release in releases.iter().cycle() {
        let key = format!("promotion-{}", numbers.fetch_add(1, Ordering::Relaxed));
        let asked = (stage.to_owned(), release.clone(), None);
        diary.lock().expect("the diary").promotions.insert(key.clone(), asked);
        let Ok(answer) = promote(host, token, stage, release, &key) else { return };
        match answer.status {
            201 => {
                let index = answer.json()["index"].as_u64().expect("an index");
                let acknowledged = (stage.to_owned(), release.clone(), Some(index));
                diary.lock().expect("the diary").promotions.insert(key, acknowledged);
            }
            // Current already: a promotion that was never acknowledged had been done.
            409 => drop(diary.lock().expect("the diary").promotions.remove(&key)),
            status => panic!("{status}: {}", String::from_utf8_lossy(&answer.body)),
        }
    }
}

fn promote(host: &str, token: &str, stage: &str, release: &str, key: &str) -> std::io::Result<super::http::Answer> {
    let path = format!("/v1/projects/shop/stages/{stage}/promotions");
    let body = format!("{{\"release\":\"{release}\",\"reason\":\"{key}\"}}");
    send(host, token, "POST", &path, &[("Content-Type", "application/json"), ("Idempotency-Key", key)], body.as_bytes())
}

fn push_until_it_breaks(host: &str, token: &str, numbers: &AtomicU64, diary: &Mutex<Diary>) {
    loop {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let Ok((digest, bytes)) = push(host, token, number) else { return };
        diary.lock().expect("the diary").manifests.push((digest, bytes));
    }
}

/// Pushes a blob and a manifest that names it.
fn push(host: &str, token: &str, number: u64) -> std::io::Result<(String, Vec<u8>)> {
    let blob: Vec<u8> = number.to_le_bytes().iter().copied().cycle().take(100_000).collect();
    let blob_digest = domain::Digest::sha256(&blob);
    let path = format!("/v2/shop/web/blobs/uploads/?digest={blob_digest}");
    let octets = [("Content-Type", "application/octet-stream")];
    let pushed = send(host, token, "POST", &path, &octets, &blob)?;
    assert_eq!(pushed.status, 201, "{pushed:?}");
    let descriptor =
        |media_type: &str| serde_json::json!({"mediaType": media_type, "digest": blob_digest, "size": blob.len()});
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor("application/octet-stream")],
    });
    let bytes = manifest.to_string().into_bytes();
    let digest = domain::Digest::sha256(&bytes).to_string();
    let headers = [("Content-Type", "application/vnd.oci.image.manifest.v1+json")];
    let put = send(host, token, "PUT", &format!("/v2/shop/web/manifests/n{number}"), &headers, &bytes)?;
    assert_eq!(put.status, 201, "{put:?}");
    Ok((digest, bytes))
}

/// What was acknowledged is there; what was not is done once when it is asked for again, whether it had been done before or not.
fn compare(server: &Server, diary: &Diary) {
    let (host, token) = (server.host(), server.admin());
    let get = |path: &str| send(&host, &token, "GET", path, &[], b"").expect("the server is up");
    for (digest, bytes) in &diary.manifests {
        let found = get(&format!("/v2/shop/web/manifests/{digest}"));
        assert_eq!((found.status, &found.body), (200, bytes), "an acknowledged manifest is there, byte by byte");
        let manifest = found.json();
        let layer = manifest["layers"][0]["digest"].as_str().expect("a digest");
        let blob = get(&format!("/v2/shop/web/blobs/{layer}"));
        assert_eq!(domain::Digest::sha256(&blob.body).to_string(), layer, "and so is its blob");
    }
    for (key, (stage, release, acknowledged)) in &diary.promotions {
        let again = promote(&host, &token, stage, release, key).expect("the server is up");
        let index = match (again.status, acknowledged) {
            (201 | 200, _) => again.json()["index"].as_u64().expect("an index"),
            (409, None) => continue,
            _ => panic!("an acknowledged promotion is not known any more: {again:?}"),
        };
        assert!(
            acknowledged.is_none_or(|before| before == index),
            "a key is answered with another entry: {index} and {acknowledged:?}"
        );
        let entry = get(&format!("/v1/ledger/entries/{index}"));
        let text = String::from_utf8_lossy(&entry.body).into_owned();
        assert!(
            text.contains(key.as_str()) && text.contains(release.as_str()),
            "entry {index} is not the promotion `{key}`: {text}"
        );
    }
}
