//! CycloneDX, as JSON: <https://cyclonedx.org/docs/1.7/json/>.

use serde::Deserialize;

use super::{COMPONENTS_MAX, Component, unknown};
use crate::{Unreadable, at_most};

const VERSIONS: &[&str] = &["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"];

/// What the form of a version is called, if it is one that is read.
pub fn format(version: &str) -> Result<String, Unreadable> {
    if VERSIONS.contains(&version) {
        Ok(format!("CycloneDX {version}"))
    } else {
        Err(unknown(format!("CycloneDX `{version}` is not read, but {}", VERSIONS.join(", "))))
    }
}

#[derive(Deserialize)]
pub struct Bom {
    #[serde(default)]
    components: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    group: String,
    name: String,
    #[serde(default)]
    version: String,
    purl: Option<String>,
    #[serde(default)]
    licenses: Vec<Choice>,
    #[serde(default)]
    components: Vec<Listed>,
}

/// A licence, or an expression of several.
#[derive(Deserialize)]
struct Choice {
    license: Option<License>,
    expression: Option<String>,
}

#[derive(Deserialize)]
struct License {
    id: Option<String>,
    name: Option<String>,
}

impl Bom {
    /// What it lists, whatever is in something right after it.
    pub fn components(self) -> Result<Vec<Component>, Unreadable> {
        let mut components = Vec::new();
        let mut waiting: Vec<_> = self.components.into_iter().rev().collect();
        while let Some(listed) = waiting.pop() {
            at_most("components", components.len() + 1, COMPONENTS_MAX)?;
            let license = |choice: Choice| {
                choice.expression.or_else(|| choice.license.and_then(|license| license.id.or(license.name)))
            };
            components.push(Component {
                name: if listed.group.is_empty() { listed.name } else { format!("{}/{}", listed.group, listed.name) },
                version: listed.version,
                purl: listed.purl,
                licenses: listed.licenses.into_iter().filter_map(license).collect(),
            });
            waiting.extend(listed.components.into_iter().rev());
        }
        Ok(components)
    }
}
