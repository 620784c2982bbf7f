use super::Theme;

/// Line icons of 16 × 16 units, drawn with a stroke in the text's colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// Leads on.
    Arrow,
    /// Something needs attention.
    Alert,
    /// Linked events.
    Chain,
    /// Fine.
    Check,
    /// Opens downwards.
    ChevronDown,
    /// Leads to the part before.
    ChevronLeft,
    /// Leads to the next part.
    ChevronRight,
    /// A point in time.
    Clock,
    /// Close, or not fine.
    Cross,
    /// Neither fine nor not.
    Dash,
    /// Take out.
    Download,
    /// Something to know.
    Info,
    /// As it happens.
    Live,
    /// Opens the navigation.
    Menu,
    /// Dark colours.
    Moon,
    /// Numbers at a glance.
    Overview,
    /// Look for something.
    Search,
    /// Colours of the system.
    Screen,
    /// Protected.
    Shield,
    /// Leave.
    SignOut,
    /// Light colours.
    Sun,
    /// People.
    Users,
}

impl Icon {
    /// The path data.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Arrow => "M3 8h10M9 4l4 4-4 4",
            Self::Alert => "M8 2.2 14.3 13H1.7ZM8 6.4v3.2M8 11.2v.1",
            Self::Chain => {
                "M6.4 9.6l3.2-3.2M7 4.6l1.7-1.7a2.83 2.83 0 0 1 4 4l-1.7 1.7M9 11.4l-1.7 1.7a2.83 2.83 0 0 1-4-4l1.7-1.7"
            }
            Self::Check => "M3 8.5l3.2 3.2L13 4.8",
            Self::ChevronDown => "M4 6l4 4 4-4",
            Self::ChevronLeft => "M10 4 6 8l4 4",
            Self::ChevronRight => "M6 4l4 4-4 4",
            Self::Clock => "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 5v3.2l2.2 1.3",
            Self::Cross => "M4 4l8 8M12 4l-8 8",
            Self::Dash => "M4 8h8",
            Self::Download => "M8 2.5v7M5 6.8 8 9.8l3-3M2.5 13.5h11",
            Self::Info => "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.4v3.5M8 5.1v.1",
            Self::Live => {
                "M8 8.1v-.2M5.2 10.8a4 4 0 0 1 0-5.6M10.8 5.2a4 4 0 0 1 0 5.6M3.1 12.9a7 7 0 0 1 0-9.8M12.9 3.1a7 7 0 0 1 0 9.8"
            }
            Self::Menu => "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
            Self::Moon => "M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1Z",
            Self::Overview => "M2.5 13.5h11M4.5 11V8M8 11V3M11.5 11V6",
            Self::Search => "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.3 10.3l3.2 3.2",
            Self::Screen => "M2.5 3h11v7.5h-11ZM5.5 13.5h5M8 10.5v3",
            Self::Shield => {
                "M8 1.8l5 1.8v4c0 3.2-2 5.4-5 6.6-3-1.2-5-3.4-5-6.6v-4ZM5.8 7.9l1.6 1.6 2.9-3"
            }
            Self::SignOut => "M6 2.5H3.5v11H6M10.5 5l3 3-3 3M13 8H6.5",
            Self::Sun => {
                "M8 10.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.85.85M11.75 11.75l.85.85M3.4 12.6l.85-.85M11.75 4.25l.85-.85"
            }
            Self::Users => {
                "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM1.5 13.5c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4M10.6 2.8a2.5 2.5 0 0 1 0 4.4M12 9.8c1.6.5 2.5 1.9 2.5 3.7"
            }
        }
    }
}

impl Theme {
    pub(crate) const fn icon(self) -> Icon {
        match self {
            Self::System => Icon::Screen,
            Self::Light => Icon::Sun,
            Self::Dark => Icon::Moon,
        }
    }
}
