//! The composition root: the only place that puts ports and core together.

pub mod clock;
pub mod ids;
