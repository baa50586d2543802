//! Main room: builds the parts and plugs them together. Only here the system's clock and generator have names.

pub mod system;
