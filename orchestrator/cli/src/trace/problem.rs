//! The kinds of failure of TLS and Kerberos on disk.

use serde::{Deserialize, Serialize};
use wsman::{KerberosProblem, TlsProblem};

/// An enum of the wire with a twin on disk: the same names, there and back.
macro_rules! on_disk {
    ($(#[$doc:meta])* $name:ident of $wire:ident { $($variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name {
            $($variant),+
        }

        impl From<$wire> for $name {
            fn from(problem: $wire) -> Self {
                match problem {
                    $($wire::$variant => Self::$variant),+
                }
            }
        }

        impl From<$name> for $wire {
            fn from(problem: $name) -> Self {
                match problem {
                    $($name::$variant => Self::$variant),+
                }
            }
        }
    };
}

on_disk! {
    /// [`TlsProblem`] on disk.
    Problem of TlsProblem {
        UnknownAuthority,
        OtherName,
        Expired,
        NotYetValid,
        WrongPurpose,
        IsAuthority,
        PinMismatch,
        Revoked,
        WeakSignature,
        Broken,
        Handshake,
        NoAnswer,
        File,
    }
}

on_disk! {
    /// [`KerberosProblem`] on disk.
    TicketProblem of KerberosProblem {
        Library,
        WrongPassword,
        AccountRefused,
        PasswordExpired,
        UnknownPrincipal,
        ClockSkew,
        SpnUnknown,
        KdcUnreachable,
        NoTicket,
        Keytab,
        NoName,
        TicketRefused,
        WeakKey,
        NotMutual,
        Other,
    }
}
