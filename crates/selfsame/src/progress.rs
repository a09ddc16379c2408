//! Progress bars on standard error; none when it is no terminal.

use engine::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar for `total` bytes.
pub fn bytes(what: &'static str, total: u64) -> ProgressBar {
    // Without a terminal the bar draws nothing: that is how indicatif treats standard error.
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what)
}

/// A bar for `total` things.
pub fn count(what: &'static str, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {eta}");
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what)
}

/// A bar for each kind of thing that is copied.
pub struct Copying {
    entries: ProgressBar,
    blobs: ProgressBar,
}

impl Default for Copying {
    fn default() -> Self {
        Self { entries: count("entries", 0), blobs: count("blobs", 0) }
    }
}

impl Copying {
    /// Shows how far it is.
    pub fn show(&self, step: Progress) {
        let (bar, (done, total)) = match step {
            Progress::Entries(done, total) => (&self.entries, (done, total)),
            Progress::Blobs(done, total) => (&self.blobs, (done, total)),
        };
        bar.set_length(total);
        bar.set_position(done);
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        self.entries.finish_and_clear();
        self.blobs.finish_and_clear();
    }
}
