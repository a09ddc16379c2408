//! [`Pace`]: how fast one registry is asked, and how long it is waited for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Semaphore, time::Instant};

/// The first pause before asking again; each further one is up to twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause of our own.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// How long a registry may ask for patience before that is taken for a no.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
/// How long one registry is waited for in all, while nothing comes of it. What succeeds gives back what it waited.
const BUDGET: Duration = Duration::from_secs(900);

/// How fast one registry is asked.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How many requests that read are on their way at once at most.
    pub reading: Arc<Semaphore>,
    /// The same of those that write.
    pub writing: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    not_before: Option<Instant>,
    left: Duration,
}

impl Pace {
    pub fn new(at_once: usize) -> Self {
        let turns = || Arc::new(Semaphore::new(at_once));
        Self { reading: turns(), writing: turns(), state: Mutex::new(State { not_before: None, left: BUDGET }) }
    }

    /// Waits until the registry may be asked again: where it told one request to wait, all others wait, too.
    pub async fn wait(&self) {
        loop {
            let not_before = self.lock().not_before;
            match not_before.filter(|time| *time > Instant::now()) {
                Some(time) => tokio::time::sleep_until(time).await,
                None => return,
            }
        }
    }

    /// How long to pause before the next attempt; `None` if that is longer than anybody waits.
    pub fn pause(&self, attempt: u32, retry_after: Option<Duration>) -> Option<Duration> {
        let pause = match retry_after {
            Some(asked) if asked > RETRY_AFTER_MAX => return None,
            // A little later than told, so that not all who wait come back in the same moment.
            Some(asked) => asked + jitter(FIRST_PAUSE),
            None => {
                let most = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempt)).min(LONGEST_PAUSE);
                most / 2 + jitter(most / 2)
            }
        };
        let mut state = self.lock();
        state.left = state.left.checked_sub(pause)?;
        if retry_after.is_some() {
            state.not_before = Some(Instant::now() + pause).max(state.not_before);
        }
        Some(pause)
    }

    /// Something succeeded: the patience is as it was in the beginning.
    pub fn succeeded(&self) {
        self.lock().left = BUDGET;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Some time up to `most`, at random, so that clients that failed together do not come back together.
fn jitter(most: Duration) -> Duration {
    let mut byte = [0; 1];
    // Without randomness everybody comes back at the same time, which is worse, and no reason to fail.
    let _ = getrandom::fill(&mut byte);
    most.mul_f64(f64::from(byte[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::{BUDGET, Duration, LONGEST_PAUSE, Pace};

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_end() {
        let pace = Pace::new(1);
        for attempt in 0..8 {
            let pause = pace.pause(attempt, None).expect("there is patience left");
            assert!(pause <= LONGEST_PAUSE && pause >= Duration::from_millis(125), "{attempt}: {pause:?}");
        }
        assert_eq!(pace.pause(0, Some(Duration::from_secs(3600))), None, "nobody waits an hour");
        let told = pace.pause(0, Some(Duration::from_secs(7))).expect("there is patience left");
        assert!(told >= Duration::from_secs(7));
        let before = tokio::time::Instant::now();
        pace.wait().await;
        assert!(before.elapsed() >= Duration::from_secs(7), "others wait, too");
        let mut waited = Duration::ZERO;
        while let Some(pause) = pace.pause(9, None) {
            waited += pause;
        }
        assert!(waited <= BUDGET, "{waited:?}");
        pace.succeeded();
        assert!(pace.pause(0, None).is_some());
    }
}
