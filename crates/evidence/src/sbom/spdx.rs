//! SPDX 2, as JSON: <https://spdx.github.io/spdx-spec/v2.3/>.

use serde::Deserialize;

use super::Component;

pub const VERSIONS: &[&str] = &["SPDX-2.2", "SPDX-2.3"];

/// What SPDX writes where nothing is known, or nothing claimed.
pub const NOTHING: [&str; 2] = ["NOASSERTION", "NONE"];

#[derive(Deserialize)]
pub struct Document {
    #[serde(default)]
    packages: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    name: String,
    #[serde(default)]
    version_info: String,
    license_concluded: Option<String>,
    license_declared: Option<String>,
    #[serde(default)]
    external_refs: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    #[serde(default)]
    reference_type: String,
    #[serde(default)]
    reference_locator: String,
}

impl Document {
    pub fn components(self) -> Vec<Component> {
        let component = |listed: Listed| {
            let said = |license: &String| !NOTHING.contains(&license.as_str());
            // What somebody concluded counts before what the package says of itself.
            let license = listed.license_concluded.filter(said).or_else(|| listed.license_declared.filter(said));
            let purl = listed.external_refs.into_iter().find(|reference| reference.reference_type == "purl");
            Component {
                name: listed.name,
                version: listed.version_info,
                purl: purl.map(|reference| reference.reference_locator),
                licenses: license.into_iter().collect(),
            }
        };
        self.packages.into_iter().map(component).collect()
    }
}
