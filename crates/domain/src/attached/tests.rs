use super::About;
use crate::{Digest, TagName};

fn about(tag: &str) -> String {
    match tag.parse::<TagName>().expect("a tag").about() {
        None => "nothing".into(),
        Some(About::Digest(digest)) => digest.to_string(),
        Some(About::Beginning(text)) => format!("{text}..."),
    }
}

#[test]
fn tags_say_what_their_manifest_is_about() {
    let (short, long) = (Digest::sha256(b"image"), Digest::sha512(b"image"));
    let (digits, half) = (short.hex(), &long.hex()[..64]);
    let (whole, beginning) = (short.to_string(), format!("sha512:{half}..."));
    for (tag, expected) in [
        (format!("sha256-{digits}"), whole.as_str()),
        (format!("sha256-{digits}.sig"), whole.as_str()),
        (format!("sha256-{digits}.att"), whole.as_str()),
        (format!("sha256-{digits}.sbom"), whole.as_str()),
        (format!("sha512-{half}"), beginning.as_str()),
        (format!("sha512-{half}.sig"), "nothing"),
        (format!("sha256-{digits}.other"), "nothing"),
        (format!("sha256-{digits}0"), "nothing"),
        (format!("sha256-{}", &digits[1..]), "nothing"),
        (format!("sha256-{}", digits.to_uppercase()), "nothing"),
        (format!("sha1-{digits}"), "nothing"),
        ("latest".into(), "nothing"),
        ("sha256-".into(), "nothing"),
    ] {
        assert_eq!(about(&tag), expected, "{tag}");
    }
}

#[test]
fn each_tag_about_a_digest_says_so() {
    for (digest, count) in [(Digest::sha256(b"image"), 4), (Digest::sha512(b"image"), 1)] {
        let tags = digest.tags_about();
        assert_eq!(tags.len(), count, "{digest}");
        for tag in tags {
            let said = match tag.about() {
                Some(About::Digest(said)) => said == digest,
                Some(About::Beginning(beginning)) => digest.as_str().starts_with(&*beginning),
                None => false,
            };
            assert!(said, "{tag}");
        }
    }
}
