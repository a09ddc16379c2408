//! [`Tree`]: the files of the project as they lie on the disk, without what `.gitignore` names.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files of the project.
pub struct Tree {
    /// The folder that holds them.
    pub root: PathBuf,
    /// Every text file, in the order of their paths.
    pub files: Vec<File>,
}

/// One text file.
pub struct File {
    /// Its path from the root, with `/` between the parts.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl Tree {
    /// Reads the project that this crate belongs to.
    ///
    /// # Panics
    /// When a file cannot be read: then nothing can be said about it.
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the project's folder");
        let ignored = Ignored::read(&root);
        let mut files = Vec::new();
        gather(&root, &root, &ignored, &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { root, files }
    }

    /// The files whose paths end so.
    pub fn ending<'a>(&'a self, end: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.path.ends_with(end))
    }

    /// The text of the file at `path`.
    ///
    /// # Panics
    /// When there is no such file.
    #[track_caller]
    pub fn text(&self, path: &str) -> &str {
        let file = self.files.iter().find(|file| file.path == path);
        &file.unwrap_or_else(|| panic!("there is no file `{path}`")).text
    }

    /// The names of the folders directly in `path`, in order.
    ///
    /// # Panics
    /// When the folder cannot be read.
    pub fn folders(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(path)).expect("a folder").map(|entry| entry.expect("an entry"));
        let folders = entries.filter(|entry| entry.path().is_dir());
        let mut names: Vec<_> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl File {
    /// The lines with their numbers, beginning with one.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Whether it is Rust that is not a test: neither `tests.rs` nor in a folder `tests`.
    pub fn is_production_rust(&self) -> bool {
        self.path.ends_with(".rs") && !self.path.ends_with("tests.rs") && !self.path.contains("/tests/")
    }
}

/// What `.gitignore` names: paths from the root (`/target`) and ends of names (`*.new`).
struct Ignored {
    paths: Vec<String>,
    ends: Vec<String>,
}

impl Ignored {
    fn read(root: &Path) -> Self {
        let text = fs::read_to_string(root.join(".gitignore")).expect("`.gitignore`");
        let mut ignored = Self { paths: vec![".git".into()], ends: Vec::new() };
        for line in text.lines().map(|line| line.trim_end_matches('/')) {
            if let Some(path) = line.strip_prefix('/') {
                ignored.paths.push(path.into());
            } else if let Some(end) = line.strip_prefix('*') {
                ignored.ends.push(end.into());
            } else {
                assert!(line.is_empty() || line.starts_with('#'), "`.gitignore`: write `/{line}` or `*{line}`");
            }
        }
        ignored
    }

    fn covers(&self, path: &str) -> bool {
        self.paths.iter().any(|ignored| ignored == path) || self.ends.iter().any(|end| path.ends_with(end))
    }
}

fn gather(root: &Path, folder: &Path, ignored: &Ignored, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let full = entry.expect("an entry").path();
        let path = full.strip_prefix(root).expect("a path below the root").to_string_lossy().replace('\\', "/");
        if ignored.covers(&path) {
            continue;
        }
        if full.is_dir() {
            gather(root, &full, ignored, files);
        } else if let Ok(text) = fs::read_to_string(&full) {
            files.push(File { path, text });
        }
    }
}
