//! Wire types, their conversions, and the HTTP client.
