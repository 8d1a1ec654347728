//! Listeners that belong to one host: the only place where "connection refused" and "the handshake never completes"
//! can be real.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::fleet::Fleet;
use crate::host::Host;
use crate::knobs::{Hang, RebootSymptom};

/// The own listeners of a host: HTTP and HTTPS.
#[derive(Default)]
pub(crate) struct OwnListeners {
    doors: [Option<Door>; 2],
}

struct Door {
    address: SocketAddr,
    state: DoorState,
}

enum DoorState {
    /// A task accepts.
    Open(super::Listener),
    /// Bound and not listening: the port is ours and connects are refused.
    Refusing(#[expect(dead_code, reason = "held so that the port stays reserved")] TcpSocket),
    /// Listening with a full queue that nobody empties: connects get no answer.
    Stuck(
        #[expect(dead_code, reason = "held so that the queue stays full")]
        (tokio::net::TcpListener, Vec<JoinHandle<Option<TcpStream>>>),
    ),
    /// Only between two states.
    Gone,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Open,
    Refusing,
    Stuck,
}

fn wanted(host: &Host) -> Wanted {
    let knobs = host.knobs();
    if knobs.refuse || host.down() == Some(RebootSymptom::Refused) {
        Wanted::Refusing
    } else if knobs.hang == Some(Hang::Connect) {
        Wanted::Stuck
    } else {
        Wanted::Open
    }
}

/// The address of the host's own listener, which is opened if there is none yet.
pub(crate) fn address(fleet: &Arc<Fleet>, host: &Arc<Host>, secure: bool) -> SocketAddr {
    let mut own = host.own.lock().unwrap_or_else(PoisonError::into_inner);
    let door = own.doors[usize::from(secure)].get_or_insert_with(|| {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let socket = bind(any).expect("a free port on 127.0.0.1");
        let address = socket.local_addr().expect("a bound socket has an address");
        Door {
            address,
            state: enter(fleet, host, secure, address, socket, wanted(host)),
        }
    });
    door.address
}

/// Brings the own listeners in line with the knobs and the present state.
pub(crate) fn adjust(fleet: &Arc<Fleet>, host: &Arc<Host>) {
    let wanted = wanted(host);
    let mut own = host.own.lock().unwrap_or_else(PoisonError::into_inner);
    for (index, door) in own.doors.iter_mut().enumerate() {
        let Some(door) = door else { continue };
        let present = match door.state {
            DoorState::Open(_) => Some(Wanted::Open),
            DoorState::Refusing(_) => Some(Wanted::Refusing),
            DoorState::Stuck(_) => Some(Wanted::Stuck),
            DoorState::Gone => None,
        };
        if present == Some(wanted) {
            continue;
        }
        if let DoorState::Open(listener) = std::mem::replace(&mut door.state, DoorState::Gone) {
            // Closed here and now: the port has to be free for what comes next.
            drop(
                listener
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take(),
            );
        }
        if let Ok(socket) = bind(door.address) {
            door.state = enter(fleet, host, index == 1, door.address, socket, wanted);
        }
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn enter(
    fleet: &Arc<Fleet>,
    host: &Arc<Host>,
    secure: bool,
    address: SocketAddr,
    socket: TcpSocket,
    wanted: Wanted,
) -> DoorState {
    let _inside = fleet.runtime.enter();
    match wanted {
        Wanted::Refusing => DoorState::Refusing(socket),
        Wanted::Open => match socket.listen(1024) {
            Ok(listener) => {
                let listener = Arc::new(Mutex::new(Some(listener)));
                fleet.runtime.spawn(super::accept(
                    Arc::clone(fleet),
                    Arc::clone(&listener),
                    Some(Arc::clone(host)),
                    secure,
                ));
                DoorState::Open(listener)
            }
            Err(_) => DoorState::Gone,
        },
        Wanted::Stuck => match socket.listen(1) {
            Ok(listener) => {
                // A queue of length 1 holds two connections; a third client's SYN is dropped from then on.
                let fill = (0..3)
                    .map(|_| {
                        fleet
                            .runtime
                            .spawn(async move { TcpStream::connect(address).await.ok() })
                    })
                    .collect();
                DoorState::Stuck((listener, fill))
            }
            Err(_) => DoorState::Gone,
        },
    }
}
