//! Progress bars on standard error; none when it is no terminal.

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
