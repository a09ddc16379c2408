//! The forms that contents of a registry have.

use std::collections::BTreeMap;

use domain::Digest;
use serde_json::json;

use super::contents::{Contents, DOCKER_IMAGE, DOCKER_LIST, EMPTY, IMAGE, INDEX, KIND, LAYER, OTHER_KIND};

/// A form: its name, and how contents of it are made.
type Form = (&'static str, fn(&mut Contents));

/// Each goes through a whole life in `manifests`.
pub(super) const FORMS: &[Form] = &[
    ("image", |it| {
        it.add_image();
        it.tag("image");
    }),
    ("image with uncompressed layers", |it| {
        let mut image = it.image(0);
        let layers = [(); 2].map(|()| it.new_blob("application/vnd.oci.image.layer.v1.tar"));
        image["layers"] = json!(layers);
        it.add(&image);
        it.tag("image-uncompressed");
    }),
    ("image with 3.9 MB of annotations", |it| {
        let mut image = it.image(2);
        let annotations = (0..390).map(|number| (format!("large-annotation-{number}"), "A".repeat(10_000)));
        image["annotations"] = json!(annotations.collect::<BTreeMap<_, _>>());
        it.add(&image);
        it.tag("large-manifest");
    }),
    ("image without layers", |it| {
        let image = it.image(0);
        it.add(&image);
        it.tag("no-layers");
    }),
    ("index", |it| {
        let mut images = [it.add_image(), it.add_image()];
        images[0]["platform"] = json!({"os": "linux", "architecture": "amd64"});
        images[1]["platform"] = json!({"os": "linux", "architecture": "arm64"});
        it.add_index(&images);
        it.tag("index");
    }),
    ("index of indexes", |it| {
        let images = [it.add_image(), it.add_image(), it.add_image()];
        let indexes = [it.add_index(&images[..2]), it.add_index(&images[1..])];
        it.add_index(&indexes);
        it.tag("index-of-index");
    }),
    ("index of nothing", |it| {
        it.add_index(&[]);
        it.tag("empty-index");
    }),
    ("artifact", |it| {
        let artifact = it.artifact(KIND);
        it.add(&artifact);
        it.tag("artifact");
    }),
    ("index of artifacts", |it| {
        let artifacts = [it.artifact(KIND), it.artifact(KIND)].map(|artifact| it.add(&artifact));
        it.add(&json!({"schemaVersion": 2, "mediaType": INDEX, "artifactType": KIND, "manifests": artifacts}));
        it.tag("artifact-index");
    }),
    ("artifact without a layer of its own", |it| {
        let empty = it.blob(EMPTY, b"{}");
        let mut artifact = it.artifact(KIND);
        artifact["layers"] = json!([empty]);
        it.add(&artifact);
        it.tag("artifact-without-layers");
    }),
    ("image with referrers", |it| {
        let subject = it.add_image();
        it.tag("subject");
        let (mut plain, mut one, mut other) = (it.image(2), it.artifact(KIND), it.artifact(OTHER_KIND));
        for referrer in [&mut plain, &mut one, &mut other] {
            referrer["subject"] = subject.clone();
        }
        it.add(&plain);
        it.add(&one);
        it.tag("tagged-artifact1");
        it.add(&other);
        it.tag("tagged-artifact2");
    }),
    ("index with referrers that are indexes", |it| {
        let images = [it.add_image(), it.add_image()];
        let subject = it.add_index(&images);
        it.tag("subject-index");
        let mut index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "subject": subject});
        it.add(&index);
        index["artifactType"] = json!(KIND);
        index["annotations"] = json!({"org.example.said": "hello"});
        it.add(&index);
        it.tag("tagged-index");
    }),
    ("artifact about what is not there", |it| {
        let mut artifact = it.artifact(KIND);
        let missing = Digest::of(it.algorithm, b"missing contents");
        artifact["subject"] = json!({"mediaType": IMAGE, "digest": missing, "size": 123});
        it.add(&artifact);
        it.tag("missing-subject");
    }),
    ("artifact that comes before its subject", |it| {
        let mut early = it.artifact(KIND);
        let mut later = Contents::new("later", it.algorithm);
        early["subject"] = later.add_image();
        it.add(&early);
        it.blobs.extend(later.blobs);
        it.manifests.extend(later.manifests);
        it.tag("late-subject");
    }),
    ("descriptors with their data", |it| {
        let mut image = it.image(1);
        image["config"]["data"] = json!("MiBvZiBkZXNjcmlwdG9ycw==");
        image["layers"][0]["data"] = json!("");
        let mut named = it.add(&image);
        named["data"] = json!("e30=");
        it.add_index(&[named]);
        it.tag("data-field");
    }),
    ("layers that are not distributed", |it| {
        let mut image = it.image(1);
        for (media_type, urls) in [
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", json!(["https://store.example.com/1"])),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar", json!([])),
            (LAYER, json!(["https://store.example.com/2"])),
        ] {
            let elsewhere = Digest::of(it.algorithm, media_type.as_bytes());
            let layer = json!({"mediaType": media_type, "digest": elsewhere, "size": 123_456, "urls": urls});
            image["layers"].as_array_mut().expect("a list").push(layer);
        }
        it.add(&image);
        it.tag("non-distributable-image");
    }),
    ("fields that nobody knows", |it| {
        let mut image = it.image(2);
        image["org.example.unknown"] = json!({"deep": [1, 2.5, null]});
        image["config"]["org.example.unknown"] = json!(true);
        let named = it.add(&image);
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [named], "org.example.unknown": "x"});
        it.add(&index);
        it.tag("custom-fields");
    }),
    ("Docker's forms", |it| {
        let mut image = it.image(2);
        image["mediaType"] = json!(DOCKER_IMAGE);
        let named = it.add(&image);
        it.add(&json!({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [named]}));
        it.tag("docker-list");
    }),
    ("many tags", |it| {
        it.add_image();
        (0..12).for_each(|number| it.tag(&format!("one-of-many-{number}")));
    }),
];
