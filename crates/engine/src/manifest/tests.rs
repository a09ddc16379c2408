use super::{DOCKER_LIST, DOCKER_MANIFEST, MANIFEST_BYTES_MAX, OCI_INDEX, OCI_MANIFEST, parse};
use domain::Digest;
use proptest::{collection, prelude::*};

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
        (&format!(r#"{{"schemaVersion":2,"config":{},"artifactType":"a\u0000b"}}"#, of(A, "c", "")), "Null"),
        (&format!(r#"{{"schemaVersion":2,"config":{}}}"#, of(A, "c\\u0000", "")), "Null"),
        (&format!(r#"{{"schemaVersion":2,"config":{},"annotations":{{"k":"\u0000"}}}}"#, of(A, "c", "")), "Null"),
        (&format!(r#"{{"schemaVersion":2,"config":{},"annotations":{{"\u0000":"v"}}}}"#, of(A, "c", "")), "Null"),
        (r#"{"schemaVersion":1,"signatures":[]}"#, "Unreadable"),
        (too_large.as_str(), "TooLarge"),
    ] {
        assert_eq!(read(OCI_MANIFEST, body), expected, "{}", &body[..body.len().min(40)]);
    }
}

/// JSON that has the fields of manifests, with anything in them.
fn nearly_a_manifest() -> impl Strategy<Value = serde_json::Value> {
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<i64>().prop_map(Into::into),
        any::<bool>().prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
        Just(A.into()),
        Just(OCI_MANIFEST.into()),
    ];
    let field = prop_oneof![
        Just("schemaVersion"),
        Just("mediaType"),
        Just("config"),
        Just("layers"),
        Just("manifests"),
        Just("subject"),
        Just("annotations"),
        Just("digest"),
        Just("size"),
        Just("urls"),
    ];
    scalar.prop_recursive(4, 40, 6, move |inner| {
        let list = collection::vec(inner.clone(), 0..4).prop_map(Into::into);
        let map = collection::vec((field.clone().prop_map(String::from), inner), 0..6);
        prop_oneof![list, map.prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect()))]
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(sent in ".{0,60}", bytes in collection::vec(any::<u8>(), 0..300)) {
        let repository = "shop/web".parse().expect("a valid name");
        let _ = parse(&repository, &Digest::sha256(&bytes), &sent, &bytes);
    }

    #[test]
    fn whatever_looks_like_a_manifest_is_read_or_refused(mut body in nearly_a_manifest()) {
        if let Some(fields) = body.as_object_mut() {
            fields.insert("schemaVersion".into(), 2.into());
        }
        for sent in [OCI_MANIFEST, OCI_INDEX, ""] {
            let _ = read(sent, &body.to_string());
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        layers in collection::vec((any::<[u8; 4]>(), any::<u64>(), "[a-z/+.]{1,20}"), 0..20),
        annotations in collection::btree_map("[^\0]{0,20}", "[^\0]{0,20}", 0..5),
        subject in any::<Option<[u8; 4]>>(),
    ) {
        let layer = |(seed, size, kind): &([u8; 4], u64, String)| {
            serde_json::json!({"mediaType": kind, "digest": Digest::sha256(seed), "size": size})
        };
        let mut body = serde_json::json!({
            "schemaVersion": 2, "config": {"mediaType": "c", "digest": A, "size": 1},
            "layers": layers.iter().map(layer).collect::<Vec<_>>(), "annotations": annotations,
        });
        if let Some(seed) = subject {
            body["subject"] = layer(&(seed, 1, "s".into()));
        }
        let bytes = body.to_string().into_bytes();
        let repository = "shop/web".parse().expect("a valid name");
        let record = parse(&repository, &Digest::sha256(&bytes), OCI_MANIFEST, &bytes).expect("a manifest");
        let found: Vec<_> = record.parts[1..].iter().map(|part| (part.digest.clone(), part.size, &part.media_type)).collect();
        let elsewhere = |kind: &str| kind.contains("nondistributable") || kind.contains(".foreign.");
        let kept = layers.iter().filter(|(_, _, kind)| !elsewhere(kind));
        let expected: Vec<_> = kept.map(|(seed, size, kind)| (Digest::sha256(seed), *size, kind)).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(record.annotations, annotations);
        prop_assert_eq!(record.subject, subject.map(|seed| Digest::sha256(&seed)));
    }
}
