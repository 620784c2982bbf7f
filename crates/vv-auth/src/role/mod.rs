//! What a role allows. Permissions are `resource:action`; a person's
//! permissions in a tenant are the union over their roles there.

mod model;

pub(crate) use model::permissions_of;
pub use model::{Permission, PermissionSet, SystemRole};
