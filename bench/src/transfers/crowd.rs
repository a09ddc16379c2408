//! Memory while many pull at once.

use std::{
    error::Error,
    io,
    time::{Duration, Instant},
};

use super::{Fixture, Side};
use crate::{
    http::Body,
    peers::Peer,
    table::{self, Promise, Table},
};

/// How many pull at once.
const CLIENTS: usize = 200;

/// Starts each side anew, has many pull a large blob at once, and looks at the most memory that its processes ever had.
pub(super) fn run(
    table: &mut Table,
    sides: &mut [Side],
    fixture: &Fixture,
    rounds: usize,
    seconds: f64,
) -> Result<(), Box<dyn Error>> {
    let mut peaks: Vec<Vec<f64>> = sides.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (side, peaks) in sides.iter_mut().zip(&mut peaks) {
            side.restart()?;
            pull(side, fixture, Duration::from_secs_f64(seconds))?;
            peaks.push(side.server.usage()?.peak);
        }
    }
    let Some((ours, theirs)) = peaks.split_first() else { return Ok(()) };
    let told = |peaks: &[f64]| format!("{:.0} MiB", table::median(&mut peaks.to_vec()));
    table.note(&format!("memory at {CLIENTS} concurrent pulls"), "of 100 MiB each; the most ever, each just started");
    for (side, peaks) in sides[1..].iter().zip(theirs) {
        let promise = if side.peer == Some(Peer::DockerRegistry) { Promise::AtMost(0.5) } else { Promise::None };
        let ratio = super::ratio(ours, peaks);
        table.ratio(&format!("  beside {}", side.name()), &told(ours), &told(peaks), ratio, promise);
    }
    Ok(())
}

fn pull(side: &Side, fixture: &Fixture, time: Duration) -> io::Result<()> {
    let path = side.blob(&fixture.large);
    let end = Instant::now() + time;
    std::thread::scope(|scope| {
        let pulls: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = side.connect()?;
                    super::expect(200, &connection.send("GET", &path, &[], b"", Body::DropUntil(end))?)
                })
            })
            .collect();
        pulls.into_iter().try_for_each(|pull| pull.join().map_err(|_| io::Error::other("a client panicked"))?)
    })
}
