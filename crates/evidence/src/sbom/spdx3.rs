//! SPDX 3, as JSON: <https://spdx.github.io/spdx-spec/v3.0.1/serializations/>. Only the flat form is read that the specification asks for, one
//! graph of elements, and its names as the specification's own context has them: nothing here expands JSON-LD.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Component, Sbom, read as parse, unknown};
use crate::{Unreadable, at_most};

const VERSIONS: [&str; 2] = ["3.0.0", "3.0.1"];

/// How many elements a graph may have: packages, files, and what relates them.
const ELEMENTS_MAX: usize = 2_000_000;

/// Where the licences are that SPDX lists.
const LISTED: &str = "https://spdx.org/licenses/";

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(rename = "@context", deserialize_with = "one_or_many")]
    context: Vec<serde_json::Value>,
    #[serde(rename = "@graph", borrow)]
    graph: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Package {
    #[serde(rename = "spdxId")]
    id: String,
    name: String,
    #[serde(default, rename = "software_packageVersion")]
    version: String,
    #[serde(rename = "software_packageUrl")]
    purl: Option<String>,
    #[serde(default, rename = "externalIdentifier")]
    identifiers: Vec<Identifier>,
}

/// Another name of an element, right there or elsewhere in the graph.
#[derive(Deserialize)]
#[serde(untagged)]
enum Identifier {
    Here(ExternalIdentifier),
    There(String),
}

#[derive(Deserialize)]
struct ExternalIdentifier {
    #[serde(rename = "@id")]
    id: Option<String>,
    #[serde(rename = "externalIdentifierType")]
    kind: String,
    identifier: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    from: String,
    #[serde(deserialize_with = "one_or_many")]
    to: Vec<String>,
    relationship_type: String,
}

#[derive(Deserialize)]
struct Expression {
    #[serde(rename = "spdxId")]
    id: String,
    #[serde(rename = "simplelicensing_licenseExpression")]
    text: String,
}

/// What the graph tells, by ids.
#[derive(Default)]
struct Graph {
    packages: Vec<Package>,
    purls: BTreeMap<String, String>,
    /// What somebody concluded, and what the package says of itself.
    concluded: BTreeMap<String, Vec<String>>,
    declared: BTreeMap<String, Vec<String>>,
    expressions: BTreeMap<String, String>,
}

pub fn read(bytes: &[u8]) -> Result<Sbom, Unreadable> {
    let document: Document<'_> = parse(bytes)?;
    let context = document.context.first().and_then(|context| context.as_str()).unwrap_or_default();
    let version =
        context.strip_prefix("https://spdx.org/rdf/").and_then(|rest| rest.strip_suffix("/spdx-context.jsonld"));
    let Some(version) = version.filter(|version| VERSIONS.contains(version)) else {
        return Err(unknown(format!("the context `{context}` is not read, but that of SPDX {}", VERSIONS.join(", "))));
    };
    at_most("elements", document.graph.len(), ELEMENTS_MAX)?;
    let mut graph = Graph::default();
    for element in document.graph {
        graph.add(element.get().as_bytes())?;
    }
    Ok(Sbom { format: format!("SPDX {version}"), components: graph.components() })
}

impl Graph {
    fn add(&mut self, element: &[u8]) -> Result<(), Unreadable> {
        match parse::<Kind>(element)?.kind.as_str() {
            "software_Package" => self.packages.push(parse(element)?),
            "ExternalIdentifier" => {
                let identifier: ExternalIdentifier = parse(element)?;
                if let (Some(id), "packageUrl") = (identifier.id, identifier.kind.as_str()) {
                    self.purls.insert(id, identifier.identifier);
                }
            }
            "simplelicensing_LicenseExpression" => {
                let expression: Expression = parse(element)?;
                self.expressions.insert(expression.id, expression.text);
            }
            "Relationship" => {
                let relationship: Relationship = parse(element)?;
                let licenses = match relationship.relationship_type.as_str() {
                    "hasConcludedLicense" => &mut self.concluded,
                    "hasDeclaredLicense" => &mut self.declared,
                    _ => return Ok(()),
                };
                licenses.entry(relationship.from).or_default().extend(relationship.to);
            }
            _ => {}
        }
        Ok(())
    }

    fn components(mut self) -> Vec<Component> {
        let packages = std::mem::take(&mut self.packages);
        packages.into_iter().map(|package| self.component(package)).collect()
    }

    fn component(&self, package: Package) -> Component {
        let licenses = [&self.concluded, &self.declared].map(|related| self.licenses(related.get(&package.id)));
        let another = package.identifiers.into_iter().find_map(|identifier| match identifier {
            Identifier::Here(here) => (here.kind == "packageUrl").then_some(here.identifier),
            Identifier::There(id) => self.purls.get(&id).cloned(),
        });
        Component {
            name: package.name,
            version: package.version,
            purl: package.purl.or(another),
            licenses: licenses.into_iter().find(|licenses| !licenses.is_empty()).unwrap_or_default(),
        }
    }

    /// The licences behind ids. Those that are put together element by element stay unknown, as do those that nobody claims.
    fn licenses(&self, ids: Option<&Vec<String>>) -> Vec<String> {
        let license = |id: &String| match self.expressions.get(id) {
            Some(expression) => Some(expression.clone()),
            None => id.strip_prefix(LISTED).map(str::to_owned),
        };
        let said = |license: &String| !super::spdx::NOTHING.contains(&license.as_str());
        ids.into_iter().flatten().filter_map(license).filter(said).collect()
    }
}

/// JSON-LD writes a list of one thing as that thing, where it likes.
fn one_or_many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Several<T> {
        Many(Vec<T>),
        One(T),
    }
    Ok(match Several::deserialize(deserializer)? {
        Several::Many(many) => many,
        Several::One(one) => vec![one],
    })
}
