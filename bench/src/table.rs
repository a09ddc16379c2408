//! What is printed: medians, ratios, and rows that line up.

/// The median of `values`; zero for none.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The value below which `share` of `values` lie.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index within the slice")]
    let position = ((values.len() as f64 - 1.0) * share).round() as usize;
    values.get(position).copied().unwrap_or_default()
}

/// What was promised about a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Promise {
    /// Nothing: it is told for information.
    None,
    /// It is at least this.
    AtLeast(f64),
    /// It is at most this.
    AtMost(f64),
}

/// What is printed, and how many promises were not kept.
#[derive(Debug, Default)]
pub struct Table {
    broken: usize,
}

impl Table {
    /// How many promises were not kept.
    pub fn broken(&self) -> usize {
        self.broken
    }

    /// Prints a heading.
    pub fn heading(&self, text: &str) {
        println!("\n== {text}");
    }

    /// Prints a comparison: ours, theirs, the ratio, and whether what was promised about the ratio is kept.
    pub fn ratio(&mut self, what: &str, ours: &str, theirs: &str, ratio: f64, promise: Promise) {
        let judged = self.judged(ratio, promise);
        println!("{what:<34} {ours:>22} {theirs:>22}   ratio {ratio:>8.2}   {judged}");
    }

    /// Prints a figure of ours in `unit`, and whether what was promised about it is kept.
    pub fn figure(&mut self, what: &str, value: f64, unit: &str, promise: Promise) {
        let judged = self.judged(value, promise);
        println!("{what:<34} {:>22}   {judged}", format!("{value:.0} {unit}"));
    }

    /// Prints a figure that is small, with two digits behind the point.
    pub fn precise(&mut self, what: &str, value: f64, unit: &str, promise: Promise) {
        let judged = self.judged(value, promise);
        println!("{what:<58} {value:>8.2} {unit}   {judged}");
    }

    /// Prints something that explains the rows above.
    pub fn note(&self, what: &str, text: &str) {
        println!("{what:<34} {text}");
    }

    fn judged(&mut self, value: f64, promise: Promise) -> String {
        let (kept, words) = match promise {
            Promise::None => return String::new(),
            Promise::AtLeast(least) => (value >= least, format!("promised: at least {least}")),
            Promise::AtMost(most) => (value <= most, format!("promised: at most {most}")),
        };
        if !kept {
            self.broken += 1;
        }
        format!("{words}, {}", if kept { "kept" } else { "NOT KEPT" })
    }
}
