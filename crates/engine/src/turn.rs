//! [`Turn`]: work of which one replica does is enough.
//!
//! Everything that is done under a turn stays right when two do it at once: a replica that was stopped in the middle of its work goes on with
//! it when it comes back, before it can know that its turn is over. The turn keeps them from doing it twice, and its number says
//! whether what somebody remembers of the work is still the last that was done.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use crate::{Engine, ports::Ledger};

/// How long a turn lasts if it is not renewed: what the others wait if a replica dies.
const LASTS: Duration = Duration::from_secs(60);
/// How many times it is renewed before it would be over.
const RENEWALS: u32 = 4;

/// A replica's turn at some work, as far as it knows.
pub struct Turn {
    ledger: Arc<dyn Ledger>,
    work: &'static str,
    lasts: Duration,
    number: watch::Sender<Option<u64>>,
}

impl Turn {
    /// At `work`, which others know by this name, too. It is nobody's before it is [kept](Self::keep).
    pub fn at(engine: &Engine, work: &'static str) -> Self {
        Self { ledger: engine.ports().ledger.clone(), work, lasts: LASTS, number: watch::Sender::new(None) }
    }

    /// The same, over sooner.
    #[must_use]
    pub fn lasting(self, lasts: Duration) -> Self {
        Self { lasts, ..self }
    }

    /// Takes the turn as soon as no other has it, and renews it, until the future is dropped.
    pub async fn keep(&self) {
        let mut until = Instant::now();
        loop {
            let asked = Instant::now();
            match self.ledger.take_turn(self.work, self.lasts).await {
                Ok(number) => {
                    until = asked + self.lasts;
                    self.set(number);
                }
                Err(trouble) => {
                    tracing::warn!(work = self.work, %trouble, "Whose turn it is cannot be seen");
                    if Instant::now() >= until {
                        self.set(None);
                    }
                }
            }
            tokio::time::sleep(self.lasts / RENEWALS).await;
        }
    }

    /// The number of the turn, if it is this replica's; another number means that others may have done some of the work in between.
    pub fn number(&self) -> Option<u64> {
        *self.number.borrow()
    }

    /// Waits until it is this replica's turn; the number.
    pub async fn begins(&self) -> u64 {
        let mut number = self.number.subscribe();
        let begun = number.wait_for(Option::is_some).await;
        begun.ok().and_then(|number| *number).unwrap_or_default()
    }

    fn set(&self, number: Option<u64>) {
        let before = self.number.send_replace(number);
        if before.is_some() != number.is_some() {
            tracing::info!(work = self.work, mine = number.is_some(), "A turn changes hands");
        }
    }
}
