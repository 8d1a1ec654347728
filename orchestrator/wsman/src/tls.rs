//! TLS configurations, shared by all sessions of a run.

/// TLS configurations of a run, made once per policy.
#[derive(Debug, Default)]
pub struct TlsConfigs {}

impl TlsConfigs {
    /// Nothing is read until a policy is used for the first time.
    pub fn new() -> Self {
        Self::default()
    }
}
