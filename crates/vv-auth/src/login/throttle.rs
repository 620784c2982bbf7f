use std::net::IpAddr;

use vv_audit::{Event, Kind, Outcome};
use vv_base::{Ctx, Span};
use vv_shared::{Subject, Window};

use super::LoginError;
use crate::account::EmailAddress;
use crate::system::Auth;

/// Tries from one address (IPv6: one /64) within a window.
const PER_SOURCE: u32 = 60;
/// Tries for one e-mail address within a window, whether it has an account or not.
const PER_IDENTIFIER: u32 = 10;
/// The window of both.
const WINDOW: Span = Span::minutes(5);

impl Auth {
    /// The keyed hash under which tries from an address are counted; addresses
    /// of one IPv6 /64 share it.
    pub fn source_index(&self, ip: IpAddr) -> [u8; 32] {
        self.keyring()
            .fingerprint()
            .index("source", &network_of(ip))
    }

    /// Counts the try before any work is done for it.
    pub(super) async fn throttle(
        &self,
        ctx: &Ctx,
        email: Option<&EmailAddress>,
    ) -> Result<(), LoginError> {
        let key = self.keyring().fingerprint();
        let mut windows = Vec::with_capacity(2);
        if let Some(ip) = ctx.source.ip {
            let network = self.source_index(ip);
            windows.push(Window::new("login-source", network, PER_SOURCE, WINDOW));
        }
        if let Some(email) = email {
            let index = key.index("login.identifier", email.as_str());
            windows.push(Window::new("login-id", index, PER_IDENTIFIER, WINDOW));
        }
        for window in &windows {
            let hit = self.shared().hit(window, 1).await;
            if !hit.allowed {
                self.record_throttled(ctx).await?;
                return Err(LoginError::Throttled {
                    retry_after: hit.retry_after,
                });
            }
        }
        Ok(())
    }

    /// One event per source and window is enough to see it; one per try would
    /// let an attacker fill the disk.
    async fn record_throttled(&self, ctx: &Ctx) -> Result<(), LoginError> {
        let network = ctx.source.ip.map(|ip| Subject::from(self.source_index(ip)));
        let subject = network.unwrap_or(Subject::GLOBAL);
        let window = Window::new("login-throttled", subject, 1, WINDOW);
        if !self.shared().hit(&window, 1).await.allowed {
            return Ok(());
        }
        let ctx = ctx.clone().for_system();
        let sealer = self.audit().unattributed(&ctx).await?;
        let event = Event::new(Kind::LoginThrottled)
            .outcome(Outcome::Denied)
            .source(&sealer, &ctx.source);
        self.record(&ctx, event).await?;
        Ok(())
    }
}

/// The part of an address that one customer of a network provider holds.
fn network_of(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_a_slash_64_count_together() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:0:0:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
