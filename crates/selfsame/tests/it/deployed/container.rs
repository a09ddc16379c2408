//! The image: built for real from the program under test, run without rights and without a shell, asked, and stopped.

use std::{fs, path::Path, process::Command};

use super::{
    super::{
        http::send,
        server::{PROGRAM, Ran, digest_in, free_port, program, program_result},
    },
    deploy,
};

/// Images and containers of a test alone.
struct Store {
    folder: tempfile::TempDir,
}

impl Store {
    fn run(&self, by: &str, words: &[&str]) -> Ran {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let (root, run) = (path("store"), path("run"));
        let place = ["--root", &root, "--runroot", &run, "--storage-driver", "vfs"];
        program_result(self.folder.path(), by, &[&place, words].concat())
    }

    #[track_caller]
    fn done(&self, by: &str, words: &[&str]) -> String {
        let ran = self.run(by, words);
        assert_eq!(ran.code, 0, "{by} {words:?}: {ran:?}");
        ran.stdout.trim().to_owned()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.run("podman", &["rm", "--force", "--all", "--volumes"]);
    }
}

/// Builds the image; the file of a build as it is, but for the stage that makes the program.
fn build(store: &Store) {
    let context = store.folder.path().join("context");
    let stripped = store.folder.path().join("selfsame");
    fs::create_dir(&context).expect("a folder");
    let stripped = stripped.to_str().expect("a path");
    program(store.folder.path(), "strip", &["-o", stripped, PROGRAM]);
    let root = deploy("container/rootfs");
    let image = context.join("image");
    program(store.folder.path(), root.to_str().expect("a path"), &[stripped, image.to_str().expect("a path")]);
    let (context, file) = (context.display().to_string(), deploy("container/Containerfile").display().to_string());
    let instead = format!("build={context}");
    let build = [
        "bud",
        "--format",
        "docker",
        "--file",
        &file,
        "--target",
        "image",
        "--build-context",
        &instead,
        "--tag",
        "one",
    ];
    store.done("buildah", &[&build[..], &[&context]].concat());
}

#[test]
fn the_image_serves_without_rights_and_stops_when_it_is_told() {
    let store = Store { folder: tempfile::tempdir().expect("a folder") };
    build(&store);
    let address = format!("127.0.0.1:{}", free_port());
    let (listen, server) = (format!("SELFSAME_LISTEN={address}"), format!("SELFSAME_SERVER=http://{address}"));
    // The last options are for machines where a container may not change its limits or its network.
    let run =
        ["run", "--detach", "--name", "one", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--env", &listen];
    let limits =
        ["--runtime", "runc", "--network", "host", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
    let options = ["--security-opt", "no-new-privileges", "--env", &server];
    store.done("podman", &[&run[..], &options, &limits, &["localhost/one"]].concat());
    let check = || store.run("podman", &["healthcheck", "run", "one"]);
    while check().code != 0 {
        let state = store.done("podman", &["inspect", "--format", "{{.State.Status}}", "one"]);
        assert_eq!(state, "running", "{}", store.run("podman", &["logs", "one"]).stderr);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(send(&address, "", "GET", "/v1/health", &[], b"").expect("an answer").status, 200);
    let pid = store.done("podman", &["inspect", "--format", "{{.State.Pid}}", "one"]);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process");
    for line in ["Uid:\t65532\t65532", "CapEff:\t0000000000000000", "NoNewPrivs:\t1"] {
        assert!(status.contains(line), "{status}");
    }
    // What is kept is on the volume.
    let volume = store.done("podman", &["inspect", "--format", "{{(index .Mounts 0).Source}}", "one"]);
    let token = fs::read_to_string(Path::new(&volume).join("selfsame/keys/admin.token")).expect("the first token");
    works(&address, token.trim());
    store.done("podman", &["stop", "--time", "60", "one"]);
    assert_eq!(store.done("podman", &["inspect", "--format", "{{.State.ExitCode}}", "one"]), "0");
    let checkpoint = fs::read_to_string(Path::new(&volume).join("selfsame/ledger/checkpoint")).expect("a checkpoint");
    let entries = checkpoint.lines().nth(1).and_then(|size| size.parse::<u64>().ok()).expect("its size");
    assert!(entries > 3, "what was acknowledged is published before it ends: {checkpoint}");
}

/// Pushes an artifact with the client outside of the container.
fn works(address: &str, token: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("selfsame.yaml"), super::super::server::PROJECT).expect("a file");
    fs::write(folder.path().join("artifact"), "a build").expect("a file");
    let client = |words: &[&str]| {
        let mut client = Command::new(PROGRAM);
        client.args(words).current_dir(folder.path()).env("SELFSAME_TOKEN", token);
        client.env("SELFSAME_SERVER", format!("http://{address}"));
        let ran = Ran::from(client.output().expect("the client runs"));
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        ran.stdout
    };
    client(&["apply", "selfsame.yaml", "--yes"]);
    let artifact = digest_in(&client(&["push", "artifact", "--component", "web"]));
    let release = digest_in(&client(&["release", "create", "--component", &format!("web={artifact}")]));
    client(&["promote", &release, "--to", "dev"]);
}
