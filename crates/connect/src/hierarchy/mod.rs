//! Where users stand: groups on up to five levels.

mod create_user_hierarchy_group;
mod describe_user_hierarchy_structure;
mod hierarchy_group;
mod level;
mod update_user_hierarchy_group_name;
mod update_user_hierarchy_structure;

pub use hierarchy_group::HierarchyGroup;
pub use level::Level;

pub(crate) use create_user_hierarchy_group::CreateUserHierarchyGroup;
pub(crate) use describe_user_hierarchy_structure::DescribeUserHierarchyStructure;
pub(crate) use hierarchy_group::path;
pub(crate) use update_user_hierarchy_group_name::UpdateUserHierarchyGroupName;
pub(crate) use update_user_hierarchy_structure::UpdateUserHierarchyStructure;
