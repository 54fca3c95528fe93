//! Chance without a stream: a decision is a pure function of the things that it is about.
//!
//! Whether a frame is lost must not depend on how many frames came before it, or every shrinking step would change all later
//! decisions. So each chance is a hash of named things (seed, fault, link, frame key, occurrence) compared with a threshold,
//! all in integers. The function is fixed for ever: histories of deterministic executors depend on it, and a test holds its
//! values. The mixing step is the finaliser of SplitMix64 (Steele, Lea and Flood 2014).

/// Mixes numbers into one, all bits of which depend on all bits of each.
pub fn mix(seed: u64, parts: &[u64]) -> u64 {
    parts.iter().fold(finalise(seed), |state, part| finalise(state ^ finalise(*part)))
}

/// A number for a string of bytes, eight at a time, the length included.
pub fn of_bytes(bytes: &[u8]) -> u64 {
    let mut chunks = bytes.chunks_exact(8);
    let mut state = finalise(bytes.len() as u64);
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("chunks of 8 have 8 bytes"));
        state = finalise(state ^ word);
    }
    let mut last = [0; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    finalise(state ^ u64::from_le_bytes(last))
}

/// Whether something of a chance of `ppm` millionths comes to pass, given its hash.
pub fn happens(hash: u64, ppm: u32) -> bool {
    // The product's upper half is the hash scaled to 0..1,000,000, without a division and without bias worth naming.
    ((u128::from(hash) * 1_000_000) >> 64) < u128::from(ppm)
}

fn finalise(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{happens, mix, of_bytes};

    #[test]
    fn the_function_is_fixed_for_ever() {
        assert_eq!(mix(0, &[]), 0xE220_A839_7B1D_CDAF);
        assert_eq!(mix(7, &[1, 2]), GOLDEN_MIX);
        assert_eq!(of_bytes(b"relay/17"), GOLDEN_BYTES);
    }

    const GOLDEN_MIX: u64 = 0xF239_3773_88B0_1D44;
    const GOLDEN_BYTES: u64 = 0x4F7E_2B26_CCE1_8CC6;

    #[test]
    fn order_and_length_count() {
        assert_ne!(mix(7, &[1, 2]), mix(7, &[2, 1]));
        assert_ne!(of_bytes(b"a"), of_bytes(b"a\0"));
    }

    #[test]
    fn a_chance_comes_to_pass_as_often_as_it_says() {
        for ppm in [0, 1_000, 200_000, 500_000, 999_000, 1_000_000] {
            let hits = (0..100_000).filter(|n| happens(mix(7, &[*n]), ppm)).count() as i64;
            let expected = i64::from(ppm) / 10;
            assert!((hits - expected).abs() <= 600, "{ppm}: {hits}");
        }
    }
}
