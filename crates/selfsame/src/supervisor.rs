//! What a supervisor such as systemd wants to hear (`sd_notify(3)`): that the server is ready, that it stops, and that it is still alive.

use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    time::Duration,
};

/// Tells the supervisor, if there is one: `$NOTIFY_SOCKET` is where it listens.
pub fn tell(state: &str) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(socket.as_encoded_bytes(), state) {
        tracing::warn!(%error, state, "The supervisor cannot be told");
    }
}

/// Says at intervals that the server is still alive, as often as `$WATCHDOG_USEC` asks for it; never returns.
pub async fn keep_telling() {
    let within = std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok()).filter(|within| *within > 0);
    let Some(within) = within.map(Duration::from_micros) else { return std::future::pending().await };
    loop {
        tell("WATCHDOG=1");
        tokio::time::sleep(within / 3).await;
    }
}

fn send(socket: &[u8], state: &str) -> io::Result<()> {
    let address = match socket.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => {
            SocketAddr::from_pathname(std::path::Path::new(std::str::from_utf8(socket).map_err(io::Error::other)?))?
        }
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}
