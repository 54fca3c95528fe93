//! temblor.
fn main() {}
