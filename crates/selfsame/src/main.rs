//! The `selfsame` program.

fn main() {}
