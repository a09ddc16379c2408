//! Debian's docker-registry, and what lies in it.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use domain::Digest;
use serde_json::{Value, json};

use crate::{http, server::free_port};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A running docker-registry on a folder of its own.
pub struct Foreign {
    child: Child,
    folder: tempfile::TempDir,
    pub host: String,
}

/// An index with two images, each with blobs of its own, and evidence in every form that there is.
pub struct Image {
    pub index: String,
    /// The digests of all manifests, the index first.
    pub manifests: Vec<String>,
    pub signature: String,
    pub signature_of_child: String,
    pub cosign_tag: String,
    /// The large blobs.
    pub blobs: Vec<String>,
}

impl Foreign {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let host = format!("127.0.0.1:{}", free_port());
        let data = folder.path().join("data");
        let config = folder.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\nhttp: {{addr: {host}}}\n",
            data.display()
        );
        fs::write(&config, text).expect("a file of the test can be written");
        let child = spawn(&config, &host);
        Self { child, folder, host }
    }

    /// The same one, with what lies in it.
    pub fn start_again(&mut self) {
        self.child = spawn(&self.folder.path().join("config.yml"), &self.host);
    }

    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    #[track_caller]
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> Value {
        let digest = Digest::sha256(bytes);
        let begun = http::send(&self.host, "", "POST", &format!("/v2/{repository}/blobs/uploads/"), &[], b"")
            .expect("an answer");
        let location = begun.header("location").expect("where to go on").to_owned();
        let path = location.splitn(4, '/').nth(3).expect("a path");
        let put =
            http::send(&self.host, "", "PUT", &format!("/{path}&digest={digest}"), &[], bytes).expect("an answer");
        assert_eq!(put.status, 201, "{put:?}");
        json!({"mediaType": "application/octet-stream", "digest": digest, "size": bytes.len()})
    }

    /// Puts a manifest under a tag, or under its digest where there is none.
    #[track_caller]
    pub fn put_manifest(&self, repository: &str, tag: Option<&str>, media_type: &str, body: &Value) -> Value {
        let bytes = body.to_string();
        let digest = Digest::sha256(bytes.as_bytes());
        let path = format!("/v2/{repository}/manifests/{}", tag.unwrap_or(digest.as_str()));
        let put = http::send(&self.host, "", "PUT", &path, &[("Content-Type", media_type)], bytes.as_bytes())
            .expect("an answer");
        assert_eq!(put.status, 201, "{put:?}");
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// The image `tag`, whose large blobs have `size` bytes each.
    #[track_caller]
    pub fn image(&self, repository: &str, tag: &str, size: usize) -> Image {
        let config = self.put_blob(repository, b"{}");
        let mut children = Vec::new();
        let mut blobs = Vec::new();
        for platform in ["amd64", "arm64"] {
            let layer = self.put_blob(repository, &noise(&format!("{tag} {platform}"), size));
            blobs.push(digest(&layer));
            let image = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer], "annotations": {"platform": platform}});
            children.push(self.put_manifest(repository, None, MANIFEST, &image));
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children});
        let index = self.put_manifest(repository, Some(tag), INDEX, &index);
        let signature = self.refer(repository, &index, "signature of the index");
        let countersignature = self.refer(repository, &signature, "signature of the signature");
        let signature_of_child = self.refer(repository, &children[0], "signature of a child");
        let cosign = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [self.put_blob(repository, b"cosign says so")]});
        let cosign_tag = format!("{}.sig", digest(&index).replace(':', "-"));
        let cosign = self.put_manifest(repository, Some(&cosign_tag), MANIFEST, &cosign);
        let manifests =
            [&index, &children[0], &children[1], &signature, &countersignature, &signature_of_child, &cosign];
        Image {
            index: digest(&index),
            manifests: manifests.into_iter().map(digest).collect(),
            signature: digest(&signature),
            signature_of_child: digest(&signature_of_child),
            cosign_tag,
            blobs,
        }
    }

    /// Puts a manifest about `subject`, and lists it as clients do where a registry does not.
    #[track_caller]
    fn refer(&self, repository: &str, subject: &Value, says: &str) -> Value {
        let layer = self.put_blob(repository, says.as_bytes());
        let config =
            json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": Digest::sha256(b"{}"), "size": 2});
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example.signature", "config": config,
            "layers": [layer], "subject": subject, "annotations": {"says": says},
        });
        let manifest = self.put_manifest(repository, None, MANIFEST, &manifest);
        let tag = digest(subject).replace(':', "-");
        self.put_manifest(
            repository,
            Some(&tag),
            INDEX,
            &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest]}),
        );
        manifest
    }

    /// Where the bytes of a blob or manifest lie.
    pub fn file(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        self.folder.path().join(format!("data/docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]))
    }

    /// Changes one byte of a blob, where it lies.
    pub fn corrupt(&self, digest: &str) {
        let file = self.file(digest);
        let mut bytes = fs::read(&file).expect("the blob's file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, bytes).expect("the blob's file");
    }
}

fn spawn(config: &Path, host: &str) -> Child {
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child =
        command.spawn().unwrap_or_else(|error| panic!("`docker-registry` is needed: {error}. `.ci/run` installs it"));
    let begun = Instant::now();
    while TcpStream::connect(host).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "docker-registry does not come up");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.stop();
    }
}

pub fn digest(descriptor: &Value) -> String {
    descriptor["digest"].as_str().expect("a digest").to_owned()
}

/// Bytes that nothing compresses, the same for the same name.
pub fn noise(name: &str, size: usize) -> Vec<u8> {
    let mut state = name
        .bytes()
        .fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}
