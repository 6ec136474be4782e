//! Each agent has a colour of its own.

/// The hue (0 to 359) of what is named `slug`: always the same, spread over the circle.
#[must_use]
pub fn hue(slug: &str) -> u16 {
    // FNV-1a: tiny, and the same on every replica.
    let hash = slug.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // The low bits of FNV are the weak ones.
    u16::try_from((hash >> 8) % 360).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::hue;

    #[test]
    fn a_hue_is_stable_and_on_the_circle() {
        assert_eq!(hue("writer"), hue("writer"));
        assert_ne!(hue("writer"), hue("coder"));
        assert!(
            ["", "a", "writer", "coder"]
                .iter()
                .all(|slug| hue(slug) < 360)
        );
    }
}
