//! socketioxide on axum, as it comes, for clients of Engine.IO 3 too (its feature `v4`), on one
//! thread.
//! Usage: bench-socketioxide --listen 127.0.0.1:PORT (0: any)

use axum::serve::ListenerExt;
use serde_json::Value;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::SocketIo;

async fn on_connect(socket: SocketRef) {
    socket.on("echo", async |Data::<Value>(x), ack: AckSender| {
        ack.send(&x).ok();
    });
    socket.on("bcast", async |io: SocketIo, Data::<Value>(x)| {
        io.emit("bcast-out", &x).await.ok();
    });
    // A fleet: consoles are told what agents send, agents are not.
    socket.on("web_connected", async |socket: SocketRef| {
        socket.join("consoles");
    });
    socket.on(
        "client_healthcheck",
        async |io: SocketIo, Data::<Value>(record)| {
            io.to("consoles")
                .emit("web_client_update", &record)
                .await
                .ok();
        },
    );
}

fn address() -> String {
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--listen" {
            return words.next().expect("--listen HOST:PORT");
        }
    }
    "127.0.0.1:0".into()
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", on_connect);
    let listener = tokio::net::TcpListener::bind(address()).await?;
    println!("ready socketioxide http://{}", listener.local_addr()?);
    // Node sets it by itself.
    let listener = listener.tap_io(|wire| {
        wire.set_nodelay(true).ok();
    });
    axum::serve(listener, axum::Router::new().layer(layer)).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve())
}
