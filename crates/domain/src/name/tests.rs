use proptest::prelude::*;

use super::{
    CommandKey, EvidenceKind, Party, ProjectName, RegistryAddress, RepositoryName, StageName, TagName, TokenId,
};

/// Checks what is a name of a kind and what is not.
macro_rules! table {
    ($test:ident, $name:ty, good: [$($good:expr),* $(,)?], bad: [$($bad:expr),* $(,)?]) => {
        #[test]
        fn $test() {
            for good in [$(String::from($good)),*] {
                let name: $name = good.parse().unwrap_or_else(|invalid| panic!("{invalid}"));
                assert_eq!((name.as_str(), name.to_string(), format!("{name:?}")), (good.as_str(), good.clone(), good.clone()));
                assert_eq!(serde_json::from_value::<$name>(good.clone().into()).expect("a name"), name);
                assert_eq!(serde_json::to_value(&name).expect("JSON"), serde_json::Value::from(good));
            }
            for bad in [$(String::from($bad)),*] {
                let invalid = bad.parse::<$name>().expect_err(&bad);
                assert!(invalid.to_string().contains(invalid.what) && invalid.to_string().ends_with(invalid.rule), "{invalid}");
                assert!(serde_json::from_value::<$name>(bad.into()).is_err());
            }
        }
    };
}

table!(projects, ProjectName,
    good: ["a", "shop", "shop-2", "a-b-c", "a".repeat(63)],
    bad: ["", "Shop", "2shop", "-a", "a-", "a--b", "a_b", "a.b", "a/b", "ä", "a b", " a", "a\n", "a".repeat(64)]);
table!(stages, StageName, good: ["prod", "prod-eu"], bad: ["", "PROD", "prod/eu", "*"]);
table!(kinds, EvidenceKind,
    good: ["tests", "https://slsa.dev/provenance/v1", "a@b+c", "1.0", "a".repeat(128)],
    bad: ["", "-a", "/a", "a b", "a?b", "ä", "a\0", "a".repeat(129)]);
table!(tags, TagName,
    good: ["latest", "v1.2-3_4", "_a", "0", "a".repeat(128)],
    bad: ["", ".a", "-a", "a/b", "a:b", "a b", "ä", "a".repeat(129)]);
table!(repositories, RepositoryName,
    good: ["a", "shop/web", "a/b/c/d", "a.b", "a_b", "a__b", "a-b", "a---b", "0/1", format!("a/{}", "b".repeat(253))],
    bad: ["", "/", "a/", "/a", "a//b", "A", "a/B", "a..b", "a___b", "a._b", "a-.b", ".a", "a.", "a/-b", "a b", "ä", "a:b", "../a", "a/../b",
        "a".repeat(256)]);
table!(registries, RegistryAddress,
    good: ["r.example", "r.example/shop", "r.example:5000/team/shop", "localhost/shop", "https://r.example/shop", "http://registry/shop",
        "registry:5000", "127.0.0.1:5000/a__b", "a--b.example", format!("r.example/{}", "b".repeat(255))],
    bad: ["", "registry", "registry/shop", "/shop", "r.example/", "r.example/Shop", "R.example", "r.example:0/a", "r.example:65536/a", "r.example:/a",
        "r.example:+80", "ftp://r.example", "r.example/a:b", "r.example/a@b", "user@r.example", "1.2", "1.2.3.256", "01.2.3.4", "0x7f.1", "r.0x7f",
        "-a.example", "a-.example", "a..example", "[::1]:5000", "xn--a.example", "r.example?x", "r.example#x", "r.example/a//b", "ä.example",
        format!("{}.example", "b".repeat(64)), format!("r.example/{}", "b".repeat(256))]);
table!(parties, Party,
    good: ["person:ada", "machine:ci", "person:ada@example.org", "machine:repo/x+y", "person:0", format!("person:{}", "a".repeat(121))],
    bad: ["", "ada", "person:", "robot:x", "Person:ada", "person:-a", "person:a:b", "person:a b", "person:ä", "machine",
        format!("person:{}", "a".repeat(122))]);
table!(keys, CommandKey, good: ["k", "!\"\\~", "x".repeat(128)], bad: ["", "a b", "a\n", "ä", "\u{7f}", "x".repeat(129)]);
table!(tokens, TokenId, good: ["0123456789abcdef"], bad: ["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg"]);

#[test]
fn the_first_component_of_a_repository_names_its_project() {
    for (repository, project) in
        [("shop/web", Some("shop")), ("shop", Some("shop")), ("a.b/web", None), ("1/web", None), ("a__b/web", None)]
    {
        let repository: RepositoryName = repository.parse().expect("a repository");
        assert_eq!(repository.project(), project.map(|name| name.parse().expect("a name")), "{repository}");
    }
}

#[test]
fn people_are_not_machines() {
    let party = |text: &str| text.parse::<Party>().expect("a party");
    assert!(party("person:machine").is_person() && !party("machine:person").is_person());
}

proptest! {
    #[test]
    fn any_text_is_a_name_as_it_stands_or_none(text in "\\PC{0,300}|[a-z0-9._/:@-]{0,70}") {
        macro_rules! check {
            ($($name:ty),*) => {$(
                match text.parse::<$name>() {
                    Ok(name) => prop_assert_eq!(name.as_str(), &text),
                    Err(invalid) => prop_assert!(invalid.text.chars().count() <= 200),
                }
            )*};
        }
        check!(ProjectName, EvidenceKind, TagName, RegistryAddress, RepositoryName, Party, CommandKey, TokenId);
    }
}
