//! [`Severity`]: how bad it is, in the five words that people use.

use std::str::FromStr;

/// How bad a vulnerability is. Ordered: what nobody has rated comes first, and is not the same as what is harmless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nobody has said.
    #[default]
    Unknown,
    /// It is harmless: CVSS 0.0.
    None,
    /// CVSS 0.1 to 3.9.
    Low,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 6] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::None, Self::Unknown];

    /// As it is written: `critical`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// What a CVSS vector (version 2, 3 or 4) comes to; unknown if it cannot be read.
    pub fn of_cvss(vector: &str) -> Self {
        let parsed = cvss::Cvss::from_str(vector).ok().filter(|_| is_whole(vector));
        match parsed.map(|vector| vector.severity()) {
            None => Self::Unknown,
            Some(cvss::Severity::None) => Self::None,
            Some(cvss::Severity::Low) => Self::Low,
            Some(cvss::Severity::Medium) => Self::Medium,
            Some(cvss::Severity::High) => Self::High,
            Some(cvss::Severity::Critical) => Self::Critical,
        }
    }

    /// What a CVSS score comes to; unknown if it is no number from 0 to 10.
    pub fn of_score(score: &str) -> Self {
        match score.trim().parse::<f64>() {
            Ok(0.0) => Self::None,
            Ok(score) if score > 0.0 && score < 4.0 => Self::Low,
            Ok(score) if (4.0..7.0).contains(&score) => Self::Medium,
            Ok(score) if (7.0..9.0).contains(&score) => Self::High,
            Ok(score) if (9.0..=10.0).contains(&score) => Self::Critical,
            _ => Self::Unknown,
        }
    }

    /// What an advisory's author calls it, in any of the usual words.
    pub fn of_word(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" | "important" => Self::High,
            "medium" | "moderate" => Self::Medium,
            "low" => Self::Low,
            "none" | "negligible" => Self::None,
            _ => Self::Unknown,
        }
    }
}

/// Whether a vector has all that its version demands. One that was cut short would come to less than it should.
fn is_whole(vector: &str) -> bool {
    let demanded: &[&str] = match vector.split_once('/') {
        Some(("CVSS:4.0", _)) => &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"],
        Some(("CVSS:3.0" | "CVSS:3.1", _)) => &["AV", "AC", "PR", "UI", "S", "C", "I", "A"],
        _ => &["AV", "AC", "Au", "C", "I", "A"],
    };
    let has =
        |name: &&str| vector.split('/').any(|metric| metric.split_once(':').is_some_and(|(found, _)| found == *name));
    demanded.iter().all(has)
}

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn vectors_come_to_what_the_specification_says() {
        for (vector, severity) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Severity::Critical),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Severity::High),
            ("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:L/A:N", Severity::Medium),
            ("CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N", Severity::Low),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", Severity::None),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", Severity::Critical),
            ("AV:N/AC:L/Au:N/C:C/I:C/A:C", Severity::High),
            ("CVSS:3.1/AV:N", Severity::Unknown),
            ("9.8", Severity::Unknown),
            ("", Severity::Unknown),
        ] {
            assert_eq!(Severity::of_cvss(vector), severity, "{vector}");
        }
    }

    #[test]
    fn scores_have_the_bounds_of_the_specification() {
        for (score, severity) in [
            ("0", Severity::None),
            ("0.1", Severity::Low),
            ("3.9", Severity::Low),
            ("4.0", Severity::Medium),
            ("6.9", Severity::Medium),
            ("7.0", Severity::High),
            ("9.0", Severity::Critical),
            ("10", Severity::Critical),
            ("10.1", Severity::Unknown),
            ("-1", Severity::Unknown),
            ("NaN", Severity::Unknown),
            ("high", Severity::Unknown),
            ("", Severity::Unknown),
        ] {
            assert_eq!(Severity::of_score(score), severity, "{score}");
        }
    }
}
