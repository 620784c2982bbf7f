/// Where randomness comes from. Tests use a seeded source.
pub trait Rng: Send + Sync {
    /// Fills the buffer with bytes fit for keys and tokens.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(
        clippy::disallowed_methods,
        clippy::panic,
        reason = "without randomness no key or token may be issued; stopping is the only safe answer"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            panic!("the operating system gave no randomness: {error}");
        }
    }
}
