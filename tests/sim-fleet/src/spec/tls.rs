//! TLS of a host's HTTPS listener: version, the certificate it shows, what it does about the client's.

use serde::Deserialize;

/// TLS of an HTTPS listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSpec {
    /// The only version spoken; absent: 1.2 and 1.3.
    pub version: Option<TlsVersion>,
    /// What the host shows.
    pub certificate: HostCertificate,
    /// Whether, and when, the host asks for a certificate of the client.
    pub client_certificate: ClientCertificates,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "1.2")]
    V12,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    V13,
}

/// The certificate of a host: in order, or with one thing wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostCertificate {
    /// Issued by the fleet's authority for the host's name.
    #[default]
    Good,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// For another name.
    OtherName,
    /// Signed by itself.
    SelfSigned,
    /// Signed by itself, and marked as an authority, as old tools made them.
    SelfSignedAuthority,
    /// Only good for clients.
    WrongPurpose,
}

/// What a host does about client certificates. HTTP.sys asks after the request, by renegotiation (TLS 1.2) or after the
/// handshake (TLS 1.3), unless its binding says `clientcertnegotiation=enable`. To a client that can do neither
/// the `later_` forms show the same: the handshake asked for nothing, and the request with the profile of mutual TLS fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificates {
    /// The service does not allow certificates.
    #[default]
    Never,
    /// Asked for in the handshake, not demanded: `clientcertnegotiation=enable`.
    Handshake,
    /// Asked for too late; the connection is reset.
    LaterReset,
    /// Asked for too late; nothing more is heard.
    LaterSilence,
    /// Asked for too late; 401.
    Later401,
    /// Asked for too late; 403.
    Later403,
}
