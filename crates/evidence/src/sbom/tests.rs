//! Documents in each form, cut down to what tells.

use super::*;

const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6" serialNumber="urn:uuid:5e" version="1">
  <metadata><component type="application"><name>shop</name><purl>pkg:npm/shop@1</purl></component></metadata>
  <components>
    <component type="library" bom-ref="p"><publisher>Ada</publisher><group>@ada</group><name> p </name><version>1.1.0</version>
      <description><![CDATA[<name>no</name>]]></description>
      <licenses><license><id>MIT</id><text>...</text></license><license><name>Our &amp; own</name></license></licenses>
      <purl>pkg:npm/%40ada/p@1.1.0?a=1&amp;b=2</purl>
      <pedigree><ancestors><component><name>before</name></component></ancestors></pedigree>
      <components><component><name>inner</name><licenses><expression>MIT OR Apache-2.0</expression></licenses></component></components>
      <x:purl xmlns:x="urn:x">pkg:npm/other@1</x:purl>
    </component>
    <component type="file"><name>last</name></component>
  </components>
  <dependencies><dependency ref="p"/></dependencies></bom>"#;

const SPDX_3: &str = r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
  {"type":"CreationInfo","@id":"_:c","specVersion":"3.0.1","created":"2026-01-01T00:00:00Z","createdBy":["urn:ada"]},
  {"type":"SpdxDocument","spdxId":"urn:doc","creationInfo":"_:c","rootElement":["urn:p"]},
  {"type":"Relationship","spdxId":"urn:1","from":"urn:p","to":["urn:mit"],"relationshipType":"hasDeclaredLicense"},
  {"type":"Relationship","spdxId":"urn:2","from":"urn:p","to":["https://spdx.org/rdf/3.0.1/terms/Licensing/NoAssertion"],
   "relationshipType":"hasConcludedLicense"},
  {"type":"Relationship","spdxId":"urn:3","from":"urn:p","to":["urn:q"],"relationshipType":"dependsOn"},
  {"type":"Relationship","spdxId":"urn:4","from":"urn:q","to":"https://spdx.org/licenses/Apache-2.0","relationshipType":"hasConcludedLicense"},
  {"type":"Relationship","spdxId":"urn:5","from":"urn:q","to":["urn:mit"],"relationshipType":"hasDeclaredLicense"},
  {"type":"simplelicensing_LicenseExpression","spdxId":"urn:mit","simplelicensing_licenseExpression":"MIT OR Zlib"},
  {"type":"software_Package","spdxId":"urn:p","creationInfo":"_:c","name":"p",
   "software_packageVersion":"1.1.0","software_packageUrl":"pkg:npm/p@1.1.0",
   "externalIdentifier":[{"type":"ExternalIdentifier","externalIdentifierType":"packageUrl","identifier":"pkg:npm/other@1"}]},
  {"type":"software_Package","spdxId":"urn:q","name":"q","externalIdentifier":[
     {"type":"ExternalIdentifier","externalIdentifierType":"cpe23","identifier":"cpe:2.3:a:q"},
     {"type":"ExternalIdentifier","externalIdentifierType":"packageUrl","identifier":"pkg:npm/q@2"}]},
  {"type":"software_Package","spdxId":"urn:r","name":"r","externalIdentifier":["_:r"]},
  {"type":"ExternalIdentifier","@id":"_:r","externalIdentifierType":"packageUrl","identifier":"pkg:npm/r@3"},
  {"type":"software_File","spdxId":"urn:f","name":"f"}]}"#;

fn rows(text: &str) -> Result<Vec<String>, String> {
    let sbom = Sbom::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let row = |component: &Component| {
        let purl = component.purl.as_deref().unwrap_or("-");
        format!("{} | {} | {purl} | {}", component.name, component.version, component.licenses.join(", "))
    };
    Ok(std::iter::once(sbom.format.clone()).chain(sbom.components.iter().map(row)).collect())
}

#[test]
fn each_form_lists_what_it_lists() {
    let prefixed = XML
        .replace("<x:purl xmlns:x=\"urn:x\">pkg:npm/other@1</x:purl>", "")
        .replace("</", "<\u{0}")
        .replace('<', "<b:")
        .replace("<b:\u{0}", "</b:")
        .replace("<b:?xml", "<?xml")
        .replace("<b:![CDATA[<b:name>no</b:name>]]>", "")
        .replace("xmlns=", "xmlns:b=");
    let of_xml = [
        "CycloneDX 1.6",
        "@ada/p | 1.1.0 | pkg:npm/%40ada/p@1.1.0?a=1&b=2 | MIT, Our & own",
        "inner |  | - | MIT OR Apache-2.0",
        "last |  | - | ",
    ];
    let of_spdx = [
        "SPDX 3.0.1",
        "p | 1.1.0 | pkg:npm/p@1.1.0 | MIT OR Zlib",
        "q |  | pkg:npm/q@2 | Apache-2.0",
        "r |  | pkg:npm/r@3 | ",
    ];
    for (text, expected) in [
        (XML, &of_xml[..]),
        (&prefixed, &of_xml),
        (&format!("\u{feff}\n{XML}"), &of_xml),
        (SPDX_3, &of_spdx),
        (&SPDX_3.replace("3.0.1", "3.0.0"), &["SPDX 3.0.0", of_spdx[1], of_spdx[2], of_spdx[3]]),
    ] {
        assert_eq!(rows(text).as_deref(), Ok(&expected.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>()[..]));
    }
}

#[test]
fn what_is_not_quite_it_is_refused() {
    let known = "1.2, 1.3, 1.4, 1.5, 1.6, 1.7";
    for (text, problem) in [
        (XML.replace("bom/1.6", "bom/1.1"), format!("CycloneDX `1.1` is not read, but {known}")),
        (XML.replace("cyclonedx.org", "x.example"), "it is XML, and not CycloneDX".into()),
        (XML.replace("<name>inner</name>", ""), "a component has no name".into()),
        (XML.replace("<bom", "<!DOCTYPE bom><bom"), "document types are not read".into()),
        (XML.replace("</bom>", ""), "it ends before its elements do".into()),
        ("<svg/>".into(), "it is XML, and not CycloneDX".into()),
        (
            SPDX_3.replace("rdf/3.0.1/spdx", "rdf/4.0/spdx"),
            "the context `https://spdx.org/rdf/4.0/spdx-context.jsonld` is not read, but that of SPDX 3.0.0, 3.0.1"
                .into(),
        ),
        (r#"{"@graph":[],"spdxVersion":"SPDX-2.3"}"#.into(), "it is neither CycloneDX nor SPDX".into()),
        (
            r#"{"bomFormat":"CycloneDX","specVersion":"1.6","@graph":[]}"#.into(),
            "it is neither CycloneDX nor SPDX".into(),
        ),
    ] {
        let error = Sbom::parse(text.as_bytes()).expect_err(&text).to_string();
        assert_eq!(error.strip_prefix("it is no bill of materials: "), Some(problem.as_str()), "{text}");
    }
    let without_a_name = SPDX_3.replace(r#""name":"q","#, "");
    assert!(Sbom::parse(without_a_name.as_bytes()).is_err());
    let deep = format!(r#"<bom xmlns="http://cyclonedx.org/schema/bom/1.6">{}"#, "<components><component>".repeat(60));
    let error = Unreadable::TooLarge { what: "elements in each other", found: 101, limit: 100 };
    assert_eq!(Sbom::parse(deep.as_bytes()), Err(error));
}
