//! What one table of kinds becomes.

/// A type with a variant for every row, and what the row says about it.
macro_rules! catalogue {
    ($(
        #[doc = $about:literal]
        $category:literal {
            $($(#[doc = $doc:literal])+ $name:ident = $action:literal, $severity:ident,
              $durability:ident, $class:ident($activity:literal), $phrase:literal;)+
        }
    )+) => {
        /// What happened. The wire name is `category.action`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind { $($($(#[doc = $doc])+ $name,)+)+ }

        impl Kind {
            /// Every kind, for documentation and tests.
            pub const ALL: &'static [Self] = &[$($(Self::$name,)+)+];

            /// Every category with a sentence about it, in the order of the catalogue.
            pub const CATEGORIES: &'static [(&'static str, &'static str)] =
                &[$(($category, $about),)+];

            /// The group it belongs to.
            pub const fn category(self) -> &'static str {
                match self { $($(Self::$name => $category,)+)+ }
            }
            /// What happened within the group.
            pub const fn action(self) -> &'static str {
                match self { $($(Self::$name => $action,)+)+ }
            }
            /// `category.action`, as stored and searched.
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$name => concat!($category, ".", $action),)+)+ }
            }
            /// The severity it is recorded with.
            pub const fn severity(self) -> Severity {
                match self { $($(Self::$name => Severity::$severity,)+)+ }
            }
            /// When an event of it counts as recorded.
            pub const fn durability(self) -> Durability {
                match self { $($(Self::$name => Durability::$durability,)+)+ }
            }
            /// The OCSF class and `activity_id`.
            pub const fn ocsf(self) -> (OcsfClass, u8) {
                match self { $($(Self::$name => (OcsfClass::$class, $activity),)+)+ }
            }
            /// What was done, to be read after the name of whoever did it.
            pub const fn phrase(self) -> &'static str {
                match self { $($(Self::$name => $phrase,)+)+ }
            }
            /// The kind of a stored name; kinds of newer releases are unknown.
            pub fn by_name(name: &str) -> Option<Self> {
                let (category, action) = name.split_once('.')?;
                match category {
                    $($category => match action {
                        $($action => Some(Self::$name),)+
                        _ => None,
                    },)+
                    _ => None,
                }
            }
            /// One sentence for people.
            pub const fn description(self) -> &'static str {
                match self { $($(Self::$name => concat!($($doc,)+),)+)+ }
            }
        }
    };
}

pub(super) use catalogue;
