use crate::testing::{Story, check};

pub(crate) const FIRST: &[Story] = &[
    ("apply dev > prod; push web-1; release 1", "promote 1 dev by ada", "promoted 1 to dev"),
];

#[test]
fn first() {
    check(FIRST);
}
