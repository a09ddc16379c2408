//! The comparisons that osv-scalibr was tested with: some found by asking each ecosystem's own tool.

use std::cmp::Ordering;

use evidence::version::Scheme;

use super::data;

const FILES: &[(&str, &[&str])] = &[
    ("Alpine", &["alpine-versions.txt", "alpine-versions-generated.txt"]),
    ("CRAN", &["cran-versions.txt", "cran-versions-generated.txt"]),
    ("Debian:12", &["debian-versions.txt", "debian-versions-generated.txt"]),
    ("Hackage", &["hackage-versions.txt"]),
    ("Maven", &["maven-versions.txt", "maven-versions-generated.txt"]),
    ("NuGet", &["nuget-versions.txt"]),
    ("Packagist", &["packagist-versions.txt", "packagist-versions-generated.txt"]),
    ("Pub", &["pub-versions.txt"]),
    ("PyPI", &["pypi-versions.txt", "pypi-versions-generated.txt"]),
    ("Red Hat", &["redhat-versions.txt"]),
    ("RubyGems", &["rubygems-versions.txt", "rubygems-versions-generated.txt"]),
    ("npm", &["semver-versions.txt"]),
];

#[test]
#[cfg_attr(not(test_data), ignore = "the comparisons are not there")]
fn each_ecosystem_s_versions_are_ordered_as_it_orders_them() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for (ecosystem, files) in FILES {
        let scheme = Scheme::of_ecosystem(ecosystem).expect("a known ecosystem");
        for file in *files {
            let text = std::fs::read_to_string(data::path("version-order").join(file)).expect("a readable file");
            for line in
                text.lines().filter(|line| !(line.is_empty() || line.starts_with("# ") || line.starts_with("// ")))
            {
                let [one, order, other] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{file}: {line}") };
                let expected = match order {
                    "<" => Ordering::Less,
                    "=" => Ordering::Equal,
                    ">" => Ordering::Greater,
                    _ => panic!("{file}: {line}"),
                };
                compared += 1;
                let found = (scheme.compare(one, other), scheme.compare(other, one));
                if found != (Ok(expected), Ok(expected.reverse())) {
                    wrong.push(format!("{file}: {line}: {found:?}"));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared} are wrong, for example\n{}",
        wrong.len(),
        wrong[..wrong.len().min(60)].join("\n")
    );
    assert!(compared > 71_000, "only {compared} were compared");
}
