//! Which places there are, and what is said where one cannot be used.

use services::ObjectServer;

use super::{Replicas, credentials, place};
use crate::objects::{BucketUrl, Credentials, Endpoint, InvalidPlace, Place, Style, choose, chosen};

/// A place that is only written down.
fn named(prefix: &str) -> Place {
    let server = ObjectServer::shared();
    place(server, &server.place(prefix))
}

#[test]
fn a_place_is_named_in_one_way() {
    for (text, valid) in [
        ("s3://bucket", true),
        ("s3://bucket/a/b-c_d.e", true),
        ("s3://bucket/", true),
        ("bucket", false),
        ("s3://", false),
        ("s3:///prefix", false),
        ("s3://bucket//twice", false),
        ("s3://bucket/..", false),
        ("s3://bucket/a b", false),
        ("https://bucket/a", false),
    ] {
        assert_eq!(text.parse::<BucketUrl>().is_ok(), valid, "{text}");
    }
    for (text, valid, plain) in [
        ("https://s3.example.org", true, false),
        ("http://127.0.0.1:8333/", true, true),
        ("http://[::1]:8333", true, true),
        ("s3.example.org", false, false),
        ("https://key:secret@s3.example.org", false, false),
        ("https://s3.example.org/path", false, false),
        ("ftp://s3.example.org", false, false),
        ("https://", false, false),
    ] {
        let parsed = text.parse::<Endpoint>();
        assert_eq!(parsed.as_ref().map(Endpoint::is_plain).ok(), valid.then_some(plain), "{text}");
        assert!(!parsed.is_err_and(|error| error.to_string().contains("secret@")), "{text}");
    }
}

#[test]
fn a_place_is_written_down_without_secrets() {
    let place = named("team/one");
    let text = serde_json::to_string(&place).expect("it is written");
    assert_eq!(serde_json::from_str::<Place>(&text).expect("it is read"), place);
    for (name, _) in ObjectServer::environment() {
        assert!(Credentials::from_variables(|asked| (asked != name).then(|| "x".into())).is_err(), "{name} is missing");
    }
    let credentials = credentials();
    assert_eq!(format!("{credentials:?}"), "Credentials", "no secret is printed");
    assert!(matches!(Credentials::from_variables(|_| Some(String::new())), Err(InvalidPlace::Credentials)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_be_used_says_why() {
    let server = ObjectServer::shared();
    let place = place(server, &server.new_place());
    let nowhere = Place { endpoint: Some("http://127.0.0.1:9".parse().expect("an address")), ..place.clone() };
    let missing = Place { bucket: "s3://missing/x".parse().expect("a bucket"), ..place.clone() };
    let wrong = |name: &str| Some(if name.ends_with("KEY") { "wrong" } else { "tests" }.to_owned());
    let stranger = Credentials::from_variables(wrong).expect("credentials");
    let known = credentials();
    Replicas::at(place.clone()).start().check().await.expect("it can be used");
    for (what, place, credentials, said) in [
        ("no server", &nowhere, &known, "whether the storage is up"),
        ("no bucket", &missing, &known, "make the bucket"),
        ("a wrong secret", &place, &stranger, "AWS_SECRET_ACCESS_KEY"),
    ] {
        let replicas = Replicas::at(place.clone());
        let objects = super::Objects::new(place.clone(), credentials, replicas.database.clone()).expect("a replica");
        let refused = objects.check().await.expect_err(what).to_string();
        assert!(refused.contains(said) && refused.contains("s3://"), "{what}: {refused}");
    }
    assert_eq!(place.style, Style::Path);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_belongs_to_one_ledger() {
    let replicas = Replicas::new();
    for _ in 0..2 {
        replicas.start().claim("example.org/one+key").await.expect("it is ours");
    }
    let refused = replicas.start().claim("example.org/two+key").await.expect_err("it is somebody else's").to_string();
    assert!(refused.contains("`example.org/one+key`") && refused.contains("another prefix"), "{refused}");
}

#[test]
fn a_data_directory_keeps_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let place = named("kept");
    assert_eq!(chosen(&data).expect("an answer"), None);
    choose(&data, &place).expect("it is chosen");
    choose(&data, &place).expect("and again");
    let moved = Place { endpoint: Some("https://s3.example.org".parse().expect("an address")), ..place.clone() };
    choose(&data, &moved).expect("the same bucket may have another address");
    assert_eq!(chosen(&data).expect("an answer"), Some(moved));
    let other = named("other");
    let refused = choose(&data, &other).expect_err("its blobs are elsewhere").to_string();
    assert!(refused.contains("/kept") && refused.contains("leave `--objects` out"), "{refused}");
    let embedded = folder.path().join("embedded");
    drop(crate::open(&embedded).expect("a directory"));
    let refused = choose(&embedded, &place).expect_err("its blobs are in itself").to_string();
    assert!(refused.contains("in its folder `blobs` already"), "{refused}");
}
