//! The rooms and what each may use, as `ARCHITECTURE.md` has it. A new arrow is a decision.

/// One room.
pub(crate) struct Room {
    /// Its folder below `crates`.
    pub(crate) name: &'static str,
    /// The rooms that it may use.
    pub(crate) uses: &'static [&'static str],
    /// What must appear neither in its dependencies nor in its code.
    pub(crate) absent: &'static [&'static str],
}

/// Absent where everything follows from the arguments.
const PURE: &[&str] = &[
    "tokio",
    "axum",
    "hyper",
    "reqwest",
    "rusqlite",
    "async fn",
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "SystemTime",
    "Instant",
    "HeaderMap",
];

/// All rooms.
pub(crate) const ROOMS: &[Room] = &[
    Room { name: "model", uses: &[], absent: PURE },
    Room { name: "eval", uses: &["model"], absent: PURE },
    Room { name: "lang", uses: &["eval", "model"], absent: PURE },
    Room { name: "graph", uses: &["model"], absent: PURE },
    Room {
        name: "engine",
        uses: &["eval", "model"],
        absent: &[
            "axum",
            "hyper",
            "reqwest",
            "rusqlite",
            "std::fs",
            "std::net",
            "std::process",
            "SystemTime",
            "Instant::now",
        ],
    },
    Room {
        name: "store",
        uses: &["engine", "model"],
        absent: &["axum", "hyper", "reqwest", "std::net", "Execution::"],
    },
    Room { name: "modules", uses: &["engine", "eval", "lang", "model"], absent: &["axum"] },
    Room {
        name: "server",
        uses: &["engine", "graph", "lang", "model"],
        absent: &["rusqlite", "reqwest", "std::fs"],
    },
    Room {
        name: "simulation",
        uses: &["engine", "lang", "model"],
        absent: &["rusqlite", "hyper", "std::fs", "std::net", "SystemTime", "Instant::now()."],
    },
    // It knows the server by its HTTP API only.
    Room { name: "torment", uses: &[], absent: &["rusqlite", "hyper"] },
    Room {
        name: "tidegate",
        uses: &["engine", "lang", "model", "modules", "store"],
        absent: &["clap", "ExitCode", "std::env"],
    },
    Room {
        name: "cli",
        uses: &["engine", "graph", "lang", "model", "modules", "store", "server", "tidegate"],
        absent: &["rusqlite", "axum"],
    },
];
