//! [`Journal`]: a plan on disk with what of it is done, so that a copy goes on after whatever ended it.
//!
//! The first line is the plan, written whole or not at all. Each line after it is one thing that the destination has acknowledged; a last
//! line that is not whole counts for nothing. The file vanishes once everything is done.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rustix::fs::FlockOperation;

use crate::{Error, Plan};

/// How many bytes such a file has at most.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// A plan with what of it is done.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    _lock: fs::File,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: Option<fs::File>,
    done: BTreeSet<String>,
}

impl Journal {
    /// Opens the journal at `path`, and the plan in it, if there is one. Nobody else can work on it meanwhile.
    pub fn open(path: &Path) -> Result<(Self, Option<Plan>), Error> {
        let broken = |error| Error::file(path, error);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(broken)?;
        }
        let lock_path = beside(path, "lock");
        let lock = fs::File::create(&lock_path).map_err(|error| Error::file(&lock_path, error))?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Error::AtWork(format!("`{}` is at work already: another copy has the same plan", path.display()))
        })?;
        let mut inner = Inner { file: None, done: BTreeSet::new() };
        let plan = match fs::OpenOptions::new().read(true).append(true).open(path) {
            Ok(mut file) => {
                let mut text = String::new();
                (&mut file).take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(broken)?;
                let whole = text.rfind('\n').map_or(0, |end| end + 1);
                // What was written half is no line: the next one begins where it began.
                file.set_len(whole as u64).map_err(broken)?;
                let mut lines = text[..whole].lines();
                let plan = lines.next().and_then(Plan::read);
                let not_ours = || {
                    Error::Conflict(format!(
                        "`{}` is no plan of this version: remove it, or name another",
                        path.display()
                    ))
                };
                let plan = plan.ok_or_else(not_ours)?;
                inner.done = lines.map(ToOwned::to_owned).collect();
                inner.file = Some(file);
                Some(plan)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(broken(error)),
        };
        Ok((Self { path: path.to_owned(), _lock: lock, inner: Mutex::new(inner) }, plan))
    }

    /// Keeps a new plan, of which nothing is done.
    pub fn begin(&self, plan: &Plan) -> Result<(), Error> {
        let write = || -> io::Result<fs::File> {
            let mut text = serde_json::to_string(plan).map_err(io::Error::other)?;
            text.push('\n');
            let new = beside(&self.path, "new");
            let mut file = fs::File::create(&new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &self.path)?;
            sync_folder(&self.path)?;
            fs::OpenOptions::new().append(true).open(&self.path)
        };
        let file = write().map_err(|error| Error::file(&self.path, error))?;
        *self.lock() = Inner { file: Some(file), done: BTreeSet::new() };
        Ok(())
    }

    /// Whether something is done.
    pub fn is_done(&self, what: &str) -> bool {
        self.lock().done.contains(what)
    }

    /// How much is done.
    pub fn count(&self) -> usize {
        self.lock().done.len()
    }

    /// Something is done: whoever goes on later need not do it again.
    pub fn done(&self, what: String) -> Result<(), Error> {
        let mut inner = self.lock();
        if let Some(file) = &mut inner.file {
            // Not synced: what is lost in a power cut is looked up at the destination, and found there.
            file.write_all(format!("{what}\n").as_bytes()).map_err(|error| Error::file(&self.path, error))?;
        }
        inner.done.insert(what);
        Ok(())
    }

    /// All is done: the plan is needed no more.
    pub fn end(self) -> Result<(), Error> {
        fs::remove_file(&self.path).map_err(|error| Error::file(&self.path, error))?;
        // Whoever waits for the lock has the file that is open; a new one would be another's.
        let _ = fs::remove_file(beside(&self.path, "lock"));
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::{Journal, Plan};

    const PLAN: &str = r#"{"version":1,"asked":"x","roots":[],"manifests":[],"tags":{},"evidenceTags":{}}"#;

    #[test]
    fn what_is_done_stays_done_and_half_a_line_is_none() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/copy.plan");
        let plan = Plan::read(PLAN).expect("a plan");
        let (journal, none) = Journal::open(&path).expect("a journal");
        assert_eq!(none, None);
        assert!(Journal::open(&path).is_err(), "two work on one plan");
        journal.begin(&plan).expect("a plan is kept");
        journal.done("blob a".into()).expect("a line is written");
        drop(journal);
        fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(b"blob b"))
            .expect("half a line");
        let (journal, kept) = Journal::open(&path).expect("a journal");
        assert_eq!(kept.as_ref(), Some(&plan));
        assert!(journal.is_done("blob a") && !journal.is_done("blob b"));
        journal.done("blob c".into()).expect("a line is written");
        drop(journal);
        let (journal, _) = Journal::open(&path).expect("a journal");
        assert!(journal.is_done("blob c") && journal.count() == 2);
        journal.end().expect("the plan is removed");
        assert!(!path.exists());
        fs::write(&path, "something else\n").expect("a file can be written");
        assert!(Journal::open(&path).is_err(), "what is no plan is left alone");
    }
}
