//! What a CycloneDX document says about vulnerabilities, as JSON: <https://cyclonedx.org/docs/1.7/json/#vulnerabilities>.
//!
//! A vulnerability without an analysis is something found, and nothing said. What is said of ranges of versions (`vers:`) counts where it warns, and
//! not where it excuses: nobody here can tell which versions are in them.

use std::{collections::BTreeMap, str::FromStr};

use packageurl::PackageUrl;
use serde::Deserialize;

use super::{Named, Product, Statement, Statements, Status, Vex, add, malformed, time};
use crate::Unreadable;

const VERSIONS: [&str; 4] = ["1.4", "1.5", "1.6", "1.7"];

/// Why a product may not be affected.
const JUSTIFICATIONS: [&str; 9] = [
    "code_not_present",
    "code_not_reachable",
    "requires_configuration",
    "requires_dependency",
    "requires_environment",
    "protected_by_compiler",
    "protected_at_runtime",
    "protected_at_perimeter",
    "protected_by_mitigating_control",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    bom_format: String,
    spec_version: String,
    serial_number: Option<String>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    timestamp: Option<String>,
    component: Option<Component>,
    supplier: Option<Organization>,
}

#[derive(Deserialize)]
struct Organization {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref")]
    reference: Option<String>,
    purl: Option<String>,
    #[serde(default)]
    hashes: Vec<Hash>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Hash {
    alg: String,
    content: String,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
    updated: Option<String>,
    analysis: Option<Analysis>,
    #[serde(default)]
    affects: Vec<Affected>,
}

/// The same vulnerability elsewhere.
#[derive(Deserialize)]
struct Reference {
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    state: Option<String>,
    justification: Option<String>,
    detail: Option<String>,
    first_issued: Option<String>,
    last_updated: Option<String>,
}

#[derive(Deserialize)]
struct Affected {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(default)]
    versions: Vec<Versions>,
}

#[derive(Deserialize)]
struct Versions {
    version: Option<String>,
    status: Option<String>,
}

pub fn read(bytes: &[u8], enclosing: &[Named]) -> Result<Vex, Unreadable> {
    let mut bom: Bom = super::read(bytes)?;
    if bom.bom_format != "CycloneDX" || !VERSIONS.contains(&bom.spec_version.as_str()) {
        let problem =
            format!("{} `{}` is not read, but CycloneDX {}", bom.bom_format, bom.spec_version, VERSIONS.join(", "));
        return Err(malformed(problem));
    }
    let issued = time(bom.metadata.timestamp.as_deref())?;
    let vulnerabilities = std::mem::take(&mut bom.vulnerabilities);
    let author = bom.metadata.supplier.take().and_then(|supplier| supplier.name);
    let format = format!("CycloneDX {}", bom.spec_version);
    let parts = Parts::of(bom, enclosing)?;
    let mut statements = Statements::default();
    for vulnerability in vulnerabilities {
        if let Some(mut statement) = vulnerability.statement(&parts)? {
            statement.timestamp = statement.timestamp.or(issued);
            statements.add(statement)?;
        }
    }
    Ok(Vex { format, author, statements: statements.said })
}

/// What the document's references lead to.
struct Parts {
    /// The beginning of references to the document itself, from elsewhere.
    link: Option<String>,
    /// What the document is about.
    whole: Vec<Named>,
    /// By what the whole is referred to.
    root: Option<String>,
    by_reference: BTreeMap<String, Named>,
}

impl Parts {
    fn of(bom: Bom, enclosing: &[Named]) -> Result<Self, Unreadable> {
        let serial = bom.serial_number.as_deref().and_then(|serial| serial.strip_prefix("urn:uuid:"));
        let link = serial.map(|serial| format!("urn:cdx:{serial}/"));
        let (root, mut whole) = match bom.metadata.component {
            Some(component) => (component.reference.clone(), vec![component.named()?]),
            None => (None, Vec::new()),
        };
        // A product that has only a name within the document is what the document is attached to.
        if !enclosing.is_empty() && whole.iter().all(|named| named.purl.is_none() && named.digests.is_empty()) {
            whole = enclosing.to_vec();
        }
        let mut by_reference = BTreeMap::new();
        let mut waiting = bom.components;
        while let Some(mut component) = waiting.pop() {
            waiting.append(&mut component.components);
            if let Some(reference) = component.reference.clone() {
                by_reference.insert(reference, component.named()?);
            }
        }
        Ok(Self { link, whole, root, by_reference })
    }

    fn products(&self, reference: &str) -> Result<Vec<Product>, Unreadable> {
        let inside = self.link.as_ref().and_then(|link| reference.strip_prefix(link.as_str())?.split_once('#'));
        let reference = inside.map_or(reference, |(_, inside)| inside);
        let whole = |named: &Named| Product { named: named.clone(), ..Product::default() };
        if self.root.as_deref() == Some(reference) {
            return Ok(self.whole.iter().map(whole).collect());
        }
        Ok(match self.by_reference.get(reference) {
            Some(part) if self.whole.is_empty() => vec![whole(part)],
            Some(part) => {
                let within = |named: &Named| Product { named: named.clone(), subcomponents: vec![part.clone()] };
                self.whole.iter().map(within).collect()
            }
            None => {
                let purl = Some(reference.to_owned()).filter(|reference| reference.starts_with("pkg:"));
                let elsewhere = Named { id: Some(reference.to_owned()), purl, digests: Vec::new() };
                vec![whole(&elsewhere.within_limits()?)]
            }
        })
    }
}

impl Component {
    fn named(self) -> Result<Named, Unreadable> {
        let digest = |hash: Hash| {
            format!(
                "{}:{}",
                hash.alg.to_ascii_lowercase().replacen("sha-", "sha", 1),
                hash.content.to_ascii_lowercase()
            )
        };
        let digests = self.hashes.into_iter().map(digest).collect();
        Named { id: self.reference, purl: self.purl, digests }.within_limits()
    }
}

impl Vulnerability {
    /// What is said; `None` if nothing is.
    fn statement(self, parts: &Parts) -> Result<Option<Statement>, Unreadable> {
        let Some(analysis) = self.analysis else { return Ok(None) };
        let Some(state) = analysis.state else { return Ok(None) };
        let status = match state.as_str() {
            "resolved" | "resolved_with_pedigree" => Status::Fixed,
            "exploitable" => Status::Affected,
            "in_triage" => Status::UnderInvestigation,
            "false_positive" | "not_affected" => Status::NotAffected,
            other => return Err(malformed(format!("`{other}` is no state of an analysis"))),
        };
        let label = analysis.justification.as_deref();
        if let Some(unknown) = label.filter(|label| !JUSTIFICATIONS.contains(label)) {
            return Err(malformed(format!("`{unknown}` is no justification")));
        }
        let Some(vulnerability) = self.id.filter(|id| !id.is_empty()) else {
            return Err(malformed("a vulnerability has no id"));
        };
        let aliases = self.references.into_iter().filter_map(|reference| reference.id);
        let mut products = Vec::new();
        for affected in &self.affects {
            affected.add_to(&mut products, status, parts)?;
        }
        if self.affects.is_empty() {
            products.extend(parts.whole.iter().map(|named| Product { named: named.clone(), ..Product::default() }));
        } else if products.is_empty() {
            return Ok(None);
        }
        let told = analysis.last_updated.or(analysis.first_issued).or(self.updated);
        Ok(Some(Statement {
            aliases: aliases.filter(|alias| *alias != vulnerability).collect(),
            vulnerability,
            products,
            status,
            justification: analysis.justification.filter(|_| status == Status::NotAffected),
            note: analysis.detail,
            timestamp: time(told.as_deref())?,
        }))
    }
}

impl Affected {
    fn add_to(&self, all: &mut Vec<Product>, status: Status, parts: &Parts) -> Result<(), Unreadable> {
        let products = parts.products(&self.reference)?;
        if self.versions.is_empty() {
            return products.into_iter().try_for_each(|product| add(all, product));
        }
        let listed: Vec<_> = if status.excuses() {
            let excused = |one: &&Versions| one.status.as_deref().is_none_or(|status| status == "unaffected");
            self.versions.iter().filter(excused).filter_map(|one| one.version.as_deref()).map(Some).collect()
        } else {
            let warned = self.versions.iter().filter(|one| one.status.as_deref() != Some("unaffected"));
            // A range is any version here.
            warned.map(|one| one.version.as_deref()).collect()
        };
        for version in listed {
            for product in &products {
                add(all, product.clone().at(version))?;
            }
        }
        Ok(())
    }
}

impl Product {
    /// The same at another version, or at every version. What it was known by besides belongs to the version that it had.
    fn at(mut self, version: Option<&str>) -> Self {
        let named = self.subcomponents.last_mut().unwrap_or(&mut self.named);
        let purl = named.purl.as_deref().and_then(|purl| {
            let mut purl = PackageUrl::from_str(purl).ok()?;
            purl.without_version();
            if let Some(version) = version {
                purl.with_version(version.to_owned()).ok()?;
            }
            Some(purl.to_string())
        });
        let id = named.id.take().map(|id| version.map_or_else(|| id.clone(), |version| format!("{id}@{version}")));
        *named = Named { id, purl, digests: Vec::new() };
        self
    }
}
