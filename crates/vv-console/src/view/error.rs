use askama::Template;

use super::{Icon, Theme, href, pager};

/// Something went wrong: what, why, and what to do next.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The chosen colours.
    pub theme: Theme,
    /// HTTP status.
    pub status: u16,
    /// More than the status says, fit for the person's eyes.
    pub detail: Option<String>,
    /// Id under which the log tells more.
    pub incident: Option<String>,
    /// Seconds to wait before trying again.
    pub retry_after: Option<u32>,
    /// Local path to come back to after signing in.
    pub return_to: Option<String>,
}

impl ErrorPage {
    /// The page for a status without further knowledge.
    pub const fn new(theme: Theme, status: u16) -> Self {
        Self {
            theme,
            status,
            detail: None,
            incident: None,
            retry_after: None,
            return_to: None,
        }
    }

    pub(crate) const fn title(&self) -> &'static str {
        match self.status {
            401 => "Sign in to go on",
            403 => "You may not do that",
            404 => "There is nothing here",
            429 => "Too many attempts",
            400..=499 => "That request was not understood",
            502..=504 => "Not available right now",
            _ => "Something broke on our side",
        }
    }

    pub(crate) const fn advice(&self) -> &'static str {
        match self.status {
            401 => "This page needs a session, and yours is missing or has ended.",
            403 => {
                "Your roles do not allow this. An administrator of your organisation can grant the permission."
            }
            404 => {
                "The address may be mistyped, or what was here belongs to another organisation or is gone."
            }
            429 => "To protect accounts, attempts are limited.",
            400..=499 => "The form may be outdated. Go back, reload the page and send it again.",
            502..=504 => "The service is starting, busy or being maintained.",
            _ => {
                "The fault is recorded. Try again; if it comes back, give your administrator the incident id below."
            }
        }
    }

    /// The way on: label and address.
    pub(crate) fn action(&self) -> (&'static str, String) {
        match self.status {
            401 => {
                let mut to = String::from(href::LOGIN);
                if let Some(path) = &self.return_to {
                    to.push_str("?return_to=");
                    pager::encode(&mut to, path);
                }
                ("Sign in", to)
            }
            _ => ("Go to the overview", href::OVERVIEW.into()),
        }
    }

    /// The wait in words.
    pub(crate) fn wait(&self) -> Option<String> {
        Some(match (self.retry_after, self.status) {
            (Some(0..=1), _) => "Try again in a second.".into(),
            (Some(seconds @ 2..=119), _) => format!("Try again in {seconds} seconds."),
            (Some(seconds), _) => format!("Try again in {} minutes.", seconds.div_ceil(60)),
            (None, 429 | 502..=504) => "Try again in a few minutes.".into(),
            (None, _) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_back() {
        let page = ErrorPage {
            return_to: Some("/users?limit=50&x=<".into()),
            ..ErrorPage::new(Theme::System, 401)
        };
        let way = "/login?return_to=%2Fusers%3Flimit%3D50%26x%3D%3C";
        assert_eq!(page.action(), ("Sign in", way.into()));
    }

    #[test]
    fn faults_of_the_sender_are_not_called_ours() {
        let title = |status| ErrorPage::new(Theme::System, status).title();
        assert_eq!(title(413), title(400));
        assert_ne!(title(422), title(500));
        assert_eq!(title(599), title(500));
    }

    #[test]
    fn the_wait_is_told_in_the_fitting_unit() {
        let wait = |seconds: Option<u32>| {
            let page = ErrorPage {
                retry_after: seconds,
                ..ErrorPage::new(Theme::System, 429)
            };
            page.wait()
        };
        assert_eq!(wait(Some(30)).as_deref(), Some("Try again in 30 seconds."));
        assert_eq!(wait(Some(121)).as_deref(), Some("Try again in 3 minutes."));
        assert_eq!(wait(None).as_deref(), Some("Try again in a few minutes."));
        assert_eq!(ErrorPage::new(Theme::System, 404).wait(), None);
    }
}
