//! [`Sbom`]: a bill of materials, in whichever of the usual forms it came.
//!
//! CycloneDX 1.2 to 1.7 and SPDX 2.2 and 2.3, as JSON. What is read is what matching, search and licences need; the document itself stays as it is.

mod cyclonedx;
mod spdx;

use serde::Deserialize;

use crate::{
    Unreadable, at_most,
    package::{Installed, from_purl},
};

/// How large a document may be, in bytes.
pub const BYTES_MAX: usize = 128 << 20;

/// How many components a document may list, at any depth.
pub const COMPONENTS_MAX: usize = 250_000;

/// A bill of materials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sbom {
    /// What form it came in: `CycloneDX 1.6`.
    pub format: String,
    /// What it lists, in its order.
    pub components: Vec<Component>,
}

/// Something that is in an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// What it is called, with its group if it has one: `org.apache/log4j`.
    pub name: String,
    /// Its version; empty if none is told.
    pub version: String,
    /// Its package URL, if it has one.
    pub purl: Option<String>,
    /// Its licences, each an SPDX id or expression, or a name.
    pub licenses: Vec<String>,
}

impl Component {
    /// What advisories call it; `None` if it has no package URL with a version, or of an ecosystem without advisories.
    pub fn installed(&self) -> Option<Installed> {
        self.purl.as_deref().and_then(from_purl)
    }
}

impl Sbom {
    /// Reads a document.
    ///
    /// # Errors
    /// When it is in no form that is read here, or beyond a limit.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        at_most("bytes", bytes.len(), BYTES_MAX)?;
        let form: Form = read(bytes)?;
        let sbom = match (form.bom_format.as_deref(), form.spdx_version.as_deref()) {
            (Some("CycloneDX"), _) => {
                let version = form.spec_version.unwrap_or_default();
                if !cyclonedx::VERSIONS.contains(&version.as_str()) {
                    return Err(unknown(format!(
                        "CycloneDX `{version}` is not read, but {}",
                        cyclonedx::VERSIONS.join(", ")
                    )));
                }
                Self {
                    format: format!("CycloneDX {version}"),
                    components: read::<cyclonedx::Bom>(bytes)?.components()?,
                }
            }
            (_, Some(version)) if spdx::VERSIONS.contains(&version) => {
                Self { format: version.replace('-', " "), components: read::<spdx::Document>(bytes)?.components() }
            }
            (_, Some(version)) => {
                return Err(unknown(format!("`{version}` is not read, but {}", spdx::VERSIONS.join(", "))));
            }
            (_, None) => return Err(unknown("it is neither CycloneDX nor SPDX".into())),
        };
        at_most("components", sbom.components.len(), COMPONENTS_MAX)?;
        Ok(sbom)
    }
}

/// What tells the forms apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    bom_format: Option<String>,
    spec_version: Option<String>,
    spdx_version: Option<String>,
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(bytes).map_err(|error| unknown(error.to_string()))
}

fn unknown(problem: String) -> Unreadable {
    Unreadable::Malformed { kind: "bill of materials", problem }
}
