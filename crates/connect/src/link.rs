//! `Link: <...>; rel="next"` (RFC 8288), as registries write it.

/// Where the next page is, if the header names one.
pub(crate) fn next(header: &str) -> Option<&str> {
    if header.len() > 8192 {
        return None;
    }
    let (target, rest) = header.trim_start().strip_prefix('<')?.split_once('>')?;
    let is_next = rest.split(';').any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
    is_next.then_some(target)
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn the_next_page_is_found() {
        for (header, expected) in [
            ("</v2/a/tags/list?n=2&last=b>; rel=\"next\"", Some("/v2/a/tags/list?n=2&last=b")),
            ("<https://r.example/x>;rel=next", Some("https://r.example/x")),
            ("<x>; rel=\"prev\"", None),
            ("x; rel=next", None),
            ("<x", None),
            ("", None),
        ] {
            assert_eq!(next(header), expected, "{header}");
        }
    }
}
