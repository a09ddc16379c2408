//! kill -9 at random instants, many times: what was acknowledged is there, what was not is there whole or not at all.

mod diary;
mod work;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use diary::{Counts, Diary};
use work::Work;

use super::{http::Wire, server::Server};

/// How many servers live and die. Each begins with a new ledger, so that it can be audited after each of its deaths: in one long ledger the
/// audits would take most of the time, and find nothing more.
const SERVERS: u64 = 8;
/// How often each is killed, at least.
const KILLS: u64 = 25;
/// How often at most, on a machine so slow that most die before anybody asked them for much.
const KILLS_MAX: u64 = 4 * KILLS;
/// After how many kills the audit looks at the state and at every blob, too. In between it reads the whole published ledger, and the diary's
/// comparison asks for all that the last life had to do with.
const AUDIT_ALL_EVERY: u64 = 5;
/// How many live at the same time: while one waits for its disk, the other works.
const AT_ONCE: usize = 2;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_half_done() {
    let next = AtomicU64::new(0);
    let counts = std::thread::scope(|scope| {
        let lives = || {
            let mut counts = Counts::default();
            loop {
                match next.fetch_add(1, Ordering::Relaxed) {
                    number if number < SERVERS => counts += life_of_a_server(number),
                    _ => return counts,
                }
            }
        };
        let all: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(lives)).collect();
        all.into_iter().map(|life| life.join().expect("nothing was lost")).fold(Counts::default(), |mut sum, one| {
            sum += one;
            sum
        })
    });
    println!("{counts:?}");
}

/// Whether a server was asked for much before it died for the last time.
fn is_enough(counts: &Counts) -> bool {
    counts.promotions >= 2 * KILLS
        && counts.manifests >= KILLS / 2
        && counts.uploads >= KILLS / 2
        && counts.resumed >= KILLS / 10
}

fn life_of_a_server(number: u64) -> Counts {
    let mut server = Server::start();
    server.write("selfsame.yaml", "project: shop\ncomponents: { web: {} }\nstages: { a: {}, b: {} }\n");
    server.done(&["apply", "selfsame.yaml", "--yes"]);
    let work = Work::new([server.release("one").1, server.release("two").1]);
    let mut whole = Diary::default();
    // A fixed sequence, so that a failure can be seen again; the machine's own timing is random enough.
    let mut random = 0x5EED_u64 + number;
    let mut kill = 0;
    while kill < KILLS || !is_enough(&whole.counts()) {
        kill += 1;
        assert!(kill <= KILLS_MAX, "servers die before they have done much: {:?}", whole.counts());
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // On a slow machine the later ones live longer.
        let lifetime = Duration::from_millis(5 + (random >> 33) % (200 * (1 + 4 * (kill / KILLS))));
        let mut diary = work.until_killed(&mut server, lifetime);
        server.restart();
        let mut wire = Wire::open(&server.host(), &server.admin()).expect("the server is up");
        diary.compare(&mut wire);
        match kill % AUDIT_ALL_EVERY {
            0 => server.audit(),
            _ => server.audit_what_was_added(),
        }
        whole.extend(diary);
    }
    let mut wire = Wire::open(&server.host(), &server.admin()).expect("the server is up");
    whole.compare(&mut wire);
    server.audit();
    server.kill();
    let offline = server.audit_directory();
    assert_eq!(offline.code, 0, "{offline:?}");
    whole.counts()
}
