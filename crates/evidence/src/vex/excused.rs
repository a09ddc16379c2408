//! [`excused`]: which findings in a product somebody has said to be none.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use packageurl::PackageUrl;

use super::{Named, Statement, Vex};
use crate::{time::Time, vulnerabilities::Finding};

/// A finding that somebody says is none, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excused<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// What is said, of all that is said about it the latest.
    pub statement: &'a Statement,
    /// What it is said of.
    pub covers: Covers,
    /// Whether it is said of every version, because the package URL names none. Whoever wrote it cannot have looked at this one.
    pub unversioned: bool,
}

/// What a statement is about, seen from a finding. Ordered by how near it is to what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Covers {
    /// The package that has the vulnerability, wherever it is used: what a distribution says of its packages.
    Package,
    /// All of the product.
    Product,
    /// The package that has the vulnerability, in the product.
    Subcomponent,
}

/// Which `findings` in a product are not affected or fixed, as `documents` say. `product` is all that the product is known by: its digests, those
/// of what it consists of, its package URLs.
///
/// Of several statements about one finding the latest counts; one that tells no time counts beside it where it warns. Of these it is those that name
/// the version, and then the one that asks for most.
pub fn excused<'a>(documents: &'a [Vex], product: &[Named], findings: &'a [Finding]) -> Vec<Excused<'a>> {
    let product: Vec<_> = product.iter().map(Known::of).collect();
    let statements: Vec<_> = documents
        .iter()
        .flat_map(|document| &document.statements)
        .map(|statement| Looked::at(statement, &product))
        .collect();
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, looked) in statements.iter().enumerate() {
        for name in names(looked.statement) {
            by_name.entry(name).or_default().push(place);
        }
    }
    let decided = |finding: &'a Finding| {
        let places: BTreeSet<_> = finding.names().filter_map(|name| by_name.get(name)).flatten().collect();
        let package = Known::of(&Named { purl: finding.purl.clone(), ..Named::default() });
        let about =
            places.into_iter().map(|place| &statements[*place]).filter(|looked| is_same(finding, looked.statement));
        let said: Vec<_> = about.filter_map(|looked| looked.says_of(finding, &package)).collect();
        let latest: Option<Time> = said.iter().filter_map(|said| said.statement.timestamp).max();
        let counts = said.into_iter().filter(|said| match said.statement.timestamp {
            Some(time) => Some(time) == latest,
            // It may be the latest: enough to warn, and not to excuse what somebody dated.
            None => latest.is_none() || !said.statement.status.excuses(),
        });
        let decides = counts.max_by_key(|said| (!said.unversioned, said.statement.status));
        decides.filter(|said| said.statement.status.excuses())
    };
    findings.iter().filter_map(decided).collect()
}

fn names(statement: &Statement) -> impl Iterator<Item = &str> {
    std::iter::once(statement.vulnerability.as_str()).chain(statement.aliases.iter().map(String::as_str))
}

/// Whether a finding and a statement are about one vulnerability.
///
/// Advisories of distributions are aliases of every vulnerability that they mend, so that two things have such a name in common says little: it
/// must be what one of them calls the vulnerability first, or a CVE. And where a finding is of several CVEs, what is said of one of them is not
/// said of it.
fn is_same(finding: &Finding, statement: &Statement) -> bool {
    if names(statement).any(|name| name == finding.id) {
        return true;
    }
    let is_cve = |name: &&str| name.starts_with("CVE-");
    finding.names().filter(is_cve).count() <= 1
        && finding
            .names()
            .any(|name| name == statement.vulnerability || is_cve(&name) && names(statement).any(|other| other == name))
}

/// A statement, and which of its products are the one that is asked about.
struct Looked<'a> {
    statement: &'a Statement,
    /// Products that are, each with whether any version of it would be, and its subcomponents.
    inside: Vec<(bool, Vec<Known>)>,
    /// Products that are not, and have no subcomponents: packages, perhaps.
    outside: Vec<Known>,
}

impl<'a> Looked<'a> {
    fn at(statement: &'a Statement, product: &[Known]) -> Self {
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for said in &statement.products {
            let known = Known::of(&said.named);
            match product.iter().filter_map(|asked| known.is(asked)).min() {
                Some(unversioned) => {
                    inside.push((unversioned, said.subcomponents.iter().map(Known::of).collect()));
                }
                None if said.subcomponents.is_empty() => outside.push(known),
                None => {}
            }
        }
        Self { statement, inside, outside }
    }

    /// What the statement says of a finding in `package`, if it says something. Of several ways in which it does, the nearest.
    fn says_of(&self, finding: &'a Finding, package: &Known) -> Option<Excused<'a>> {
        let inside = self.inside.iter().filter_map(|(unversioned, subcomponents)| {
            if subcomponents.is_empty() {
                return Some((Covers::Product, *unversioned));
            }
            let part = subcomponents.iter().filter_map(|part| part.is(package)).min()?;
            Some((Covers::Subcomponent, *unversioned || part))
        });
        let outside = self.outside.iter().filter_map(|known| known.is(package)).map(|any| (Covers::Package, any));
        let (covers, unversioned) = inside.chain(outside).max_by_key(|(covers, any)| (!any, *covers))?;
        Some(Excused { finding, statement: self.statement, covers, unversioned })
    }
}

/// What something is known by, ready to be compared.
struct Known {
    id: Option<String>,
    purl: Option<PackageUrl<'static>>,
    digests: BTreeSet<String>,
}

impl Known {
    fn of(named: &Named) -> Self {
        let purl = named.purl.as_deref().and_then(|purl| PackageUrl::from_str(purl).ok());
        let mut digests: BTreeSet<_> = named.digests.iter().cloned().collect();
        // The version of an image is its digest.
        if let Some(purl) = purl.as_ref().filter(|purl| matches!(purl.ty(), "oci" | "docker")) {
            digests.extend(purl.version().filter(|version| version.contains(':')).map(str::to_owned));
        }
        Self { id: named.id.clone(), purl, digests }
    }

    /// Whether what is said of this is said of `asked`: `None` if not, and otherwise whether it would be of every version.
    fn is(&self, asked: &Self) -> Option<bool> {
        if !self.digests.is_disjoint(&asked.digests) {
            return Some(false);
        }
        // Where both tell what the bytes are, and they are others, no name makes them the same.
        let algorithm = |digest: &String| digest.split(':').next().unwrap_or_default().to_owned();
        let algorithms: BTreeSet<_> = self.digests.iter().map(algorithm).collect();
        if asked.digests.iter().any(|digest| algorithms.contains(&algorithm(digest))) {
            return None;
        }
        if self.id.is_some() && self.id == asked.id && self.purl.is_none() {
            return Some(false);
        }
        let (said, asked) = (self.purl.as_ref()?, asked.purl.as_ref()?);
        let same = said.ty() == asked.ty() && said.namespace() == asked.namespace() && said.name() == asked.name();
        let narrower = said.qualifiers().iter().all(|(name, value)| asked.qualifiers().get(name) == Some(value))
            && said.subpath().is_none_or(|path| asked.subpath() == Some(path));
        match said.version() {
            _ if !same || !narrower => None,
            None => Some(true),
            version => (version == asked.version()).then_some(false),
        }
    }
}
