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

/// Prints a heading.
pub fn heading(text: &str) {
    println!("\n== {text}");
}

/// Prints a comparison: ours, theirs, the ratio, and what was promised about it.
pub fn ratio(what: &str, ours: &str, theirs: &str, ratio: f64, promise: &str) {
    println!("{what:<34} {ours:>22} {theirs:>22}   ratio {ratio:>8.2}   {promise}");
}

/// Prints a figure of ours, and what was promised about it.
pub fn figure(what: &str, value: &str, promise: &str) {
    println!("{what:<34} {value:>22}   {promise}");
}
