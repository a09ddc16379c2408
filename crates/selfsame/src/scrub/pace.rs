//! [`Pace`]: how fast bytes are read.

use std::time::Duration;

use tokio::time::Instant;

/// Keeps a reader to so many bytes a second.
pub struct Pace {
    bytes_per_second: Option<u64>,
    free_at: Instant,
}

impl Pace {
    /// As fast as it goes.
    pub fn unbounded() -> Self {
        Self { bytes_per_second: None, free_at: Instant::now() }
    }

    /// At most so many bytes a second.
    pub fn at(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: Some(bytes_per_second.max(1)), free_at: Instant::now() }
    }

    /// Waits until so many bytes more may be read. Time in which nothing was read is not made up for.
    pub async fn take(&mut self, bytes: usize) {
        let Some(rate) = self.bytes_per_second else { return };
        tokio::time::sleep_until(self.free_at).await;
        let cost = Duration::from_secs_f64(bytes as f64 / rate as f64);
        self.free_at = self.free_at.max(Instant::now()) + cost;
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, Pace};

    /// Time stands still here unless everybody waits.
    #[tokio::test(start_paused = true)]
    async fn bytes_take_their_time() {
        let begun = Instant::now();
        let mut pace = Pace::at(1000);
        for _ in 0..5 {
            pace.take(500).await;
        }
        assert_eq!(begun.elapsed().as_millis() / 10, 200, "the fifth waits for the four before it");
        tokio::time::sleep(Duration::from_secs(60)).await;
        let rested = Instant::now();
        pace.take(500).await;
        pace.take(500).await;
        assert!(rested.elapsed() >= Duration::from_millis(500), "rest is not made up for");
        Pace::unbounded().take(usize::MAX).await;
    }
}
