//! The project's file: YAML into a [`ProjectConfig`], every problem with its line, its column and what is allowed there.

mod check;
mod schema;
mod shape;
#[cfg(test)]
mod tests;
mod tree;

use std::{fmt, path::Path};

use domain::{InvalidConfig, ProjectConfig};

pub use schema::schema;
use tree::{Node, Place};

/// How many bytes a file has at most.
const FILE_BYTES_MAX: usize = 1 << 20;

/// What is wrong with a project's file, ready to be read: the place, the problem, and the line with a mark below it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InvalidFile {
    /// The name of the file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1, in characters.
    pub column: usize,
    /// What is wrong and what is allowed.
    pub problem: String,
    text: String,
    width: usize,
}

/// What is wrong, and where.
#[derive(Debug)]
struct Fault {
    place: Place,
    width: usize,
    problem: String,
}

impl Fault {
    fn at(place: Place, problem: impl Into<String>) -> Self {
        Self::wide(place, 1, problem)
    }

    fn wide(place: Place, width: usize, problem: impl Into<String>) -> Self {
        Self { place, width: width.max(1), problem: problem.into() }
    }
}

/// Reads a project's file. `name` is what messages call it.
pub fn parse(name: &Path, bytes: &[u8]) -> Result<ProjectConfig, InvalidFile> {
    let text = match std::str::from_utf8(bytes) {
        _ if bytes.len() > FILE_BYTES_MAX => {
            return Err(explain(
                name,
                "",
                Fault::at(start(), format!("the file has more than {FILE_BYTES_MAX} bytes")),
            ));
        }
        Ok(text) => text,
        Err(error) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let last = lines(&before).last().unwrap_or_default();
            let place = Place { line: lines(&before).count(), column: last.chars().count() + 1 };
            return Err(explain(name, &before, Fault::at(place, "from here on, the file is no UTF-8 text")));
        }
    };
    read(text).map_err(|fault| explain(name, text, fault))
}

fn read(text: &str) -> Result<ProjectConfig, Fault> {
    let tree = Node::parse(text)?;
    let json = check::check(&tree, &shape::FILE, "the project's file")?;
    let config: ProjectConfig =
        serde_json::from_value(json).map_err(|error| Fault::at(tree.place, error.to_string()))?;
    config.check().map_err(|invalid| locate(&tree, invalid))?;
    Ok(config)
}

/// Finds the place of a problem that no single value shows: the word that the message quotes first, if it stands where the path leads.
fn locate(tree: &Node, InvalidConfig { path, problem }: InvalidConfig) -> Fault {
    let node = tree.find(&path);
    let quoted = problem.split('`').nth(1).unwrap_or_default();
    match node.find_text(quoted).filter(|_| !quoted.is_empty()) {
        Some(place) => Fault::wide(place, quoted.chars().count(), problem),
        None => Fault::at(node.place, problem),
    }
}

/// The lines as YAML counts them: a carriage return ends one, too, alone or before a line feed.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

fn start() -> Place {
    Place { line: 1, column: 1 }
}

fn explain(name: &Path, text: &str, fault: Fault) -> InvalidFile {
    let Fault { place, width, problem } = fault;
    let line = lines(text).nth(place.line.saturating_sub(1)).unwrap_or_default();
    // Cut, so that a line of a megabyte does not fill the screen.
    let line: String = line.chars().take(200).collect();
    let room = line.chars().count().saturating_sub(place.column.saturating_sub(1)).max(1);
    InvalidFile {
        file: name.display().to_string(),
        line: place.line,
        column: place.column,
        problem,
        text: line,
        width: width.min(room),
    }
}

impl fmt::Display for InvalidFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, problem, text, width } = self;
        write!(f, "{file}:{line}:{column}: {problem}")?;
        if text.is_empty() {
            return Ok(());
        }
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        // Tabs stay tabs below, so that the mark stands under its word whatever their width.
        let indent: String = text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let indent = format!("{indent}{}", " ".repeat((column - 1).saturating_sub(text.chars().count())));
        write!(f, "\n  {number} | {text}\n  {margin} | {indent}{}", "^".repeat(*width))
    }
}
