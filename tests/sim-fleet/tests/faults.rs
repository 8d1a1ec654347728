//! Each knob does what it says.

use std::time::{Duration, Instant};

use sim_fleet::{
    Drop, DropPhase, Endless, Faults, FleetSpec, Garbage, GarbageKind, Hang, HugeBody,
    OtherMachine, RawValue, Reboot, RebootSymptom, Rewrite, SimFleet, Slow, Span, StatusKnob,
    WmiBroken, WmiFault,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Connection, invoke, request, world};

const KEY: (&str, &str) = ("sSubKeyName", r"SOFTWARE\Microsoft\Cryptography");
const NAME: (&str, &str) = ("sValueName", "MachineGuid");

fn read() -> String {
    invoke("GetStringValue", &[KEY, NAME])
}

fn write() -> String {
    invoke(
        "SetStringValue",
        &[KEY, ("sValueName", "x"), ("sValue", "1")],
    )
}

#[tokio::test]
async fn refuse_and_back_on_the_same_port() {
    let world = world(|_| ()).await;
    let address = world.host.own_address();
    assert_eq!(
        Connection::open(address)
            .await
            .unwrap()
            .post(&read())
            .await
            .unwrap()
            .status,
        200
    );
    world.knobs(|knobs| knobs.refuse = true);
    let error = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(
        world.post(&read()).await.is_none(),
        "a reset on the shared listener"
    );
    world.knobs(|_| ());
    assert_eq!(
        Connection::open(address)
            .await
            .unwrap()
            .post(&read())
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn hang() {
    let world = world(|_| ()).await;
    let silent = |body: String| {
        let address = world.fleet.http_addr();
        async move {
            let mut connection = Connection::open(address).await.unwrap();
            tokio::time::timeout(Duration::from_millis(200), connection.post(&body))
                .await
                .is_err()
        }
    };
    world.knobs(|knobs| knobs.hang = Some(Hang::Accept));
    assert!(silent(read()).await);
    world.knobs(|knobs| knobs.hang = Some(Hang::At("write 1".parse().unwrap())));
    assert!(!silent(read()).await);
    assert!(silent(write()).await);
    assert_eq!(
        world.host.value(KEY.1, "x"),
        Some(RawValue::sz("1")),
        "it was processed"
    );
    let address = world.host.own_address();
    world.knobs(|knobs| knobs.hang = Some(Hang::Connect));
    // The queue is filled by the simulator itself; until it is, a handshake may still complete.
    let mut held = Vec::new();
    for _ in 0..8 {
        match tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            Ok(stream) => held.push(stream),
            Err(_) => return,
        }
    }
    panic!("connects still complete");
}

#[tokio::test]
async fn statuses() {
    let world = world(|_| ()).await;
    world.knobs(|knobs| {
        knobs.status = Some(StatusKnob {
            code: 503,
            first: Some(2),
            lasting: None,
            after: 1,
        })
    });
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(world.post(&read()).await.unwrap().status);
    }
    assert_eq!(seen, [200, 503, 503, 200]);
    world.knobs(|knobs| {
        knobs.status = Some(StatusKnob {
            code: 401,
            first: None,
            lasting: Some(Span(Duration::ZERO)),
            after: 0,
        })
    });
    assert_eq!(
        world.post(&read()).await.unwrap().status,
        200,
        "its time is over"
    );
}

#[tokio::test]
async fn drops() {
    let world = world(|_| ()).await;
    let drop_at = |phase, after_bytes| Drop {
        at: "write 1".parse().unwrap(),
        phase,
        after_bytes,
        times: None,
    };
    world.knobs(|knobs| knobs.drop = Some(drop_at(DropPhase::Before, None)));
    assert!(world.post(&write()).await.is_none());
    assert_eq!(world.host.value(KEY.1, "x"), None, "not processed");
    assert_eq!(world.post(&write()).await.unwrap().status, 200, "once only");
    world.host.delete_value(KEY.1, "x");
    world.knobs(|knobs| knobs.drop = Some(drop_at(DropPhase::After, None)));
    assert!(world.post(&write()).await.is_none());
    assert!(world.host.value(KEY.1, "x").is_some(), "processed");
    world.knobs(|knobs| knobs.drop = Some(drop_at(DropPhase::After, Some(30))));
    let mut stream = TcpStream::connect(world.fleet.http_addr()).await.unwrap();
    stream
        .write_all(request(&write(), "").as_bytes())
        .await
        .unwrap();
    let mut got = vec![0; 30];
    stream.read_exact(&mut got).await.unwrap();
    assert!(got.starts_with(b"HTTP/1.1 200 OK") && stream.read(&mut [0; 10]).await.is_err());
}

#[tokio::test]
async fn broken_answers() {
    let world = world(|_| ()).await;
    for (kind, wanted) in [
        (GarbageKind::Html, "guest network"),
        (GarbageKind::Xml, "</s:Envelope"),
        (GarbageKind::Envelope, "urn:nothing"),
    ] {
        world.knobs(|knobs| {
            knobs.garbage = Some(Garbage {
                kind,
                at: None,
                times: None,
            })
        });
        assert!(
            world.post(&read()).await.unwrap().body.contains(wanted),
            "{kind:?}"
        );
    }
    world.knobs(|knobs| {
        knobs.garbage = Some(Garbage {
            kind: GarbageKind::Html,
            at: None,
            times: Some(1),
        });
    });
    for broken in [true, false] {
        let body = world.post(&read()).await.unwrap().body;
        assert_eq!(body.contains("guest network"), broken, "{body}");
    }
    world.knobs(|knobs| {
        knobs.huge_body = Some(HugeBody {
            bytes: 3_000_000,
            at: None,
        })
    });
    assert_eq!(world.post(&read()).await.unwrap().body.len(), 3_000_000);
    world.knobs(|knobs| knobs.endless = Some(Endless { at: None }));
    let mut stream = TcpStream::connect(world.fleet.http_addr()).await.unwrap();
    stream
        .write_all(request(&read(), "").as_bytes())
        .await
        .unwrap();
    let mut got = vec![0; 200_000];
    stream.read_exact(&mut got).await.unwrap();
    world.knobs(|knobs| knobs.wrong_relates_to = true);
    let reply = world.post(&read()).await.unwrap();
    let relates_to = reply.text("RelatesTo").unwrap();
    assert!(!relates_to.starts_with("uuid:AbC"), "{relates_to}");
    world.knobs(|knobs| {
        (knobs.slow, knobs.latency) = (
            Some(Slow {
                interval: Span(Duration::from_millis(2)),
                bytes: Some(100),
            }),
            Some(Span(Duration::from_millis(30))),
        )
    });
    let start = Instant::now();
    assert_eq!(world.post(&read()).await.unwrap().status, 200);
    assert!(start.elapsed() > Duration::from_millis(45));
}

#[tokio::test]
async fn denied_broken_wmi_and_somebody_else() {
    let world = world(|_| ()).await;
    world.knobs(|knobs| knobs.access_denied = true);
    assert_eq!(world.post(&read()).await.unwrap().fault(), 5);
    world.knobs(|knobs| {
        knobs.wmi_broken = Some(WmiBroken {
            fault: WmiFault::ClassNotFound,
            registry_only: true,
        })
    });
    assert_eq!(world.post(&read()).await.unwrap().fault(), 2_150_858_752);
    world.knobs(|knobs| {
        knobs.wmi_broken = Some(WmiBroken {
            fault: WmiFault::Rpc,
            registry_only: false,
        })
    });
    assert_eq!(world.post(&read()).await.unwrap().fault(), 1722);
    let own = world.host.machine_guid();
    world.knobs(|knobs| {
        knobs.other_machine = Some(OtherMachine {
            computer_name: "PC-9999".into(),
            machine_guid: None,
        })
    });
    assert_ne!(
        world.post(&read()).await.unwrap().text("sValue").unwrap(),
        own
    );
    assert_eq!(world.host.computer_name(), "PC-9999");
    world.knobs(|knobs| {
        knobs.rewrites = vec![Rewrite {
            key: KEY.1.into(),
            value: "X".into(),
            data: None,
        }]
    });
    assert_eq!(
        world
            .post(&write())
            .await
            .unwrap()
            .text("ReturnValue")
            .unwrap(),
        "0"
    );
    assert_eq!(world.host.value(KEY.1, "x"), None);
}

#[tokio::test]
async fn reboots() {
    let world = world(|_| ()).await;
    let address = world.host.own_address();
    let reboot = |symptom| Reboot {
        at: "write 1".parse().unwrap(),
        lasting: Span(Duration::from_millis(300)),
        symptom,
    };
    world.knobs(|knobs| knobs.reboot = Some(reboot(RebootSymptom::Refused)));
    assert!(
        Connection::open(address)
            .await
            .unwrap()
            .post(&write())
            .await
            .is_none()
    );
    assert!(
        world.host.value(KEY.1, "x").is_some(),
        "the request of the point is processed"
    );
    assert!(TcpStream::connect(address).await.is_err());
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).await.is_err() {
        assert!(Instant::now() < deadline, "it never came back");
        tokio::task::yield_now().await;
    }
    assert_eq!(
        Connection::open(address)
            .await
            .unwrap()
            .post(&read())
            .await
            .unwrap()
            .status,
        200
    );
    world.knobs(|knobs| knobs.reboot = Some(reboot(RebootSymptom::Aborted)));
    assert_eq!(world.post(&write()).await.unwrap().fault(), 995);
    assert_eq!(world.post(&read()).await.unwrap().status, 503);
}

#[tokio::test]
async fn rules_by_name() {
    let faults =
        Faults::from_yaml("faults:\n  - { hosts: 'PC-000*', every: 2, set: { refuse: true } }\n")
            .unwrap();
    let fleet = SimFleet::start(FleetSpec::made_up(12, 1).with_faults(faults))
        .await
        .unwrap();
    let refusing: Vec<String> = fleet
        .hosts()
        .iter()
        .filter(|host| host.knobs().refuse)
        .map(|host| host.name().into())
        .collect();
    assert_eq!(
        refusing,
        [1, 3, 5, 7, 9].map(|number| format!("pc-000{number}.corp.example"))
    );
    let nothing = Faults::from_yaml("faults: [ { hosts: 'x*', set: { refuse: true } } ]").unwrap();
    assert!(
        SimFleet::start(FleetSpec::made_up(1, 1).with_faults(nothing))
            .await
            .is_err()
    );
}
