//! [`Sbom`]: a bill of materials, in whichever of the usual forms it came.
//!
//! CycloneDX 1.2 to 1.7, as JSON and XML, and SPDX 2.2, 2.3 and 3.0, as JSON. What is read is what matching, search and licences need; the document
//! itself stays as it is.

mod cyclonedx;
mod cyclonedx_xml;
mod spdx;
mod spdx3;

use serde::{Deserialize, de::IgnoredAny};

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
        let is_xml = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start().starts_with(b"<");
        let sbom = if is_xml { cyclonedx_xml::read(bytes)? } else { Self::parse_json(bytes)? };
        at_most("components", sbom.components.len(), COMPONENTS_MAX)?;
        Ok(sbom)
    }

    fn parse_json(bytes: &[u8]) -> Result<Self, Unreadable> {
        let form: Form = read(bytes)?;
        match (form.bom_format.as_deref(), form.spdx_version.as_deref(), form.graph.is_some()) {
            (Some("CycloneDX"), None, false) => {
                let version = form.spec_version.unwrap_or_default();
                let format = cyclonedx::format(&version)?;
                Ok(Self { format, components: read::<cyclonedx::Bom>(bytes)?.components()? })
            }
            (None, Some(version), false) if spdx::VERSIONS.contains(&version) => {
                Ok(Self { format: version.replace('-', " "), components: read::<spdx::Document>(bytes)?.components() })
            }
            (None, Some(version), false) => {
                Err(unknown(format!("`{version}` is not read, but {}", spdx::VERSIONS.join(", "))))
            }
            (None, None, true) => spdx3::read(bytes),
            _ => Err(unknown("it is neither CycloneDX nor SPDX".into())),
        }
    }
}

/// What tells the forms apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    bom_format: Option<String>,
    spec_version: Option<String>,
    spdx_version: Option<String>,
    #[serde(rename = "@graph")]
    graph: Option<IgnoredAny>,
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(bytes).map_err(|error| unknown(error.to_string()))
}

fn unknown(problem: String) -> Unreadable {
    Unreadable::Malformed { kind: "bill of materials", problem }
}

#[cfg(test)]
mod tests;
