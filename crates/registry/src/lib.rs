//! The OCI distribution routes.
