//! Draws: numbers that look random and are the same every time (Steele, Lea and Flood 2014, SplitMix64).

/// A stream of numbers.
pub struct Draws(pub u64);

impl Draws {
    /// A number below `bound`; its slight bias does not matter here.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}
