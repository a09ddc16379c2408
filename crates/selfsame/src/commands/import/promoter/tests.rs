use std::fs;

use proptest::prelude::*;

use super::read;

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const REGISTRIES: &str =
    "registries:\n- name: r.example/staging\n  src: true\n- name: r.example/prod\n  service-account: a@b\n";

/// What is read of one file, or where it is wrong and how.
fn of_file(text: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("m.yaml");
    fs::write(&file, text).expect("a file can be written");
    match read(&file) {
        Ok(promoted) => {
            let images = promoted.images.iter().map(|image| format!("{} {}", image.source, image.digests.len()));
            let files = promoted.files.iter().map(|file| format!("{} {}", file.name, file.digest.short()));
            images.chain(files).collect::<Vec<_>>().join(", ")
        }
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn manifests_are_read_strictly() {
    let image = |rest: &str| format!("{REGISTRIES}images:\n- name: team/app\n  dmap:\n{rest}");
    let files = "filestores:\n- base: gs://staging/\n  src: true\n- base: gs://prod\nfiles:\n";
    let hex = &A[7..];
    for (text, expected) in [
        (image(&format!("    \"{A}\": [\"1\", \"2\"]\n    \"{B}\": []\n")), "r.example/staging/team/app 2"),
        (image(&format!("    \"{A}\": [\"1\"]\n    \"{B}\": [\"1\"]\n")), "m.yaml:10:81: "),
        (image(&format!("    \"{A}\": [\"1\"]\n    \"{B}\": [\"1\"]\n")), "is for two digests"),
        (image(&format!("    \"{A}\": [\"1\", \"1\"]\n")), "is here twice"),
        (image(&format!("    \"{A}\": [\"1\"]\n    \"{A}\": [\"2\"]\n")), "duplicate"),
        (image("    \"sha256:AB\": [\"1\"]\n"), "is no digest"),
        (image(&format!("    \"{A}\": [\"-1\"]\n")), "is no tag"),
        (image(&format!("    \"{A}\": []\n  extra: 1\n")), "extra"),
        (image(&format!("    \"{A}\": []\n- name: team/app\n  dmap: {{}}\n")), "is named twice"),
        (format!("images:\n- name: a\n  dmap: {{\"{A}\": []}}\n"), "none of the `registries` is the source"),
        (
            format!(
                "registries:\n- {{name: r.example, src: true}}\n- {{name: s.example, src: true}}\nimages:\n- name: a\n  dmap: {{\"{A}\": []}}\n"
            ),
            "m.yaml:3:",
        ),
        (format!("{REGISTRIES}imagesPath: x\n"), "names neither `images` nor `files`"),
        (format!("{files}- name: bin/tool\n  sha256: {hex}\n"), "bin/tool aaaaaaaaaaaa"),
        (format!("{files}- name: ../tool\n  sha256: {hex}\n"), "is no name below the store"),
        (format!("{files}- name: tool\n  sha256: abc\n"), "is no digest"),
        (format!("{files}- name: tool\n  sha256: {hex}\n- name: tool\n  sha256: {hex}\n"), "is named twice"),
        ("registries: {".into(), "m.yaml: "),
    ] {
        let found = of_file(&text);
        assert!(found.contains(expected), "{text}\n{expected}\n{found}");
    }
}

#[test]
fn thin_manifests_come_in_pairs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let put = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).and_then(|()| fs::write(file, text)).expect("a file");
    };
    put("manifests/x/promoter-manifest.yaml", REGISTRIES);
    put("images/x/images.yaml", &format!("- name: app\n  dmap:\n    \"{A}\": [\"1\"]\n"));
    let promoted = read(folder.path()).expect("thin manifests");
    assert_eq!(promoted.images[0].source.to_string(), "r.example/staging/app");
    put("images/y/images.yaml", "[]\n");
    assert!(read(folder.path()).expect_err("a folder alone").to_string().contains("`y`"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_is_read_or_refused(text in "(registries|images|files|name|dmap|src|: |- |\n|  |\"|\\{|\\}|\\[|a){0,40}") {
        let _ = of_file(&text);
    }
}
