//! [`Flights`]: one fetch for many who wait for the same.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};

use super::Problem;

/// How many fetches are on their way at once at most.
const FLIGHTS_MAX: usize = 1000;

/// Whether something is there in the end.
pub(super) type Landed = Result<bool, Problem>;

/// Fetches on their way, by what is fetched.
#[derive(Default)]
pub(super) struct Flights(Mutex<BTreeMap<String, Shared<BoxFuture<'static, Landed>>>>);

impl Flights {
    /// Does `work`, unless somebody does it already; waits for what comes of it. It goes on if whoever waits goes away.
    pub fn once(
        self: &Arc<Self>,
        key: String,
        work: impl Future<Output = Landed> + Send + 'static,
    ) -> Shared<BoxFuture<'static, Landed>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key) {
            return flight.clone();
        }
        if flights.len() >= FLIGHTS_MAX {
            let full = Problem::from(format!("{FLIGHTS_MAX} fetches are on their way already"));
            return async move { Err(full) }.boxed().shared();
        }
        let (own, name) = (self.clone(), key.clone());
        let task = tokio::spawn(async move {
            let landed = work.await;
            own.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
            landed
        });
        let (own, name) = (self.clone(), key.clone());
        let flight = async move {
            task.await.unwrap_or_else(|gone| {
                // It did not come to take itself off.
                own.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
                Err(Problem::from(gone.to_string()))
            })
        };
        let flight = flight.boxed().shared();
        flights.insert(key, flight.clone());
        flight
    }
}
