use askama::Template;

use super::{Icon, Theme, Tone, href, pager};

/// One input of a form as it came back.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// What was typed; passwords are never filled in again.
    pub value: String,
    /// Why it was not accepted.
    pub error: Option<String>,
}

impl Field {
    /// A value nobody has objected to.
    pub fn filled(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            error: None,
        }
    }

    /// A value that was refused.
    pub fn refused(value: impl Into<String>, error: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            error: Some(error.into()),
        }
    }
}

/// First tenant and first administrator. Posts `csrf`, `token`, `tenant`,
/// `email`, `display_name` and `password` to [`href::SETUP`].
#[derive(Debug, Clone, Template)]
#[template(path = "setup.html")]
pub struct SetupPage {
    /// The chosen colours.
    pub theme: Theme,
    /// Token that the form sends back.
    pub csrf: String,
    /// The one-time token of the link.
    pub token: String,
    /// Name of the organisation.
    pub tenant: Field,
    /// The administrator's address.
    pub email: Field,
    /// The administrator's name.
    pub display_name: Field,
    /// Everything the policy holds against the password; empty when it was fine.
    pub password_errors: Vec<String>,
    /// Fewest characters the policy accepts.
    pub password_min: u16,
    /// A fault that belongs to no single field.
    pub problem: Option<String>,
}

impl SetupPage {
    /// The link carries its token in the query; the switch must bring it back.
    pub(crate) fn here(&self) -> String {
        let mut here = format!("{}?token=", href::SETUP);
        pager::encode(&mut here, &self.token);
        here
    }

    /// Pairs of field id and message, in the order of the form.
    pub(crate) fn faults(&self) -> Vec<(&'static str, &str)> {
        [
            ("tenant", &self.tenant),
            ("display_name", &self.display_name),
            ("email", &self.email),
        ]
        .into_iter()
        .filter_map(|(id, field)| Some((id, field.error.as_deref()?)))
        .chain(
            self.password_errors
                .iter()
                .map(|text| ("password", text.as_str())),
        )
        .collect()
    }
}

/// The setup link was used or has expired.
#[derive(Debug, Clone, Template)]
#[template(path = "setup_gone.html")]
pub struct SetupGone {
    /// The chosen colours.
    pub theme: Theme,
    /// Token for the theme switch.
    pub csrf: String,
    /// Whether an administrator exists already, so that signing in is the way on.
    pub ready: bool,
}

impl SetupGone {
    #[expect(
        clippy::unused_self,
        reason = "the layout asks every page for its address"
    )]
    pub(crate) const fn here(&self) -> &'static str {
        href::SETUP
    }
}

/// What is said above the sign-in form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Signed out on request.
    SignedOut,
    /// The session has ended by itself or from elsewhere.
    SessionEnded,
    /// The first administrator exists now.
    SetupDone,
}

impl Notice {
    /// The value of the query parameter `notice`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::SessionEnded => "session-ended",
            Self::SetupDone => "setup-done",
        }
    }

    /// Reads the query parameter; unknown values say nothing.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::SignedOut, Self::SessionEnded, Self::SetupDone]
            .into_iter()
            .find(|notice| notice.as_str() == text)
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::SignedOut => "You are signed out.",
            Self::SessionEnded => "Your session has ended. Sign in again to go on.",
            Self::SetupDone => "Everything is in place. Sign in with the account you just created.",
        }
    }

    pub(crate) const fn tone(self) -> Tone {
        match self {
            Self::SetupDone => Tone::Good,
            Self::SignedOut | Self::SessionEnded => Tone::Info,
        }
    }
}

/// Signing in. Posts `csrf`, `identifier`, `password` and `return_to` to
/// [`href::LOGIN`].
#[derive(Debug, Clone, Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    /// The chosen colours.
    pub theme: Theme,
    /// Token that the form sends back.
    pub csrf: String,
    /// What was typed as identifier before.
    pub identifier: String,
    /// Why the attempt failed, in words that do not tell which half was wrong.
    pub error: Option<String>,
    /// Local path to go to afterwards; the handler has checked it.
    pub return_to: Option<String>,
    /// What happened before.
    pub notice: Option<Notice>,
}

impl LoginPage {
    #[expect(
        clippy::unused_self,
        reason = "the layout asks every page for its address"
    )]
    pub(crate) const fn here(&self) -> &'static str {
        href::LOGIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_round_trip_and_unknown_ones_say_nothing() {
        for notice in [Notice::SignedOut, Notice::SessionEnded, Notice::SetupDone] {
            assert_eq!(Notice::parse(notice.as_str()), Some(notice));
        }
        assert_eq!(Notice::parse("<b>pwned</b>"), None);
    }
}
