//! Three equal servers on one PostgreSQL, under load, while they are killed, stopped and cut off from the database at random: nothing that was
//! acknowledged is lost, nothing is done twice, and there is one history.

mod cluster;
mod work;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use cluster::{Cluster, SERVERS};
use work::Work;

/// How long it goes on.
const LENGTH: Duration = Duration::from_secs(24);
/// How long a server is stopped: longer than the database waits for anybody.
const STOPPED: Duration = Duration::from_secs(6);

#[test]
fn replicas_lose_nothing_and_do_nothing_twice() {
    let cluster = Cluster::start();
    let work = Work::prepare(&cluster);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for client in 0..work::CLIENTS {
            let (work, cluster, over) = (&work, &cluster, &over);
            scope.spawn(move || work.go_on(cluster, client, over));
        }
        disturb(&cluster);
        over.store(true, Ordering::Relaxed);
    });
    cluster.restart_all();
    let diary = work.into_diary();
    println!("{} promotions and {} pushes were acknowledged", diary.promotions.len(), diary.manifests.len());
    assert!(diary.promotions.len() >= 30 && diary.manifests.len() >= 8, "too little was done to see anything");
    compare(&cluster, &diary);
    for server in 0..SERVERS {
        cluster.audit(server);
    }
}

/// Kills, stops and cuts, one after another, so that somebody is always there.
fn disturb(cluster: &Cluster) {
    // A fixed sequence, so that a failure can be seen again; the machine's own timing is random enough.
    let mut random = 0xBEEF_u64;
    let begun = Instant::now();
    for turn in 0.. {
        if begun.elapsed() > LENGTH {
            return;
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let server = (random >> 33) as usize % SERVERS;
        match turn % 4 {
            0 | 2 => cluster.cut_off(),
            1 => cluster.kill_and_restart(server),
            _ => {
                cluster.signal(server, "STOP");
                std::thread::sleep(STOPPED);
                cluster.signal(server, "CONT");
            }
        }
        std::thread::sleep(Duration::from_millis(100 + (random >> 40) % 700));
    }
}

/// Each acknowledged promotion is one entry, the one that was acknowledged; each acknowledged push is there, byte by byte, on each server.
fn compare(cluster: &Cluster, diary: &work::Diary) {
    let entries = cluster.entries();
    let mut by_key: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (index, body) in (0..).zip(&entries) {
        if let Some(key) = body.split("\"key\":\"promotion-").nth(1).and_then(|rest| rest.split('"').next()) {
            by_key.entry(key).or_default().push(index);
        }
    }
    for (key, indices) in &by_key {
        assert_eq!(indices.len(), 1, "`promotion-{key}` was done more than once: {indices:?}");
    }
    for (number, index) in &diary.promotions {
        let found = by_key.get(&*number.to_string());
        assert_eq!(found, Some(&vec![*index]), "`promotion-{number}`, which was acknowledged as entry {index}");
    }
    for server in 0..SERVERS {
        for (path, bytes) in &diary.manifests {
            let found = cluster.ask(server, "GET", path, &[], b"").expect("the server is up");
            assert_eq!((found.status, &found.body), (200, bytes), "{path} on server {server}");
        }
    }
}
