//! The judgement of this crate, for failures that were recorded: what happened once is judged anew, without any network.

use inventory::HostName;
use rollout::{HostError, Reason};
use wsman::{Error, Peer};

use crate::error::{Situation, Trouble, host_error, wmi_is_broken};
use crate::guard::{BareName, account_is_local};
use crate::identity::{self, Proof};
use crate::link::without_wmi;

/// What has to be known of a session to judge its failure. Nothing was written in it.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The host's name, as the inventory has it.
    pub host: HostName,
    /// The account's name.
    pub account: String,
    /// Basic knows local accounts only.
    pub basic: bool,
    /// TLS was in use.
    pub tls: bool,
    /// TCP port.
    pub port: u16,
}

/// What `ping` would have said of this failure.
pub fn diagnose(scene: &Scene, error: Error) -> HostError {
    let bare = if scene.basic {
        BareName::Local
    } else {
        BareName::Either
    };
    let situation = Situation {
        wrote: false,
        local_account: account_is_local(&scene.account, scene.host.as_str(), bare),
        tls: scene.tls,
        port: scene.port,
        account: &scene.account,
    };
    host_error(&Trouble::Wire(error), situation)
}

/// Where this failure makes a run go on without WMI, through a shell: what it then does without.
pub fn in_part(error: &Error) -> Option<HostError> {
    wmi_is_broken(&error.kind).then(|| without_wmi(&error.to_string()))
}

/// Whether this peer is the host of that name.
///
/// # Errors
/// It calls itself otherwise, or nothing proves who it is.
pub fn prove(host: &HostName, peer: &Peer) -> Result<(), HostError> {
    let proof = Proof {
        computer_name: peer.computer_name.as_deref(),
        dns_name: peer.dns_name.as_deref(),
        certificate: peer.tls_verified,
        service: peer.service.is_some(),
    };
    identity::verify(host, proof).map_err(|wrong| {
        HostError::failed(Reason::WrongHost, wrong.to_string()).with_remedy(
            "check the name in DNS and the host's 'address'; where the names differ on purpose set verify_name: false",
        )
    })
}
