use super::{DOCKER_LIST, DOCKER_MANIFEST, MANIFEST_BYTES_MAX, OCI_INDEX, OCI_MANIFEST, parse};
use domain::Digest;

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// A descriptor of `digest`, with more fields if there are.
fn of(digest: &str, media_type: &str, more: &str) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":7{more}}}"#)
}

/// What is read from `body` sent as `sent`: the record in a few words, or the first words of the error.
fn read(sent: &str, body: &str) -> String {
    let repository = "shop/web".parse().expect("a valid name");
    let digest = Digest::sha256(body.as_bytes());
    match parse(&repository, &digest, sent, body.as_bytes()) {
        Err(error) => format!("{error:?}").split(['(', '{', ' ']).next().unwrap_or_default().to_owned(),
        Ok(record) => {
            assert_eq!((&record.digest, record.size), (&digest, body.len() as u64));
            let parts = record.parts.iter().map(|part| format!(" {:?}:{}", part.kind, &part.digest.as_str()[7..8]));
            let subject = record.subject.iter().map(|subject| format!(" subject:{}", &subject.as_str()[7..8]));
            let kind = record.artifact_type.iter().map(|kind| format!(" type:{kind}"));
            let notes = record.annotations.iter().map(|(key, value)| format!(" {key}={value}"));
            let form = if [OCI_INDEX, DOCKER_LIST].contains(&record.media_type.as_str()) { "index" } else { "image" };
            form.to_owned() + &parts.chain(subject).chain(kind).chain(notes).collect::<String>()
        }
    }
}

#[test]
fn images_say_what_they_are_made_of() {
    let (config, layer) = (of(A, "c", ""), of(B, "l", ""));
    for (fields, expected) in [
        (format!(r#""config":{config},"layers":[{layer}]"#), "image Config:a Layer:b type:c"),
        (format!(r#""config":{config},"layers":null,"annotations":null,"manifests":null"#), "image Config:a type:c"),
        (format!(r#""config":{config},"artifactType":"x/y","layers":[]"#), "image Config:a type:x/y"),
        (format!(r#""config":{config},"artifactType":"""#), "image Config:a type:c"),
        (
            format!(r#""config":{config},"subject":{layer},"annotations":{{"k":"v"}}"#),
            "image Config:a subject:b type:c k=v",
        ),
        (format!(r#""config":{config},"layers":[{}]"#, of(B, "l", r#","urls":["http://x"]"#)), "image Config:a type:c"),
        (format!(r#""config":{config},"layers":[{}]"#, of(B, "l", r#","urls":null"#)), "image Config:a Layer:b type:c"),
        (
            format!(r#""config":{config},"layers":[{}]"#, of(B, "x.layer.nondistributable.v1.tar", "")),
            "image Config:a type:c",
        ),
        (format!(r#""config":{config},"extra":{{"any":[1]}}"#), "image Config:a type:c"),
        (format!(r#""layers":[{layer}]"#), "Unreadable"),
        (format!(r#""config":{config},"manifests":[{layer}]"#), "Ambiguous"),
        (format!(r#""config":{}"#, of("sha256:short", "c", "")), "Unreadable"),
    ] {
        let body = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}",{fields}}}"#);
        assert_eq!(read(OCI_MANIFEST, &body), expected, "{fields}");
    }
}

#[test]
fn indexes_name_their_children() {
    let child = of(A, OCI_MANIFEST, "");
    for (fields, expected) in [
        (format!(r#""manifests":[{child}]"#), "index Child:a"),
        (r#""manifests":[]"#.to_owned(), "index"),
        (r#""manifests":null"#.to_owned(), "index"),
        (
            format!(r#""manifests":[{child}],"artifactType":"x/y","subject":{}"#, of(B, OCI_INDEX, "")),
            "index Child:a subject:b type:x/y",
        ),
        (format!(r#""manifests":[],"config":{child}"#), "Ambiguous"),
        (format!(r#""manifests":[],"layers":[{child}]"#), "Ambiguous"),
        (format!(r#""manifests":[{}]"#, vec![child.as_str(); 10_001].join(",")), "TooManyParts"),
    ] {
        for sent in [OCI_INDEX, DOCKER_LIST] {
            let body = format!(r#"{{"schemaVersion":2,{fields}}}"#);
            assert_eq!(read(sent, &body), expected, "{}", &fields[..fields.len().min(200)]);
        }
    }
}

#[test]
fn the_header_and_the_body_agree_on_the_type() {
    let config = of(A, "c", "");
    for (sent, says, expected) in [
        (OCI_MANIFEST, None, "image Config:a type:c"),
        (OCI_MANIFEST, Some(OCI_MANIFEST), "image Config:a type:c"),
        ("application/vnd.oci.image.manifest.v1+json; charset=utf-8", Some(OCI_MANIFEST), "image Config:a type:c"),
        (DOCKER_MANIFEST, Some(DOCKER_MANIFEST), "image Config:a type:c"),
        ("", Some(DOCKER_MANIFEST), "image Config:a type:c"),
        ("application/octet-stream", Some(OCI_MANIFEST), "image Config:a type:c"),
        ("application/octet-stream", None, "UnknownType"),
        (OCI_MANIFEST, Some(OCI_INDEX), "TypeMismatch"),
        (OCI_MANIFEST, Some(DOCKER_MANIFEST), "TypeMismatch"),
        ("application/json", None, "UnknownType"),
        (SCHEMA_1, Some(SCHEMA_1), "UnknownType"),
    ] {
        let says = says.map(|says| format!(r#""mediaType":"{says}","#)).unwrap_or_default();
        let body = format!(r#"{{"schemaVersion":2,{says}"config":{config}}}"#);
        assert_eq!(read(sent, &body), expected, "{sent} {says}");
    }
}

#[test]
fn what_is_no_manifest_is_refused() {
    let too_large = " ".repeat(MANIFEST_BYTES_MAX + 1);
    for (body, expected) in [
        ("", "Unreadable"),
        ("[]", "Unreadable"),
        ("{", "Unreadable"),
        (r#"{"schemaVersion":1,"signatures":[]}"#, "Unreadable"),
        (too_large.as_str(), "TooLarge"),
    ] {
        assert_eq!(read(OCI_MANIFEST, body), expected, "{}", &body[..body.len().min(40)]);
    }
}
